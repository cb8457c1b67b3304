package engine

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// dropAll writes a checkpoint and drops everything that is clean.
func (e *Engine) dropAll(t *testing.T) {
	t.Helper()
	if err := e.cleanUp(); err != nil {
		t.Fatal(err)
	}
	e.sweep(0, 1, flags.clean)
}

// TestWatchesAcrossEvictionAndExpiry: that a watched key leaves memory and comes back is no change of it; that its time comes
// is one, whoever notices, also when the key was only in the store.
func TestWatchesAcrossEvictionAndExpiry(t *testing.T) {
	var clock atomic.Int64
	clock.Store(1_700_000_000_000)
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.Clock = clock.Load })
	e.SetActiveExpire(false)
	x := e.NewTxn()
	names := []string{"stays", "read when due", "removed when due", "due before"}
	watches := make([]Watch, len(names))
	with := func(name string, write bool, fn func(k Key)) {
		k := []Key{e.Key(0, []byte(name))}
		x.Lock(k, write)
		fn(k[0])
		x.Unlock()
	}
	for i, name := range names {
		with(name, true, func(k Key) {
			expireAt := []int64{0, clock.Load() + 10, clock.Load() + 10, clock.Load() + 1}[i]
			if err := x.SetInt(k, 1, expireAt); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := e.Wait(x.Need()); err != nil {
		t.Fatal(err)
	}
	clock.Add(5)
	for i, name := range names {
		with(name, false, func(k Key) { x.Watch(k, &watches[i]) })
	}
	want := func(when string, dirty ...bool) {
		t.Helper()
		for i := range watches {
			if watches[i].Dirty() != dirty[i] {
				t.Errorf("%s: the watch of the key that %s is dirty: %v", when, names[i], watches[i].Dirty())
			}
		}
	}
	want("at first", false, false, false, false)
	e.dropAll(t)
	for _, name := range names {
		with(name, false, func(k Key) { x.Get(k) })
	}
	want("dropped and read back", false, false, false, false)
	e.dropAll(t)
	clock.Add(100)
	want("due", false, false, false, false)
	with(names[1], false, func(k Key) { x.Peek(k) })
	if err := e.expireSlot(e.NewTxn(), e.physical()[0], int(e.Key(0, []byte(names[2])).Slot)); err != nil {
		t.Fatal(err)
	}
	want("read or removed", false, true, true, false)
	for i := range watches {
		e.Unwatch(&watches[i])
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRenew: a transaction sees one time, those who come after it under the same locks see theirs.
func TestRenew(t *testing.T) {
	var clock atomic.Int64
	clock.Store(1_700_000_000_000)
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.Clock = clock.Load })
	x, k := e.NewTxn(), []Key{e.Key(0, []byte("short"))}
	x.Lock(k, true)
	defer x.Unlock()
	if err := x.SetInt(k[0], 1, clock.Load()+10); err != nil {
		t.Fatal(err)
	}
	clock.Add(11)
	if _, ok := x.Peek(k[0]); !ok {
		t.Error("expired within the transaction")
	}
	x.Renew()
	if _, ok := x.Peek(k[0]); ok {
		t.Error("still there after it")
	}
}

// TestLoadingBesideWrites loads and drops a slot with several tables again and again while writers change, delete and create
// names in it. Each writer knows what its own names must be.
func TestLoadingBesideWrites(t *testing.T) {
	const writers, names, steps = 3, 2000, 30_000
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.CheckpointLogBytes = 1 << 40 })
	s := e.slot(&Key{Slot: e.Key(0, []byte("{one}")).Slot})
	var stop atomic.Bool
	var load, upkeep sync.WaitGroup
	for w := range writers {
		load.Go(func() { writeOwn(t, e, w, names, steps) })
	}
	upkeep.Go(func() {
		for !stop.Load() {
			if err := e.cleanUp(); err != nil {
				t.Error(err)
			}
			e.sweepSlot(s, flags.clean)
		}
	})
	upkeep.Go(func() {
		for !stop.Load() {
			if err := e.loadSlot(s); err != nil {
				t.Error(err)
			}
		}
	})
	load.Wait()
	stop.Store(true)
	upkeep.Wait()
	if e.Stats().Evicted == 0 {
		t.Error("nothing was dropped: the test does not show what it should")
	}
	checkEngine(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeOwn changes names that nobody else does, and compares.
func writeOwn(t *testing.T, e *Engine, w, names, steps int) {
	x, rnd, want := e.NewTxn(), rand.New(rand.NewPCG(3, uint64(w))), map[int]int64{}
	// With one processor it may be done before anything was dropped: then it goes on.
	for step := 0; step < steps || e.Stats().Evicted == 0 && step < 1000*steps; step++ {
		i := rnd.IntN(names)
		k := []Key{e.Key(0, fmt.Appendf(nil, "{one}%d:%d", w, i))}
		x.Lock(k, true)
		v, ok := x.Get(k[0])
		if n, had := want[i]; ok != had || v.Int != n {
			t.Errorf("%s is %d (there: %v), want %d (%v)", k[0].Name, v.Int, ok, n, had)
		}
		if rnd.IntN(3) == 0 {
			x.Delete(k[0])
			delete(want, i)
		} else if n, err := x.IncrBy(k[0], rnd.Int64N(1<<20)); err == nil {
			want[i] = n
		}
		x.Unlock()
	}
}

// TestFlushAndSwapBesideLoading empties, refills and exchanges two databases, each time as one, while their slots are dropped and
// loaded. Whoever looks sees one generation, complete.
func TestFlushAndSwapBesideLoading(t *testing.T) {
	const names, generations = 300, 120
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.CheckpointLogBytes, o.Databases = 1<<40, 2 })
	key := func(db, i int) Key { return e.Key(db, fmt.Appendf(nil, "{gen}%d", i)) }
	var stop atomic.Bool
	var upkeep sync.WaitGroup
	upkeep.Go(func() {
		for !stop.Load() {
			if err := e.cleanUp(); err != nil {
				t.Error(err)
			}
			for _, db := range e.physical() {
				s := &db.slots[key(0, 0).Slot]
				e.sweepSlot(s, flags.clean)
				if err := e.loadSlot(s); err != nil {
					t.Error(err)
				}
				e.sweepSlot(s, flags.clean)
			}
		}
	})
	upkeep.Go(func() {
		for x := e.NewTxn(); !stop.Load(); {
			oneGeneration(t, x, key, names)
		}
	})
	x := e.NewTxn()
	for g := range int64(generations) {
		x.LockAll()
		x.FlushDB(int(g % 2))
		for i := range names {
			if err := x.SetInt(key(int(g%2), i), g, 0); err != nil {
				t.Fatal(err)
			}
		}
		if g%3 == 0 {
			x.SwapDB(0, 1)
		}
		x.Unlock()
	}
	stop.Store(true)
	upkeep.Wait()
	checkEngine(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// oneGeneration looks at all names of both databases.
func oneGeneration(t *testing.T, x *Txn, key func(db, i int) Key, names int) {
	var keys []Key
	for i := range 2 * names {
		keys = append(keys, key(i/names, i%names))
	}
	x.Lock(keys, false)
	defer x.Unlock()
	for db := range 2 {
		first, there := x.Get(keys[db*names])
		for i := range names {
			if v, ok := x.Get(keys[db*names+i]); ok != there || v.Int != first.Int {
				t.Errorf("database %d: generation %d (%v) beside generation %d (%v)", db, v.Int, ok, first.Int, there)
				return
			}
		}
	}
}
