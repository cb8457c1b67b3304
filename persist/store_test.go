package persist

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func openMem(t *testing.T, fs vfs.FS) *DB {
	t.Helper()
	db, err := Open(Options{FS: fs, Dir: "data", SegmentBytes: MinSegmentBytes, manual: true})
	must(t, err)
	return db
}

func storeRows(t *testing.T, db *DB) string {
	t.Helper()
	var b strings.Builder
	must(t, db.Scan(nil, nil, func(k, v []byte) (bool, error) {
		fmt.Fprintf(&b, "%s=%s ", k, v)
		return true, nil
	}))
	return strings.TrimSpace(b.String())
}

// A Set inside a range that the same checkpoint deletes survives: Pebble's range deletion hides what is
// older than itself, and the tables of one ingestion share one sequence number.
func TestDeleteRangeSparesItsOwnCheckpoint(t *testing.T) {
	db := openMem(t, vfs.NewMem())
	for i, keys := range []string{"abcdef", "bd"} {
		c, err := db.NewCheckpoint(uint64(i))
		must(t, err)
		if i == 1 {
			must(t, c.DeleteRange([]byte("a"), []byte("c")))
			must(t, c.DeleteRange([]byte("b"), []byte("e"))) // overlaps
		}
		for _, k := range keys {
			must(t, c.Set([]byte{byte(k)}, fmt.Append(nil, i)))
		}
		must(t, c.Commit())
	}
	if got := storeRows(t, db); got != "b=1 d=1 e=0 f=0" {
		t.Fatal(got)
	}
	must(t, db.store.db.Compact(t.Context(), []byte("a"), []byte("z"), false))
	if got := storeRows(t, db); got != "b=1 d=1 e=0 f=0" {
		t.Fatal("after a compaction:", got)
	}
	must(t, db.Close())
}

// A range that spans several tables of a checkpoint is cut at their borders.
func TestDeleteRangeAcrossTables(t *testing.T) {
	db := openMem(t, vfs.NewMem())
	key := func(i int) []byte { return fmt.Appendf(nil, "k%06d", i) }
	for round := range 2 {
		c, err := db.NewCheckpoint(uint64(round))
		must(t, err)
		if round == 1 {
			must(t, c.DeleteRange(key(10), key(90_000)))
		}
		for i := 0; i < 100_000; i++ {
			if round == 0 || i%10_000 == 0 {
				must(t, c.Set(key(i), key(round)))
			}
			if round == 1 && i%10_000 == 0 {
				c.file.written = tableBytes // the next key begins a table
			}
		}
		if round == 1 && len(c.paths) < 9 {
			t.Fatal(len(c.paths), "tables")
		}
		must(t, c.Commit())
	}
	n := 0
	must(t, db.Scan(nil, nil, func(_, _ []byte) (bool, error) { n++; return true, nil }))
	if n != 10+8+10_000 {
		t.Fatal(n)
	}
	must(t, db.Close())
}

func TestCheckpointRefusals(t *testing.T) {
	db := openMem(t, vfs.NewMem())
	must(t, db.Append(1, 0, nil))
	c, err := db.NewCheckpoint(1)
	must(t, err)
	if _, err := db.NewCheckpoint(1); err == nil {
		t.Fatal("two checkpoints at once")
	}
	must(t, c.Set([]byte("b"), nil))
	if err := c.Set([]byte("b"), nil); !errors.Is(err, ErrOrder) {
		t.Fatal(err)
	}
	if err := c.Commit(); !errors.Is(err, ErrOrder) {
		t.Fatal(err)
	}
	c, err = db.NewCheckpoint(1)
	must(t, err)
	if err := c.Set([]byte{0, 1}, nil); !errors.Is(err, ErrReserved) {
		t.Fatal(err)
	}
	must(t, c.Abort())
	c, err = db.NewCheckpoint(1)
	must(t, err)
	must(t, c.Commit())
	if _, err := db.NewCheckpoint(0); !errors.Is(err, ErrIndex) {
		t.Fatal(err)
	}
	for _, index := range []uint64{0, 1, 3} {
		if err := db.Append(index, 0, nil); !errors.Is(err, ErrIndex) {
			t.Fatal(index, err)
		}
	}
	must(t, db.Append(2, 0, nil))
	must(t, db.Close())
	if left, err := db.fs.List(db.tables); err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
}

// Without a log (appendonly no) checkpoints move the covered index on their own, and the log follows.
func TestCheckpointAheadOfTheLog(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	must(t, db.Append(1, 0, nil))
	c, err := db.NewCheckpoint(50)
	must(t, err)
	must(t, c.Commit())
	must(t, db.Append(51, 0, AppendSet(nil, []byte("k"), []byte("v"))))
	must(t, db.Close())
	db = openMem(t, fs)
	rows, last, err := contents(db)
	if err != nil || last != 51 || rows["k"] != "v" {
		t.Fatal(rows, last, err)
	}
	must(t, db.Close())
}

// Fact: Pebble goes on, as if all were well, when Fatalf returns after a failed fsync of its WAL. So ours does
// not return.
func TestFatalDoesNotReturn(t *testing.T) {
	told := false
	l := storeLogger{events: Events{Fatal: func(error) { told = true }}}
	defer func() {
		if recover() == nil || !told {
			t.Fatal("Fatalf returned")
		}
	}()
	l.Fatalf("fsync failed")
}

// Fact: with a Logger whose Fatalf returns, a write whose WAL fsync failed is reported as done.
func TestPebbleNeedsALoggerThatExits(t *testing.T) {
	var broken atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			return syscall.EIO
		}
		return nil
	}))
	db, err := pebble.Open("x", &pebble.Options{FS: fs, Logger: returningLogger{}, FormatMajorVersion: pebble.FormatNewest})
	must(t, err)
	broken.Store(true)
	if err := db.Set([]byte("k"), nil, pebble.Sync); err != nil {
		t.Fatalf("Pebble now reports the failed fsync (%v): the workaround may go", err)
	}
	broken.Store(false)
	_ = db.Close()
}

type returningLogger struct{}

func (returningLogger) Infof(string, ...any)  {}
func (returningLogger) Errorf(string, ...any) {}
func (returningLogger) Fatalf(string, ...any) {}

// The store is laid out in the newest format and with its first WAL, which is in the old format, behind it.
func TestNewStoreLeavesItsFirstWAL(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	if v := db.store.db.FormatMajorVersion(); v != pebble.FormatNewest {
		t.Fatal(v)
	}
	if m := db.store.db.Metrics(); m.Flush.Count == 0 || m.MemTable.Count != 1 {
		t.Fatal(m.Flush.Count, m.MemTable.Count)
	}
	must(t, db.Close())
}

// A store that is older than the witness says (one that was restored alone, or lost its manifest's tail) is
// refused, and nothing in it is touched.
func TestOlderStoreIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	c, err := db.NewCheckpoint(0)
	must(t, err)
	must(t, c.Set([]byte("k"), []byte("v1")))
	must(t, c.Commit())
	must(t, db.Close())
	_, err = vfs.Clone(fs, fs, "data/store", "old")
	must(t, err)
	db = openMem(t, fs)
	must(t, db.Append(1, 0, nil))
	c, err = db.NewCheckpoint(1)
	must(t, err)
	must(t, c.Commit())
	must(t, db.Close())
	must(t, fs.RemoveAll("data/store"))
	must(t, fs.Rename("old", "data/store"))
	before := listFiles(t, fs, "data")
	_, err = Open(Options{FS: fs, Dir: "data"})
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "covers index 0, but must cover 1") {
		t.Fatal(err)
	}
	if after := listFiles(t, fs, "data"); len(after) != len(before) {
		t.Fatalf("%v became %v", before, after)
	}
}

// TestLogOlderThanTheStore: a log that ends before a checkpoint did is refused, although it reaches the index that the store covers. So ends
// a copy that was made while a checkpoint was written: rows of the store may be halves of transactions, which only the log completes.
func TestLogOlderThanTheStore(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	appendKeys(t, db, 1, "a")
	must(t, db.Sync())
	for _, name := range []string{logDir, witnessName} {
		_, err := vfs.Clone(fs, fs, "data/"+name, "old/"+name)
		must(t, err)
	}
	appendKeys(t, db, 2, "b")
	must(t, db.Sync())
	c, err := db.NewCheckpoint(1)
	must(t, err)
	must(t, c.Upper().Set([]byte("b"), nil))
	must(t, c.Commit())
	must(t, db.Close())
	_, err = vfs.Clone(fs, fs, "data/store", "old/store")
	must(t, err)
	_, err = Open(Options{FS: fs, Dir: "old"})
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "record 2 (index 2) is missing") {
		t.Errorf("Open: %v", err)
	}
	found := 0
	if _, err := Check(Options{FS: fs, Dir: "old"}, func(Finding) { found++ }); err != nil || found != 1 {
		t.Errorf("Check finds %d things, %v", found, err)
	}
	if got := replayed(t, fs); got != "2:b" {
		t.Errorf("the directory itself has %s", got)
	}
}
