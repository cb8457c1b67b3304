package engine

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// commits is the pipeline from dirty slots to durable records. Commits are numbered from 1; commit n is log record n. One
// commit flies at a time (its record is being written or synced) while the next one gathers: every change that is made
// meanwhile joins it, which is what makes a hundred clients pay for one fsync.
//
// A connection that must wait and finds nobody leading the gathering commit leads it itself, so that an idle server answers a
// single client without a handoff.
type commits struct {
	// walk is held for writing by the walk over the dirty slots, and for reading by whoever writes several slots as one: a
	// record therefore never holds half of a transaction.
	walk sync.RWMutex
	// durable is the last commit that is as durable as the policy demands.
	durable atomic.Uint64
	// record is the one that is made. It belongs to who walks.
	record record

	mu struct {
		sync.Mutex
		gathering uint64  // number of the commit that gathers
		slots     []*slot // its dirty slots
		events    []byte  // what goes before their values: operations on whole databases
		spare     []*slot
		spareBody []byte
		group     *group // who waits for it
		flying    *group // who waits for the commit before it; nil or finished when none flies
	}
}

// group is those who wait for one commit.
type group struct {
	done chan struct{}
	// landed is closed after done, so that of all who are woken the leader of the next commit runs first: its record is on
	// the way to the disk while the replies of this one are written.
	landed chan struct{}
	led    bool
	prev   *group
	err    error
}

func newGroup(prev *group) *group {
	return &group{done: make(chan struct{}), landed: make(chan struct{}), prev: prev}
}

func (c *commits) init(last uint64) {
	c.durable.Store(last)
	c.mu.gathering = last + 1
	c.mu.group = newGroup(nil)
}

// enlist puts slots on the list of the gathering commit and returns its number. The slots are locked.
func (c *commits) enlist(slots []*slot) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.slots = append(c.mu.slots, slots...)
	for _, s := range slots {
		s.pending = c.mu.gathering
	}
	return c.mu.gathering
}

// enlistEvent adds an operation on whole databases to the gathering commit. Every slot is locked.
func (c *commits) enlistEvent(op func(body []byte) []byte) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.events = op(c.mu.events)
	return c.mu.gathering
}

// newest returns the last commit that anything has joined.
func (c *commits) newest() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.mu.slots) == 0 && len(c.mu.events) == 0 {
		return c.mu.gathering - 1
	}
	return c.mu.gathering
}

// Wait returns when commit need is as durable as the policy demands; at once for 0. An error means that it never will be:
// nothing that depends on it may be acknowledged.
func (e *Engine) Wait(need uint64) error {
	c := &e.commits
	if need <= c.durable.Load() {
		return nil
	}
	e.stats.held.Add(1)
	defer e.stats.held.Add(-1)
	g, lead := c.join(need)
	if lead {
		e.lead(g)
	}
	if g != nil {
		<-g.done
		return g.err
	}
	return nil
}

// join returns the group to wait with, nil when the commit has landed meanwhile, and whether the caller has to lead it.
func (c *commits) join(need uint64) (g *group, lead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case need <= c.durable.Load():
		return nil, false
	case need < c.mu.gathering:
		return c.mu.flying, false
	}
	g = c.mu.group
	lead = !g.led
	g.led = true
	return g, lead
}

// lead carries the gathering commit out, once the one before it has landed.
//
// When an fsync is ahead and none is under way, connections that are ready to run get to run first, so that their changes join
// this commit. When there was one to wait for, they have had their time; and without an fsync, a commit costs less than the
// switches that a larger one takes.
func (e *Engine) lead(g *group) {
	if FsyncPolicy(e.fsync.Load()) == FsyncAlways && (g.prev == nil || g.prev.hasLanded()) {
		runtime.Gosched()
	}
	if g.prev != nil {
		<-g.prev.landed
		g.err = g.prev.err
	}
	if g.err == nil {
		g.err = e.awaitRoom()
	}
	e.fly(g)
}

func (g *group) hasLanded() bool {
	select {
	case <-g.landed:
		return true
	default:
		return false
	}
}

func (e *Engine) fly(g *group) {
	c := &e.commits
	c.walk.Lock()
	c.mu.Lock()
	n := c.mu.gathering
	slots := c.mu.slots
	c.mu.slots, c.mu.spare = c.mu.spare[:0], nil
	c.record = record{store: e.store, index: n, limit: e.opts.PieceBytes, body: c.mu.spareBody[:0]}
	events := c.mu.events
	c.mu.events, c.mu.spareBody = nil, nil
	c.mu.gathering++
	c.mu.flying = g
	g.prev = nil
	c.mu.group = newGroup(g)
	c.mu.Unlock()
	rows := int64(0)
	if g.err == nil { // else what says which commit an entry waits for stays as it is: none of them will ever land
		c.record.long(events) // what goes before the values
		rows = e.walkSlots(slots, n)
	}
	r := c.record
	c.record = record{}
	c.walk.Unlock()
	size := r.size()
	if g.err == nil {
		g.err = e.write(&r)
	}
	if g.err == nil {
		c.durable.Store(n)
		e.stats.commits.Add(1)
		e.stats.commitRows.Add(rows)
		e.stats.commitBytes.Add(size)
		if e.opts.Observe.Committed != nil {
			e.opts.Observe.Committed(int(rows), int(size))
		}
	}
	c.recycle(slots, r.body)
	close(g.done)
	close(g.landed)
	if g.err != nil && !errors.Is(g.err, ErrClosing) {
		e.fail(g.err)
	}
}

// What is kept between commits for reuse: memory for a piece and some more, and a list of slots.
const (
	maxSpareBody  = 2 * defaultPieceBytes
	maxSpareSlots = 1 << 16
)

func (c *commits) recycle(slots []*slot, body []byte) {
	if cap(body) > maxSpareBody {
		body = nil
	}
	if cap(slots) > maxSpareSlots {
		slots = nil
	}
	clear(slots)
	c.mu.Lock()
	c.mu.spare, c.mu.spareBody = slots[:0], body
	c.mu.Unlock()
}

// takeGathering puts what the gathering commit would take into its record now. Everything is locked, so nobody walks.
func (e *Engine) takeGathering() {
	c := &e.commits
	c.mu.Lock()
	slots, n := c.mu.slots, c.mu.gathering
	c.record = record{body: c.mu.events}
	c.mu.slots, c.mu.events = nil, nil
	c.mu.Unlock()
	for _, s := range slots {
		e.takeSlot(s, n)
	}
	c.mu.Lock()
	c.mu.events = c.record.body
	c.mu.Unlock()
	c.record = record{}
}

// write completes the record in the log and, where the policy asks for it, syncs it.
func (e *Engine) write(r *record) error {
	if err := r.finish(); err != nil {
		return err
	}
	if FsyncPolicy(e.fsync.Load()) != FsyncAlways {
		return nil
	}
	return e.store.Sync()
}
