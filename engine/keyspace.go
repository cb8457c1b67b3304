package engine

import (
	"math/rand/v2"

	"quipu/cluster/hashslot"
)

// Len returns how many keys a database has, in memory or not. Expired keys count until they are removed.
func (t *Txn) Len(n int) int64 {
	t.noteNewest()
	if db := t.e.dbs[n].Load(); db != nil {
		return db.keys.Load()
	}
	return 0
}

// noteNewest notes the last commit that anything has joined, for what depends on a whole database.
func (t *Txn) noteNewest() {
	if t.e.logging.Load() {
		t.need = max(t.need, t.e.commits.newest())
	}
}

// Keyspace returns what INFO tells of a database. The counts are exact. avgTTLMillis, how long keys that expire have yet to live, is
// that of a sample of those in memory, as Redis's is; 0 if there are none.
func (t *Txn) Keyspace(n int) (keys, expires, avgTTLMillis int64) {
	db := t.e.dbs[n].Load()
	if db == nil {
		return 0, 0, 0
	}
	keys, expires = db.keys.Load(), db.expiries.Load()
	if expires > 0 {
		avgTTLMillis = t.averageTTL(db)
	}
	return keys, expires, avgTTLMillis
}

// ttlSample is how many keys averageTTL looks at, or a few more: enough that the average of evenly spread times is seldom wrong by more than a tenth.
const ttlSample = 200

// averageTTL returns the average time in milliseconds that some keys of a database have to live, those of neighbouring slots. Slots that
// are in use are left out: t may hold locks itself.
func (t *Txn) averageTTL(db *database) int64 {
	now, sum, n := t.e.clock(), int64(0), int64(0)
	start := rand.IntN(hashslot.Count)
	for i := range hashslot.Count {
		number := (start + i) % hashslot.Count
		if db.nextExpiry[number].Load() == 0 {
			continue
		}
		s := &db.slots[number]
		if !t.all && !s.mu.TryLock() {
			continue
		}
		s.timesToLive(now, func(left int64) { sum, n = sum+left, n+1 })
		if !t.all {
			s.mu.Unlock()
		}
		if n >= ttlSample {
			break
		}
	}
	return sum / max(n, 1)
}

// timesToLive calls fn with how many milliseconds each key of a slot has to live that expires, has not yet done so, and is in memory.
func (s *slot) timesToLive(now int64, fn func(left int64)) {
	s.tables(func(t *table) {
		if t.expiries == 0 {
			return
		}
		t.each(func(e entry, _ uint32, f flags) {
			if f&flagExpires != 0 && f&flagDeleted == 0 && e.expiry(f) > now {
				fn(e.expiry(f) - now)
			}
		})
	})
}
