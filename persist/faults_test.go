package persist

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"quipu/persist/memdisk"
)

// faultRun performs one scripted run in which operation number at fails with fault, then looks at what a
// power cut would leave. It returns how many operations there were.
func faultRun(at int64, fault error, onward bool) (ops int64, err error) {
	s := newSimulation(rand.New(rand.NewPCG(7, 7)), memdisk.New(), nil, 0, false)
	var n atomic.Int64
	var where atomic.Pointer[string]
	s.inject = func(op errorfs.Op) error {
		i := n.Add(1)
		if i == at || onward && i > at && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			// The next operation, on another goroutine, may get here first.
			name := fmt.Sprintf("operation %d (kind %v of %s)", i, op.Kind, op.Path)
			where.CompareAndSwap(nil, &name)
			return fault
		}
		return nil
	}
	fatal, done := make(chan struct{}, 100), make(chan error, 1)
	s.events.Fatal = func(error) {
		fatal <- struct{}{}
		select {} // main would exit; the store must not go on
	}
	go func() { done <- s.script() }()
	select {
	case err = <-done:
	case <-fatal:
		err = errors.New("fatal")
	case <-time.After(10 * time.Minute): // the race detector on a busy machine needs some of it
		return n.Load(), fmt.Errorf("operation %d: the run hangs", at)
	}
	if where.Load() == nil {
		return n.Load(), err
	}
	for _, percent := range []int{0, 100} {
		if err := s.afterFault(percent); err != nil {
			return n.Load(), fmt.Errorf("%s, then %d%%: %w", *where.Load(), percent, err)
		}
	}
	return n.Load(), nil
}

// script opens, works, closes, and opens again.
func (s *simulation) script() error {
	if err := s.run(nil, 25); err != nil {
		return err
	}
	s.promise(s.hist, len(s.hist))
	return s.run(nil, 3)
}

// afterFault recovers, without faults, from a power cut at this moment.
func (s *simulation) afterFault(percent int) error {
	s.mu.Lock()
	rng := rand.New(rand.NewPCG(1, 1))
	cut := powerCut{
		fs:   s.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}),
		hist: s.hist, synced: s.mu.synced, tried: s.mu.tried,
	}
	s.mu.Unlock()
	next := newSimulation(rng, cut.fs, cut.hist, 1, false)
	next.mu.room = 0
	return next.run(&cut, 2)
}

func TestFaultAtEveryOperation(t *testing.T) {
	strides := map[error]int64{syscall.EIO: 1, syscall.ENOSPC: 3}
	if torture() {
		strides[syscall.ENOSPC] = 1
	}
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		runs := 0
		for at := int64(1); ; at += strides[fault] {
			n, err := faultRun(at, fault, fault == syscall.ENOSPC)
			if err != nil {
				t.Fatal(fault, err)
			}
			runs++
			if n < at {
				break
			}
		}
		t.Logf("%v: %d runs", fault, runs)
	}
}

// failingFile fails writes or fsyncs of log segments when told to.
func failLog(kind *atomic.Int32, fault error) errorfs.Injector {
	return errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, segmentExt) && int32(op.Kind) == kind.Load() {
			return fault
		}
		return nil
	})
}

func TestFailureIsFinal(t *testing.T) {
	for _, c := range []struct {
		kind  errorfs.OpKind
		fault error
		is    error
	}{
		{errorfs.OpFileWriteAt, syscall.EIO, syscall.EIO},
		{errorfs.OpFileWriteAt, syscall.ENOSPC, ErrNoSpace},
		{errorfs.OpFileSyncData, syscall.EIO, syscall.EIO},
	} {
		var kind atomic.Int32
		kind.Store(-1)
		db, err := Open(Options{FS: errorfs.Wrap(vfs.NewMem(), failLog(&kind, c.fault)), Dir: "data", manual: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Append(1, 0, nil), db.Sync()); err != nil {
			t.Fatal(err)
		}
		kind.Store(int32(c.kind))
		err = db.Append(2, 0, nil)
		if err == nil {
			err = db.Sync()
		}
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), "data/log/00000001.log") {
			t.Fatalf("got %v", err)
		}
		kind.Store(-1)
		_, cpErr := db.NewCheckpoint(1)
		for _, err := range []error{db.Append(2, 0, nil), db.Append(3, 0, nil), db.Sync(), cpErr, db.Close()} {
			if !errors.Is(err, ErrFailed) || !errors.Is(err, c.is) {
				t.Fatalf("after a failure: %v", err)
			}
		}
	}
}

// TestFullDiskKeepsNoHalfSegment: a segment for which there is no room leaves what room there is to checkpoints, and is laid out later.
func TestFullDiskKeepsNoHalfSegment(t *testing.T) {
	var full atomic.Bool
	mem := vfs.NewMem()
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind == errorfs.OpFileWriteAt && !strings.HasSuffix(op.Path, "00000001.log") {
			return syscall.ENOSPC
		}
		return nil
	}))
	db, err := Open(Options{FS: fs, Dir: "data", SegmentBytes: MinSegmentBytes, manual: true})
	must(t, err)
	must(t, db.Append(1, 0, make([]byte, MinSegmentBytes*3/4)))
	full.Store(true)
	for range 3 {
		if err := db.log.prepareNext(); !errors.Is(err, ErrNoSpace) {
			t.Fatalf("got %v", err)
		}
		if names, err := mem.List("data/log"); err != nil || len(names) != 1 {
			t.Fatalf("the log is %v, %v", names, err)
		}
	}
	full.Store(false)
	must(t, db.log.keep())
	must(t, db.Append(2, 0, make([]byte, MinSegmentBytes*3/4)))
	must(t, db.Close())
	db = openMem(t, mem)
	if got := db.survey.index; got != 2 {
		t.Errorf("the log ends at %d", got)
	}
	must(t, db.Close())
}

// stuckFS holds fsyncs of log segments while the gate is closed.
type stuckFS struct {
	vfs.FS
	gate chan struct{}
}

func (s stuckFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.OpenReadWrite(name, c, o...)
	if err == nil && strings.HasSuffix(name, segmentExt) {
		f = stuckFile{f, s.gate}
	}
	return f, err
}

type stuckFile struct {
	vfs.File
	gate chan struct{}
}

func (s stuckFile) SyncData() error {
	<-s.gate
	return s.File.SyncData()
}

func TestStallIsTold(t *testing.T) {
	gate := make(chan struct{}, 1000)
	for range 10 {
		gate <- struct{}{} // laying out the first segment
	}
	stalled, ended := make(chan string, 1000), make(chan string, 1000) // a loaded machine may stall in other operations, too
	o := Options{FS: stuckFS{vfs.NewMem(), gate}, Dir: "data", SegmentBytes: MinSegmentBytes, StallTimeout: 5 * time.Millisecond, manual: true}
	o.Events.Stalled = func(op string, d time.Duration) { stalled <- op }
	o.Events.StallEnded = func(op string, d time.Duration) { ended <- op }
	db, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for len(gate) > 0 {
		<-gate
	}
	if err := db.Append(1, 0, nil); err != nil {
		t.Fatal(err)
	}
	synced := make(chan error)
	go func() { synced <- db.Sync() }()
	for op := ""; op != "fsync"; {
		op = <-stalled
	}
	// The rest of the DB still answers while the disk is stuck.
	if err := db.Append(2, 0, nil); err != nil || db.LogBytes() == 0 || db.Durable() != 0 {
		t.Fatal(err)
	}
	close(gate)
	if err := <-synced; err != nil {
		t.Fatal(err)
	}
	for op := ""; op != "fsync"; {
		op = <-ended
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
