package engine

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"quipu/cluster/hashslot"
)

// slot is the unit of everything: one of a database's 16384 hash slots, with its own lock, tables, dirty list and counts.
type slot struct {
	// What a command on a counter needs lies in the first three of six cache lines, which prefetch asks for together. The table begins with the second.

	mu     sync.Mutex
	number uint16

	// listed: the slot is on the list of the commit that gathers (pending), or will be when the Txn that holds it unlocks
	// (pending still 0).
	listed bool
	// countsQueued and countsDirty: the counts have changed since the last commit walk, or checkpoint, took them.
	countsQueued bool

	pending uint64 // the commit whose walk will take the slot's queued entries
	taken   uint64 // the last commit whose walk took entries
	watches map[string][]*Watch

	tableSet

	db      *database
	objects *objects // nil until the slot has a spread collection

	// The counts cover what is only in the store, too.
	keys     uint64
	expiries uint64
	// departures counts the times that an entry left memory: what was read from the store before the last of them may be stale.
	departures uint64
	// evictions counts the times that clean entries were dropped: a table that was being loaded may be partial again.
	evictions uint64
	buried    uint64 // the last commit whose walk removed deleted names
	// exchanged is the commit by which SWAPDB last gave the database another number.
	exchanged uint64

	countsDirty, countsTaken bool
	// flushed: rows that the store holds of this slot are void (FLUSHDB) until a checkpoint deletes them.
	flushed, flushTaken bool
	// cut is the last cut that has taken the slot.
	cut uint16
}

// prefetch begins to bring what a command needs of the slot into the cache. It needs no lock: nothing is read.
func (s *slot) prefetch() { prefetchLines(unsafe.Pointer(s)) }

func (s *slot) counts() slotCounts {
	c := slotCounts{keys: s.keys, expiries: s.expiries, nextExpiry: s.db.nextExpiry[s.number].Load()}
	if s.objects != nil {
		c.lastSpread = s.objects.last
	}
	return c
}

// database is one of the physical databases; SWAPDB changes which logical database it is.
type database struct {
	slots [hashslot.Count]slot // first, so that slots begin where cache lines do
	id    uint8
	// nextExpiry of each slot: unix milliseconds, 0 for none. Written under the slot's lock, read by the expiry cycle without.
	nextExpiry [hashslot.Count]atomic.Int64
	keys       atomic.Int64
	expiries   atomic.Int64
	// voided is the last commit that emptied the database or gave it another number.
	voided atomic.Uint64
}

func newDatabase(id uint8) *database {
	db := &database{id: id}
	for i := range db.slots {
		db.slots[i].db, db.slots[i].number = db, uint16(i)
	}
	return db
}

// addKeys keeps the counts of slot and database.
func (s *slot) addKeys(keys, expiries int) {
	s.keys += uint64(int64(keys))
	s.expiries += uint64(int64(expiries))
	s.db.keys.Add(int64(keys))
	if expiries != 0 {
		s.db.expiries.Add(int64(expiries))
	}
	s.countsQueued, s.countsDirty = true, true
}

// noteExpiry lowers the slot's earliest expiry.
func (s *slot) noteExpiry(at int64) {
	next := &s.db.nextExpiry[s.number]
	if now := next.Load(); at != 0 && (now == 0 || at < now) {
		next.Store(at)
		s.countsQueued, s.countsDirty = true, true
	}
}
