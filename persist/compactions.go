package persist

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// compactions schedules the compactions of a store: one at a time, as pebbleOptions says, and none before the store has opened.
//
// Pebble's own scheduler lets Open begin one, and goes on when Open then fails: the compaction reads through a cache that is closed
// already and ends the process with a panic, which hides the error of the disk, and it writes to a store that somebody else may have opened.
type compactions struct {
	db pebble.DBForCompaction
	// turn is held while the database is asked what it wants. It is taken before the database's locks.
	turn sync.Mutex
	// mu is taken after the database's locks, and nothing is called under it.
	mu struct {
		sync.Mutex
		begun, ended bool
		running      int
	}
}

// Register is called once by Open.
func (c *compactions) Register(_ int, db pebble.DBForCompaction) { c.db = db }

// begin is called when the store has opened. What it wanted by then is done first.
func (c *compactions) begin() {
	c.mu.Lock()
	c.mu.begun = true
	c.mu.Unlock()
	c.offer()
}

// Unregister is called by Close. It waits for calls into the database, but not for a compaction.
func (c *compactions) Unregister() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.ended = true
}

// TrySchedule is called by the database, with its locks, when it wants a compaction. One that is refused is waiting: offer asks for it.
func (c *compactions) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.idleLocked() {
		return false, nil
	}
	c.mu.running++
	return true, c
}

func (c *compactions) idleLocked() bool { return c.mu.begun && !c.mu.ended && c.mu.running <= 0 }

func (c *compactions) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.idleLocked()
}

// Done is called at the end of each compaction, without locks.
func (c *compactions) Done() {
	c.mu.Lock()
	c.mu.running--
	c.mu.Unlock()
	c.offer()
}

// offer begins the compaction that waits, if there is one. It is counted afterwards, so that TrySchedule never refuses for the sake of one
// that then does not come, which nobody would ask for again. Thus two may run for once, and the count may be below zero for a moment.
func (c *compactions) offer() {
	c.turn.Lock()
	defer c.turn.Unlock()
	if !c.idle() {
		return
	}
	if waiting, _ := c.db.GetWaitingCompaction(); !waiting || !c.db.Schedule(c) {
		return
	}
	c.mu.Lock()
	c.mu.running++
	c.mu.Unlock()
}

// UpdateGetAllowedWithoutPermission tells that more compactions may be allowed at once, which are never more than one.
func (c *compactions) UpdateGetAllowedWithoutPermission() {}

// Started is of no interest, nor is what else a compaction tells while it runs: storeFS has it give way.
func (c *compactions) Started() {}

// MeasureCPU is called by a compaction that runs.
func (c *compactions) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats is called by a compaction that runs.
func (c *compactions) CumulativeStats(pebble.CompactionGrantHandleStats) {}
