package server

import (
	"slices"
	"sync"
	"sync/atomic"

	"quipu/engine"
	"quipu/server/resp"
)

// Client-side caching, as Redis 7 does it. The server remembers which keys clients have read (tracking_table.go), or which prefixes they
// want to hear of (tracking_broadcast.go), and tells them when such a key changes. The engine calls the tracker only while some client
// tracks; otherwise a write pays the comparison with nil.
//
// A message must not overtake the reply with the value that it invalidates, or the client would keep that value for good. So a
// client's messages are held from the moment when it executes a command that reads until its replies are sent; and what its own commands
// invalidate follows their replies.

// tracking is what CLIENT TRACKING set for a connection. What others have to know of it is in the connection's flags.
type tracking struct {
	on, optIn, optOut, noLoop, broadcast bool
	caching                              bool // CLIENT CACHING was sent for the next command or transaction
	prefixes                             []string
	own                                  [][]string // messages that the command in progress owes its own client; nil stands for all keys
	holding                              bool       // messages wait for the replies to be sent
}

// tracker tells clients of changed keys. It is the engine's listener while there are any.
type tracker struct {
	srv        *Server
	table      trackTable
	broadcasts broadcasts

	clients atomic.Int64 // that track
	mu      sync.Mutex   // so that clients and what the engine knows of them change together
}

// register counts c among the clients that track.
func (t *tracker) register() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients.Add(1) == 1 {
		t.srv.engine.Listen(t)
	}
}

// unregister forgets a client. Without clients nothing needs to be remembered.
func (t *tracker) unregister() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients.Add(-1) == 0 {
		t.srv.engine.Listen(nil)
		t.table.clear()
	}
}

// KeyChanged implements engine.Listener.
func (t *tracker) KeyChanged(by *engine.Txn, name []byte) {
	t.broadcasts.note(by, name)
	for _, id := range t.table.take(name) {
		t.invalidateRead(id, by, string(name))
	}
}

// Settled implements engine.Listener: what by has changed is told in one message per prefix.
func (t *tracker) Settled(by *engine.Txn) {
	for _, news := range t.broadcasts.take(by) {
		for _, c := range news.clients {
			if c.txn == by && c.hasFlag(clientNoLoop) {
				continue
			}
			t.tell(c, by, news.names)
		}
	}
}

// invalidateRead tells the client of that identifier, which has read a key, that by has changed it.
func (t *tracker) invalidateRead(id int64, by *engine.Txn, name string) {
	c := t.srv.clients.get(id)
	switch {
	case c == nil, !c.hasFlag(clientTracking), c.hasFlag(clientBroadcast): // it has left, or changed its mind
	case c.txn == by && c.hasFlag(clientNoLoop):
	default:
		t.tell(c, by, []string{name})
	}
}

// tell sends a message, or leaves it to c itself if c's command is the cause. names nil stands for all keys.
func (t *tracker) tell(c *Conn, by *engine.Txn, names []string) {
	if c.txn == by {
		c.tracking.own = append(c.tracking.own, names)
		return
	}
	t.srv.invalidate(c, names)
}

// flushed tells every client that tracks that by has emptied a database. As in Redis it counts for all of them, whatever they have read.
func (t *tracker) flushed(by *Conn) {
	if t.clients.Load() == 0 {
		return
	}
	t.table.clear()
	for _, c := range t.srv.clients.all() {
		if c.hasFlag(clientTracking) {
			t.tell(c, by.txn, nil)
		}
	}
}

// remember notes that c has read keys, whose slots are locked.
func (c *Conn) remember(row *Command, keys []engine.Key) {
	t := &c.tracking
	if !t.on || t.broadcast || !row.Is(FlagReadonly) || !t.wanted() {
		return
	}
	for i := range keys {
		c.srv.tracker.add(c.id, keys[i].Name)
	}
}

// add notes that a client has read a key. Where too many keys are remembered, the clients of some other are told that it has changed.
func (t *tracker) add(id int64, name []byte) {
	t.table.add(id, name, t.srv.clients.has)
	limit := int64(t.srv.cfg.Load().TrackingTableMaxKeys)
	for limit > 0 && t.table.keys.Load() > limit {
		victim, ids, ok := t.table.takeAny(string(name))
		if !ok {
			return
		}
		for _, id := range ids {
			t.invalidateRead(id, nil, victim)
		}
	}
}

// wanted reports whether what the next command reads is to be remembered.
func (t *tracking) wanted() bool {
	switch {
	case t.optIn:
		return t.caching
	case t.optOut:
		return !t.caching
	}
	return true
}

// holdPushes keeps messages back until flush has sent the replies: the command that follows reads.
func (c *Conn) holdPushes(row *Command) {
	if c.tracking.on && (row.Is(FlagReadonly) || row.full == "exec") {
		c.holdMessages()
	}
}

// holdMessages keeps messages back until flush.
func (c *Conn) holdMessages() {
	if !c.tracking.holding {
		c.tracking.holding = true
		c.push.hold()
	}
}

// releasePushes lets messages go that waited for replies.
func (c *Conn) releasePushes() {
	if c.tracking.holding {
		c.tracking.holding = false
		c.releasePending()
	}
}

// tellOwn sends the client what its own command has invalidated, behind the reply.
func (c *Conn) tellOwn() {
	own := c.tracking.own
	if len(own) == 0 {
		return
	}
	c.tracking.own = nil
	for _, names := range own {
		if c.shared.redirect.Load() == 0 && c.out.Protocol() == 3 {
			writeInvalidation(&c.out, names)
		} else {
			c.srv.invalidate(c, names)
		}
	}
}

// invalidate tells the client that wants to know for c that keys have changed, nil for all. Clients that speak RESP2 have no word for that
// outside of a subscription.
func (s *Server) invalidate(c *Conn, names []string) {
	var w resp.Writer
	w.SetProtocol(3)
	target := c
	if id := c.shared.redirect.Load(); id > 0 {
		if target = s.clients.get(id); target == nil {
			c.setFlag(clientBrokenRedirect, true)
			target = c
			w.Push(2)
			w.BulkString("tracking-redir-broken")
			w.Int(id)
		}
	}
	if target.shared.protocol.Load() < 3 {
		return
	}
	if w.Len() == 0 {
		writeInvalidation(&w, names)
	}
	target.enqueue(w.Bytes())
}

// writeInvalidation writes the message that keys have changed.
func writeInvalidation(w *resp.Writer, names []string) {
	w.Push(2)
	w.BulkString("invalidate")
	if names == nil {
		w.Null()
		return
	}
	w.Array(len(names))
	for _, name := range names {
		w.BulkString(name)
	}
}

// startTracking turns tracking on, or on in another way.
func (c *Conn) startTracking(o trackingOptions) {
	t := &c.tracking
	c.holdMessages() // the first message comes after the answer
	if !t.on {
		c.srv.tracker.register()
	}
	t.on, t.optIn, t.optOut, t.noLoop, t.broadcast = true, o.optIn, o.optOut, o.noLoop, o.broadcast
	c.shared.redirect.Store(o.redirect)
	c.setFlag(clientNoLoop, o.noLoop)
	c.setFlag(clientBroadcast, o.broadcast)
	c.setFlag(clientBrokenRedirect, false)
	c.setFlag(clientTracking, true)
	if !o.broadcast {
		return
	}
	if len(o.prefixes) == 0 {
		o.prefixes = []string{""}
	}
	for _, prefix := range o.prefixes {
		c.srv.tracker.broadcasts.subscribe(c, prefix)
	}
	t.prefixes = append(t.prefixes, o.prefixes...)
	slices.Sort(t.prefixes)
	t.prefixes = slices.Compact(t.prefixes)
}

// stopTracking turns tracking off. What the client has read stays in the table until it changes.
func (c *Conn) stopTracking() {
	t := &c.tracking
	if !t.on {
		return
	}
	for _, prefix := range t.prefixes {
		c.srv.tracker.broadcasts.unsubscribe(c, prefix)
	}
	c.tracking = tracking{own: t.own, holding: t.holding}
	for _, flag := range []clientFlag{clientTracking, clientNoLoop, clientBroadcast, clientBrokenRedirect} {
		c.setFlag(flag, false)
	}
	c.shared.redirect.Store(-1)
	c.srv.tracker.unregister()
}
