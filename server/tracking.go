package server

import (
	"sync"
	"time"

	"quipu/engine"
	"quipu/server/resp"
)

// Client-side caching: the server remembers which keys a client has read, and tells it when one of them changes. The engine's watches
// do the remembering; nothing is paid by those who write. A watch only turns dirty, so that the tracker looks at all of them every
// so often: an invalidation comes within 2 ms when few keys are tracked, and within a second at the limit of trackedKeysMax.
//
// Two differences to Redis: BCAST is refused, since no watch covers keys that nobody has read; and NOLOOP is accepted, but the client
// is told of its own changes too, which costs it a read and is never wrong.

const (
	// trackedKeysMax is the most keys that are remembered for all clients together, Redis's default of tracking-table-max-keys. A client
	// that reads more is told at once that what it read has changed.
	trackedKeysMax = 1_000_000
	// trackerPause is the time between two looks, trackerPausePerKey what each key adds to it: a look takes about 20 ns per key, so that
	// looking takes 2 % of a core at most.
	trackerPause       = 2 * time.Millisecond
	trackerPausePerKey = time.Microsecond
)

// tracking is what CLIENT TRACKING set, and what was read since the last flush.
type tracking struct {
	on, optIn, optOut, noLoop bool
	caching                   bool  // CLIENT CACHING was sent for the next command or transaction
	redirect                  int64 // the client that is told instead; 0: none
	fresh                     []trackedKey
}

// trackedKey is a key that a client has read.
type trackedKey struct {
	db    uint8
	name  string
	watch *engine.Watch
}

// trackedName identifies a key of a client.
type trackedName struct {
	db   uint8
	name string
}

// tracker knows what clients have read.
type tracker struct {
	srv *Server
	mu  struct {
		sync.Mutex
		clients map[*Conn]map[trackedName]*engine.Watch
		keys    int
		running bool
	}
}

// track watches the keys that a command is about to read, whose slots are locked.
func (c *Conn) track(row *Command, keys []engine.Key) {
	t := &c.tracking
	if !t.on || !row.Is(FlagReadonly) || !t.wanted() || c.out.Protocol() < 3 && t.redirect == 0 {
		return
	}
	for _, key := range keys {
		w := new(engine.Watch)
		c.txn.Watch(key, w)
		t.fresh = append(t.fresh, trackedKey{key.DB, string(key.Name), w})
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

// publishTracked hands what was read to the tracker, once the client has it: an invalidation that overtook the value would be lost on it.
func (c *Conn) publishTracked() {
	if len(c.tracking.fresh) == 0 {
		return
	}
	c.srv.tracker.add(c, c.tracking.fresh)
	c.tracking.fresh = nil
}

// stopTracking turns tracking off and forgets what was read.
func (c *Conn) stopTracking() {
	if !c.tracking.on {
		return
	}
	for _, key := range c.tracking.fresh {
		c.srv.engine.Unwatch(key.watch)
	}
	c.tracking = tracking{}
	c.setFlag(clientTracking, false)
	c.shared.redirect.Store(-1)
	c.srv.tracker.remove(c)
}

// add remembers keys for c.
func (t *tracker) add(c *Conn, keys []trackedKey) {
	for _, watch := range t.insert(c, keys) {
		t.srv.engine.Unwatch(watch)
	}
}

// insert puts keys into the table and returns the watches that are not needed: those of keys that it has already. Watches are emptied
// without the lock, since others may hold a slot and wait for it.
func (t *tracker) insert(c *Conn, keys []trackedKey) (spare []*engine.Watch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.clients == nil {
		t.mu.clients = make(map[*Conn]map[trackedName]*engine.Watch)
	}
	if t.mu.clients[c] == nil {
		t.mu.clients[c] = make(map[trackedName]*engine.Watch)
	}
	for _, key := range keys {
		name := trackedName{key.db, key.name}
		switch {
		case t.mu.clients[c][name] != nil:
			spare = append(spare, key.watch)
		case t.mu.keys >= trackedKeysMax:
			spare = append(spare, key.watch)
			t.srv.invalidate(c, key.name)
		default:
			t.mu.clients[c][name] = key.watch
			t.mu.keys++
		}
	}
	if !t.mu.running {
		t.mu.running = true
		t.srv.wg.Go(t.run)
	}
	return spare
}

// remove forgets what c has read.
func (t *tracker) remove(c *Conn) {
	t.mu.Lock()
	watches := t.mu.clients[c]
	t.mu.keys -= len(watches)
	delete(t.mu.clients, c)
	t.mu.Unlock()
	for _, watch := range watches {
		t.srv.engine.Unwatch(watch)
	}
}

// run looks for changed keys as long as any are tracked.
func (t *tracker) run() {
	timer := time.NewTimer(trackerPause)
	defer timer.Stop()
	for {
		select {
		case <-t.srv.stopping:
			return
		case <-timer.C:
		}
		keys, changed := t.look()
		for _, watch := range changed {
			t.srv.engine.Unwatch(watch)
		}
		if keys < 0 {
			return
		}
		timer.Reset(max(trackerPause, time.Duration(keys)*trackerPausePerKey))
	}
}

// look tells the clients whose keys have changed, and forgets these. It returns how many keys remain, -1 if the tracker has nothing left
// to do.
func (t *tracker) look() (keys int, changed []*engine.Watch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c, watches := range t.mu.clients {
		for name, watch := range watches {
			if watch.Dirty() {
				delete(watches, name)
				t.mu.keys--
				changed = append(changed, watch)
				t.srv.invalidate(c, name.name)
			}
		}
	}
	if t.mu.keys == 0 {
		t.mu.running = false
		return -1, changed
	}
	return t.mu.keys, changed
}

// invalidate tells the client that wants to know for c that a key has changed. Clients that speak RESP2 have no word for that outside
// of a subscription.
func (s *Server) invalidate(c *Conn, name string) {
	if id := c.shared.redirect.Load(); id > 0 {
		if c = s.clients.get(id); c == nil {
			return
		}
	}
	if c.shared.protocol.Load() < 3 {
		return
	}
	var w resp.Writer
	w.SetProtocol(3)
	w.Push(2)
	w.BulkString("invalidate")
	w.Array(1)
	w.BulkString(name)
	c.enqueue(w.Bytes())
}
