package server

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"quipu/engine"
	"quipu/server/number"
	"quipu/server/resp"
)

// Blocking commands. One that finds nothing to take leaves a wait behind: with its keys, in the engine, and with its connection, which
// goes on reading its socket, so that a client which hangs up is noticed and what it sends meanwhile waits in the buffer. Whoever changes
// a key that somebody waits for serves the waiting clients before its own locks go (attend.go): in the order of their coming, with the
// reply in the client's stead. So nobody can come between the change and those who waited for it, and nothing is looked at in vain.

// waiter is a blocking command that was not served at once.
type waiter struct {
	conn     *Conn
	blocked  blocked
	row      *Command
	args     [][]byte      // for the slow log
	took     time.Duration // by the command, before it blocked
	watch    engine.Watch
	deadline time.Time // zero: none

	out       resp.Writer   // the reply, once it is served
	failed    bool          // the reply is an error
	serving   time.Duration // what it took to serve it
	need      uint64        // the commit that the reply tells of
	delivered chan struct{} // closed when what stands above is there

	mu struct {
		sync.Mutex
		state waitState
		left  bool // the connection does not wait any more: its socket's deadline is not to be touched
	}
}

// waitState is how far a wait has come. Only the first is not the end.
type waitState uint8

const (
	waiting      waitState = iota
	waitServed             // delivered tells when the reply is there
	waitTimedOut           // by its timeout or by CLIENT UNBLOCK
	waitUnblocked
	waitAbandoned // the connection ends
)

// blocked says what a blocking command waits for.
type blocked struct {
	// keys are waited for, until one holds a value of the kind. Without any, only time ends the wait.
	keys []engine.Key
	kind engine.Kind
	// also are further keys that serve uses: where an element is moved to.
	also []engine.Key
	// timeout is how long to wait, 0 for ever.
	timeout time.Duration
	// expired answers a client whose time is up; nil: null, as an array.
	expired func(out *resp.Writer)
	// serve takes from the key that has come, which is the first of the call's keys and is followed by those of also, and replies. It
	// runs on behalf of the client, on the goroutine and with the Txn of whoever changed the key: the call has no Args, and no more of
	// the client than its protocol. It may not fail but with an error for the client.
	serve func(c *Call) error
}

// block has the client wait. Where it must not, because it executes a transaction, it is answered as if its time were up.
func (c *Call) block(b blocked) error {
	if c.Conn.denyBlocking {
		c.Out.NullArray()
		return nil
	}
	w := &waiter{conn: c.Conn, blocked: b, row: c.Cmd, args: ownArgs(c.Args), delivered: make(chan struct{})}
	w.blocked.keys, w.blocked.also = ownKeys(b.keys), ownKeys(b.also)
	w.watch.Waiter, w.watch.Kind = w, b.kind
	w.out.SetProtocol(c.Out.Protocol())
	if b.timeout > 0 {
		w.deadline = time.Now().Add(b.timeout)
	}
	for _, key := range w.blocked.keys {
		c.Txn.Watch(key, &w.watch)
	}
	c.Conn.waiter = w
	c.Conn.shared.waiter.Store(w)
	return nil
}

// ownKeys copies keys with their names.
func ownKeys(keys []engine.Key) []engine.Key {
	own := slices.Clone(keys)
	for i := range own {
		own[i].Name = bytes.Clone(own[i].Name)
	}
	return own
}

// ownArgs copies the words of a command.
func ownArgs(args [][]byte) [][]byte {
	own := slices.Clone(args)
	for i := range own {
		own[i] = bytes.Clone(own[i])
	}
	return own
}

// parseBlockTimeout reads the seconds that a blocking command waits at most: 0 is for ever. Redis counts them in milliseconds of 64 bits,
// rounded up, and takes what overflows for negative.
func parseBlockTimeout(arg []byte) (time.Duration, error) {
	seconds, ok := number.ParseLongDouble(arg)
	if !ok {
		return 0, errBlockTimeout
	}
	millis, ok := seconds.CeilTimes(1000)
	if !ok || millis < 0 {
		return 0, ErrTimeoutNegative
	}
	return time.Duration(min(millis, maxBlockMillis)) * time.Millisecond, nil
}

// maxBlockMillis keeps a timeout within a Duration: 34 years.
const maxBlockMillis = 1 << 40

// park waits, after a blocking command, until it is served, or its time is up, or the connection ends. What was answered before it goes
// out first; its own reply is then the next in the output.
func (c *Conn) park() {
	w := c.waiter
	c.setFlag(clientBlocked, true)
	if c.flush() == nil {
		c.publishSizes()
		c.readAhead(w.arm)
	}
	c.setFlag(clientBlocked, false)
	c.unpark(w)
}

// readAhead reads from the socket until the wait is over, which arm tells before each read. Who ends it sets a deadline that has passed.
func (c *Conn) readAhead(arm func() bool) {
	for arm() {
		n, err := c.reader.Fill(c.sock)
		switch {
		case err == nil:
			c.received(n)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			c.noteReadError(err)
			c.closing = true
			return
		}
	}
}

// arm sets the deadline for the next read, unless the wait is over.
func (w *waiter) arm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.mu.state != waiting:
		return false
	case !w.deadline.IsZero() && !time.Now().Before(w.deadline):
		w.mu.state = waitTimedOut
		return false
	}
	w.conn.sock.SetReadDeadline(w.deadline) //nolint:errcheck // then it is closed, which the read will tell
	// Looked at afterwards: Close and kill set their deadlines after these.
	return w.conn.goesOn()
}

// unpark ends the wait and appends its reply to the output.
func (c *Conn) unpark(w *waiter) {
	state := w.leave()
	if state == waitServed {
		<-w.delivered
	}
	c.endWait()
	c.tick()
	c.mark = c.out.Len()
	switch state {
	case waitServed:
		c.out.Raw(w.out.Bytes())
		c.txn.Depend(w.need)
		c.accountServed(w)
	case waitTimedOut:
		w.blocked.answerExpired(&c.out)
	case waitUnblocked:
		c.writeError(errUnblocked)
	}
	c.applyReplyMode()
	c.liftDeadline()
}

// answerExpired answers a client whose time is up.
func (b *blocked) answerExpired(out *resp.Writer) {
	if b.expired == nil {
		out.NullArray()
		return
	}
	b.expired(out)
}

// accountServed accounts for the end of a blocking command. As in Redis, the slow log gets it now, and not at all where its time was up.
func (c *Conn) accountServed(w *waiter) {
	if w.failed {
		c.counts.commands[w.row.index].failed.Add(1)
	}
	c.noteSlow(w.row, w.args, w.took+w.serving)
}

// leave ends the wait, if nobody else has, and returns how it ended.
func (w *waiter) leave() waitState {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.left = true
	if w.mu.state == waiting {
		w.mu.state = waitAbandoned
	}
	return w.mu.state
}

// endWait forgets the wait. No locks are held.
func (c *Conn) endWait() {
	c.srv.engine.Unwatch(&c.waiter.watch)
	c.waiter = nil
	c.shared.waiter.Store(nil)
}

// end ends the wait in place of its connection, and reports whether it did. Any goroutine may call it.
func (w *waiter) end(state waitState) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.state != waiting {
		return false
	}
	w.mu.state = state
	w.wakeLocked()
	return true
}

// waits reports whether the wait is not over yet.
func (w *waiter) waits() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.state == waiting
}

// wakeLocked has the connection look up from its read.
func (w *waiter) wakeLocked() {
	if !w.mu.left {
		w.conn.sock.SetReadDeadline(longAgo) //nolint:errcheck // then it is closed and awake
	}
}
