package server

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"quipu/engine"
	"quipu/server/glob"
	"quipu/server/number"
	"quipu/server/resp"
)

// scanCommands returns the rows of the commands that list the names of a database.
func scanCommands() []*Command { return []*Command{scanRow(), keysRow(), randomKeyRow()} }

const (
	// defaultScanCount is the number of keys that SCAN looks at without COUNT, as in Redis.
	defaultScanCount = 10
	// maxScanCount bounds the work and the answer of one SCAN: COUNT is a hint, and the cursor carries on.
	maxScanCount = 1 << 16
)

func scanRow() *Command {
	return &Command{
		Name: "scan", Arity: -2, Flags: FlagReadonly, Locks: LockNothing,
		Categories: CatKeyspace | CatRead | CatSlow, Group: "generic", Since: "2.8.0",
		Summary:    "Walks the names of a database, a few per call.",
		Complexity: "O(1) per call, O(N) for a whole walk over N keys.",
		Tips:       []string{"nondeterministic_output", "request_policy:special"},
		Args: []Arg{
			{Name: "cursor", Type: ArgInteger},
			{Name: "pattern", Type: ArgPattern, Token: "MATCH", Flags: ArgOptional},
			{Name: "count", Type: ArgInteger, Token: "COUNT", Flags: ArgOptional},
			{Name: "type", Token: "TYPE", Since: "6.0.0", Flags: ArgOptional},
		},
		Run: scan,
	}
}

func scan(c *Call) error {
	cursor, ok := parseCursor(c.Args[1])
	if !ok {
		return errCursor
	}
	f, err := parseScanFilter(c.Args[2:])
	if err != nil {
		return err
	}
	var found nameList
	next, err := c.Txn.Scan(c.Conn.db, cursor, f.count, func(name []byte, k engine.Kind) {
		if f.wants(name, k) {
			found.add(name)
		}
	})
	if err != nil {
		return err
	}
	c.Out.Array(2)
	c.Out.BulkString(strconv.FormatUint(next, 10))
	found.answer(c.Out)
	return nil
}

// parseCursor parses a cursor as Redis does, through C's strtoul: empty is 0, a sign is allowed, minus wraps around, and a zero byte is
// the end.
func parseCursor(arg []byte) (uint64, bool) {
	if i := bytes.IndexByte(arg, 0); i >= 0 {
		arg = arg[:i]
	}
	digits, negative := arg, false
	if len(arg) > 0 && (arg[0] == '+' || arg[0] == '-') {
		digits, negative = arg[1:], arg[0] == '-'
	}
	if len(arg) == 0 {
		return 0, true
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

// scanFilter is what SCAN's options ask for.
type scanFilter struct {
	pattern  []byte // nil: every name
	typeName string // empty unless byType
	byType   bool
	count    int // keys to look at
}

// parseScanCount reads the value of COUNT. A count above maxScanCount is one of maxScanCount.
func parseScanCount(arg []byte) (int, error) {
	n, ok := number.ParseInt(arg)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n < 1:
		return 0, ErrSyntax
	}
	return int(min(n, maxScanCount)), nil
}

// parseScanFilter reads the words after the cursor; the last of each kind counts.
func parseScanFilter(args [][]byte) (scanFilter, error) {
	f := scanFilter{count: defaultScanCount}
	for ; len(args) >= 2; args = args[2:] {
		switch {
		case isWord(args[0], "COUNT"):
			n, err := parseScanCount(args[1])
			if err != nil {
				return f, err
			}
			f.count = n
		case isWord(args[0], "MATCH"):
			f.pattern = args[1]
		case isWord(args[0], "TYPE"):
			f.typeName, f.byType = strings.ToLower(string(args[1])), true
		default:
			return f, ErrSyntax
		}
	}
	if len(args) > 0 {
		return f, ErrSyntax
	}
	return f, nil
}

// wants reports whether the key belongs in the answer.
func (f *scanFilter) wants(name []byte, k engine.Kind) bool {
	return (!f.byType || typeName(k) == f.typeName) && (f.pattern == nil || glob.Match(f.pattern, name))
}

// nameList collects names, which a scan lends only for the time of a call.
type nameList struct {
	bytes []byte
	ends  []int
}

func (l *nameList) add(name []byte) {
	l.bytes = append(l.bytes, name...)
	l.ends = append(l.ends, len(l.bytes))
}

// at returns a name, which is valid until the next is added.
func (l *nameList) at(i int) []byte {
	start := 0
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.bytes[start:l.ends[i]]
}

// answer writes the names as an array.
func (l *nameList) answer(out *resp.Writer) {
	out.Array(len(l.ends))
	for i := range l.ends {
		out.Bulk(l.at(i))
	}
}

func keysRow() *Command {
	return &Command{
		Name: "keys", Arity: 2, Flags: FlagReadonly, Locks: LockNothing,
		Categories: CatKeyspace | CatRead | CatSlow | CatDangerous, Group: "generic", Since: "1.0.0",
		Summary:    "Returns all names that match a glob pattern.",
		Complexity: "O(N) for N keys in the database.",
		Tips:       []string{"request_policy:all_shards", "nondeterministic_output_order"},
		Args:       []Arg{{Name: "pattern", Type: ArgPattern}},
		Run:        keys,
	}
}

// keys visits the whole database in one scan, so that each name comes once. Other connections go on meanwhile, one slot excepted: the
// answer is not a snapshot, unless inside MULTI.
func keys(c *Call) error {
	pattern := c.Args[1]
	all := string(pattern) == "*"
	start, n := c.Out.Len(), 0
	_, err := c.Txn.Scan(c.Conn.db, 0, math.MaxInt, func(name []byte, _ engine.Kind) {
		if all || glob.Match(pattern, name) {
			c.Out.Bulk(name)
			n++
		}
	})
	if err != nil {
		c.Out.Truncate(start)
		return err
	}
	c.Out.InsertArray(start, n)
	return nil
}

func randomKeyRow() *Command {
	return &Command{
		Name: "randomkey", Arity: 1, Flags: FlagReadonly, Locks: LockNothing,
		Categories: CatKeyspace | CatRead | CatSlow, Group: "generic", Since: "1.0.0",
		Summary:    "Returns the name of a key picked at random.",
		Complexity: "O(1)",
		Tips:       []string{"request_policy:all_shards", "nondeterministic_output"},
		Run:        randomKey,
	}
}

func randomKey(c *Call) error {
	name, ok, err := c.Txn.RandomKey(c.Conn.db)
	if err != nil {
		return err
	}
	if !ok {
		c.Out.Null()
		return nil
	}
	c.Out.Bulk(name)
	return nil
}
