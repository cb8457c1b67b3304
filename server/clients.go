package server

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// registry knows every connection.
type registry struct {
	mu struct {
		sync.Mutex
		conns  map[int64]*Conn
		nextID int64
	}
	count    atomic.Int64
	unlooked atomic.Int64 // connections that Conn.setUnlooked has marked
}

// add gives c an identifier, unless there are limit connections already.
func (r *registry) add(c *Conn, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.mu.conns) >= limit {
		return false
	}
	if r.mu.conns == nil {
		r.mu.conns = make(map[int64]*Conn)
	}
	r.mu.nextID++
	c.id = r.mu.nextID
	c.counts = c.srv.stats.shard(c.id)
	r.mu.conns[c.id] = c
	r.count.Store(int64(len(r.mu.conns)))
	return true
}

// remove forgets c.
func (r *registry) remove(c *Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mu.conns, c.id)
	r.count.Store(int64(len(r.mu.conns)))
}

// Len returns the number of connections.
func (r *registry) Len() int { return int(r.count.Load()) }

// get returns the connection with that identifier, or nil.
func (r *registry) get(id int64) *Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.conns[id]
}

// has reports whether there is a connection with that identifier.
func (r *registry) has(id int64) bool { return r.get(id) != nil }

// all returns the connections, the oldest first.
func (r *registry) all() []*Conn {
	r.mu.Lock()
	conns := make([]*Conn, 0, len(r.mu.conns))
	for _, c := range r.mu.conns {
		conns = append(conns, c)
	}
	r.mu.Unlock()
	slices.SortFunc(conns, func(a, b *Conn) int { return int(a.id - b.id) })
	return conns
}

// rouse has those connections look at their sockets that have waited for longer than briskGap without having done so.
func (r *registry) rouse(now time.Duration) {
	if r.unlooked.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.mu.conns {
		if c.shared.unlooked.Load() && c.idleFor(now) > briskGap {
			c.sock.SetReadDeadline(longAgo) //nolint:errcheck // then it is closed and awake
		}
	}
}

// ClientTotals are the figures of INFO clients.
type ClientTotals struct {
	Connected, Blocked, Tracking, Monitors int
	QueryBytes, ReplyBytes                 int64 // memory of all buffers
	LargestQuery, LargestReply             int64 // bytes, of the clients that are connected now
}

// Clients adds up the connections.
func (s *Server) Clients() ClientTotals {
	var t ClientTotals
	for _, c := range s.clients.all() {
		t.Connected++
		query, reply := int64(c.shared.queryBytes.Load()), int64(c.shared.replyBytes.Load())
		t.QueryBytes += query
		t.ReplyBytes += reply
		t.LargestQuery, t.LargestReply = max(t.LargestQuery, query), max(t.LargestReply, reply)
		flags := clientFlag(c.shared.flags.Load())
		if flags&clientMonitor != 0 {
			t.Monitors++
		}
		if flags&clientTracking != 0 {
			t.Tracking++
		}
		if flags&clientBlocked != 0 {
			t.Blocked++
		}
	}
	return t
}

// janitorPeriod is how often idle and stuck clients are looked for: the resolution of their timeouts.
const janitorPeriod = time.Second

// startJanitor starts the janitor, once.
func (s *Server) startJanitor() {
	s.janitorOnce.Do(func() { s.wg.Go(s.janitor) })
}

// janitor closes idle and stuck clients, rouses those that have to look at their sockets, takes the samples that INFO's rates are made of,
// and gives memory back after a load, until the server stops. It stands in for a deadline on every read and write.
func (s *Server) janitor() {
	ticks, rounds := time.NewTicker(janitorPeriod), time.NewTicker(briskGap)
	defer ticks.Stop()
	defer rounds.Stop()
	for {
		select {
		case <-s.stopping:
			return
		case now := <-ticks.C:
			s.sample(now)
			s.saveIfDue(now)
			s.closeLate(time.Since(s.started))
			s.tidy()
		case <-rounds.C:
			s.clients.rouse(time.Since(s.started))
		}
	}
}

// closeLate closes the clients that have been idle for longer than timeout, or have not taken a reply within client-write-timeout.
func (s *Server) closeLate(now time.Duration) {
	v := s.cfg.Load()
	if v.Timeout == 0 && v.ClientWriteTimeout == 0 {
		return
	}
	for _, c := range s.clients.all() {
		switch {
		case c.stuck(now, v.ClientWriteTimeout):
			s.log.Warn("client closed: it does not read its replies", "client", c.addr)
			c.kill()
		case c.idleFor(now) > v.Timeout && v.Timeout > 0 && c.mayIdle():
			s.log.Debug("client closed: idle", "client", c.addr)
			c.kill()
		}
	}
}

// stuck reports whether a write has been waiting for longer than limit.
func (c *Conn) stuck(now, limit time.Duration) bool {
	began := c.shared.writing.Load()
	return limit > 0 && began != 0 && now-time.Duration(began) > limit
}

// idleFor returns how long ago the client last sent something.
func (c *Conn) idleFor(now time.Duration) time.Duration {
	return now - time.Duration(c.shared.lastActive.Load())
}

// mayIdle reports whether timeout applies: clients that listen are expected to be silent.
func (c *Conn) mayIdle() bool {
	return clientFlag(c.shared.flags.Load())&(clientMonitor|clientBlocked) == 0 && c.shared.writing.Load() == 0
}

// clientFlag is a set of states that CLIENT LIST shows as letters.
type clientFlag uint32

const (
	clientMonitor        clientFlag = 1 << iota // O
	clientMulti                                 // x
	clientBlocked                               // b: in a blocking command, or in CLIENT PAUSE
	clientTracking                              // t
	clientBrokenRedirect                        // R: whom it redirects invalidations to has left
	clientBroadcast                             // B
	clientNoLoop                                // has no letter
	clientUnix                                  // U
	clientClosing                               // c
	clientNoEvict                               // e
	clientNoTouch                               // T
)

// hasFlag reports whether the client is in a state. Any goroutine may call it.
func (c *Conn) hasFlag(flag clientFlag) bool { return clientFlag(c.shared.flags.Load())&flag != 0 }

// setFlag adds or removes a state.
func (c *Conn) setFlag(flag clientFlag, on bool) {
	if on {
		c.shared.flags.Or(uint32(flag))
		return
	}
	c.shared.flags.And(^uint32(flag))
}
