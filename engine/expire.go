package engine

import (
	"time"

	"quipu/cluster/hashslot"
)

// Expired keys are removed when they are met, and in the background: every slot knows a time before which nothing in it
// expires, so the cycle looks only at slots where something is due.
const (
	expireInterval = 100 * time.Millisecond
	// expireBudget is the time that one cycle may work: a quarter of a processor at most, as Redis's.
	expireBudget = 25 * time.Millisecond
	// expireChunk bounds how many keys are removed under one hold of a slot's lock, some 100 us.
	expireChunk = 512
)

// SetActiveExpire turns the background removal of expired keys on or off (DEBUG SET-ACTIVE-EXPIRE).
func (e *Engine) SetActiveExpire(on bool) { e.stats.activeExpireOff.Store(!on) }

// HoldExpiry has expiry stand still until a time, or go on at once for the zero time: what expires meanwhile is not there to anybody who
// reads, but is removed only when somebody writes it, or afterwards. A transaction that is under way is not affected.
func (e *Engine) HoldExpiry(until time.Time) {
	if until.IsZero() {
		until = time.Unix(0, 0)
	}
	e.heldUntil.Store(until.UnixNano())
}

// expiryHeld reports whether expiry stands still, as it also does while nothing can be written to the disk.
func (e *Engine) expiryHeld() bool {
	until := e.heldUntil.Load()
	return until != 0 && time.Now().UnixNano() < until || e.Limited()
}

func (e *Engine) expireLoop() {
	c := expireCycle{e: e, t: e.NewTxn()}
	e.every(expireInterval, func() {
		if !e.stats.activeExpireOff.Load() && !e.expiryHeld() {
			c.observed()
		}
	})
}

// expireCycle is a hand that goes round the slots. A cycle begins where the last one ran out of time, so that no slot starves.
type expireCycle struct {
	e        *Engine
	t        *Txn
	db, slot int
	deadline time.Time // later by each pause
}

// observed runs a cycle and tells how long it took.
func (c *expireCycle) observed() {
	began, expired := time.Now(), c.e.stats.expiredEntries()
	c.run()
	if observe := c.e.expireObserver.Load(); observe != nil && c.e.stats.expiredEntries() != expired {
		(*observe)(time.Since(began))
	}
}

// expiredEntries counts the keys and fields that were removed because their time had come.
func (c *counters) expiredEntries() int64 { return c.expired.Load() + c.expiredFields.Load() }

// run looks at every slot, unless its time is over before.
func (c *expireCycle) run() {
	c.deadline = time.Now().Add(expireBudget)
	for range len(c.e.dbs) + 1 { // the first database in two parts
		if !c.runDatabase() {
			return
		}
		c.db, c.slot = (c.db+1)%len(c.e.dbs), 0
	}
}

// runDatabase moves the hand to the end of its database, and reports false when there is no time for more.
func (c *expireCycle) runDatabase() bool {
	db := c.e.dbs[c.db].Load()
	if db == nil {
		return true
	}
	now := c.e.clock()
	for c.slot < hashslot.Count {
		number := c.slot
		c.slot++
		if next := db.nextExpiry[number].Load(); next == 0 || next >= now {
			continue
		}
		if err := c.e.expireSlot(c.t, db, number); err != nil {
			c.e.log.Error("Expired keys can not be removed", "slot", number, "error", err)
			return false
		}
		worked := time.Now()
		if worked.After(c.deadline) {
			return false
		}
		c.e.pacer.breathe()
		c.deadline = c.deadline.Add(time.Since(worked))
	}
	return true
}

// expireSlot removes what is due in a slot, a chunk at a time. What is only in the store is loaded first.
func (e *Engine) expireSlot(t *Txn, db *database, number int) error {
	s := &db.slots[number]
	for {
		if err := e.loadSlot(s); err != nil {
			return err
		}
		if err := e.loadDueSpreads(s); err != nil {
			return err
		}
		t.begin()
		s.mu.Lock()
		t.hold(s)
		t.locked()
		more := t.expireChunk(s)
		t.Unlock()
		t.ClearNeed()
		if !more {
			return nil
		}
	}
}

// loadDueSpreads loads collections of a slot that are not in memory and have elements to remove.
func (e *Engine) loadDueSpreads(s *slot) error {
	now := e.clock()
	for _, o := range s.partialSpreads() {
		if o.nextExpiry != 0 && o.nextExpiry < now {
			if err := e.loadSpread(s, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadSlot loads the partial tables of a slot.
func (e *Engine) loadSlot(s *slot) error {
	for at := 0; at <= 0xffff; {
		s.mu.Lock()
		t := s.table(uint16(at))
		last, partial := t.last(), t.partial
		s.mu.Unlock()
		if partial {
			if err := e.loadTable(s, uint16(at), last); err != nil {
				return err
			}
		}
		at = int(last) + 1
	}
	return nil
}

// expireChunk removes about expireChunk due keys and fields of a slot and reports whether there may be more. When there are none, the
// slot's next expiry is known exactly.
func (t *Txn) expireChunk(s *slot) bool {
	if s.objects != nil && s.objects.frozen > 0 || t.e.expiryHeld() {
		return false // the next cycle finds it as it is
	}
	var due [][]byte
	s.tables(func(tb *table) {
		if (tb.expiries > 0 || tb.timed) && tb.nextExpiry < t.now && len(due) < expireChunk {
			due = tb.due(t.e.space, t.now, due)
		}
	})
	removed := 0
	for i := range due {
		removed += t.expireDue(s, due[i], expireChunk-removed)
	}
	if removed >= expireChunk {
		return true
	}
	next := int64(0)
	s.tables(func(tb *table) {
		if tb.partial {
			next = earlier(next, s.db.nextExpiry[s.number].Load()) // evicted since it was loaded: keep the bound
		}
		if tb.expiries > 0 || tb.timed {
			next = earlier(next, tb.nextExpiry)
		}
	})
	t.setNextExpiry(s, next)
	return false
}

// earlier returns the earlier of two expiries, of which 0 is none.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// expireDue removes what is due of a key, itself or up to so many of its fields, and returns how much that was.
func (t *Txn) expireDue(s *slot, name []byte, limit int) int {
	k := &Key{Name: name, hash: t.e.space.hash(name), order: orderOf(name)}
	tb := s.table(k.order)
	e, off := tb.find(k.hash, k.Name)
	at := spot{s, tb, e, off}
	f := e.flags()
	if limit > 0 && f&flagExpires != 0 && e.expiry(f) < t.now {
		t.delete(k, at)
		t.e.stats.expired.Add(1)
		return 1
	}
	h := Hash{collection{t: t, k: *k, at: at, moves: t.moves, kind: HashKind}}
	removed := 0
	if limit > 0 {
		removed = h.purge()
	}
	if h.locate(); h.at.e != nil {
		c := h.at.t.cell(t.e.space, h.at.e, h.at.e.flags())
		h.at.t.noteElements(c.elementExpiry())
		h.at.t.noteOverwrite(c.expireAt)
	}
	return removed
}

// setNextExpiry raises a slot's earliest expiry, and remembers to tell the log and the store.
func (t *Txn) setNextExpiry(s *slot, next int64) {
	if s.db.nextExpiry[s.number].Swap(next) != next {
		s.countsDirty = true
	}
}
