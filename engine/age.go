package engine

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Under a policy that deletes keys, each key has an age: when it was last used or, under an lfu policy, how often. Ages are four
// bytes beside each reference of a table's index; under noeviction there are none, and counters do not pay for them.
//
// An age of an lfu policy is Redis's: the minutes of the last change of the counter, 16 bits, and the counter, 8 bits, which
// grows with the logarithm of the uses. Under the other policies it is the unix time in seconds.

// ageKeeper knows what ages mean. It can change at any time; ages that were kept by other rules are given up then.
type ageKeeper struct {
	policy       atomic.Uint32
	logFactor    atomic.Int64
	decayMinutes atomic.Int64
	since        atomic.Int64 // when the policy came, unix milliseconds: what is unknown counts as used then
}

// ages run beside the pages of an index.
type ages struct {
	pages []*indexPage
	size  int // of each page: that of the index's
}

const (
	// lfuInitial is the counter of a new key, so that it is not the first to go.
	lfuInitial = 5
	lfuMax     = 255
	lfuBits    = 8
	minuteMask = 1<<16 - 1

	millisPerSecond = 1000
	millisPerMinute = 60_000
)

func (k *ageKeeper) rules() EvictionPolicy { return EvictionPolicy(k.policy.Load()) }

// keeps reports whether keys have ages.
func (k *ageKeeper) keeps() bool { return k.rules() != NoEviction }

// newborn is the age of a key that was never used, at a time in unix milliseconds.
func (k *ageKeeper) newborn(now int64) uint32 {
	if k.rules().lfu() {
		return lfuAge(lfuInitial, now)
	}
	return uint32(now / millisPerSecond)
}

// unknown is the age of a key that has none yet.
func (k *ageKeeper) unknown() uint32 { return k.newborn(k.since.Load()) }

// used returns what an age becomes by a use.
func (k *ageKeeper) used(age uint32, now int64) uint32 {
	if !k.rules().lfu() {
		return uint32(now / millisPerSecond)
	}
	n := k.frequency(age, now)
	if n < lfuMax && rand.Float64()*(float64(max(n-lfuInitial, 0)*k.logFactor.Load())+1) < 1 {
		n++
	}
	return lfuAge(n, now)
}

func lfuAge(counter, now int64) uint32 {
	return uint32(now/millisPerMinute&minuteMask)<<lfuBits | uint32(counter)
}

// frequency is the counter in an lfu age as it is by now: it falls by one for each lfu-decay-time without a use.
func (k *ageKeeper) frequency(age uint32, now int64) int64 {
	n := int64(age & lfuMax)
	every := k.decayMinutes.Load()
	if every <= 0 {
		return n
	}
	passed := (now/millisPerMinute - int64(age>>lfuBits)) & minuteMask
	return max(n-passed/every, 0)
}

// idle is how long ago, in seconds, the last use was that a time of use tells of.
func idle(age uint32, now int64) int64 { return max(now/millisPerSecond-int64(age), 0) }

// Eviction says what may be deleted when memory is full, by Redis's parameters.
type Eviction struct {
	Policy    EvictionPolicy
	Samples   int           // maxmemory-samples scales how many keys are looked at before some are deleted
	LogFactor int           // lfu-log-factor: how slowly the counter of an lfu policy grows
	Decay     time.Duration // lfu-decay-time, whole minutes; 0: the counter never falls
}

// DefaultEviction deletes nothing, and has Redis's defaults for the policies that do.
func DefaultEviction() Eviction {
	return Eviction{Policy: NoEviction, Samples: 5, LogFactor: 10, Decay: time.Minute}
}

// SetEviction changes what may be deleted when memory is full.
func (e *Engine) SetEviction(v Eviction) {
	k := &e.space.ages
	k.logFactor.Store(int64(v.LogFactor))
	k.decayMinutes.Store(int64(v.Decay / time.Minute))
	e.evictor.samples.Store(int64(v.Samples))
	if k.rules() != v.Policy {
		e.changePolicy(v.Policy)
	}
	e.evictor.poke()
}

// changePolicy gives up the ages that were kept by other rules.
func (e *Engine) changePolicy(policy EvictionPolicy) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := &e.space.ages
	k.since.Store(e.clock())
	k.policy.Store(uint32(policy))
	for _, db := range e.physical() {
		for i := range db.slots {
			s := &db.slots[i]
			s.mu.Lock()
			s.tables(func(t *table) { t.dropAges(e.space) })
			s.mu.Unlock()
		}
	}
}

// SetIdle has a key look as if it was last used so many seconds ago (RESTORE with IDLETIME), where times of use are kept.
func (t *Txn) SetIdle(k Key, seconds int64) {
	if keeper := &t.e.space.ages; keeper.keeps() && !keeper.rules().lfu() {
		t.setAge(k, uint32(max(t.now/millisPerSecond-seconds, 0)))
	}
}

// SetFreq gives a key a counter, 0 to 255, under an lfu policy (RESTORE with FREQ).
func (t *Txn) SetFreq(k Key, counter int64) {
	if t.e.space.ages.rules().lfu() {
		t.setAge(k, lfuAge(counter, t.now))
	}
}

func (t *Txn) setAge(k Key, age uint32) {
	if at, _ := t.find(&k); at.e != nil {
		bucket, i := at.t.ageAt(t.e.space, k.hash, at.off)
		bucket[i] = age
	}
}

// age notes a use of an entry, or its birth, where ages are kept.
func (t *Txn) age(hash uint64, at *spot, born bool) {
	if t.e.space.ages.keeps() {
		t.noteAge(hash, at, born)
	}
}

func (t *Txn) noteAge(hash uint64, at *spot, born bool) {
	k := &t.e.space.ages
	bucket, i := at.t.ageAt(t.e.space, hash, at.off)
	switch {
	case born:
		bucket[i] = k.newborn(t.now)
	case !t.noTouch:
		bucket[i] = k.used(bucket[i], t.now)
	}
}

// NoTouch says whether the uses of keys do not count, save by Touch (CLIENT NO-TOUCH).
func (t *Txn) NoTouch(on bool) { t.noTouch = on }

// ageAt finds the place of an entry's age, and has the table keep ages from then on.
func (t *table) ageAt(sp *space, hash uint64, off uint32) (*[bucketRefs]uint32, int) {
	if t.ages == nil {
		t.ages = &ages{}
		t.fitAges(sp)
		fill := sp.ages.unknown()
		for _, pg := range t.ages.pages {
			for i := range t.ages.size / 4 {
				pg[i] = fill
			}
		}
	}
	b, i := t.placeOf(hash, off)
	return t.ages.bucket(b), i
}

// ageOf returns an entry's age.
func (t *table) ageOf(sp *space, hash uint64, off uint32) uint32 {
	if t.ages == nil {
		return sp.ages.unknown()
	}
	b, i := t.placeOf(hash, off)
	return t.ages.bucket(b)[i]
}

func (a *ages) bucket(b uint32) *[bucketRefs]uint32 { return bucketIn(a.pages[b/indexBuckets], b) }

// fitAges gives the ages as many pages as the index has. What they hold is lost where the sizes of pages differ.
func (t *table) fitAges(sp *space) {
	a, size := t.ages, t.indexPageSize()
	if a.size != size {
		a.shrink(sp, 0)
		a.size = size
	}
	a.shrink(sp, len(t.index))
	for len(a.pages) < len(t.index) {
		a.pages = append(a.pages, asIndexPage(sp.pages.get(size)))
	}
}

func (a *ages) shrink(sp *space, pages int) {
	for len(a.pages) > pages {
		last := len(a.pages) - 1
		sp.pages.put(asPage(a.pages[last]), a.size)
		a.pages = a.pages[:last]
	}
}

func (t *table) dropAges(sp *space) {
	if t.ages != nil {
		t.ages.shrink(sp, 0)
		t.ages = nil
	}
}

// eachRef calls fn for every reference, deleted names' included, with its age if there are ages.
func (t *table) eachRef(fn func(off, age uint32)) {
	for b := range t.buckets {
		refs := t.bucket(b)
		var old *[bucketRefs]uint32
		if t.ages != nil {
			old = t.ages.bucket(b)
		}
		for i, ref := range refs {
			if ref <= refHole {
				continue
			}
			age := uint32(0)
			if old != nil {
				age = old[i]
			}
			fn(ref&(maxArenaBytes-1), age)
		}
	}
}
