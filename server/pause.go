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
		until   time.Time
		all     bool          // also commands that only read
		changed chan struct{} // closed when until or all changes
	}
}

// pause holds commands, those that write or all of them, until the given time. As in Redis, a pause that is on is never shortened or
// made milder by another.
func (s *Server) pause(until time.Time, all bool) {
	p := &s.paused
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.changed != nil && time.Now().Before(p.mu.until) {
		all = all || p.mu.all
		if until.Before(p.mu.until) {
			until = p.mu.until
		}
	}
	p.set(until, all)
	s.gate.Or(gatePaused)
}

// unpause lets commands go on.
func (s *Server) unpause() {
	p := &s.paused
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(time.Time{}, false)
	s.gate.And(^gatePaused)
}

// set changes the state and wakes who waits for that. The lock is held.
func (p *pauseState) set(until time.Time, all bool) {
	if p.mu.changed != nil {
		close(p.mu.changed)
	}
	p.mu.until, p.mu.all, p.mu.changed = until, all, make(chan struct{})
}

// holds returns for how long the pause still holds a command, and a channel that is closed when that changes.
func (p *pauseState) holds(writes bool, now time.Time) (time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.mu.all && !writes {
		return 0, nil
	}
	return p.mu.until.Sub(now), p.mu.changed
}

// waitWhilePaused waits until the command may run. What was answered before is sent first. It returns false if the connection ended
// meanwhile: then the command must not run, because the pause may still be on.
func (c *Conn) waitWhilePaused(row *Command) bool {
	writes := row.Flags&(FlagWrite|FlagMayReplicate) != 0 || c.execWrites(row)
	for {
		left, changed := c.srv.paused.holds(writes, time.Now())
		if left <= 0 {
			c.srv.endPause()
			return true
		}
		if c.flush() != nil {
			return false
		}
		c.mark = 0
		c.setFlag(clientBlocked, true)
		c.waitFor(left, changed)
		c.setFlag(clientBlocked, false)
		if c.closing {
			return false
		}
	}
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

// waitFor waits for at most d, for changed, or for the end of the connection or of the server.
func (c *Conn) waitFor(d time.Duration, changed <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-c.done:
		c.closing = true
	case <-c.srv.stopping:
		c.closing = true
	}
	c.tick()
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
