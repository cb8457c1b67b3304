package server

import (
	"strconv"
	"sync"
	"time"

	"quipu/server/number"
	"quipu/server/resp"
)

// The bounds of what one slow-log entry keeps of a command. They are Redis's, so that tools that parse the marks of what was left
// out go on working.
const (
	slowLogMaxArgs     = 32  // arguments kept; when there are more, the last kept one says how many are missing
	slowLogMaxArgBytes = 128 // bytes kept of an argument
	slowLogDefaultGet  = 10  // entries that SLOWLOG GET returns when it is not told how many
)

// slowEntry is one command that took longer than slowlog-log-slower-than. It owns all it holds.
type slowEntry struct {
	id         int64 // never reused in the life of the process, not even after SLOWLOG RESET
	unixTime   int64 // seconds
	micros     int64
	args       []string // cut as slowArgs cuts
	addr, name string   // the client's
}

// slowLog keeps the newest slow commands. It is safe for concurrent use; the lock is taken only for a command that was slow.
type slowLog struct {
	mu struct {
		sync.Mutex
		entries []slowEntry // oldest first
		nextID  int64
	}
}

// add appends e under the next id and drops the oldest entries beyond maxLen (slowlog-max-len, >= 0). args must already be free of
// secrets; they are copied.
func (l *slowLog) add(args [][]byte, took time.Duration, now time.Time, addr, name string, maxLen int64) {
	e := slowEntry{
		unixTime: now.Unix(), micros: took.Microseconds(),
		args: slowArgs(args), addr: addr, name: name,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.mu.nextID
	l.mu.nextID++
	l.mu.entries = append(l.mu.entries, e)
	if over := int64(len(l.mu.entries)) - maxLen; over > 0 {
		clear(l.mu.entries[:over]) // the array lives on until append moves the rest: let go of the strings now
		l.mu.entries = l.mu.entries[over:]
	}
}

// newest returns up to n entries, newest first; n < 0 means all.
func (l *slowLog) newest(n int) []slowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	have := len(l.mu.entries)
	if n < 0 || n > have {
		n = have
	}
	out := make([]slowEntry, n)
	for i := range out {
		out[i] = l.mu.entries[have-1-i]
	}
	return out
}

func (l *slowLog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.mu.entries)
}

func (l *slowLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.entries = nil
}

// slowArgs copies args within the bounds of an entry, marking in Redis's words what was left out.
func slowArgs(args [][]byte) []string {
	keep := min(len(args), slowLogMaxArgs)
	out := make([]string, keep)
	for i, arg := range args[:keep] {
		out[i] = slowArg(arg)
	}
	if missing := len(args) - slowLogMaxArgs; missing > 0 {
		out[keep-1] = "... (" + strconv.Itoa(missing+1) + " more arguments)" // the one that gave way to this text is missing too
	}
	return out
}

func slowArg(arg []byte) string {
	more := len(arg) - slowLogMaxArgBytes
	if more <= 0 {
		return string(arg)
	}
	return string(arg[:slowLogMaxArgBytes]) + "... (" + strconv.Itoa(more) + " more bytes)"
}

// slowlogCommands returns the row of SLOWLOG, with its subcommands.
func slowlogCommands() []*Command { return []*Command{slowlogRow()} }

func slowlogRow() *Command {
	return &Command{
		Name: "slowlog", Arity: -2,
		Categories: CatSlow, Group: "server", Since: "2.2.12",
		Summary:    "A container for the commands of the slow log.",
		Complexity: "Depends on subcommand.",
		Sub: []*Command{
			slowlogGetRow(),
			helpRow("6.2.0", CatSlow),
			slowlogLenRow(),
			slowlogResetRow(),
		},
	}
}

func slowlogGetRow() *Command {
	return &Command{
		Name: "get", Arity: -2, Flags: FlagAdmin | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.2.12",
		Summary:    "Returns the newest entries of the slow log.",
		Complexity: "O(N) where N is the number of entries returned",
		Tips:       []string{"request_policy:all_nodes", "nondeterministic_output"},
		Args:       []Arg{{Name: "count", Type: ArgInteger, Flags: ArgOptional}},
		Run:        slowlogGet,
	}
}

// slowlogGet answers with the newest entries, newest first.
func slowlogGet(c *Call) error {
	n := int64(slowLogDefaultGet)
	if len(c.Args) > 3 {
		return errSubcommand("SLOWLOG", string(c.Args[1]))
	}
	if len(c.Args) == 3 {
		var ok bool
		if n, ok = number.ParseInt(c.Args[2]); !ok || n < -1 {
			return ErrSlowlogCount
		}
	}
	entries := c.Srv.slow.newest(int(n))
	c.Out.Array(len(entries))
	for _, e := range entries {
		e.write(c.Out)
	}
	return nil
}

func (e slowEntry) write(out *resp.Writer) {
	out.Array(6)
	out.Int(e.id)
	out.Int(e.unixTime)
	out.Int(e.micros)
	out.Array(len(e.args))
	for _, arg := range e.args {
		out.BulkString(arg)
	}
	out.BulkString(e.addr)
	out.BulkString(e.name)
}

func slowlogLenRow() *Command {
	return &Command{
		Name: "len", Arity: 2, Flags: FlagAdmin | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.2.12",
		Summary:    "Counts the entries of the slow log.",
		Complexity: "O(1)",
		Tips:       []string{"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
		Run:        slowlogLen,
	}
}

func slowlogLen(c *Call) error {
	c.Out.Int(int64(c.Srv.slow.len()))
	return nil
}

func slowlogResetRow() *Command {
	return &Command{
		Name: "reset", Arity: 2, Flags: FlagAdmin | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.2.12",
		Summary:    "Drops all entries of the slow log.",
		Complexity: "O(N) where N is the number of entries in the slowlog",
		Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
		Run:        slowlogReset,
	}
}

func slowlogReset(c *Call) error {
	c.Srv.slow.reset()
	c.Out.OK()
	return nil
}
