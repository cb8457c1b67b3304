package server

import (
	"sync"
	"time"

	"quipu/server/number"
)

// The gate holds what makes every connection look up from its work. It is zero nearly always, and one load to look at.
const (
	gateMonitored uint32 = 1 << iota // somebody listens with MONITOR
	gatePaused                       // CLIENT PAUSE
	gateDraining                     // the server shuts down: connections end after their batch
)

// pauseState is what CLIENT PAUSE set.
type pauseState struct {
	mu struct {
		sync.Mutex
		until time.Time
		all   bool   // also commands that only read
		round uint64 // counts the changes of until and all
		held  map[*Conn]struct{}
	}
}

// pause holds commands, those that write or all of them, until the given time, and what expires stays for so long. As in Redis, a pause that
// is on is never shortened or made milder by another.
func (s *Server) pause(until time.Time, all bool) {
	p := &s.paused
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.mu.until) {
		all = all || p.mu.all
		if until.Before(p.mu.until) {
			until = p.mu.until
		}
	}
	p.set(until, all)
	s.engine.HoldExpiry(until)
	s.gate.Or(gatePaused)
}

// unpause lets commands go on.
func (s *Server) unpause() {
	p := &s.paused
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(time.Time{}, false)
	s.engine.HoldExpiry(time.Time{})
	s.gate.And(^gatePaused)
}

// set changes the state and wakes who waits for that. The lock is held.
func (p *pauseState) set(until time.Time, all bool) {
	p.mu.until, p.mu.all = until, all
	p.mu.round++
	for c := range p.mu.held {
		c.sock.SetReadDeadline(longAgo) //nolint:errcheck // then it is closed and awake
	}
}

// holds reports whether the pause holds a command, and in which round.
func (p *pauseState) holds(writes bool) (round uint64, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.round, (p.mu.all || writes) && time.Now().Before(p.mu.until)
}

// arm sets the deadline for the next read of a connection that was held in a round, unless that is over.
func (p *pauseState) arm(c *Conn, round uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.round != round || !time.Now().Before(p.mu.until) {
		return false
	}
	if p.mu.held == nil {
		p.mu.held = map[*Conn]struct{}{}
	}
	p.mu.held[c] = struct{}{}
	c.sock.SetReadDeadline(p.mu.until) //nolint:errcheck // then it is closed, which the read will tell
	return c.goesOn()                  // looked at afterwards: Close and kill set their deadlines after these
}

// release has a connection's deadline left alone.
func (p *pauseState) release(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.mu.held, c)
}

// postponed is what a pause keeps a connection from executing: the commands from at to end of a batch. Their words are theirs: the reader
// goes on with a buffer of its own.
type postponed struct {
	batch *batch
	at    int
	end   int
}

// postponeIfPaused reports whether the pause holds the command. Then the connection stalls: the command is dispatched anew when that may
// have changed, unless the client has left.
func (c *Conn) postponeIfPaused(row *Command) bool {
	writes := row.Flags&(FlagWrite|FlagMayReplicate) != 0 || c.execWrites(row)
	round, held := c.srv.paused.holds(writes)
	if !held {
		c.srv.endPause()
		return false
	}
	c.stalled, c.stalledIn = true, round
	return true
}

// postpone keeps what is left of a batch for resume.
func (c *Conn) postpone(b *batch, at, end int) {
	c.postponed = postponed{b, at, end}
	c.reader.Detach()
}

// resume returns what a pause has left of a batch, or a new batch with nothing in it.
func (c *Conn) resume() postponed {
	p := c.postponed
	c.postponed, c.stalled = postponed{}, false
	if p.batch == nil {
		p.batch = c.srv.batches.Get().(*batch)
	}
	return p
}

// sitOut waits until the command that a pause holds may be looked at again. What was answered before is sent first. Like a blocked client
// (park) the connection goes on reading, so that a client which hangs up is noticed: its command never runs.
func (c *Conn) sitOut() {
	c.setFlag(clientBlocked, true)
	if c.flush() == nil {
		c.publishSizes()
		c.readAhead(func() bool { return c.srv.paused.arm(c, c.stalledIn) })
	}
	c.setFlag(clientBlocked, false)
	c.srv.paused.release(c)
	c.tick()
	c.liftDeadline()
}

// execWrites reports whether the command is an EXEC of something that writes.
func (c *Conn) execWrites(row *Command) bool {
	if row.full != "exec" {
		return false
	}
	for _, q := range c.multi.queue {
		if q.row.Flags&(FlagWrite|FlagMayReplicate) != 0 {
			return true
		}
	}
	return false
}

// endPause opens the gate when the time of the pause is over.
func (s *Server) endPause() {
	p := &s.paused
	p.mu.Lock()
	defer p.mu.Unlock()
	if !time.Now().Before(p.mu.until) {
		s.gate.And(^gatePaused)
	}
}

func clientPauseRow() *Command {
	return &Command{
		Name: "pause", Arity: -3, Flags: clientAdminFlags, Categories: clientAdminCats, Group: "connection", Since: "2.9.50", Complexity: "O(1)",
		Summary: "Holds all commands, or those that write, for some milliseconds.",
		Args: []Arg{
			{Name: "timeout", Type: ArgInteger},
			{Name: "mode", Type: ArgOneOf, Flags: ArgOptional, Since: "6.2.0", Sub: []Arg{
				{Name: "write", Type: ArgPureToken, Token: "WRITE"},
				{Name: "all", Type: ArgPureToken, Token: "ALL"},
			}},
		},
		Run: clientPause,
	}
}

// maxPause bounds a pause to what fits into a Duration.
const maxPause = int64(1) << 40 // milliseconds: 34 years

func clientPause(c *Call) error {
	all := true
	if len(c.Args) > 3 {
		switch {
		case len(c.Args) > 4:
			return errSubcommand("CLIENT", string(c.Args[1]))
		case equalFold(c.Args[3], "write"):
			all = false
		case !equalFold(c.Args[3], "all"):
			return ErrPauseMode
		}
	}
	millis, ok := number.ParseInt(c.Args[2])
	switch {
	case !ok:
		return ErrTimeoutNotInteger
	case millis < 0:
		return ErrTimeoutNegative
	}
	c.Srv.pause(time.Now().Add(time.Duration(min(millis, maxPause))*time.Millisecond), all)
	c.Out.OK()
	return nil
}

func clientUnpauseRow() *Command {
	return &Command{
		Name: "unpause", Arity: 2, Flags: clientAdminFlags, Categories: clientAdminCats, Group: "connection", Since: "6.2.0",
		Complexity: "O(N) Where N is the number of paused clients",
		Summary:    "Ends CLIENT PAUSE.",
		Run: func(c *Call) error {
			c.Srv.unpause()
			c.Out.OK()
			return nil
		},
	}
}
