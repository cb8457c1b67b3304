package server

import (
	"slices"
	"sync"
	"time"

	"quipu/server/number"
	"quipu/server/resp"
)

// How the log of refused clients puts equal events together. The numbers are Redis's.
const (
	aclLogGrouped    = time.Minute // events that are further apart are two
	aclLogLookedAt   = 10          // newest entries that an event is compared with
	aclLogDefaultGet = 10          // entries that ACL LOG returns when it is not told how many
)

// aclEvent is what ACL LOG tells of a refusal, but for when and whom. Where everybody who is let in may do everything, only passwords are
// refused.
type aclEvent struct {
	context  string // "toplevel" or "multi"
	object   string // the command's name as the client wrote it
	username string // the one that was claimed
}

// aclEntry is an event that happened once or several times. It owns all it holds.
type aclEntry struct {
	aclEvent
	count  int64
	last   time.Time // the last time
	client string    // the client of the last time, as CLIENT INFO describes it
}

// aclLog keeps the newest refusals. It is safe for concurrent use.
type aclLog struct {
	mu struct {
		sync.Mutex
		entries []aclEntry // newest first
	}
}

// add notes an event and drops the oldest entries beyond maxLen (acllog-max-len, >= 0). As in Redis, an event that an entry has already
// drops nothing.
func (l *aclLog) add(event aclEvent, now time.Time, client string, maxLen int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := aclEntry{aclEvent: event, count: 1, last: now, client: client}
	known := slices.IndexFunc(l.mu.entries[:min(len(l.mu.entries), aclLogLookedAt)], func(old aclEntry) bool {
		return old.aclEvent == event && now.Sub(old.last) <= aclLogGrouped
	})
	if known >= 0 {
		e.count += l.mu.entries[known].count
		l.mu.entries = slices.Delete(l.mu.entries, known, known+1)
	}
	l.mu.entries = slices.Insert(l.mu.entries, 0, e)
	if known < 0 && len(l.mu.entries) > maxLen {
		l.mu.entries = slices.Delete(l.mu.entries, maxLen, len(l.mu.entries))
	}
}

// newest returns up to n entries, newest first.
func (l *aclLog) newest(n int64) []aclEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.mu.entries[:min(int64(len(l.mu.entries)), max(n, 0))])
}

func (l *aclLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.entries = nil
}

// noteRefusal has ACL LOG tell that the client claimed to be a user and could not prove it.
func (c *Call) noteRefusal(user []byte) {
	event := aclEvent{context: "toplevel", object: string(c.Args[0]), username: string(user)}
	if c.Conn.denyBlocking {
		event.context = "multi"
	}
	c.Srv.refusals.add(event, time.Now(), c.Conn.describe(c.Conn.clock), c.Srv.cfg.Load().ACLLogMaxLen)
}

func aclLogRow() *Command {
	return &Command{
		Name: "log", Arity: -2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "6.0.0",
		Summary:    "Lists the newest refused passwords, or forgets them.",
		Complexity: "O(N) with N being the number of entries shown.",
		Args: []Arg{{Name: "operation", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
			{Name: "count", Type: ArgInteger},
			{Name: "reset", Type: ArgPureToken, Token: "RESET"},
		}}},
		Run: aclLogShow,
	}
}

// aclLogShow answers with the newest entries, newest first.
func aclLogShow(c *Call) error {
	n := int64(aclLogDefaultGet)
	switch {
	case len(c.Args) > 3:
		return errSubcommand("ACL", string(c.Args[1]))
	case len(c.Args) == 3 && equalFold(c.Args[2], "reset"):
		c.Srv.refusals.reset()
		c.Out.OK()
		return nil
	case len(c.Args) == 3:
		var ok bool
		if n, ok = number.ParseInt(c.Args[2]); !ok {
			return ErrNotInteger
		}
	}
	now, entries := time.Now(), c.Srv.refusals.newest(n)
	c.Out.Array(len(entries))
	for _, e := range entries {
		e.write(c.Out, now)
	}
	return nil
}

func (e *aclEntry) write(out *resp.Writer, now time.Time) {
	out.Map(7)
	out.BulkString("count")
	out.Int(e.count)
	for _, field := range [][2]string{{"reason", "auth"}, {"context", e.context}, {"object", e.object}, {"username", e.username}} {
		out.BulkString(field[0])
		out.BulkString(field[1])
	}
	out.BulkString("age-seconds")
	out.Double(float64(now.Sub(e.last).Milliseconds()) / 1000)
	out.BulkString("client-info")
	out.BulkString(e.client)
}
