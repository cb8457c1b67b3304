package engine

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// gate is a disk whose fsyncs of the log can be held up, or made to fail.
type gate struct {
	mu     sync.Mutex
	open   *sync.Cond
	closed bool
	err    error
	// arrived receives for each fsync that finds the gate closed.
	arrived chan struct{}
}

func newGate() *gate {
	g := &gate{arrived: make(chan struct{}, 100)}
	g.open = sync.NewCond(&g.mu)
	return g
}

func (g *gate) set(closed bool, err error) {
	g.mu.Lock()
	g.closed, g.err = closed, err
	g.mu.Unlock()
	g.open.Broadcast()
}

func (g *gate) pass() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		g.arrived <- struct{}{}
	}
	for g.closed {
		g.open.Wait()
	}
	return g.err
}

type gatedFS struct {
	vfs.FS
	gate *gate
}

type gatedFile struct {
	vfs.File
	gate *gate
}

func (f gatedFile) SyncData() error {
	if err := f.gate.pass(); err != nil {
		return err
	}
	return f.File.SyncData()
}

func (fs gatedFS) wrap(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil || !strings.Contains(name, "data/log/") {
		return f, err
	}
	return gatedFile{f, fs.gate}, nil
}

func (fs gatedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	return fs.wrap(name, f, err)
}

func (fs gatedFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.OpenReadWrite(name, c, o...)
	return fs.wrap(name, f, err)
}

func (fs gatedFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(old, name, c)
	return fs.wrap(name, f, err)
}

// need returns what a read of a key depends on, and whether the key exists.
func (e *Engine) needForTest(name string) (need uint64, exists bool) {
	x := e.NewTxn()
	keys := []Key{e.Key(0, []byte(name))}
	x.Lock(keys, false)
	_, exists = x.Get(keys[0])
	x.Unlock()
	return x.Need(), exists
}

// TestReadsWaitForWhatTheySee: a reader of what is not on the disk yet has to wait, be it a value, a deletion or an emptied
// database; a reader of anything else has not.
func TestReadsWaitForWhatTheySee(t *testing.T) {
	g := newGate()
	e := openTest(t, gatedFS{vfs.NewMem(), g})
	x := e.NewTxn()
	for _, name := range []string{"settled", "deleted"} {
		e.incrForTest(t, x, name, 1)
	}
	durable := e.commits.durable.Load()
	g.set(true, nil)
	keys := []Key{e.Key(0, []byte("fresh")), e.Key(0, []byte("deleted"))}
	x.Lock(keys, true)
	if _, err := x.IncrBy(keys[0], 5); err != nil {
		t.Fatal(err)
	}
	x.Delete(keys[1])
	x.Unlock()
	if need, _ := e.needForTest("fresh"); need != durable+1 {
		t.Errorf("before the walk, a read of a fresh value needs commit %d, want %d", need, durable+1)
	}
	var waits sync.WaitGroup
	waits.Go(func() {
		if err := e.Wait(x.Need()); err != nil {
			t.Error(err)
		}
	})
	<-g.arrived
	for name, want := range map[string]uint64{"fresh": durable + 1, "deleted": durable + 1, "settled": 0, "never": 0} {
		if need, exists := e.needForTest(name); need != want || exists != (name == "fresh" || name == "settled") {
			t.Errorf("while the disk works, a read of %s needs commit %d (exists: %v), want %d", name, need, exists, want)
		}
	}
	flush := e.NewTxn()
	flush.LockAll()
	flush.FlushDB(0)
	flush.Unlock()
	if need, exists := e.needForTest("settled"); exists || need != durable+2 {
		t.Errorf("after FLUSHDB, a read needs commit %d (exists: %v), want %d", need, exists, durable+2)
	}
	g.set(false, nil)
	waits.Wait()
	if err := e.Wait(flush.Need()); err != nil {
		t.Fatal(err)
	}
	if need, _ := e.needForTest("settled"); need != 0 {
		t.Errorf("when all is on the disk, a read needs commit %d", need)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFailedSyncAcknowledgesNothing: from the first fsync that fails on, nobody is told that anything is safe.
func TestFailedSyncAcknowledgesNothing(t *testing.T) {
	g := newGate()
	var fatal atomic.Int32
	e := openTest(t, gatedFS{vfs.NewMem(), g}, func(o *Options) { o.Fatal = func(error) { fatal.Add(1) } })
	x := e.NewTxn()
	e.incrForTest(t, x, "a", 1)
	broken := errors.New("input/output error")
	g.set(true, broken)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			x := e.NewTxn()
			for range 3 {
				keys := []Key{e.Key(0, []byte("a"))}
				x.Lock(keys, true)
				if _, err := x.IncrBy(keys[0], 1); err != nil {
					t.Error(err)
				}
				x.Unlock()
				if err := e.Wait(x.Need()); !errors.Is(err, broken) {
					t.Errorf("Wait: %v", err)
				}
			}
		})
	}
	<-g.arrived
	g.set(false, broken)
	clients.Wait()
	for _, name := range []string{"{a}", "a", "{a}"} { // commits of the same slot, one after the other
		keys := []Key{e.Key(0, []byte(name))}
		x.Lock(keys, true)
		must(x.IncrBy(keys[0], 1))
		x.Unlock()
		if err := e.Wait(x.Need()); !errors.Is(err, broken) {
			t.Errorf("Wait for %s: %v", name, err)
		}
		if need, _ := e.needForTest("a"); !errors.Is(e.Wait(need), broken) {
			t.Error("after the failure, a value that no disk has can be read")
		}
	}
	if n := fatal.Load(); n != 1 {
		t.Errorf("the failure was reported %d times, want once", n)
	}
	if err := e.Close(); !errors.Is(err, broken) {
		t.Errorf("Close: %v", err)
	}
}
