package persist

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"
)

// A store whose opening fails leaves nobody behind who would still work on it: with Pebble's own scheduler, that was who begins compactions.
func TestFailedOpenLeavesNobodyBehind(t *testing.T) {
	mem := vfs.NewMem()
	db := openMem(t, mem)
	must(t, db.Close())
	// The file of options is the last that Open writes.
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.HasPrefix(op.Path, "data/store/") && filepath.Ext(op.Path) == ".dbtmp" {
			return syscall.EIO
		}
		return nil
	}))
	options := []goleak.Option{
		goleak.IgnoreCurrent(),
		goleak.IgnoreAnyFunction("github.com/cockroachdb/pebble/v2/record.(*LogWriter).flushLoop"), // it waits for rows, which do not come
	}
	if _, err := Open(Options{FS: fs, Dir: "data", manual: true}); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	if err := goleak.Find(options...); err != nil {
		t.Fatal(err)
	}
}

// wantsCompactions is a database that wants some compactions, asked for with TrySchedule or while one waits.
type wantsCompactions struct {
	pebble.DBForCompaction
	s       *compactions
	waiting int
	begun   []pebble.CompactionGrantHandle
}

func (w *wantsCompactions) want() {
	if ok, grant := w.s.TrySchedule(); ok {
		w.begun = append(w.begun, grant)
		return
	}
	w.waiting++
}

func (w *wantsCompactions) GetWaitingCompaction() (bool, pebble.WaitingCompaction) {
	return w.waiting > 0, pebble.WaitingCompaction{}
}

func (w *wantsCompactions) Schedule(grant pebble.CompactionGrantHandle) bool {
	w.waiting--
	w.begun = append(w.begun, grant)
	return true
}

func (w *wantsCompactions) count(t *testing.T, when string, begun, waiting int) {
	t.Helper()
	if len(w.begun) != begun || w.waiting != waiting {
		t.Errorf("%s: %d compactions were begun and %d wait, want %d and %d", when, len(w.begun), w.waiting, begun, waiting)
	}
}

func TestCompactionsComeOneByOneOnceTheStoreIsOpen(t *testing.T) {
	w := &wantsCompactions{s: &compactions{}}
	w.s.Register(1, w)
	w.want()
	w.want()
	w.count(t, "before the store is open", 0, 2)
	w.s.begin()
	w.count(t, "when it is", 1, 1)
	w.want()
	w.count(t, "while one runs", 1, 2)
	w.begun[0].Done()
	w.begun[1].Done()
	w.count(t, "when two have ended", 3, 0)
	w.begun[2].Done()
	w.want()
	w.count(t, "when none is left", 4, 0)
	w.want()
	w.s.Unregister()
	w.begun[3].Done()
	w.want()
	w.count(t, "after Close", 4, 2)
}

// A compaction gives way to others also where it only reads: deleted rows are many blocks in, none out. Who reads rows because somebody
// waits for them does not.
func TestCompactionsBreatheOverDeletedRows(t *testing.T) {
	const rows = 60_000
	var breaths atomic.Int64
	db, err := Open(Options{FS: vfs.NewMem(), Dir: "data", CacheBytes: storeBlockBytes, manual: true, Pace: func() { breaths.Add(1) }})
	must(t, err)
	key := func(i int) []byte { return fmt.Appendf(nil, "k%06d", i) }
	random := rand.NewChaCha8([32]byte{1})
	value := make([]byte, 32)
	first, err := db.NewCheckpoint(0)
	must(t, err)
	for i := range rows {
		_, _ = random.Read(value) // never fails
		must(t, first.Set(key(i), value))
	}
	must(t, first.Commit())
	compact := func() { must(t, db.store.db.Compact(t.Context(), key(0), key(rows), false)) }
	compact()

	before := breaths.Load()
	if got := len(strings.Fields(storeRows(t, db))); got < rows {
		t.Fatalf("%d rows, want %d", got, rows)
	}
	if got := breaths.Load() - before; got != 0 {
		t.Errorf("a reader paused %d times", got)
	}

	second, err := db.NewCheckpoint(1)
	must(t, err)
	must(t, second.DeleteRange(key(1), key(rows-1))) // a table that goes whole would not be read
	must(t, second.Commit())
	compact()
	if got, blocks := breaths.Load()-before, int64(rows*len(value)/storeBlockBytes); got < blocks {
		t.Errorf("a compaction of %d deleted blocks paused %d times", blocks, got)
	}
	must(t, db.Close())
}
