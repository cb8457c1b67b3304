package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist"
	"quipu/persist/memdisk"
)

// The power-cut tests pull the plug of an engine that is being written to, again and again: a clone of its file system is made
// that holds what was synced and a random part of what was not. What recovers from the clone is checked against what had been
// acknowledged before the clone was made (it must be there) and what had been sent when it was done (no more may be there).

const (
	crashWriters  = 3
	crashCounters = 40 // of each writer
	// crashPiece is shorter than what a transaction writes, and longer than what an increment does.
	crashPiece = 64
	// crashGeneration keys of database 1 are written as one by whoever has just emptied it.
	crashGeneration = 5
)

// bound is a number that only grows: recovered, it lies between acked and sent.
type bound struct{ sent, acked atomic.Int64 }

// plugged is an engine under load, whose plug can be pulled.
type plugged struct {
	e    *Engine
	fs   *memdisk.FS
	stop atomic.Bool
	done sync.WaitGroup
	// gate lets the load rest between two cuts, while what one has left is examined.
	gate sync.RWMutex

	counters [crashWriters][crashCounters]bound
	pairs    [crashWriters]bound
	versions [crashWriters]bound
	flushes  bound // by writer 0: generations of database 1
	swaps    bound // by writer 1: exchanges of databases 2 and 3
}

// limits is a reading of every bound.
type limits struct {
	counters        [crashWriters][crashCounters]int64
	pairs, versions [crashWriters]int64
	flushes, swaps  int64
}

func (p *plugged) read(of func(*bound) int64) *limits {
	l := &limits{flushes: of(&p.flushes), swaps: of(&p.swaps)}
	for w := range crashWriters {
		l.pairs[w], l.versions[w] = of(&p.pairs[w]), of(&p.versions[w])
		for i := range crashCounters {
			l.counters[w][i] = of(&p.counters[w][i])
		}
	}
	return l
}

func (p *plugged) acked() *limits { return p.read(func(b *bound) int64 { return b.acked.Load() }) }
func (p *plugged) sent() *limits  { return p.read(func(b *bound) int64 { return b.sent.Load() }) }

func crashOptions(o *Options) {
	o.Databases = 4
	o.SegmentBytes = 32 << 10
	o.PieceBytes = crashPiece
	o.CheckpointLogBytes = 1 << 40 // checkpoints are asked for
}

// plugIn opens an engine on a crashable file system, seen through wrap, and puts it under the load of writers.
func plugIn(t *testing.T, seed uint64, wrap func(vfs.FS) vfs.FS) *plugged {
	p := &plugged{fs: memdisk.New()}
	p.e = openTest(t, wrap(p.fs), crashOptions)
	for w := range crashWriters {
		x, rnd := p.e.NewTxn(), rand.New(rand.NewPCG(seed, uint64(w)))
		p.run(func() { p.write(x, w, rnd) })
	}
	return p
}

// upkeep adds checkpoints and evictions to the load.
func (p *plugged) upkeep(seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 99))
	p.run(p.checkpoint)
	p.run(func() { p.evict(rnd) })
}

// run repeats a step until the load ends.
func (p *plugged) run(step func()) {
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		for !p.stop.Load() {
			p.gate.RLock()
			step()
			p.gate.RUnlock()
		}
	}()
}

// cut pulls the plug: it returns what is left, and what had been acknowledged before and sent by then.
func (p *plugged) cut(rnd *rand.Rand) (fs *memdisk.FS, atLeast, most *limits) {
	time.Sleep(time.Duration(rnd.IntN(3000)) * time.Microsecond) // not to wait for anything: to cut at a random time
	atLeast = p.acked()
	fs = p.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rnd})
	return fs, atLeast, p.sent()
}

func (p *plugged) unplug(t *testing.T) {
	p.stop.Store(true)
	p.done.Wait()
	if err := p.e.Close(); err != nil {
		t.Fatal(err)
	}
}

func (p *plugged) checkpoint() {
	if err := p.e.cleanUp(); err != nil {
		panic(err)
	}
	p.e.pause(8 * time.Millisecond)
}

func (p *plugged) evict(rnd *rand.Rand) {
	for _, db := range p.e.physical() {
		for range 2000 {
			p.e.sweepSlot(&db.slots[rnd.IntN(len(db.slots))], flags.cold)
		}
	}
	p.e.pause(time.Millisecond)
}

// write is a step of a writer. It raises sent before, and acked after, of what it changes.
func (p *plugged) write(x *Txn, w int, rnd *rand.Rand) {
	switch n := rnd.IntN(200); {
	case n < 120:
		p.count(x, w, rnd)
	case n < 160:
		p.pair(x, w)
	case n < 197:
		p.version(x, w)
	case w == 0:
		p.flush(x)
	case w == 1:
		p.swap(x)
	}
}

func (p *plugged) wait(x *Txn) {
	if err := p.e.Wait(x.Need()); err != nil {
		panic(err)
	}
	x.ClearNeed()
}

// counterName names a counter of a writer. Some share a slot with half of another writer's pair: only a slot that others write to, too, could
// go into another commit than the rest of a transaction.
func counterName(w, i int) []byte {
	if i%4 == 0 {
		return fmt.Appendf(nil, "{left:%d}counter:%d:%d", (w+1)%crashWriters, w, i)
	}
	return fmt.Appendf(nil, "counter:%d:%d", w, i)
}

// count increments some counters as one pipeline.
func (p *plugged) count(x *Txn, w int, rnd *rand.Rand) {
	var keys []Key
	var ends, which []int
	for range 1 + rnd.IntN(8) {
		i := rnd.IntN(crashCounters)
		p.counters[w][i].sent.Add(1)
		keys, which = append(keys, p.e.Key(0, counterName(w, i))), append(which, i)
		ends = append(ends, len(keys))
	}
	for rest := keys; len(rest) > 0; {
		n := x.LockBatch(rest, ends[:len(rest)], true)
		for _, k := range rest[:n] {
			must(x.IncrBy(k, 1))
		}
		x.Unlock()
		rest = rest[n:]
	}
	p.wait(x)
	for _, i := range which {
		p.counters[w][i].acked.Add(1)
	}
}

func must(_ int64, err error) {
	if err != nil {
		panic(err)
	}
}

// pair increments two counters of different slots as one.
func (p *plugged) pair(x *Txn, w int) {
	p.pairs[w].sent.Add(1)
	keys := []Key{p.e.Key(0, fmt.Appendf(nil, "left:%d", w)), p.e.Key(0, fmt.Appendf(nil, "right:%d", w))}
	x.Lock(keys, true)
	must(x.IncrBy(keys[0], 1))
	must(x.IncrBy(keys[1], 1))
	x.Unlock()
	p.wait(x)
	p.pairs[w].acked.Add(1)
}

// version gives a key its next content: an integer, strings of several layouts, or none at all. Another key, in the same
// transaction, counts.
func (p *plugged) version(x *Txn, w int) {
	n := p.versions[w].sent.Add(1)
	keys := []Key{p.e.Key(0, fmt.Appendf(nil, "version:%d", w)), p.e.Key(0, fmt.Appendf(nil, "{v}:%d", w))}
	x.Lock(keys, true)
	must(x.IncrBy(keys[1], 1))
	if text := versionText(n); text == "" {
		x.Delete(keys[0])
	} else {
		must(0, x.SetString(keys[0], []byte(text), 0))
	}
	x.Unlock()
	p.wait(x)
	p.versions[w].acked.Add(1)
}

func versionText(n int64) string {
	switch n % 4 {
	case 0:
		return ""
	case 1:
		return fmt.Sprint(n)
	case 2:
		return fmt.Sprintf("v%d", n)
	default:
		return fmt.Sprintf("v%d%s", n, strings.Repeat("-", maxShort))
	}
}

// flush empties database 1 and writes its next generation, as one.
func (p *plugged) flush(x *Txn) {
	n := p.flushes.sent.Add(1)
	x.LockAll()
	x.FlushDB(1)
	for i := range crashGeneration {
		// Other names in every generation, so that what a flush forgot would show.
		must(0, x.SetInt(p.e.Key(1, fmt.Appendf(nil, "generation:%d:%d", n%3, i)), n, 0))
	}
	x.Unlock()
	p.wait(x)
	p.flushes.acked.Add(1)
}

// swap exchanges databases 2 and 3 and counts it in both.
func (p *plugged) swap(x *Txn) {
	n := p.swaps.sent.Add(1)
	x.LockAll()
	x.SwapDB(2, 3)
	must(0, x.SetInt(p.e.Key(2, []byte("swaps")), n, 0))
	must(0, x.SetInt(p.e.Key(3, []byte("swaps")), n, 0))
	if n == 1 {
		must(0, x.SetInt(p.e.Key(3, []byte("odd")), 1, 0)) // from now on in database 3 after an odd number of swaps
	}
	x.Unlock()
	p.wait(x)
	p.swaps.acked.Add(1)
}

// inquest is the check of what a power cut has left.
type inquest struct {
	e             *Engine
	x             *Txn
	atLeast, most *limits
}

// examine recovers a clone and returns what is wrong with it.
func examine(t *testing.T, fs vfs.FS, atLeast, most *limits) error {
	o := Options{Dir: "data", FS: fs, AppendOnly: true, Fatal: func(err error) { panic(err) }}
	crashOptions(&o)
	e, err := Open(o)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	q := inquest{e, e.NewTxn(), atLeast, most}
	if err = q.examine(); err == nil {
		checkEngine(t, e)
	}
	return errors.Join(err, e.Close())
}

func (q *inquest) examine() error {
	for w := range crashWriters {
		for i := range crashCounters {
			if err := q.within(string(counterName(w, i)), q.get(0, string(counterName(w, i))).num, q.atLeast.counters[w][i], q.most.counters[w][i]); err != nil {
				return err
			}
		}
		if err := q.examinePair(w); err != nil {
			return err
		}
		if err := q.examineVersion(w); err != nil {
			return err
		}
	}
	if err := q.examineFlush(); err != nil {
		return err
	}
	return q.examineSwap()
}

func (q *inquest) within(what string, got, atLeast, most int64) error {
	if got < atLeast || got > most {
		return fmt.Errorf("%s is %d; %d was acknowledged, %d was sent", what, got, atLeast, most)
	}
	return nil
}

func (q *inquest) get(db int, name string) cell {
	keys := []Key{q.e.Key(db, []byte(name))}
	q.x.Lock(keys, false)
	defer q.x.Unlock()
	v, _ := q.x.Get(keys[0])
	return cell{isInt: v.Kind == Int, num: v.Int, str: append([]byte(nil), v.Str...)}
}

func (q *inquest) examinePair(w int) error {
	left, right := q.get(0, fmt.Sprintf("left:%d", w)).num, q.get(0, fmt.Sprintf("right:%d", w)).num
	if left != right {
		return fmt.Errorf("half a transaction: left is %d, right is %d", left, right)
	}
	return q.within("pair", left, q.atLeast.pairs[w], q.most.pairs[w])
}

func (q *inquest) examineVersion(w int) error {
	n, got := q.get(0, fmt.Sprintf("{v}:%d", w)).num, q.get(0, fmt.Sprintf("version:%d", w))
	text := string(got.str)
	if got.isInt {
		text = fmt.Sprint(got.num)
	}
	if want := versionText(n); text != want {
		return fmt.Errorf("version %d holds %q, want %q", n, text, want)
	}
	return q.within("version", n, q.atLeast.versions[w], q.most.versions[w])
}

func (q *inquest) examineFlush() error {
	n := int64(0)
	for i := range int64(3) {
		n = max(n, q.get(1, fmt.Sprintf("generation:%d:0", i)).num)
	}
	want := int64(crashGeneration)
	if n == 0 {
		want = 0
	}
	for i := range want {
		if got := q.get(1, fmt.Sprintf("generation:%d:%d", n%3, i)).num; got != n {
			return fmt.Errorf("generation %d has a key of generation %d", n, got)
		}
	}
	if got := q.x.Len(1); got != want {
		return fmt.Errorf("database 1 has %d keys after flush %d, want %d", got, n, want)
	}
	return q.within("generation", n, q.atLeast.flushes, q.most.flushes)
}

func (q *inquest) examineSwap() error {
	n, other := q.get(2, "swaps").num, q.get(3, "swaps").num
	if n != other {
		return fmt.Errorf("half a swap: %d and %d", n, other)
	}
	if got := q.get(2+int(n%2), "odd").num; n > 0 && got != 1 {
		return fmt.Errorf("after swap %d, database %d is the other one", n, 2+n%2)
	}
	return q.within("swaps", n, q.atLeast.swaps, q.most.swaps)
}

func TestPowerCuts(t *testing.T) {
	clones, least, deadline := 0, 100, time.Now().Add(crashTime(20*time.Second))
	if testing.Short() {
		least = 20 // the race detector makes each a second
	}
	more := func() bool { return clones < least || time.Now().Before(deadline) }
	for seed := uint64(1); more(); seed++ {
		p := plugIn(t, seed, func(fs vfs.FS) vfs.FS { return fs })
		p.upkeep(seed)
		rnd := rand.New(rand.NewPCG(seed, 3))
		for n := 0; n < 100 && more(); n++ {
			fs, atLeast, most := p.cut(rnd)
			p.gate.Lock()
			if clones++; clones%4 == 0 {
				fs = cutDuringRecovery(t, fs, rnd, crashOptions)
			}
			if err := examine(t, fs, atLeast, most); err != nil {
				t.Fatalf("seed %d, clone %d: %v", seed, clones, err)
			}
			p.gate.Unlock()
		}
		p.unplug(t)
	}
	t.Logf("%d power cuts", clones)
}

// crashTime is for how long the power-cut test runs.
func crashTime(d time.Duration) time.Duration {
	if testing.Short() {
		d /= 2
	}
	return time.Duration(torture(int(d)))
}

// cutDuringRecovery starts a recovery and cuts the power in the middle of it, or in the middle of the first checkpoint after it.
func cutDuringRecovery(t *testing.T, fs *memdisk.FS, rnd *rand.Rand, options func(*Options)) *memdisk.FS {
	done := make(chan struct{})
	go func() {
		defer close(done)
		e := openTest(t, fs, options)
		if err := e.cleanUp(); err != nil { // a checkpoint that does not pause
			panic(err)
		}
		if err := e.Close(); err != nil {
			panic(err)
		}
	}()
	for range rnd.IntN(20) {
		time.Sleep(time.Duration(rnd.IntN(300)) * time.Microsecond) // not to wait for anything: to cut at a random time
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rnd})
	<-done
	return clone
}

// deafFS claims to have synced what it has not: the disk that the control lies with.
type deafFS struct{ vfs.FS }

type deafFile struct{ vfs.File }

func (f deafFile) Sync() error                { return nil }
func (f deafFile) SyncData() error            { return nil }
func (f deafFile) SyncTo(int64) (bool, error) { return false, nil }

func (fs deafFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return deaf(name)(fs.FS.Create(name, c))
}

func (fs deafFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return deaf(name)(fs.FS.OpenReadWrite(name, c, o...))
}

func (fs deafFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return deaf(name)(fs.FS.ReuseForWrite(old, name, c))
}

func deaf(name string) func(vfs.File, error) (vfs.File, error) {
	return func(f vfs.File, err error) (vfs.File, error) {
		if err != nil || !isLogFile(name) {
			return f, err
		}
		return deafFile{f}, nil
	}
}

// isLogFile tells segments of the commit log from the files of the store.
func isLogFile(name string) bool { return strings.Contains(name, "data/log/") }

// TestPowerCutsCatchSkippedSyncs is the control: the same check must catch an engine whose disk does not sync the log. There
// are no checkpoints, because after one the witness knows what the log must have, and recovery refuses what it has not.
func TestPowerCutsCatchSkippedSyncs(t *testing.T) {
	p := plugIn(t, 1, func(fs vfs.FS) vfs.FS { return deafFS{fs} })
	defer p.unplug(t)
	rnd := rand.New(rand.NewPCG(1, 3))
	for cuts, lost := 0, false; !lost; cuts++ {
		fs, atLeast, most := p.cut(rnd)
		p.gate.Lock()
		err := examine(t, fs, atLeast, most)
		p.gate.Unlock()
		lost = err != nil && !errors.Is(err, persist.ErrDamaged)
		if cuts == 2000 {
			t.Fatal("the log was never synced, and no check noticed")
		}
	}
}

// isCheckpointFile tells tables that a checkpoint is writing.
func isCheckpointFile(name string) bool { return strings.Contains(name, "data/tables/") }
