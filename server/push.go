package server

import (
	"time"

	"quipu/server/config"
)

// enqueue hands b, which it copies, to the goroutine that writes what nobody asked for just now. The client is dropped when it does not
// keep up. Any goroutine may call it.
func (c *Conn) enqueue(b []byte) {
	q := &c.push
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.stopped {
		return
	}
	q.mu.pending = append(q.mu.pending, b...)
	if q.overLimitLocked(c.srv.pushLimit(), time.Now()) {
		c.srv.log.Warn("client closed: it does not keep up with what it listens to", "client", c.addr, "pending", len(q.mu.pending))
		q.mu.pending, q.mu.stopped = nil, true
		q.wg.Go(c.kill) // it takes this lock
		return
	}
	c.startPushesLocked()
}

// startPushesLocked has what is pending written, unless it is held or being written already.
func (c *Conn) startPushesLocked() {
	if q := &c.push; !q.mu.running && !q.mu.held && len(q.mu.pending) > 0 {
		q.mu.running = true
		q.wg.Go(c.writePushes)
	}
}

// hold keeps what is pending, and what comes, from being written.
func (q *pushQueue) hold() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.held = true
}

// releasePending ends what hold began.
func (c *Conn) releasePending() {
	q := &c.push
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.held = false
	if !q.mu.stopped {
		c.startPushesLocked()
	}
}

// writePushes sends what is pending, and ends when nothing is.
func (c *Conn) writePushes() {
	q := &c.push
	for {
		q.mu.Lock()
		b := q.mu.pending
		if len(b) == 0 || q.mu.stopped || q.mu.held {
			q.mu.running = false
			q.mu.Unlock()
			return
		}
		q.mu.pending = nil
		q.mu.Unlock()
		if err := c.writePush(b); err != nil {
			q.stop()
		}
	}
}

// writePush sends b between two of the connection's own writes.
func (c *Conn) writePush(b []byte) error {
	c.push.writeMu.Lock()
	defer c.push.writeMu.Unlock()
	c.shared.writing.Store(int64(time.Since(c.srv.started)) | 1)
	defer c.shared.writing.Store(0)
	n, err := c.sock.Write(b)
	c.counts.netOut.Add(uint64(n))
	c.counts.writes.Add(1)
	return err
}

// overLimitLocked applies an output buffer limit to what is pending.
func (q *pushQueue) overLimitLocked(limit config.OutputBufferLimit, now time.Time) bool {
	n := int64(len(q.mu.pending))
	if limit.HardBytes > 0 && n > limit.HardBytes {
		return true
	}
	if limit.SoftBytes == 0 || n <= limit.SoftBytes {
		q.mu.softSince = time.Time{}
		return false
	}
	if q.mu.softSince.IsZero() {
		q.mu.softSince = now
	}
	return now.Sub(q.mu.softSince) >= limit.SoftPeriod
}

// stop discards what is pending and takes no more.
func (q *pushQueue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.pending, q.mu.stopped = nil, true
}

// wait discards what is pending, and returns when the goroutines of the queue have ended. The connection must have been killed, so that
// no write lasts.
func (q *pushQueue) wait() {
	q.stop()
	q.wg.Wait()
}

// pushLimit is the bound on what waits for a client that listens. Redis counts a MONITOR client as a normal one, which by default has no
// limit, and so lets it fill the memory; here it has the limit of pubsub clients where normal ones have none.
func (s *Server) pushLimit() config.OutputBufferLimit {
	limits := &s.cfg.Load().ClientOutputBufferLimit
	if limits.Normal != (config.OutputBufferLimit{}) {
		return limits.Normal
	}
	return limits.PubSub
}

// size returns how many bytes are pending.
func (q *pushQueue) size() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.mu.pending)
}
