package engine

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// checkpointGate is a disk on which the tables of checkpoints can be held up, or made to fail.
type checkpointGate struct {
	mu     sync.RWMutex // held for writing while the gate is closed
	fails  atomic.Bool
	opened atomic.Int64 // tables begun
}

func (g *checkpointGate) fs() vfs.FS {
	return errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpCreate || !isCheckpointFile(op.Path) {
			return nil
		}
		g.opened.Add(1)
		g.mu.RLock()
		defer g.mu.RUnlock()
		if g.fails.Load() {
			return syscall.ENOSPC
		}
		return nil
	}))
}

// fill gives so many keys a value that takes some 90 bytes, without a limit of memory, and makes it durable.
func (e *Engine) fill(t *testing.T, keys int) {
	t.Helper()
	x := e.NewTxn()
	for i := range keys {
		k := []Key{e.Key(0, fillName(i))}
		x.Lock(k, true)
		if err := x.SetString(k[0], fmt.Appendf(nil, "%064d", i), 0); err != nil {
			t.Fatal(err)
		}
		x.Unlock()
	}
	if err := e.Wait(x.Need()); err != nil {
		t.Fatal(err)
	}
}

func fillName(i int) []byte { return fmt.Appendf(nil, "fill:{%d}:%d", i%50, i) }

// eventually waits for a state that the background brings about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute still not: %s", what)
		}
	}
}

// TestWritersWaitForCleanEntries: when everything is dirty and memory is full, a writer waits for the checkpoint that makes
// entries clean, and no longer; readers go on meanwhile.
func TestWritersWaitForCleanEntries(t *testing.T) {
	var g checkpointGate
	e := openTest(t, g.fs(), func(o *Options) { o.CheckpointLogBytes = 1 << 40 })
	e.fill(t, 5000)
	g.mu.Lock()
	e.SetMaxMemory(e.UsedMemory() / 2)
	eventually(t, "a checkpoint runs", func() bool { return g.opened.Load() > 0 })
	written := make(chan struct{})
	go func() {
		defer close(written)
		e.incrForTest(t, e.NewTxn(), "counter", 1)
	}()
	x := e.NewTxn()
	for i := range 5000 {
		k := []Key{e.Key(0, fillName(i))}
		x.Lock(k, false)
		if v, ok := x.Get(k[0]); !ok || string(v.Str) != fmt.Sprintf("%064d", i) {
			t.Fatalf("%s = %q", k[0].Name, v.Str)
		}
		x.Unlock()
	}
	if e.OutOfMemory() {
		t.Error("memory counts as exhausted while a checkpoint is about to make entries clean")
	}
	select {
	case <-written:
		t.Error("a writer did not wait, with memory over its limit and nothing clean")
	default:
	}
	g.mu.Unlock()
	<-written
	eventually(t, "memory is below its limit", func() bool { return e.UsedMemory() <= e.maxMemory.Load() })
	checkEngine(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestWorkingSetBeyondMemory: writers of many times more than memory may hold are slowed down, but each gets through and none
// is refused, also when it is the only one, and also when memory can not hold a single key.
func TestWorkingSetBeyondMemory(t *testing.T) {
	for _, c := range []struct {
		name             string
		limit            int64
		clients, writes  int
		readers, keyspan int
	}{
		{"tenth", 40 << 10, 4, 800, 1, 3000},
		{"one client", 40 << 10, 1, 3000, 0, 3000},
		{"nothing fits", 1, 3, 30, 1, 50},
	} {
		if testing.Short() {
			c.writes, c.limit = c.writes/10, max(c.limit/10, 1)
		}
		t.Run(c.name, func(t *testing.T) {
			e := openTest(t, vfs.NewMem(), func(o *Options) { o.MaxMemory, o.Databases = c.limit, 1 })
			var sum atomic.Int64
			var stop atomic.Bool
			var writers, readers sync.WaitGroup
			for n := range c.clients {
				writers.Go(func() {
					x, rnd := e.NewTxn(), rand.New(rand.NewPCG(1, uint64(n)))
					for range c.writes {
						e.incrForTest(t, x, string(fillName(rnd.IntN(c.keyspan))), 1)
						sum.Add(1)
						if e.OutOfMemory() {
							t.Error("a write would be refused although everything can be made clean")
							return
						}
					}
				})
			}
			for n := range c.readers {
				readers.Go(func() {
					for rnd := rand.New(rand.NewPCG(2, uint64(n))); !stop.Load(); {
						e.needForTest(string(fillName(rnd.IntN(c.keyspan))))
					}
				})
			}
			writers.Wait()
			stop.Store(true)
			readers.Wait()
			if e.Stats().Evicted == 0 {
				t.Error("nothing was evicted: the test does not show what it should")
			}
			x, total := e.NewTxn(), int64(0)
			for i := range c.keyspan {
				k := []Key{e.Key(0, fillName(i))}
				x.Lock(k, false)
				v, _ := x.Get(k[0])
				x.Unlock()
				total += v.Int
			}
			if total != sum.Load() {
				t.Errorf("the counters hold %d, %d increments were made", total, sum.Load())
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestWarmEntriesGoWhenNothingElseCan: readers that keep everything warm do not get writers refused.
func TestWarmEntriesGoWhenNothingElseCan(t *testing.T) {
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.CheckpointLogBytes = 1 << 40 })
	e.fill(t, 2000)
	if err := e.cleanUp(); err != nil {
		t.Fatal(err)
	}
	for _, db := range e.physical() {
		for i := range db.slots {
			db.slots[i].tables(func(tb *table) { tb.each(func(en entry, _ uint32, f flags) { en.setFlags(f | heatMask) }) })
		}
	}
	checkpoints := e.Stats().Checkpoints
	if goal := e.UsedMemory() / 2; !e.sweep(goal, 1, flags.clean) || e.UsedMemory() > goal {
		t.Errorf("%d bytes are left, the goal was %d", e.UsedMemory(), goal)
	}
	if n := e.Stats().Checkpoints; n != checkpoints {
		t.Error("a checkpoint was written for entries that were clean")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestStarvedEvictorTriesAgain: while the disk of the store is full, writes are refused rather than held; when it has room
// again, they go on, although nobody who is refused wakes the evictor.
func TestStarvedEvictorTriesAgain(t *testing.T) {
	var g checkpointGate
	e := openTest(t, g.fs(), func(o *Options) { o.CheckpointLogBytes = 1 << 40 })
	e.fill(t, 2000)
	g.fails.Store(true)
	e.SetMaxMemory(e.UsedMemory() / 2)
	eventually(t, "writes are refused", e.OutOfMemory)
	e.incrForTest(t, e.NewTxn(), "in the middle of a command", 1) // was let in before; must not hang
	g.fails.Store(false)
	eventually(t, "writes go on", func() bool { return !e.OutOfMemory() })
	eventually(t, "memory is below its limit", func() bool { return e.UsedMemory() <= e.maxMemory.Load() })
	for i := range 2000 {
		if _, ok := e.needForTest(string(fillName(i))); !ok {
			t.Fatalf("%s is gone", fillName(i))
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
