package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist"
	"quipu/persist/memdisk"
)

// Power cuts of engines whose writers tell chronicles: every type, in every form.

// The lives of sagas under power cuts are long enough for those that grow to become spread, and to be deleted as such.
const (
	crashLife  = 160
	crashBurst = 16
	crashEvery = 331
)

// scribes are an engine, its disk and the writers of its chronicles.
type scribes struct {
	plugged
	clock   *sagaClock
	written [crashWriters]*chronicle
	n       [crashWriters]atomic.Int64 // steps begun
}

func (s *scribes) options(o *Options) {
	crashOptions(o)
	o.Databases = chronicleDatabases
	o.Clock = s.clock.now
}

// newScribes opens an engine.
func newScribes(t *testing.T, wrap func(vfs.FS) vfs.FS, change ...func(*Options)) *scribes {
	t.Helper()
	s := &scribes{plugged: plugged{fs: memdisk.New()}, clock: newSagaClock()}
	s.e = openTest(t, wrap(s.fs), append([]func(*Options){s.options}, change...)...)
	for w := range s.written {
		s.written[w] = newChronicle(w, crashLife, crashBurst, crashEvery)
	}
	return s
}

// begin writes the first part of every chronicle: afterwards every key exists.
func (s *scribes) begin() {
	for w := range s.written {
		x := s.e.NewTxn()
		for range s.written[w].cycle() {
			s.step(x, w)
		}
		s.wait(x)
		s.versions[w].acked.Store(s.n[w].Load())
	}
}

func (s *scribes) step(x *Txn, w int) {
	n := s.n[w].Add(1)
	s.versions[w].sent.Store(n)
	s.clock.ms.Add(1)
	must(0, s.written[w].step(x, n))
}

// load has the writers go on, waiting for each step.
func (s *scribes) load() {
	for w := range s.written {
		x := s.e.NewTxn()
		s.run(func() {
			s.step(x, w)
			s.wait(x)
			s.versions[w].acked.Add(1)
		})
	}
}

// examineClone recovers what a power cut has left and returns what is wrong with it.
func (s *scribes) examineClone(t *testing.T, fs vfs.FS, atLeast, most *limits, change ...func(*Options)) error {
	t.Helper()
	o := Options{Dir: "data", FS: fs, AppendOnly: true, Fatal: func(err error) { panic(err) }}
	for _, f := range append([]func(*Options){s.options}, change...) {
		f(&o)
	}
	e, err := Open(o)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	q := inquest{e, e.NewTxn(), atLeast, most}
	s.clock.ms.Add(1) // what expires at its very time may have been removed or not
	for w, c := range s.written {
		n, wrong := c.examine(q.x)
		err = errors.Join(err, wrong, q.within("chronicle", n, atLeast.versions[w], most.versions[w]))
	}
	if err == nil {
		checkEngine(t, e)
	}
	return errors.Join(err, e.Close())
}

func asItIs(fs vfs.FS) vfs.FS { return fs }

func TestPowerCutsOfCollections(t *testing.T) {
	clones, least, deadline := 0, 30, time.Now().Add(crashTime(8*time.Second))
	if testing.Short() {
		least = 5
	}
	more := func() bool { return clones < least || time.Now().Before(deadline) }
	for seed := uint64(1); more(); seed++ {
		s := newScribes(t, asItIs)
		s.begin()
		s.load()
		if seed%2 == 0 {
			s.e.SetMaxMemory(s.e.UsedMemory() / 2) // the engine's own upkeep: checkpoints and evictions as memory needs them
		} else {
			s.upkeep(seed)
		}
		rnd := rand.New(rand.NewPCG(seed, 5))
		for n := 0; n < 20 && more(); n++ {
			fs, atLeast, most := s.cut(rnd)
			s.gate.Lock()
			if clones++; clones%4 == 0 {
				fs = cutDuringRecovery(t, fs, rnd, s.options)
			}
			if err := s.examineClone(t, fs, atLeast, most); err != nil {
				t.Fatalf("seed %d, clone %d: %v", seed, clones, err)
			}
			s.gate.Unlock()
		}
		s.unplug(t)
	}
	t.Logf("%d power cuts", clones)
}

// TestPowerCutsOfCollectionsCatchSkippedSyncs is the control: a disk that does not sync the log is found out. All of it is one segment,
// because of those that are full, recovery itself notices what is missing.
func TestPowerCutsOfCollectionsCatchSkippedSyncs(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 5))
	oneSegment := func(o *Options) { o.SegmentBytes = 64 << 20 }
	for cuts, lost := 0, false; !lost; cuts++ {
		if cuts == 200 {
			t.Fatal("the log was never synced, and no check noticed")
		}
		s := newScribes(t, func(fs vfs.FS) vfs.FS { return deafFS{fs} }, oneSegment)
		s.load()
		fs, atLeast, most := s.cut(rnd)
		s.unplug(t)
		err := s.examineClone(t, fs, atLeast, most, oneSegment)
		lost = err != nil && !errors.Is(err, persist.ErrDamaged)
	}
}

// TestPowerCutsWithoutALog: what comes back is what the last checkpoint that had ended began with, or something later: of every writer,
// all up to some step.
func TestPowerCutsWithoutALog(t *testing.T) {
	clones, least, deadline := 0, 10, time.Now().Add(crashTime(5*time.Second))
	if testing.Short() {
		least = 4
	}
	more := func() bool { return clones < least || time.Now().Before(deadline) }
	for seed := uint64(1); more(); seed++ {
		s := newScribes(t, asItIs, withoutLog)
		s.begin()
		s.load()
		rnd := rand.New(rand.NewPCG(seed, 6))
		s.run(func() { s.evict(rand.New(rand.NewPCG(seed, uint64(s.clock.now())))) })
		var durable atomic.Pointer[limits]
		durable.Store(&limits{})
		s.run(func() {
			before := s.acked()
			s.checkpoint()
			durable.Store(before)
		})
		for n := 0; n < 50 && more(); n++ {
			time.Sleep(time.Duration(rnd.IntN(10_000)) * time.Microsecond) // not to wait for anything: to cut at a random time
			atLeast := durable.Load()
			fs := s.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rnd})
			most := s.sent()
			s.gate.Lock()
			clones++
			if err := s.examineClone(t, fs, atLeast, most, withoutLog); err != nil {
				t.Fatalf("seed %d, clone %d: %v", seed, clones, err)
			}
			s.gate.Unlock()
		}
		s.unplug(t)
	}
	t.Logf("%d power cuts", clones)
}

// TestCollectionsBeyondMemory: writers of all types whose memory holds a fraction of them find everything as they left it, and so does
// the next start.
func TestCollectionsBeyondMemory(t *testing.T) {
	for _, options := range []func(*Options){crashOptions, withoutLog} {
		s := newScribes(t, asItIs, options)
		s.begin()
		s.e.SetMaxMemory(s.e.UsedMemory() / 3)
		steps := s.written[0].cycle()
		if testing.Short() {
			steps /= 4
		}
		var writers sync.WaitGroup
		for w := range s.written {
			writers.Go(func() {
				x := s.e.NewTxn()
				for range steps {
					s.step(x, w)
					s.wait(x)
				}
				s.versions[w].acked.Store(s.n[w].Load())
			})
		}
		writers.Wait()
		if s.e.Stats().Evicted == 0 {
			t.Error("nothing was evicted: the test does not show what it should")
		}
		s.clock.ms.Add(1)
		for w, c := range s.written {
			if n, err := c.examine(s.e.NewTxn()); err != nil || n != s.n[w].Load() {
				t.Errorf("%d steps of %d: %v", n, s.n[w].Load(), err)
			}
		}
		if err := errors.Join(s.e.cleanUp(), s.e.Close(), s.examineClone(t, s.fs, s.acked(), s.sent(), options)); err != nil {
			t.Error(err)
		}
	}
}
