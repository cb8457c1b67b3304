package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"quipu/persist/memdisk"
)

// faultRun is a scripted life of an engine on a disk of which one operation fails. Fatal ends the goroutine that meets it, as it
// ends the process in production: what a goroutine does afterwards is not judged.
type faultRun struct {
	mem     *memdisk.FS
	fault   error
	at      int64 // the number of the operation that fails
	onward  bool  // and every write after it
	n       atomic.Int64
	reads   atomic.Int64 // that are not among them
	where   atomic.Pointer[string]
	e       *Engine
	x       *Txn
	fatal   chan struct{}
	fataled sync.Once

	mu sync.Mutex
	// sent and acked count the increments of each counter. Nothing is acknowledged once dead is set.
	sent, acked map[string]int64
	// begun and kept count the steps of the tale in the same way. A run without a tale has counters only.
	tale        *chronicle
	clock       *sagaClock
	begun, kept int64
	dead        bool
}

func newFaultRun(at int64, fault error, onward bool) *faultRun {
	return &faultRun{
		mem: memdisk.New(), at: at, fault: fault, onward: onward, fatal: make(chan struct{}),
		sent: map[string]int64{}, acked: map[string]int64{}, clock: newSagaClock(),
	}
}

// newTaleRun is a faultRun that tells of every type in every form, in short lives.
func newTaleRun(at int64, fault error, onward bool) *faultRun {
	r := newFaultRun(at, fault, onward)
	r.tale = newChronicle(0, 4, 1, 17)
	return r
}

func (r *faultRun) inject(op errorfs.Op) error {
	// Nearly all operations of a tale are reads: of those, one in twenty counts.
	if r.tale != nil && op.Kind.ReadOrWrite() == errorfs.OpIsRead && r.reads.Add(1)%20 != 0 {
		return nil
	}
	i := r.n.Add(1)
	if i == r.at {
		where := fmt.Sprintf("operation %d (kind %v of %s)", i, op.Kind, op.Path)
		r.where.Store(&where)
		return r.fault
	}
	if r.onward && i > r.at && r.at > 0 && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
		return r.fault
	}
	return nil
}

func (r *faultRun) die(err error) {
	r.mu.Lock()
	r.dead = true
	r.mu.Unlock()
	r.fataled.Do(func() { close(r.fatal) })
	if r.onward || strings.Contains(err.Error(), "store") {
		select {} // Pebble's deferred functions can not run in the state that it is in, and it may fail again
	}
	runtime.Goexit()
}

func (r *faultRun) options(o *Options) {
	o.Databases = 1
	if r.tale != nil {
		o.Databases, o.Clock = chronicleDatabases, r.clock.now
	}
	o.SegmentBytes = 32 << 10
	o.PieceBytes = crashPiece
	o.StoreCacheBytes = 64 << 10
	o.CheckpointLogBytes = 1 << 40 // checkpoints are asked for
}

func (r *faultRun) open() error {
	o := Options{Dir: "data", FS: errorfs.Wrap(r.mem, errorfs.InjectorFunc(r.inject)), AppendOnly: true, Fatal: r.die}
	r.options(&o)
	e, err := Open(o)
	if err != nil {
		return err
	}
	r.e, r.x = e, e.NewTxn()
	return nil
}

// script lives two lives. It returns the error that it met: from then on it only checks that nothing is acknowledged.
func (r *faultRun) script() error {
	if err := r.open(); err != nil {
		return err
	}
	err := r.work()
	if err = errors.Join(err, r.e.Close()); err != nil {
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	if r.e.Limited() { // the disk is full; whoever wrote would wait for room
		return errors.Join(r.readAll(), r.e.Close())
	}
	return errors.Join(r.readAll(), r.incr("again"), r.tell(), r.e.Close())
}

func (r *faultRun) work() error {
	for round := range 3 {
		for i := range 4 {
			if err := r.incr(fmt.Sprintf("counter:%d", i+round)); err != nil {
				return err
			}
		}
		if err := r.incr("left", "right"); err != nil {
			return err
		}
		if err := r.tell(); err != nil {
			return err
		}
		// A checkpoint that fails is no loss: the log has everything, and the next one tries again.
		if err := r.e.Checkpoint(context.Background()); err != nil && r.fault == nil {
			return err
		}
		if err := r.readAll(); err != nil {
			return err
		}
	}
	return nil
}

// incr adds one to each name, as one.
func (r *faultRun) incr(names ...string) error {
	var keys []Key
	for _, name := range names {
		keys = append(keys, r.e.Key(0, []byte(name)))
	}
	r.mu.Lock()
	for _, name := range names {
		r.sent[name]++
	}
	r.mu.Unlock()
	r.x.Lock(keys, true)
	for _, k := range keys {
		if _, err := r.x.IncrBy(k, 1); err != nil {
			return err
		}
	}
	r.x.Unlock()
	if err := r.e.Wait(r.x.Need()); err != nil {
		return err
	}
	r.x.ClearNeed()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if !r.dead {
			r.acked[name]++
		}
	}
	return nil
}

// tell lets every saga make a step.
func (r *faultRun) tell() error {
	if r.tale == nil {
		return nil
	}
	for range r.tale.cycle() {
		r.mu.Lock()
		r.begun++
		n := r.begun
		r.mu.Unlock()
		r.clock.ms.Add(1)
		if err := r.tale.step(r.x, n); err != nil {
			return err
		}
		if err := r.e.Wait(r.x.Need()); err != nil {
			return err
		}
		r.x.ClearNeed()
		r.mu.Lock()
		if !r.dead {
			r.kept = n
		}
		r.mu.Unlock()
	}
	return nil
}

// reread drops what is clean and compares all that was told with what it must be.
func (r *faultRun) reread() error {
	if r.tale == nil {
		return nil
	}
	r.e.sweep(0, 1, flags.clean)
	r.clock.ms.Add(1)
	if n, err := r.tale.examine(r.x); err != nil || n != r.begun {
		return fmt.Errorf("%w: %d steps of %d: %w", errLied, n, r.begun, err)
	}
	return nil
}

// errLied is a value that the engine has told wrong.
var errLied = errors.New("a lie")

// readAll drops what is clean and reads every counter back. A read that fails must not look like a missing key.
func (r *faultRun) readAll() error {
	db := r.e.physical()[0]
	for name, want := range r.sent {
		k := []Key{r.e.Key(0, []byte(name))}
		r.e.sweepSlot(&db.slots[k[0].Slot], flags.clean)
		r.x.Lock(k, false)
		v, ok := r.x.Get(k[0])
		r.x.Unlock()
		if !ok || v.Int != want {
			return fmt.Errorf("%w: %s is %d (there: %v), want %d", errLied, name, v.Int, ok, want)
		}
	}
	return r.reread()
}

// run plays the script, and returns what is wrong with what it did and left.
func (r *faultRun) run() error {
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = r.script()
	}()
	select {
	case <-done:
	case <-r.fatal:
	case <-time.After(10 * time.Minute): // the race detector on a busy machine needs half of it
		return fmt.Errorf("%s: the run hangs", r.place())
	}
	defer r.bury(done)
	if errors.Is(err, errLied) {
		return fmt.Errorf("%s: %w", r.place(), err)
	}
	for _, percent := range []int{0, 100} {
		if err := r.afterwards(percent); err != nil {
			return fmt.Errorf("%s, then a power cut that keeps %d%%: %w", r.place(), percent, err)
		}
	}
	return nil
}

func (r *faultRun) place() string {
	if where := r.where.Load(); where != nil {
		return *where
	}
	return "no fault"
}

// bury stops what the dead engine still runs, so that its memory is freed.
func (r *faultRun) bury(done chan struct{}) {
	select {
	case <-done:
	case <-time.After(100 * time.Millisecond):
		return // it waits for a goroutine that has died: the process would be gone
	}
	if r.e != nil && !r.e.stopping() {
		close(r.e.stop)
	}
}

// afterwards recovers from what is on the disk, which does not fail any more.
func (r *faultRun) afterwards(percent int) error {
	r.mu.Lock()
	fs := r.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 1))})
	defer r.mu.Unlock()
	o := Options{Dir: "data", FS: fs, AppendOnly: true, Fatal: func(err error) { panic(err) }}
	r.options(&o)
	e, err := Open(o)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	x := e.NewTxn()
	got := map[string]int64{}
	for name, sent := range r.sent {
		k := []Key{e.Key(0, []byte(name))}
		x.Lock(k, false)
		v, _ := x.Get(k[0])
		x.Unlock()
		if got[name] = v.Int; v.Int < r.acked[name] || v.Int > sent {
			err = fmt.Errorf("%s is %d; %d was acknowledged, %d was sent", name, v.Int, r.acked[name], sent)
		}
	}
	if got["left"] != got["right"] {
		err = fmt.Errorf("half a transaction: left is %d, right is %d", got["left"], got["right"])
	}
	if r.tale != nil {
		n, wrong := r.tale.examine(x)
		if err = errors.Join(err, wrong); n < r.kept || n > r.begun {
			err = fmt.Errorf("%d steps; %d were acknowledged, %d were begun: %w", n, r.kept, r.begun, err)
		}
	}
	return errors.Join(err, e.Close())
}

// TestFaultAtEveryOperation lets each operation of the file system fail in turn: what was acknowledged must be there afterwards,
// transactions whole, and no key may have been told to be missing or other than it is.
func TestFaultAtEveryOperation(t *testing.T) {
	strides := []int64{1, 10} // a run on a full disk ends blocked, and keeps its memory
	if testing.Short() {
		strides = []int64{5, 50}
	}
	faultsEverywhere(t, newFaultRun, strides)
}

// TestFaultsOfCollections does the same with every type in every form. It has many more operations, so each run of it lets some of them
// fail; QUIPU_TORTURE lets all.
func TestFaultsOfCollections(t *testing.T) {
	whole := newTaleRun(0, nil, false)
	if err := whole.run(); err != nil {
		t.Fatal(err)
	}
	runs := int64(torture(24))
	if testing.Short() {
		runs = 4
	}
	stride := max(whole.n.Load()/runs, 1)
	faultsEverywhere(t, newTaleRun, []int64{stride, 8 * stride})
}

// faultsEverywhere plays a script with a fault in every so many operations: reading and writing fails once, or the disk is full from then on.
func faultsEverywhere(t *testing.T, script func(at int64, fault error, onward bool) *faultRun, strides []int64) {
	t.Helper()
	whole := script(0, nil, false)
	if err := whole.run(); err != nil {
		t.Fatal(err)
	}
	operations := whole.n.Load()
	for i, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		var runs sync.WaitGroup
		places := make(chan int64)
		for range 4 { // a run mostly waits
			runs.Go(func() {
				for at := range places {
					if err := script(at, fault, fault == syscall.ENOSPC).run(); err != nil {
						t.Errorf("%v: %v", fault, err)
					}
				}
			})
		}
		stride := strides[i]
		for at := int64(1); at <= operations; at += stride {
			places <- at
			if stride == strides[i] && hurried(t) {
				stride *= 8
			}
		}
		close(places)
		runs.Wait()
	}
	t.Logf("%d operations", operations)
}

// TestFailedReadIsLoud: a key whose row can not be read is never told to be missing. The process ends; a scan and RANDOMKEY,
// which can say so, return the error.
func TestFailedReadIsLoud(t *testing.T) {
	var failing atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing.Load() && (op.Kind == errorfs.OpFileReadAt || op.Kind == errorfs.OpFileRead) && strings.Contains(op.Path, "data/store/") {
			return syscall.EIO
		}
		return nil
	}))
	fatal := make(chan error, 1)
	e := openTest(t, fs, func(o *Options) {
		o.Fatal = func(err error) { fatal <- err; runtime.Goexit() }
	})
	e.fill(t, 100)
	for e.UsedMemory() > 0 { // what the commit had not taken yet stays dirty
		if err := e.cleanUp(); err != nil {
			t.Fatal(err)
		}
		e.sweep(0, 1, flags.clean)
	}
	failing.Store(true)
	x := e.NewTxn()
	if _, err := x.Scan(0, 0, 1000, func([]byte, Kind) {}); !errors.Is(err, syscall.EIO) {
		t.Errorf("Scan: %v", err)
	}
	if name, ok, err := x.RandomKey(0); !ok && !errors.Is(err, syscall.EIO) { // a block may be in the cache
		t.Errorf("RandomKey: %q, %v, %v", name, ok, err)
	}
	answered := make(chan bool, 1)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, exists := e.needForTest(string(fillName(1)))
		answered <- exists
	}()
	if err := <-fatal; !errors.Is(err, syscall.EIO) {
		t.Errorf("Fatal: %v", err)
	}
	<-gone
	select {
	case exists := <-answered:
		t.Errorf("a read that failed answered that the key exists: %v", exists)
	default:
	}
	failing.Store(false)
	if _, exists := e.needForTest(string(fillName(2))); !exists {
		t.Error("a key is missing")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestStalledDisk: while an fsync hangs, it is reported, nothing is acknowledged, and whoever depends on nothing that is not
// durable goes on.
func TestStalledDisk(t *testing.T) {
	g := newGate()
	stalled := make(chan string, 1000)
	e := openTest(t, gatedFS{vfs.NewMem(), g}, func(o *Options) {
		o.StallTimeout = 5 * time.Millisecond
		o.Observe.Stalled = func(op string, _ time.Duration) { stalled <- op }
	})
	x := e.NewTxn()
	e.incrForTest(t, x, "settled", 1)
	g.set(true, nil)
	var answered atomic.Int64
	var clients sync.WaitGroup
	for range 5 {
		clients.Go(func() {
			e.incrForTest(t, e.NewTxn(), "waits", 1)
			answered.Add(1)
		})
	}
	for op := ""; op != "fsync"; { // a loaded machine may stall in other operations, too
		op = <-stalled
	}
	if need, exists := e.needForTest("settled"); !exists || e.Wait(need) != nil {
		t.Error("a read of a settled value does not go on")
	}
	if n := answered.Load(); n != 0 {
		t.Errorf("%d writes were acknowledged while the disk was stalled", n)
	}
	g.set(false, nil)
	clients.Wait()
	if got := e.incrForTest(t, x, "waits", 0); got != 5 {
		t.Errorf("%d increments, want 5", got)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
