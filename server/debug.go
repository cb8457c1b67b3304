package server

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"quipu/engine"
	"quipu/server/number"
	"quipu/server/rdb"
)

// debugCommands returns the row of DEBUG. Its subcommands have no rows: in Redis they are no commands either, their arity errors have a
// text of their own, and tests of clients compare it.
func debugCommands() []*Command {
	row := debugRow()
	row.GetKeys = debugKeys
	return []*Command{row}
}

func debugRow() *Command {
	return &Command{
		Name: "debug", Arity: -2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale | FlagProtected,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "1.0.0",
		Summary:    "A container for commands that tests need and production does not.",
		Complexity: "Depends on subcommand.",
		DocFlags:   []string{"syscmd"},
		Run:        runDebug,
	}
}

// debugSubcommand is one thing that DEBUG can do.
type debugSubcommand struct {
	name    string // in lower case
	args    string // as HELP shows them, in the notation of Command.syntax
	summary string
	min     int // arguments after the name
	max     int // -1: any number
	run     func(*Call) error
}

// debugSubcommands returns what DEBUG can do, in alphabetical order. What Redis has and this does not crashes the server, looks into
// Redis's own data structures, or changes replication.
func debugSubcommands() []debugSubcommand {
	return []debugSubcommand{
		{"change-repl-id", "", "Changes nothing: there is no replication to tell apart.", 0, 0, debugOK},
		{"digest", "", "Returns a digest of the contents of all databases, the same that Redis computes.", 0, 0, debugDigest},
		{"digest-value", "key [key ...]", "Returns a digest of each value, the same that Redis computes.", 0, -1, debugDigestValue},
		{"error", "text", "Replies with an error of that text.", 1, 1, debugError},
		{"help", "", "Lists the subcommands.", 0, 0, nil},
		{"loadaof", "", "Writes a checkpoint. Memory is kept: it is a cache of what is on disk.", 0, 0, debugReload},
		{"log", "text", "Writes a line to the log.", 1, 1, debugLog},
		{"object", "key", "Shows how a value is kept.", 1, 1, debugObject},
		{"pause-cron", "0|1", "Changes nothing: there is no single periodic job to pause.", 1, 1, debugOK},
		{"populate", "count [prefix] [size]", "Creates that many keys, named prefix:number, where they do not exist.", 1, 3, debugPopulate},
		{"protocol", "type", "Replies with an example of a type of the protocol.", 1, 1, debugProtocol},
		{"quicklist-packed-threshold", "size", "Changes nothing: lists are not kept in quicklists.", 1, 1, debugThreshold},
		{"reload", "[option ...]", "Writes a checkpoint. Memory is kept: it is a cache of what is on disk.", 0, -1, debugReload},
		{"set-active-expire", "0|1", "Switches the removal of expired keys that nobody asks for.", 1, 1, debugSetActiveExpire},
		{"sleep", "seconds", "Stops every command that needs a key for so long. Decimals are allowed.", 1, 1, debugSleep},
	}
}

// runDebug runs a subcommand.
func runDebug(c *Call) error {
	name := strings.ToLower(string(c.Args[1]))
	all := debugSubcommands()
	if name == "help" && len(c.Args) == 2 {
		return debugHelp(c, all)
	}
	i := slices.IndexFunc(all, func(d debugSubcommand) bool { return d.name == name })
	n := len(c.Args) - 2
	if i < 0 || n < all[i].min || (all[i].max >= 0 && n > all[i].max) || all[i].run == nil {
		return errSubcommand("DEBUG", string(c.Args[1]))
	}
	c.Txn.CountViews(false)
	return all[i].run(c)
}

func debugHelp(c *Call, all []debugSubcommand) error {
	lines := make([][2]string, len(all))
	for i, d := range all {
		lines[i] = [2]string{strings.TrimSpace(strings.ToUpper(d.name) + " " + d.args), d.summary}
	}
	writeHelp(c.Out, "debug", lines)
	return nil
}

// debugKeys returns the positions of the keys, for the dispatcher to lock. COMMAND does not show them, as in Redis.
func debugKeys(args [][]byte) []int {
	if len(args) < 3 {
		return nil
	}
	switch strings.ToLower(string(args[1])) {
	case "object":
		return []int{2}
	case "digest-value":
		var positions []int
		for i := 2; i < len(args); i++ {
			positions = append(positions, i)
		}
		return positions
	}
	return nil
}

// debugAllowed reports whether enable-debug-command lets the client of conn use DEBUG.
func debugAllowed(conn *Conn) bool {
	return conn.srv.cfg.Load().EnableDebugCommand.Allows(conn.local())
}

func debugOK(c *Call) error {
	c.Out.OK()
	return nil
}

// debugDigest answers with a digest of everything. Unlike Redis it can not do so inside EXEC, which has locked only its own keys, and it
// is no snapshot: it means something while nobody writes.
func debugDigest(c *Call) error {
	if c.inExec() {
		return ErrDebugInExec
	}
	var all digest
	for db := range c.Srv.databases {
		if err := digestDatabase(c, db, &all); err != nil {
			return err
		}
	}
	c.Out.Simple(all.String())
	return nil
}

// digestBatch is how many keys are locked at a time.
const digestBatch = 100

// digestDatabase mixes one database into all, unless it is empty.
func digestDatabase(c *Call, db int, all *digest) error {
	if c.Txn.Len(db) == 0 {
		return nil
	}
	all.mixUint32(uint32(db))
	for cursor := uint64(0); ; {
		var keys []engine.Key
		next, err := c.Txn.Scan(db, cursor, digestBatch, func(name []byte, _ engine.Kind) {
			keys = append(keys, c.Srv.engine.Key(db, bytes.Clone(name)))
		})
		if err != nil {
			return fmt.Errorf("digest of database %d: %w", db, err)
		}
		if err := digestKeys(c, keys, all); err != nil {
			return err
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}

func digestKeys(c *Call, keys []engine.Key, all *digest) error {
	if len(keys) == 0 {
		return nil
	}
	c.Txn.Lock(keys, false)
	defer c.Txn.Unlock()
	for _, key := range keys {
		var one digest
		one.mix(key.Name)
		if err := one.mixKey(c, key); err != nil {
			return err
		}
		all.xor(one[:])
	}
	return nil
}

// mixKey adds the value of a key whose slot is locked; nothing for a key that does not exist.
func (d *digest) mixKey(c *Call, key engine.Key) error {
	at, ok := c.Txn.Peek(key)
	if !ok {
		return nil
	}
	v, err := dumped(c, key)
	if err != nil || v == nil {
		return err
	}
	d.mixValue(v, at.ExpireAt != 0)
	return nil
}

func debugDigestValue(c *Call) error {
	digests := make([]digest, len(c.Keys))
	for i, key := range c.Keys {
		if err := digests[i].mixKey(c, key); err != nil {
			return err
		}
	}
	c.Out.Array(len(digests))
	for i := range digests {
		c.Out.Simple(digests[i].String())
	}
	return nil
}

func debugError(c *Call) error { return replyError(string(c.Args[2])) }

func debugLog(c *Call) error {
	c.Srv.log.Warn("DEBUG LOG: " + string(c.Args[2]))
	c.Out.OK()
	return nil
}

// debugReload makes sure that memory and disk agree. Redis drops its memory and reads it back; here every restart, eviction and read of
// a cold key does that, so that a checkpoint is what is left to ask for.
func debugReload(c *Call) error {
	for _, option := range c.Args[2:] {
		switch strings.ToUpper(string(option)) {
		case "MERGE", "NOFLUSH", "NOSAVE":
		default:
			return ErrDebugReload
		}
	}
	if c.inExec() {
		return ErrDebugInExec // the checkpoint would wait for the locks that EXEC holds
	}
	for {
		err := save(c)
		if !errors.Is(err, ErrSaveInProgress) || c.Conn.closing {
			return err
		}
		c.Conn.hold(checkpointPoll) // one that began by itself is in the way
	}
}

// checkpointPoll is how often DEBUG RELOAD looks whether another checkpoint has ended.
const checkpointPoll = 5 * time.Millisecond

// debugObject describes a value in the form of Redis. There is no address to show.
func debugObject(c *Call) error {
	key := c.Keys[0]
	idle, ok := c.Txn.IdleSeconds(key)
	if !ok {
		return ErrNoSuchKey
	}
	v, err := dumped(c, key)
	switch {
	case err != nil:
		return err
	case v == nil:
		return ErrNoSuchKey
	}
	c.Out.Simple(fmt.Sprintf("Value at:0x0 refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
		c.Txn.Encoding(key), len(rdb.Append(nil, v))-dumpEnvelope, lruClock(time.Now().Add(-time.Duration(idle)*time.Second)), idle))
	return nil
}

// dumpEnvelope is how many bytes a dump has that are not the value's: a byte for the type before, and after it a version of two bytes and
// a checksum of eight.
const dumpEnvelope = 1 + 2 + 8

// debugPopulate creates strings that hold "value:<n>", filled up with zero bytes, or cut, to the given size.
func debugPopulate(c *Call) error {
	if c.inExec() {
		return ErrDebugInExec
	}
	count, ok := number.ParseInt(c.Args[2])
	if !ok || count < 0 {
		return ErrMustBePositive
	}
	prefix, size := []byte("key"), int64(0)
	if len(c.Args) > 3 {
		prefix = c.Args[3]
	}
	if len(c.Args) > 4 {
		if size, ok = number.ParseInt(c.Args[4]); !ok || size < 0 || size > c.Srv.cfg.Load().ProtoMaxBulkLen {
			return ErrMustBePositive
		}
	}
	for n := range count {
		if err := populateKey(c, fmt.Appendf(nil, "%s:%d", prefix, n), n, size); err != nil {
			return err
		}
	}
	c.Out.OK()
	return nil
}

func populateKey(c *Call, name []byte, n, size int64) error {
	keys := []engine.Key{c.Srv.engine.Key(c.Conn.db, name)}
	c.Txn.Lock(keys, true)
	defer c.Txn.Unlock()
	if _, exists := c.Txn.Peek(keys[0]); exists {
		return nil
	}
	value := fmt.Appendf(nil, "value:%d", n)
	if size > 0 {
		value = append(value, bytes.Repeat([]byte{0}, int(max(size-int64(len(value)), 0)))...)[:size]
	}
	return c.Txn.SetString(keys[0], value, 0)
}

// debugThreshold accepts what Redis accepts.
func debugThreshold(c *Call) error {
	size, ok := number.ParseMemory(string(c.Args[2]))
	if !ok || size > 4<<30 {
		return ErrPackedThreshold
	}
	c.Out.OK()
	return nil
}

func debugSetActiveExpire(c *Call) error {
	on, _ := number.ParseInt(c.Args[2]) // as in Redis, what is no number is 0
	c.Srv.engine.SetActiveExpire(on != 0)
	c.Out.OK()
	return nil
}

// debugSleep stops the counters, so that tests of clients see their commands time out. Redis would stop everything.
func debugSleep(c *Call) error {
	seconds, err := strconv.ParseFloat(string(c.Args[2]), 64)
	if err != nil || !(seconds > 0) {
		seconds = 0 // as in Redis, what is no number is 0
	}
	if !c.inExec() {
		c.Txn.LockAll()
		defer c.Txn.Unlock()
	}
	c.Conn.hold(time.Duration(min(seconds, maxSleepSeconds) * float64(time.Second)))
	c.Out.OK()
	return nil
}

// maxSleepSeconds keeps a number of seconds within what time.Duration can hold.
const maxSleepSeconds = 1 << 32
