package persist

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"quipu/persist/memdisk"
)

// torture tells whether the long campaigns are asked for.
func torture() bool { return os.Getenv("QUIPU_TORTURE") != "" }

// powerCut is a file system as a power cut left it, and what was promised by then.
type powerCut struct {
	fs     *memdisk.FS
	hist   history
	synced int // writes that were acknowledged as durable
	tried  int // writes that were begun
	depth  int
	where  string
}

// simulation runs a DB on a file system whose power is cut at random operations: each cut is a clone, and
// the run goes on.
type simulation struct {
	rng  *rand.Rand
	mem  *memdisk.FS
	fs   vfs.FS
	db   *DB
	hist history
	dep  int
	// oneIn is how many file system operations pass between two cuts, on average.
	oneIn int
	// inject, if set, decides over the fate of every operation.
	inject func(op errorfs.Op) error
	events Events
	mu     struct {
		sync.Mutex
		rng           *rand.Rand
		synced, tried int
		cuts          []powerCut
		room          int
	}
}

func newSimulation(rng *rand.Rand, mem *memdisk.FS, hist history, depth int, lie bool) *simulation {
	s := &simulation{rng: rng, mem: mem, hist: hist, dep: depth, oneIn: 20 + rng.IntN(300)}
	s.mu.rng = rand.New(rand.NewPCG(rng.Uint64(), 1))
	s.mu.synced, s.mu.tried = len(hist), len(hist)
	s.mu.room = 4
	var base vfs.FS = mem
	if lie {
		base = lyingFS{mem}
	}
	s.fs = errorfs.Wrap(base, errorfs.InjectorFunc(s.beforeOp))
	return s
}

// beforeOp runs before every operation of the file system, on whatever goroutine.
func (s *simulation) beforeOp(op errorfs.Op) error {
	if s.inject != nil {
		return s.inject(op)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.room == 0 || s.mu.rng.IntN(s.oneIn) != 0 {
		return nil
	}
	s.mu.room--
	s.cutLocked(fmt.Sprintf("before %v of %s", op.Kind, op.Path))
	return nil
}

func (s *simulation) cutLocked(where string) {
	percent := []int{0, 100, s.mu.rng.IntN(101)}[s.mu.rng.IntN(3)]
	cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: s.mu.rng}
	s.mu.cuts = append(s.mu.cuts, powerCut{
		fs: s.mem.CrashClone(cfg), hist: s.hist, synced: s.mu.synced, tried: s.mu.tried, depth: s.dep,
		where: fmt.Sprintf("%s, %d%% of unsynced data kept", where, percent),
	})
}

func (s *simulation) options() Options {
	return Options{FS: s.fs, Dir: "data", SegmentBytes: MinSegmentBytes, manual: true, Events: s.events}
}

// run opens the DB, checks it against cut (if that is where it comes from), and works on it.
func (s *simulation) run(cut *powerCut, steps int) error {
	var err error
	if s.db, err = Open(s.options()); err != nil {
		return err
	}
	err = s.work(cut, steps)
	if s.db == nil {
		return err
	}
	return errors.Join(err, s.db.Close())
}

func (s *simulation) work(cut *powerCut, steps int) error {
	rows, last, err := contents(s.db)
	if err != nil {
		return err
	}
	kept := int(s.db.log.mu.seq)
	if cut != nil && (kept < cut.synced || kept > cut.tried) {
		return fmt.Errorf("%d writes are there, %d were synced and %d tried", kept, cut.synced, cut.tried)
	}
	s.promise(s.hist[:kept:kept], kept)
	if err := sameRows(rows, s.hist.state(last)); err != nil {
		return err
	}
	for range steps {
		if err := s.step(); err != nil {
			return err
		}
	}
	return nil
}

// promise sets what the next cut will be held to.
func (s *simulation) promise(h history, synced int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hist, s.mu.synced, s.mu.tried = h, synced, len(h)
}

// step does one thing.
func (s *simulation) step() error {
	l := s.db.log
	switch n := s.rng.IntN(100); {
	case n < 60:
		return s.append(l.mu.index + 1)
	case n < 63 && l.mu.index > s.db.Covered():
		return s.append(s.db.Covered() + 1 + s.rng.Uint64N(l.mu.index-s.db.Covered()))
	case n < 85:
		return s.sync()
	case n < 90:
		return writeCheckpoint(s.db, s.hist, s.db.Covered()+s.rng.Uint64N(l.mu.index-s.db.Covered()+1), s.rng.IntN(2) == 0)
	case n < 92:
		if err := s.db.Close(); err != nil {
			return err
		}
		s.promise(s.hist, len(s.hist))
		var err error
		if s.db, err = Open(s.options()); err != nil {
			return err
		}
		_, _, err = contents(s.db)
		return err
	default:
		return l.keep()
	}
}

func (s *simulation) append(index uint64) error {
	w := write{index: index, body: randomBody(s.rng, len(s.hist))}
	s.promise(append(s.hist, w), s.mu.synced)
	if s.rng.IntN(3) > 0 {
		return s.db.Append(w.index, 7, w.body)
	}
	return appendInPieces(s.db, w, 1+s.rng.IntN(len(w.body)/2+1), s.piece)
}

// appendInPieces appends w in pieces of some bytes, and calls between after each but the last.
func appendInPieces(db *DB, w write, size int, between func() error) error {
	rest := w.body
	for len(rest) > size {
		if err := db.AppendPiece(w.index, 7, rest[:size]); err != nil {
			return err
		}
		if err := between(); err != nil {
			return err
		}
		rest = rest[size:]
	}
	return db.Append(w.index, 7, rest)
}

// piece does what may happen between two pieces.
func (s *simulation) piece() error {
	switch n := s.rng.IntN(40); {
	case n == 0:
		return s.db.Sync() // promises nothing of the record that is not complete
	case n == 1:
		return s.db.log.keep()
	}
	return nil
}

func (s *simulation) sync() error {
	n := len(s.hist)
	if err := s.db.Sync(); err != nil {
		return err
	}
	s.promise(s.hist, n)
	return nil
}

// campaign cuts the power in every way that the seed makes up, recovers from each cut, works on from there
// and cuts again. It returns how many recoveries there were and the first broken promise.
func campaign(seed uint64, cuts int, lie bool) (int, error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	done := 0
	for done < cuts {
		s := newSimulation(rng, memdisk.New(), nil, 0, lie)
		if err := s.run(nil, 40+rng.IntN(80)); err != nil {
			return done, fmt.Errorf("seed %d: without a cut: %w", seed, err)
		}
		for queue := s.mu.cuts; len(queue) > 0; queue = queue[1:] {
			cut := queue[0]
			next := newSimulation(rng, cut.fs, cut.hist, cut.depth+1, lie)
			if cut.depth == 3 {
				next.mu.room = 0
			}
			next.mu.synced, next.mu.tried = cut.synced, cut.tried
			if err := next.run(&cut, rng.IntN(30)); err != nil {
				return done, fmt.Errorf("seed %d, cut %d (depth %d) %s: %w", seed, done, cut.depth, cut.where, err)
			}
			done++
			if len(queue) < 20 {
				queue = append(queue, next.mu.cuts...)
			}
		}
	}
	return done, nil
}

func TestPowerCuts(t *testing.T) {
	seeds, cuts := uint64(4), 600
	if testing.Short() { // the race detector takes ten times as long
		seeds, cuts = 2, 100
	}
	if torture() {
		seeds, cuts = 200, 2000
	}
	for seed := range seeds {
		n, err := campaign(seed, cuts, false)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d: %d recoveries", seed, n)
	}
}

// TestPowerCutsCatchALie breaks the promise on purpose: the log's fsync does nothing. The same campaign has
// to notice.
func TestPowerCutsCatchALie(t *testing.T) {
	if n, err := campaign(1, 400, true); err == nil {
		t.Fatalf("%d recoveries found nothing wrong", n)
	} else {
		t.Log(err)
	}
}

// lyingFS does not fsync the data of log segments.
type lyingFS struct{ vfs.FS }

func (l lyingFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := l.FS.OpenReadWrite(name, c, o...)
	if err == nil && strings.HasSuffix(name, segmentExt) {
		f = lyingFile{f}
	}
	return f, err
}

type lyingFile struct{ vfs.File }

func (lyingFile) SyncData() error { return nil }
