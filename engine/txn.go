package engine

import (
	"slices"
	"sync/atomic"

	"quipu/cluster/hashslot"
	"quipu/engine/ranktree"
)

// Txn is one connection's window on the counters. It locks the slots of the keys that a command names, reads and writes their
// entries, and notes the highest commit that anything it saw or wrote depends on. It serves one goroutine at a time and is
// reused for the connection's life.
type Txn struct {
	e    *Engine
	held []*slot
	// heldBits has a bit for each held slot's number modulo 64: a clear bit says for sure that a slot is not held.
	heldBits uint64
	all      bool // LockAll holds everything
	walk     bool // the commit walk is excluded
	writes   bool // what is locked may be written
	single   bool // of the keys that are being locked only one is going to be written
	logging  bool // what is written goes to the log
	spares   bool // what has expired is left where it is: see Engine.HoldExpiry
	told     bool // the listener has been told of a change since the last Unlock

	listener Listener // nil: nobody wants to be told of changes

	// fresh are the held slots that this Txn has made dirty and that no commit has listed yet.
	fresh []*slot
	wrote bool // what made them dirty was more than the removal of expired keys
	need  uint64
	now   int64

	toil toil

	noTouch bool // uses of keys do not count

	changes      int64
	hits, misses int64
	uncounted    bool // a look at a collection is no hit or miss

	// moves counts what may have moved an entry: a view of a collection then has to find its own again.
	moves uint64
	found foundKey
	// scratch, spare, picked, names, marks and cursors are space for collections to work in, scratch for Edit too.
	scratch, spare, picked []byte
	marks                  []mark
	cursors                []*ranktree.Cursor
	names                  [][]byte

	// ready are the keys that were changed and that somebody waits for (wait.go).
	ready []Key

	// absent holds, from one Lock to the next, the proofs that the store has no row of a name: it had none when it was read, and
	// no entry of the slot has left memory since. The value is the slot's departures at the time.
	absent  map[absentName]uint64
	missing []Key
	order   []slotRef
	touch   toucher
}

// slotRef is a slot to be locked, with the place that locking order gives it: physical database and number, which no SWAPDB
// changes. In the order of logical databases, two that lock across a SWAPDB could wait for each other.
type slotRef struct {
	s    *slot
	rank uint32
}

type absentName struct {
	s    *slot
	name string
}

// NewTxn returns a window for one connection.
func (e *Engine) NewTxn() *Txn { return &Txn{e: e} }

// Need returns the highest commit that what was read or written since ClearNeed depends on; see Engine.Wait.
func (t *Txn) Need() uint64 { return t.need }

// ClearNeed forgets the noted commit, once it has been waited for.
func (t *Txn) ClearNeed() {
	if t.need = 0; len(t.absent) > maxKeptMissing {
		t.absent = nil
	}
}

// Now returns the time in unix milliseconds that expiry is judged by. It stands still from Lock to Unlock, or to Renew, so that all of a
// transaction sees one time.
func (t *Txn) Now() int64 { return t.now }

// Renew has the time stand still at the present, for those whom a transaction has woken: it may have taken long.
func (t *Txn) Renew() { t.now = t.e.clock() }

func (t *Txn) begin() {
	t.now = t.e.clock()
	t.spares = false
	t.ready = nil
}

// locked is called once the locks are held. Whether there is a log must be asked then: it is switched under LockAll. So must the listener:
// who changes a key after it was read has to see the listener that came before the read.
func (t *Txn) locked() {
	t.logging = t.e.logging.Load()
	t.hearing()
	if t.walk && !t.logging && !t.all {
		t.e.cut.join(t.e.space, t.held)
	}
}

// maxUnlockedLoads is how often Lock reads what is missing without holding a lock. When that many rounds were not enough,
// because what is read is evicted or deleted again meanwhile, it reads the rest with the slots locked.
const maxUnlockedLoads = 4

// Lock locks the slots of keys, in ascending order of physical database and slot. Afterwards every key is in memory or known
// not to exist. With write, and several slots, what is written until Unlock is one commit.
func (t *Txn) Lock(keys []Key, write bool) {
	t.absent = nil
	t.lock(keys, write)
}

func (t *Txn) lock(keys []Key, write bool) {
	t.touch.ahead(t.e, keys)
	t.e.admit(write)
	t.begin()
	t.writes, t.spares = write, !write && t.e.expiryHeld()
	for round := 0; ; round++ {
		t.lockSlots(keys, write)
		t.findMissing(keys)
		if len(t.missing) == 0 || round >= maxUnlockedLoads && t.fetchMissing() {
			break
		}
		t.Unlock()
		for i := range t.missing {
			t.load(&t.missing[i])
		}
	}
	t.forgetMissing()
	t.locked()
}

// LockToWriteOne is Lock for a command that changes one of the keys at most and reads the others. What it writes is one commit however
// long it takes, so commits go on meanwhile, but for those that have to wait for one of its slots.
func (t *Txn) LockToWriteOne(keys []Key) {
	t.single = true
	t.Lock(keys, true)
	t.single = false
}

// fetchMissing reads what is missing with the slots locked. It reports false when it has to wait for a checkpoint.
func (t *Txn) fetchMissing() bool {
	for i := range t.missing {
		k := &t.missing[i]
		s := t.slot(k)
		t.fetch(s, k)
		tb := s.table(k.order)
		if e, _ := tb.find(k.hash, k.Name); e != nil && t.awaits(tb, e) {
			o := tb.spread(e, e.flags())
			if o.partial {
				t.e.fetchSpread(s, o)
			}
			if t.awaits(tb, e) {
				return false
			}
		}
	}
	return true
}

func (t *Txn) lockSlots(keys []Key, write bool) {
	if len(keys) == 1 {
		t.lockOne(&keys[0])
		return
	}
	for {
		swaps := t.e.swaps.Load()
		t.order = slices.Grow(t.order[:0], len(keys))
		for i := range keys {
			s := t.e.slot(&keys[i])
			t.order = append(t.order, slotRef{s, uint32(s.db.id)<<16 | uint32(s.number)})
		}
		slices.SortFunc(t.order, func(a, b slotRef) int { return int(a.rank) - int(b.rank) })
		t.order = slices.CompactFunc(t.order, func(a, b slotRef) bool { return a.rank == b.rank })
		if write && !t.single && len(t.order) > 1 {
			t.excludeWalk()
		}
		for _, r := range t.order {
			r.s.mu.Lock()
			t.hold(r.s)
		}
		if swaps == t.e.swaps.Load() {
			break
		}
		t.Unlock()
	}
	if cap(t.order) > maxKeptSlots {
		t.order = nil
	}
}

// maxKeptSlots bounds what a Txn keeps of its lists of slots between commands, so that a connection that named a million keys once is not
// larger than others for the rest of its life.
const maxKeptSlots = 1024

func (t *Txn) lockOne(k *Key) {
	for {
		s := t.e.slot(k)
		s.mu.Lock()
		if s == t.e.slot(k) {
			t.hold(s)
			t.touch.pages(&s.one)
			return
		}
		s.mu.Unlock()
	}
}

func (t *Txn) hold(s *slot) {
	t.held = append(t.held, s)
	t.heldBits |= 1 << (s.number & 63)
}

func (t *Txn) holds(s *slot) bool {
	return t.heldBits>>(s.number&63)&1 != 0 && slices.Contains(t.held, s)
}

func (t *Txn) excludeWalk() {
	if !t.walk {
		t.walk = true
		t.e.commits.walk.RLock()
	}
}

// LockBatch locks for a pipeline: command i uses keys[ends[i-1]:ends[i]], of which there is at least one. It locks the slots of as many leading commands as
// it can get without waiting (of the first command, whatever it takes), brings their entries into the cache together, so
// that the loads of the whole batch overlap, and returns how many commands may run before Unlock: at least one.
//
// Trying is what makes locking in the order of arrival free of deadlocks; it measured cheaper than sorting.
func (t *Txn) LockBatch(keys []Key, ends []int, write bool) int {
	if len(ends) == 1 {
		t.Lock(keys, write)
		return 1
	}
	t.absent = nil
	for range 2 {
		if n := t.tryBatch(keys, ends, write); n > 0 {
			t.forgetMissing()
			return n
		}
		t.Unlock()
		if !t.loadAhead() {
			break
		}
	}
	t.lock(keys[:ends[0]], write)
	return 1
}

// tryBatch is LockBatch without waiting: it may return 0, with locks held and what is missing noted.
func (t *Txn) tryBatch(keys []Key, ends []int, write bool) int {
	t.missing = t.missing[:0]
	t.e.admit(write)
	t.begin()
	t.writes = write
	swaps := t.e.swaps.Load()
	t.touch.slots(t.e, keys)
	if write && len(keys) > len(ends) {
		t.excludeWalk()
	}
	n := t.tryLock(ends)
	if n == 0 || swaps != t.e.swaps.Load() {
		return 0 // in other databases than those whose slots were found; none can be swapped while a slot is held
	}
	t.locked()
	t.touch.entries(t.e.space, keys[:ends[n-1]])
	ends = ends[:n]
	if n = t.resident(keys, ends); n == 0 {
		t.findMissing(keys[:ends[min(len(ends), maxLoadAhead)-1]])
	}
	return n
}

// maxLoadAhead is for how many commands of a batch what is missing is loaded together: without, each would begin the whole
// batch anew.
const maxLoadAhead = 64

// loadAhead reads what tryBatch has missed, without holding a lock, and reports whether there was anything.
func (t *Txn) loadAhead() bool {
	for i := range t.missing {
		t.load(&t.missing[i])
	}
	return len(t.missing) > 0
}

// tryLock returns how many leading commands have all their slots locked. Slots of a command that failed stay locked until
// Unlock; that is harmless.
func (t *Txn) tryLock(ends []int) int {
	from := 0
	var last *slot
	for i, end := range ends {
		for j := from; j < end; j++ {
			s := t.touch.at[j].s
			switch {
			case s == last:
				continue
			case s.mu.TryLock():
				t.hold(s)
			case !t.holds(s): // asked last: with a hundred slots held, that takes longer than to try
				return i
			}
			last = s
		}
		from = end
	}
	return len(ends)
}

// resident returns how many leading commands have all their keys in memory or known not to exist.
func (t *Txn) resident(keys []Key, ends []int) int {
	if !t.touch.partial {
		return len(ends)
	}
	from := 0
	for i, end := range ends {
		for j := from; j < end; j++ {
			if t.isMissing(&keys[j]) {
				return i
			}
		}
		from = end
	}
	return len(ends)
}

// findMissing collects the keys that are missing from memory although the store may have them.
func (t *Txn) findMissing(keys []Key) {
	t.missing = t.missing[:0]
	for i := range keys {
		if t.isMissing(&keys[i]) {
			t.missing = append(t.missing, keys[i])
		}
	}
}

func (t *Txn) isMissing(k *Key) bool {
	s := t.slot(k)
	tb := s.table(k.order)
	if !tb.partial && !tb.hollow {
		return false
	}
	if e, _ := tb.find(k.hash, k.Name); e != nil {
		return tb.hollow && t.awaits(tb, e)
	}
	if !tb.partial {
		return false
	}
	departures, read := t.absent[absentName{s, string(k.Name)}]
	return !read || departures != s.departures
}

// maxKeptMissing bounds what a Txn keeps of what was missing.
const maxKeptMissing = 64

func (t *Txn) forgetMissing() {
	if cap(t.missing) > maxKeptMissing {
		t.missing = nil
	}
}

// LockAll locks every slot of every database. A key that is not in memory is then read from the store when it is used.
func (t *Txn) LockAll() {
	t.begin()
	t.e.cut.whole.Lock()
	t.excludeWalk()
	t.e.mu.Lock()
	t.all = true
	for _, db := range t.e.physical() {
		db.lock()
	}
	t.locked()
}

// LockAllToRead is LockAll for who writes nothing.
func (t *Txn) LockAllToRead() {
	t.LockAll()
	t.spares = t.e.expiryHeld()
}

func (db *database) lock() {
	for i := range db.slots {
		db.slots[i].mu.Lock()
	}
}

// slot returns the slot of a key that is locked. Under LockAll a database may come into being here.
func (t *Txn) slot(k *Key) *slot {
	return &t.database(k.DB).slots[k.Slot&(hashslot.Count-1)]
}

func (t *Txn) database(n uint8) *database {
	if db := t.e.dbs[n].Load(); db != nil {
		return db
	}
	if !t.all {
		return t.e.makeDatabase(n)
	}
	db := newDatabase(t.e.ids[n])
	db.lock() // before anybody can find it
	t.e.dbs[n].Store(db)
	return db
}

// Unlock releases what a Lock took and tells the commit that gathers which slots are dirty now.
func (t *Txn) Unlock() {
	if len(t.fresh) > 0 {
		if n := t.e.commits.enlist(t.fresh); t.wrote {
			t.need = max(t.need, n)
		}
		t.fresh = t.fresh[:0]
	}
	t.wrote = false
	if t.toil != (toil{}) {
		t.endToil()
	}
	if t.all {
		t.unlockAll()
	}
	for _, s := range t.held {
		s.mu.Unlock()
	}
	t.held, t.heldBits = t.held[:0], 0
	t.touch.touched, t.found.at = 0, spot{}
	if cap(t.held) > maxKeptSlots {
		t.held, t.fresh = nil, nil
	}
	if t.walk {
		t.walk = false
		t.e.commits.walk.RUnlock()
	}
	t.publish()
	if t.told {
		t.settle()
	}
}

func (t *Txn) unlockAll() {
	for n := range t.e.dbs {
		if db := t.e.dbs[n].Load(); db != nil {
			for i := range db.slots {
				db.slots[i].mu.Unlock()
			}
		}
	}
	t.all = false
	t.e.mu.Unlock()
	t.e.cut.whole.Unlock()
}

// Fail reports that the holder of the locks has broken off in the middle of what has to be whole. If anything was changed, the process must
// end before a commit takes half of it: the locks are still held, so none has. It reports whether that was so.
func (t *Txn) Fail(err error) bool {
	if t.changes == 0 {
		return false
	}
	t.e.fail(err)
	return true
}

// publish adds what the Txn counted to the shared counters: once a batch, not once a command.
func (t *Txn) publish() {
	addCounter(&t.e.stats.changes, &t.changes)
	addCounter(&t.e.stats.hits, &t.hits)
	addCounter(&t.e.stats.misses, &t.misses)
}

func addCounter(to *atomic.Int64, from *int64) {
	if *from != 0 {
		to.Add(*from)
		*from = 0
	}
}
