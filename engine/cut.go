package engine

import (
	"math"
	"sync"
	"sync/atomic"
)

// cut keeps a checkpoint that no log completes from taking half of a transaction. Slots are taken one after the other, while
// writes go on; the line between what the checkpoint holds and what it does not must not run through a transaction.
//
// Who writes several slots as one looks, with all of them locked, whether they lie on one side of the line. If only some have
// been taken, it takes the others itself, as they are before it writes: the transaction then lies behind the line, and so does
// whatever comes later in any of its slots. If none has been taken, all will be, later and with what it writes. So nobody waits
// for a checkpoint; a writer pays at most for copying what is dirty in its own slots.
//
// Who locks everything waits until the slots are taken, holding nothing meanwhile.
type cut struct {
	// whole is held while the slots are taken, and by LockAll. It comes before all other locks.
	whole sync.Mutex
	// running is the number of the cut that is under way, 0 when none is. It changes under Engine.mu and mu.
	running atomic.Uint32
	// last is the number of the last cut, from 1 to 65535 and then from 1 again. Guarded by whole.
	last uint16

	// mu comes after the slots' locks.
	mu sync.Mutex
	// early is what writers have taken of slots that the checkpoint has not come to. Guarded by mu.
	early map[*slot]*takenSlot
}

// beginCut draws the line. It returns the databases to take; one that comes into being later lies behind the line.
func (e *Engine) beginCut() []*database {
	c := &e.cut
	c.whole.Lock()
	c.last = c.last%math.MaxUint16 + 1
	e.mu.Lock()
	defer e.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.early = map[*slot]*takenSlot{}
	c.running.Store(uint32(c.last))
	return e.physical()
}

func (e *Engine) endCut() {
	c := &e.cut
	e.mu.Lock()
	c.mu.Lock()
	c.early = nil
	c.running.Store(0)
	c.mu.Unlock()
	e.mu.Unlock()
	c.whole.Unlock()
}

// bear puts a new database behind the line. Engine.mu is held.
func (c *cut) bear(db *database) {
	if n := uint16(c.running.Load()); n != 0 {
		for i := range db.slots {
			db.slots[i].cut = n
		}
	}
}

// join puts a transaction that is about to write the locked slots held on one side of the line.
func (c *cut) join(sp *space, held []*slot) {
	n := uint16(c.running.Load())
	if n == 0 {
		return // and no slot that is held can be taken by a cut that begins now
	}
	taken := 0
	for _, s := range held {
		if s.cut == n {
			taken++
		}
	}
	if taken == 0 || taken == len(held) {
		return
	}
	for _, s := range held {
		if s.cut != n {
			c.takeEarly(sp, s, n)
		}
	}
}

func (c *cut) takeEarly(sp *space, s *slot, n uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if uint16(c.running.Load()) != n {
		return // given up: there is no line any more
	}
	taken := &takenSlot{}
	taken.copy(sp, s)
	taken.copyElements(s)
	s.cut = n
	c.early[s] = taken
}

// takenEarly returns what a writer has taken of a locked slot that the checkpoint comes to now; nil when none has. Of a cut, the
// slot then counts as taken.
func (c *cut) takenEarly(s *slot) *takenSlot {
	n := uint16(c.running.Load())
	if n == 0 {
		return nil
	}
	if s.cut != n {
		s.cut = n
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.early[s]
	delete(c.early, s)
	return taken
}
