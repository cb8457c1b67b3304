package server

import (
	"errors"
	"os"
	"runtime"
	"time"
)

// A connection lives in turns: it takes what has come in, executes it, sends the replies, and waits. Where the transport can wait between two
// turns without a read that finds nothing (transport.follow), it does so while its client is brisk.

const (
	// briskGap is the longest time between two turns of a brisk client, and briskTurns how many it takes to be one: a client that sends
	// once, or now and then, is looked at as soon as it has had its answer.
	briskGap   = 100 * time.Millisecond
	briskTurns = 8
)

// errNothingYet says that there is nothing to read now, where reading does not wait.
var errNothingYet = errors.New("nothing to read yet")

// follower is a transport that waits between turns.
type follower interface {
	follow(turn func() bool) error
}

// serve runs the connection until it ends. It is the body of the connection's goroutine.
func (c *Conn) serve() {
	defer c.cleanUp()
	for !c.ended {
		if err := c.follow(); err != nil && !c.look(err) {
			return
		}
		if !c.halted() {
			continue
		}
		for c.halted() {
			c.awaitTurn()
			c.process()
		}
		c.ended = !c.reply()
	}
}

// halted reports whether the connection waits for something other than its client: it is blocked, or held by a pause.
func (c *Conn) halted() bool { return c.waiter != nil || c.stalled }

// awaitTurn waits until the connection may go on.
func (c *Conn) awaitTurn() {
	if c.waiter != nil {
		c.park()
		return
	}
	c.sitOut()
}

// follow takes turns until one returns false.
func (c *Conn) follow() error {
	if c.follower != nil {
		return c.follower.follow(c.turn)
	}
	for c.turn() {
	}
	return nil
}

// turn reads, executes and replies until there is nothing more to read, and reports whether more is to be waited for: not where the
// connection has ended or is blocked.
func (c *Conn) turn() bool {
	for {
		n, err := c.reader.Fill(c.sock)
		switch {
		case err == errNothingYet: //nolint:errorlint // the transport's own
			c.setUnlooked(false)
			return true
		case err != nil:
			c.noteReadError(err)
			c.ended = true
			return false
		case c.shared.killed.Load():
			c.ended = true
			return false
		}
		c.received(n)
		c.process()
		if c.halted() {
			c.setUnlooked(false) // it reads while it waits
			return false
		}
		if c.ended = !c.reply(); c.ended {
			return false
		}
		if c.follower != nil && c.brisk >= briskTurns && !c.reader.Filled() && !c.reader.Swollen() {
			c.setUnlooked(true)
			return true
		}
	}
}

// received notes the arrival of n bytes.
func (c *Conn) received(n int) {
	before := c.clock
	c.tick()
	if c.clock-before > briskGap {
		c.brisk = 0
	}
	c.brisk++
	c.shared.lastActive.Store(int64(c.clock))
	c.counts.netIn.Add(uint64(n))
	c.counts.reads.Add(1)
}

// reply sends the replies of a turn, and reports whether there may be another turn.
func (c *Conn) reply() bool {
	// Whoever else has commands executes them first. Then all replies go out one after the other, and a client on another
	// processor that serves several connections is woken once instead of once for each.
	runtime.Gosched()
	if err := c.flush(); err != nil || c.closing || c.srv.gate.Load()&gateDraining != 0 {
		return false
	}
	c.publishSizes()
	return true
}

// setUnlooked says whether the connection waits without having looked for the end of the stream. If that came together with the last bytes,
// nothing will ever end the wait but the janitor.
func (c *Conn) setUnlooked(unlooked bool) {
	if c.shared.unlooked.Load() == unlooked {
		return
	}
	c.shared.unlooked.Store(unlooked)
	if unlooked {
		c.srv.clients.unlooked.Add(1)
	} else {
		c.srv.clients.unlooked.Add(-1)
	}
}

// look answers the error that ended a wait. It reports whether that was the janitor, who asks for a look at the socket.
func (c *Conn) look(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.noteReadError(err)
		return false
	}
	c.brisk = 0
	c.liftDeadline()
	return !c.closing
}
