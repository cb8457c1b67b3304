package server

import (
	"slices"

	"quipu/engine"
	"quipu/server/resp"
)

// Flag is a set of properties of a command, as COMMAND INFO names them.
type Flag uint32

// The flags of Redis 7. Flag.Names gives their wire names in Redis's order.
const (
	FlagWrite           Flag = 1 << iota // may change counters
	FlagReadonly                         // never changes counters
	FlagDenyOOM                          // refused when memory is full
	FlagModule                           // defined by a module (none here)
	FlagAdmin                            // administration
	FlagPubsub                           // publish and subscribe
	FlagNoscript                         // not callable from scripts
	FlagBlocking                         // may hold the client
	FlagLoading                          // allowed while loading
	FlagStale                            // allowed on a stale replica
	FlagSkipMonitor                      // not shown to MONITOR
	FlagSkipSlowlog                      // not recorded in the slow log
	FlagAsking                           // acts as if ASKING had been sent
	FlagFast                             // O(1) or O(log n)
	FlagNoAuth                           // allowed before AUTH
	FlagMayReplicate                     // may produce replication traffic: CLIENT PAUSE WRITE holds it; COMMAND does not show it
	FlagNoMandatoryKeys                  // keys are optional
	FlagProtected                        // gated by an enable-*-command parameter
	FlagNoAsyncLoading                   // refused during asynchronous loading
	FlagNoMulti                          // refused inside MULTI
	FlagAllowBusy                        // allowed while a script runs too long
	FlagMovableKeys                      // keys are found by GetKeys, not by position
)

// flagNames lists the wire names in the order in which Redis prints them.
var flagNames = []struct {
	flag Flag
	name string
}{
	{FlagWrite, "write"},
	{FlagReadonly, "readonly"},
	{FlagDenyOOM, "denyoom"},
	{FlagModule, "module"},
	{FlagAdmin, "admin"},
	{FlagPubsub, "pubsub"},
	{FlagNoscript, "noscript"},
	{FlagBlocking, "blocking"},
	{FlagLoading, "loading"},
	{FlagStale, "stale"},
	{FlagSkipMonitor, "skip_monitor"},
	{FlagSkipSlowlog, "skip_slowlog"},
	{FlagAsking, "asking"},
	{FlagFast, "fast"},
	{FlagNoAuth, "no_auth"},
	{FlagNoMandatoryKeys, "no_mandatory_keys"},
	{FlagProtected, "protected"},
	{FlagNoAsyncLoading, "no_async_loading"},
	{FlagNoMulti, "no_multi"},
	{FlagAllowBusy, "allow_busy"},
	{FlagMovableKeys, "movablekeys"},
}

// Names returns the wire names of the flags in f, in Redis's order.
func (f Flag) Names() []string {
	var names []string
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// Category is a set of ACL categories.
type Category uint32

// The ACL categories of Redis 7, in Redis's order.
const (
	CatKeyspace Category = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubsub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
)

// categoryNames holds the wire name of bit i at index i.
var categoryNames = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo",
	"stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

// Names returns the wire names of the categories in c, without the leading "@", in Redis's order.
func (c Category) Names() []string {
	var names []string
	for i, name := range categoryNames {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// LockMode says what the dispatcher locks around a handler.
type LockMode uint8

const (
	// LockKeys locks the slots of the keys that the row's positions (or GetKeys) name. A row without keys locks nothing.
	LockKeys LockMode = iota
	// LockNothing locks nothing, although the row may name keys: the handler only uses operations that lock by themselves.
	LockNothing
	// LockEverything locks every slot of every database (FLUSHALL, SWAPDB).
	LockEverything
)

// ArgType is the type of an argument in COMMAND DOCS.
type ArgType uint8

// The argument types of Redis 7.
const (
	ArgString ArgType = iota
	ArgInteger
	ArgDouble
	ArgKey
	ArgPattern
	ArgUnixTime
	ArgPureToken
	ArgOneOf
	ArgBlock
)

// argTypeNames holds the wire name of each ArgType.
var argTypeNames = [...]string{
	ArgString: "string", ArgInteger: "integer", ArgDouble: "double", ArgKey: "key", ArgPattern: "pattern",
	ArgUnixTime: "unix-time", ArgPureToken: "pure-token", ArgOneOf: "oneof", ArgBlock: "block",
}

// String returns the name of t in COMMAND DOCS.
func (t ArgType) String() string { return argTypeNames[t] }

// ArgFlag is a set of properties of an argument.
type ArgFlag uint8

// The argument flags of Redis 7.
const (
	ArgOptional      ArgFlag = 1 << iota // may be left out
	ArgMultiple                          // may be repeated
	ArgMultipleToken                     // repeats together with its token
)

// Arg is one argument of a command, as COMMAND DOCS describes it.
type Arg struct {
	Name    string
	Type    ArgType
	Token   string // the literal that precedes it (or is it, for ArgPureToken); "" for none
	Summary string
	Since   string // empty: since the command itself
	Flags   ArgFlag
	// KeySpec is the index of the key specification that covers this argument, for ArgKey and for patterns that lead to keys.
	KeySpec int
	Sub     []Arg // the alternatives of ArgOneOf, the members of ArgBlock
}

// KeyFlag is a set of properties of a key specification (COMMAND GETKEYSANDFLAGS).
type KeyFlag uint16

// The key flags of Redis 7. A specification has exactly one of the first four.
const (
	KeyRO KeyFlag = 1 << iota
	KeyRW
	KeyOW
	KeyRM
	KeyAccess
	KeyUpdate
	KeyInsert
	KeyDelete
	KeyNotKey
	KeyIncomplete
	KeyVariableFlags
)

// keyFlagNames holds the wire name of bit i at index i.
var keyFlagNames = []string{
	"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags",
}

// Names returns the wire names of the flags in f, in Redis's order.
func (f KeyFlag) Names() []string {
	var names []string
	for i, name := range keyFlagNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// KeySpec describes where a group of keys stands and what the command does with them. It is documentation: routing and
// locking follow First, Last, Step and GetKeys.
type KeySpec struct {
	Flags KeyFlag
	Notes string
	// Index is the position of the first key; Last, Step and Limit are as in Redis's "range" search.
	Index, Last, Step, Limit int
	// Unknown: the arguments do not tell where the keys are, or not by a simple rule.
	Unknown bool
	// Counted: Index is the position of a number, and that many keys follow it (Redis's "keynum" search).
	Counted bool
}

// Command is a row of the command table: everything that lookup, arity, routing, locking, ACL, MULTI, metrics, COMMAND and
// the reference page need to know of a command. Rows are constant after New.
type Command struct {
	// Name is in lower case. A subcommand has only its own name ("get", not "config|get"); FullName gives both.
	Name  string
	Arity int // number of arguments with the name (both names of a subcommand); negative: at least that many
	Flags Flag

	// First, Last and Step are the key positions as in COMMAND INFO: Last may be negative, counted from the end; all 0: no keys.
	First, Last, Step int
	// GetKeys returns the positions of the keys in args; nil where First, Last and Step say it all.
	GetKeys func(args [][]byte) []int
	// Elsewhere returns a key in a database that the words of the command name, and that database, for the few commands that work across
	// two; ok is false where the words name none or are wrong. Its slot is locked with the others. nil: all keys are in the client's database.
	Elsewhere func(s *Server, args [][]byte) (name []byte, db int, ok bool)
	Locks     LockMode
	// WritesOne: of the several keys that the command names it changes one at most, so that no commit can hold half of what it does.
	WritesOne bool
	// Member is the position of the first argument that mostly names an element of the collection at the command's only key, 0 for none, and
	// MemberStep the distance to the next such argument, 0 where there is one: in a run, their memory is loaded ahead.
	Member, MemberStep int
	// LocksAll reports whether a call needs more than its keys, and has everything locked; nil: none does.
	LocksAll func(args [][]byte) bool
	// KeyFlags returns what the command does with its key, where that depends on the arguments (KeyVariableFlags).
	KeyFlags func(args [][]byte) KeyFlag

	KeySpecs   []KeySpec // for COMMAND INFO and GETKEYSANDFLAGS
	Categories Category
	Group      string
	Since      string
	Summary    string
	Complexity string
	Args       []Arg
	Tips       []string
	DocFlags   []string // "deprecated", "syscmd"
	ReplacedBy string
	Deprecated string // the version since which it is deprecated

	// Waits: the command may leave its client waiting (Call.block) although Redis's flags do not say so.
	Waits bool

	Sub []*Command
	// Run executes the command. nil for a pure container.
	Run func(c *Call) error

	// The following are set when the table is built.

	parent *Command
	full   string
	index  int  // place in the statistics arrays
	keyed  bool // eligible for runs: locks by position and has at least one key
	subs   map[string]*Command
}

// FullName returns the name as Redis logs it: "get", or "config|get" for a subcommand.
func (cmd *Command) FullName() string { return cmd.full }

// Parent returns the container of a subcommand, nil for a top-level command.
func (cmd *Command) Parent() *Command { return cmd.parent }

// Is reports whether cmd has all the given flags.
func (cmd *Command) Is(f Flag) bool { return cmd.Flags&f == f }

// mayBlock reports whether cmd may leave its client waiting.
func (cmd *Command) mayBlock() bool { return cmd.Waits || cmd.Is(FlagBlocking) }

// locksAll reports whether a call has everything locked.
func (cmd *Command) locksAll(args [][]byte) bool {
	return cmd.Locks == LockEverything || cmd.LocksAll != nil && cmd.LocksAll(args)
}

// KeyPositions appends to pos the positions of the keys in args, which may have any length >= 1.
func (cmd *Command) KeyPositions(pos []int, args [][]byte) []int {
	if cmd.GetKeys != nil {
		return append(pos, cmd.GetKeys(args)...)
	}
	if cmd.First == 0 {
		return pos
	}
	last := cmd.Last
	if last < 0 {
		last += len(args)
	}
	last = min(last, len(args)-1)
	pos = slices.Grow(pos, max(last-cmd.First, 0)/cmd.Step+1)
	for i := cmd.First; i <= last; i += cmd.Step {
		pos = append(pos, i)
	}
	return pos
}

// arityOK reports whether n arguments, the name included, satisfy the row.
func (cmd *Command) arityOK(n int) bool {
	return n == cmd.Arity || (cmd.Arity < 0 && n >= -cmd.Arity)
}

// Call is what a handler sees. The dispatcher has checked arity, authentication, memory and locked the keys: a handler never
// locks, and never keeps Args, Keys or what aliases them after it returns.
type Call struct {
	Args [][]byte     // Args[0] is the name as sent
	Keys []engine.Key // hashed, in the order of the row's key positions, then the one Elsewhere; their slots are locked
	Txn  *engine.Txn
	Out  *resp.Writer // the reply; knows the protocol (RESP2 or RESP3)
	Conn *Conn
	Srv  *Server
	Cmd  *Command
}
