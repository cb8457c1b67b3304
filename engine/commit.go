package engine

import (
	"runtime"
	"sync"
	"sync/atomic"

	"quipu/persist"
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
	// body is the record under construction. Only the leader touches it.
	body []byte

	mu struct {
		sync.Mutex
		gathering uint64  // number of the commit that gathers
		slots     []*slot // its dirty slots
		events    []byte  // operations on whole databases, that go before the values
		spare     []*slot
		group     *group // who waits for it
		flying    *group // who waits for the commit before it; nil or finished when none flies
	}
}

// group is those who wait for one commit.
type group struct {
	done chan struct{}
	led  bool
	prev *group
	err  error
}

func (c *commits) init(last uint64) {
	c.durable.Store(last)
	c.mu.gathering = last + 1
	c.mu.group = &group{done: make(chan struct{})}
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
func (e *Engine) lead(g *group) {
	if g.prev != nil {
		<-g.prev.done
		g.err = g.prev.err
	}
	if g.err == nil {
		// Connections that are ready to run get to run first, so that their changes join this commit.
		runtime.Gosched()
	}
	e.fly(g)
}

func (e *Engine) fly(g *group) {
	c := &e.commits
	c.walk.Lock()
	c.mu.Lock()
	n := c.mu.gathering
	slots := c.mu.slots
	c.mu.slots, c.mu.spare = c.mu.spare[:0], nil
	c.body = append(c.body[:0], c.mu.events...)
	c.mu.events = nil
	c.mu.gathering++
	c.mu.flying = g
	g.prev = nil
	c.mu.group = &group{done: make(chan struct{}), prev: g}
	c.mu.Unlock()
	rows := int64(0)
	for _, s := range slots {
		rows += e.takeSlot(s, n)
	}
	c.walk.Unlock()
	if g.err == nil {
		g.err = e.write(n)
	}
	if g.err == nil {
		c.durable.Store(n)
		e.stats.commits.Add(1)
		e.stats.commitRows.Add(rows)
		e.stats.commitBytes.Add(int64(len(c.body)))
		if e.opts.Observe.Committed != nil {
			e.opts.Observe.Committed(int(rows), len(c.body))
		}
	}
	c.recycle(slots)
	close(g.done)
	if g.err != nil {
		e.fail(g.err)
	}
}

// maxSpareBody and maxSpareSlots bound what is kept between commits for reuse.
const (
	maxSpareBody  = 1 << 20
	maxSpareSlots = 1 << 16
)

func (c *commits) recycle(slots []*slot) {
	if cap(c.body) > maxSpareBody {
		c.body = nil
	}
	if cap(slots) > maxSpareSlots {
		return
	}
	clear(slots)
	c.mu.Lock()
	c.mu.spare = slots[:0]
	c.mu.Unlock()
}

// write appends the record and, where the policy asks for it, syncs it.
func (e *Engine) write(n uint64) error {
	if err := e.store.Append(n, 0, e.commits.body); err != nil {
		return err
	}
	if FsyncPolicy(e.fsync.Load()) != FsyncAlways {
		return nil
	}
	return e.store.Sync()
}

// takeSlot serialises a slot's queued entries into the record, under the slot's lock, and returns how many there were.
func (e *Engine) takeSlot(s *slot, n uint64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := int64(0)
	for _, t := range s.queued {
		rows += e.takeTable(s, t, n)
	}
	s.queued = s.queued[:0]
	s.taken, s.pending, s.listed = n, 0, false
	if s.countsQueued {
		s.countsQueued = false
		e.appendCounts(s)
	}
	return rows
}

// maxIdleQueue bounds the queue that a table keeps while it is empty.
const maxIdleQueue = 16

func (e *Engine) takeTable(s *slot, t *table, n uint64) int64 {
	rows := int64(0)
	gone := e.gone[:0]
	for _, off := range t.queue {
		en := t.at(off)
		f := en.flags()
		if f&flagDead != 0 || f&flagQueued == 0 {
			continue
		}
		rows++
		e.appendEntry(s, t, en, f)
		f = f&^(flagQueued|markMask) | flags(n)<<markShift&markMask
		en.setFlags(f)
		if f.forgettable() {
			gone = append(gone, off)
		}
	}
	if t.queue = t.queue[:0]; cap(t.queue) > maxIdleQueue {
		t.queue = nil
	}
	if len(gone) > 0 {
		s.buried = n
		e.bury(s, t, gone)
	}
	e.gone = gone[:0]
	return rows
}

// forgettable: a deleted name that neither the log nor the store has to be told of any more.
func (f flags) forgettable() bool {
	return f&flagDeleted != 0 && f&(flagQueued|flagTaken|flagStored) == 0
}

// bury removes the entries of deleted names.
func (e *Engine) bury(s *slot, t *table, offs []uint32) {
	for _, off := range offs {
		en := t.at(off)
		t.remove(e.space, e.space.hash(t.name(en, en.flags())), en, off)
	}
	s.departures++
	if t.wantsCompaction() {
		t.compact(e.space, nil)
	}
}

func (e *Engine) appendEntry(s *slot, t *table, en entry, f flags) {
	name := t.name(en, f)
	e.rowKey = appendDataKey(e.rowKey[:0], s.db.id, s.number, orderOf(name), name)
	if f&flagDeleted != 0 {
		e.commits.body = persist.AppendDelete(e.commits.body, e.rowKey)
		return
	}
	e.rowValue = appendRow(e.rowValue[:0], t.cell(en, f))
	e.commits.body = persist.AppendSet(e.commits.body, e.rowKey, e.rowValue)
}

func (e *Engine) appendCounts(s *slot) {
	e.rowKey = appendSlotKey(e.rowKey[:0], s.db.id, s.number)
	e.rowValue = appendSlotCounts(e.rowValue[:0], s.counts())
	e.commits.body = persist.AppendSet(e.commits.body, e.rowKey, e.rowValue)
}
