package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/cluster/hashslot"
	"quipu/persist"
)

// FsyncPolicy says when a commit counts as done. The names are those of Redis's appendfsync.
type FsyncPolicy uint8

const (
	// FsyncAlways: when it has been synced to the disk.
	FsyncAlways FsyncPolicy = iota
	// FsyncEverySec: when the kernel has it; it is synced within about a second. Safe against kill -9, not against a power cut.
	FsyncEverySec
	// FsyncNo: when the kernel has it; the kernel syncs when it likes.
	FsyncNo
)

// Options configure an Engine. The zero value of a field means its default, where it has one.
type Options struct {
	Databases  int // 1 to 256, default 16
	Dir        string
	FS         vfs.FS // default: the operating system's
	AppendOnly bool   // write a commit log; without it only checkpoints survive
	Fsync      FsyncPolicy
	MaxMemory  int64    // bytes for entries; 0: no limit
	Eviction   Eviction // default: DefaultEviction
	// CheckpointLogBytes: a checkpoint starts when the log since the last one is longer. Default 192 MiB: that much is replayed in
	// less than half a second, and at random keys each doubling halves what checkpoints cost.
	CheckpointLogBytes int64
	// CheckpointInterval: a checkpoint starts when the last change-bearing one is older. 0: only by size.
	CheckpointInterval time.Duration
	// PieceBytes is about how many bytes of a commit are made before they are written; one that is longer is written in pieces, which
	// recovery takes as a whole. Default 1 MiB.
	PieceBytes      int
	SegmentBytes    int64         // of the log; see persist.Options
	StoreCacheBytes int64         // see persist.Options
	StoreFiles      int           // see persist.Options
	StallTimeout    time.Duration // see persist.Options
	Logger          *slog.Logger
	// Fatal is called once, when the log can no longer be written or the store not be read: the process must end, nothing is
	// acknowledged any more.
	Fatal func(error)
	// Clock returns unix milliseconds; default the system's. Tests move it.
	Clock func() int64
	// Observe is called as things happen, for metrics.
	Observe Observer
}

// NoStallTimeout is a StallTimeout that is never reached.
const NoStallTimeout = persist.NoStallTimeout

// Observer receives measurements. Nil functions are skipped.
type Observer struct {
	Committed  func(rows, bytes int)     // a commit became durable
	Synced     func(d time.Duration)     // an fsync of the log ended
	Checkpoint func(info CheckpointInfo) // a checkpoint ended
	Stalled    func(op string, d time.Duration)
}

// Engine is the counters of one node.
type Engine struct {
	opts  Options
	log   *slog.Logger
	space *space
	store *persist.DB

	logging   atomic.Bool
	fsync     atomic.Uint32
	maxMemory atomic.Int64
	limits    atomic.Pointer[Limits]
	heldUntil atomic.Int64 // Unix nanoseconds until which expiry stands still, 0: it does not (expire.go)
	opened    int64        // unix seconds

	dbs   []atomic.Pointer[database] // by logical number
	swaps atomic.Uint64              // how often dbs were exchanged; changes under LockAll

	listener       atomic.Pointer[Listener] // nil: nobody wants to be told of changes
	expireObserver atomic.Pointer[func(took time.Duration)]

	// mu is held while a database comes into being, and by LockAll.
	mu sync.Mutex
	// ids are the physical databases of the logical ones; a permutation. Guarded by mu.
	ids []uint8

	commits commits
	walker  walker

	checkpoints checkpoints
	cut         cut
	evictor     evictor
	warmer      warmer
	pacer       pacer
	room        room
	stats       counters
	awaited     [ZSetKind + 1]atomic.Int64 // who waits for a key to hold a value of a kind (wait.go)

	// progressFrom and progressTold pace the reports of recovery.
	progressFrom, progressTold time.Time

	stop    chan struct{}
	workers sync.WaitGroup
	failed  sync.Once
}

// counters are what the engine counts for INFO and metrics.
type counters struct {
	changes, hits, misses                  atomic.Int64
	expired, expiredFields                 atomic.Int64
	commits, commitRows, commitBytes, held atomic.Int64
	loads, evictions, evictedKeys          atomic.Int64
	activeExpireOff                        atomic.Bool
}

const defaultDatabases = 16

// Open recovers what the data directory holds and starts the background work. The counters are usable at once; those that
// were in no recent commit are read from the store when they are first needed, and all of them in the background.
func Open(opts Options) (*Engine, error) {
	opts = opts.withDefaults()
	e := &Engine{opts: opts, log: opts.Logger, space: newSpace(), stop: make(chan struct{})}
	e.opened = e.clock() / 1000
	e.pacer.e, e.pacer.began = e, time.Now()
	e.logging.Store(opts.AppendOnly)
	e.fsync.Store(uint32(opts.Fsync))
	e.maxMemory.Store(opts.MaxMemory)
	e.SetCheckpointLimits(opts.CheckpointLogBytes, opts.CheckpointInterval)
	e.space.ages.since.Store(e.clock())
	e.SetEviction(opts.Eviction)
	e.SetLimits(DefaultLimits())
	e.dbs = make([]atomic.Pointer[database], opts.Databases)
	for n := range opts.Databases {
		e.ids = append(e.ids, uint8(n))
	}
	store, err := persist.Open(persist.Options{
		FS: opts.FS, Dir: opts.Dir, WithoutRoom: true, SegmentBytes: opts.SegmentBytes, CacheBytes: opts.StoreCacheBytes,
		StoreFiles: opts.StoreFiles, StallTimeout: opts.StallTimeout, Logger: opts.Logger, Pace: e.pacer.breathe,
		Events: persist.Events{Synced: opts.Observe.Synced, Stalled: e.stalled, StallEnded: e.stallEnded, Fatal: e.fail, Progress: e.progress},
	})
	if err != nil {
		return nil, err
	}
	e.store = store
	e.initRoom()
	e.evictor.init()
	if err := e.recover(); err != nil {
		err = errors.Join(err, store.Close())
		e.space.close()
		return nil, err
	}
	e.database(0) // nearly everybody uses it
	e.start()
	return e, nil
}

func (o Options) withDefaults() Options {
	if o.Databases == 0 {
		o.Databases = defaultDatabases
	}
	if o.CheckpointLogBytes == 0 {
		o.CheckpointLogBytes = 192 << 20
	}
	if o.PieceBytes == 0 {
		o.PieceBytes = defaultPieceBytes
	}
	if o.Eviction == (Eviction{}) {
		o.Eviction = DefaultEviction()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) { panic(err) }
	}
	if o.Clock == nil {
		o.Clock = func() int64 { return time.Now().UnixMilli() }
	}
	return o
}

func (e *Engine) clock() int64 { return e.opts.Clock() }

// slot returns the slot that a key lies in now.
func (e *Engine) slot(k *Key) *slot {
	return &e.database(k.DB).slots[k.Slot&(hashslot.Count-1)]
}

// database returns a logical database, which comes into being when it is first asked for: each costs 6 MB.
func (e *Engine) database(n uint8) *database {
	if db := e.dbs[n].Load(); db != nil {
		return db
	}
	return e.makeDatabase(n)
}

func (e *Engine) makeDatabase(n uint8) *database {
	e.mu.Lock()
	defer e.mu.Unlock()
	if db := e.dbs[n].Load(); db != nil {
		return db
	}
	db := newDatabase(e.ids[n])
	e.cut.bear(db)
	e.dbs[n].Store(db)
	return db
}

// physical returns the databases that exist, in the order of their ids, which is that of the store.
func (e *Engine) physical() []*database {
	dbs := make([]*database, 0, len(e.dbs))
	byID := [256]*database{}
	for i := range e.dbs {
		if db := e.dbs[i].Load(); db != nil {
			byID[db.id] = db
		}
	}
	for _, db := range byID {
		if db != nil {
			dbs = append(dbs, db)
		}
	}
	return dbs
}

// fail reports that the log or the store is broken. It returns, but no commit will ever land again.
func (e *Engine) fail(err error) {
	e.failed.Do(func() { e.opts.Fatal(fmt.Errorf("quipu can not keep its promise any more and must end: %w", err)) })
}

func (e *Engine) stalled(op string, d time.Duration) {
	e.log.Error("The disk is stalled: replies are held until it answers", "operation", op, "for", d)
	if e.opts.Observe.Stalled != nil {
		e.opts.Observe.Stalled(op, d)
	}
}

func (e *Engine) stallEnded(op string, d time.Duration) {
	e.log.Warn("The disk answers again", "operation", op, "after", d)
}

// start runs the background work until stop.
func (e *Engine) start() {
	for _, work := range []func(){e.flushLoop, e.syncLoop, e.checkpointLoop, e.expireLoop, e.evictLoop, e.warmLoop, e.freeLoop, e.roomLoop} {
		e.workers.Add(1)
		go func() {
			defer e.workers.Done()
			work()
		}()
	}
}

// every calls work at an interval until the engine stops.
func (e *Engine) every(interval time.Duration, work func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-ticker.C:
			work()
		}
	}
}

// flushLoop commits what nobody waits for: expirations, and writes of connections that asked for no reply.
func (e *Engine) flushLoop() {
	e.every(100*time.Millisecond, func() {
		if e.logging.Load() {
			_ = e.Wait(e.commits.newest()) // a failure has been reported by who met it
		}
	})
}

// syncLoop is the everysec of appendfsync everysec.
func (e *Engine) syncLoop() {
	e.every(time.Second, func() {
		if e.logging.Load() && !e.Limited() && FsyncPolicy(e.fsync.Load()) == FsyncEverySec {
			if err := e.store.Sync(); err != nil {
				e.fail(err)
			}
		}
	})
}

// SetFsync changes the policy for the commits to come. Changed to FsyncAlways, it holds for those before, too, when this returns.
func (e *Engine) SetFsync(p FsyncPolicy) {
	e.fsync.Store(uint32(p))
	if p != FsyncAlways || !e.logging.Load() || e.Limited() {
		return
	}
	if err := e.store.Sync(); err != nil {
		e.fail(err)
	}
}

// Close stops the background work and closes the store. It writes no checkpoint: what was committed is in the log.
// No Txn may be in use.
func (e *Engine) Close() error {
	close(e.stop)
	e.workers.Wait()
	var err error
	if e.logging.Load() && !e.Limited() {
		if err = e.Wait(e.commits.newest()); err == nil {
			err = e.store.Sync()
		}
	}
	err = errors.Join(err, e.store.Close())
	for _, db := range e.physical() {
		for i := range db.slots {
			db.slots[i].tables(func(t *table) { t.release(e.space) })
		}
	}
	e.space.freer.drain()
	e.space.close()
	return err
}
