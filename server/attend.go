package server

import (
	"time"

	"quipu/engine"
)

// attention is what a connection owes to clients that wait for keys which it has changed.
type attention struct {
	// served are the clients that were served under the locks that are held. They are told when the locks are given back, since only
	// then the commit is known.
	served []*waiter
	// later are keys for whose first client more locks are needed.
	later []laterKey
}

// laterKey is a key to be looked at with the locks for itself and some others.
type laterKey struct {
	key  engine.Key
	also []engine.Key
}

// attend serves the clients that wait for the keys which the commands so far have changed, under the locks of these. When one of them needs
// more locks than that, his key and those behind it are left for attendLater: the only case in which another client may come between.
func (c *Conn) attend() {
	if c.txn.HasReady() {
		c.txn.Renew()
	}
	for key, ok := c.txn.NextReady(); ok; key, ok = c.txn.NextReady() {
		c.attendKey(key)
	}
}

// attendKey serves the clients that wait for a key, and leaves it for attendLater where one of them needs more locks, or where another key
// was left before: a client that waits for both gets what has come first.
func (c *Conn) attendKey(key engine.Key) {
	if len(c.attention.later) > 0 {
		c.attention.later = append(c.attention.later, laterKey{key, c.neededFor(key)})
		return
	}
	if w := c.serveKey(key); w != nil {
		c.attention.later = append(c.attention.later, laterKey{key, w.blocked.also})
	}
}

// neededFor returns the keys that the first who needs any will need with the given one, so that they can be locked together.
func (c *Conn) neededFor(key engine.Key) (also []engine.Key) {
	c.txn.EachWaiter(key, func(who any) bool {
		w := who.(*waiter)
		if w.waits() {
			also = w.blocked.also
		}
		return len(also) == 0
	})
	return also
}

// serveKey serves the clients that wait for a key, as long as it holds something. It returns the first who needs more locks.
func (c *Conn) serveKey(key engine.Key) (stuck *waiter) {
	c.txn.EachWaiter(key, func(who any) bool {
		w := who.(*waiter)
		v, found := c.txn.Peek(key)
		switch {
		case !found:
			return false
		case !w.waits(): // it is known here until its own goroutine has looked up
			return true
		case v.Kind != w.blocked.kind:
			return true
		case !c.txn.Covers(append([]engine.Key{key}, w.blocked.also...)...):
			stuck = w
			return false
		}
		c.serveWait(w, key)
		return true
	})
	return stuck
}

// serveWait runs the rest of a blocking command, unless its client has stopped waiting.
func (c *Conn) serveWait(w *waiter, key engine.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.state != waiting {
		return
	}
	w.mu.state = waitServed
	c.attention.served = append(c.attention.served, w)
	call := Call{
		Keys: append([]engine.Key{key}, w.blocked.also...), Txn: c.txn, Out: &w.out, Conn: w.conn, Srv: c.srv, Cmd: w.row,
	}
	began := time.Now()
	if err := w.blocked.serve(&call); err != nil {
		w.out.Reset()
		reply, _ := errorReply(err)
		c.srv.stats.noteError(reply.text)
		w.out.Error(reply.text)
		w.failed = true
	}
	w.serving = time.Since(began)
}

// attendLater follows once the locks are given back: it serves those who need other locks, and tells all who were served. The keys that
// are left are locked together, so that their clients come before those who wait for what these move, as if nothing had been in the way.
func (c *Conn) attendLater() {
	a := &c.attention
	if len(a.served)+len(a.later) == 0 {
		return
	}
	for len(a.later) > 0 {
		now := a.later
		a.later = nil
		c.txn.Lock(keysOfLater(now), true)
		c.locked = true
		for _, l := range now {
			c.attendKey(l.key)
		}
		c.attend()
		c.locked = false
		c.txn.Unlock()
	}
	c.deliver()
}

// keysOfLater returns all that has to be locked for the keys that were left.
func keysOfLater(later []laterKey) []engine.Key {
	var keys []engine.Key
	for _, l := range later {
		keys = append(append(keys, l.key), l.also...)
	}
	return keys
}

// deliver tells the clients that were served. No locks are held.
func (c *Conn) deliver() {
	need := c.txn.Need()
	for _, w := range c.attention.served {
		if w.out.Len() == 0 { // serving it has panicked
			w.out.Error(ErrInternal.Error())
		}
		w.need = need
		close(w.delivered)
		w.mu.Lock()
		w.wakeLocked()
		w.mu.Unlock()
	}
	c.attention.served = nil
}
