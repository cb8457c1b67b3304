package persist

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// replayed opens the directory and renders what Replay gives.
func replayed(t *testing.T, fs vfs.FS) string {
	t.Helper()
	db := openMem(t, fs)
	var b strings.Builder
	_, err := db.Replay(func(index uint64, ops OpReader) error {
		var op Op
		for ops.Next(&op) {
			fmt.Fprintf(&b, "%d:%s ", index, op.Key)
		}
		return ops.Err()
	})
	must(t, err)
	must(t, db.Close())
	return strings.TrimSpace(b.String())
}

func appendKeys(t *testing.T, db *DB, index uint64, keys ...string) {
	t.Helper()
	for i, k := range keys {
		must(t, db.Append(index+uint64(i), 1, AppendSet(nil, []byte(k), nil)))
	}
}

func TestWritingAnIndexAgainVoidsTheSuffix(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	appendKeys(t, db, 1, "a", "b", "c", "d", "e")
	must(t, db.Sync())
	appendKeys(t, db, 3, "C", "D")
	if got := db.Durable(); got != 2 {
		t.Fatalf("durable %d: the new record 3 is not", got)
	}
	must(t, db.Sync())
	if got := db.Durable(); got != 4 {
		t.Fatal(got)
	}
	appendKeys(t, db, 4, "E")
	must(t, db.Close())
	if got := replayed(t, fs); got != "1:a 2:b 3:C 4:E" {
		t.Fatal(got)
	}
	db = openMem(t, fs)
	appendKeys(t, db, 2, "x") // in another segment than what it replaces
	must(t, db.Close())
	if got := replayed(t, fs); got != "1:a 2:x" {
		t.Fatal(got)
	}
}

func TestRecordsLargerThanASegment(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	for i := range uint64(20) {
		must(t, db.Append(i+1, 0, AppendSet(nil, fmt.Appendf(nil, "k%d", i), make([]byte, i*50_000))))
		must(t, db.log.keep())
	}
	must(t, db.Close())
	if got := replayed(t, fs); !strings.HasSuffix(got, "20:k19") {
		t.Fatal(got)
	}
}

// Every size of body is written and read, so that every way to meet the end of a 32 KiB block is met.
func TestEveryRecordSize(t *testing.T) {
	fs := vfs.NewMem()
	db, err := Open(Options{FS: fs, Dir: "data", manual: true})
	must(t, err)
	const n = 3000
	for i := range uint64(n) {
		must(t, db.Append(i+1, 0, AppendSet(nil, []byte("k"), make([]byte, i))))
	}
	must(t, db.Close())
	if got := strings.Fields(replayed(t, fs)); len(got) != n {
		t.Fatal(len(got))
	}
}

// A segment that is used again still holds the records of its former life; they must not come back.
func TestRecycledSegmentsStayDead(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	recycled := 0
	for i := uint64(1); i < 2000; i++ {
		appendKeys(t, db, i, fmt.Sprint("k", i))
		if i%100 == 0 {
			c, err := db.NewCheckpoint(i)
			must(t, err)
			must(t, c.Commit())
		}
		free := len(db.log.mu.free)
		must(t, db.log.keep())
		if len(db.log.mu.free) < free {
			recycled++
		}
	}
	must(t, db.Close())
	if recycled < 10 {
		t.Fatal("only", recycled, "segments were recycled")
	}
	got := strings.Fields(replayed(t, fs))
	if len(got) != 99 || got[0] != "1901:k1901" {
		t.Fatal(got)
	}
}

// Who may not write in a directory is told so, and not to look for another process.
func TestLockCanNotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	_, err := Open(Options{Dir: file})
	if err == nil || errors.Is(err, ErrLocked) || !errors.Is(err, syscall.ENOTDIR) {
		t.Fatal(err)
	}
}

func TestLock(t *testing.T) {
	for _, fs := range []vfs.FS{vfs.NewMem(), vfs.Default} {
		o := Options{FS: fs, Dir: t.TempDir()}
		db, err := Open(o)
		must(t, err)
		for _, ro := range []bool{true, false} {
			o.ReadOnly = ro
			if _, err := Open(o); !errors.Is(err, ErrLocked) {
				t.Fatal(err)
			}
		}
		must(t, db.Close())
		if err := db.Close(); !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
		if err := db.Append(1, 0, nil); err == nil {
			t.Fatal("append to a closed log")
		}
	}
}

func TestReadOnlyChangesNothing(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	appendKeys(t, db, 1, "a", "b")
	must(t, db.Close())
	before := fs.String()
	o := Options{FS: fs, Dir: "data", ReadOnly: true}
	db, err := Open(o)
	must(t, err)
	rows, last, err := contents(db)
	if err != nil || last != 2 || len(rows) != 2 {
		t.Fatal(rows, last, err)
	}
	_, err = db.NewCheckpoint(2)
	for _, err := range []error{err, db.Append(3, 0, nil), db.Sync()} {
		if !errors.Is(err, ErrReadOnly) {
			t.Fatal(err)
		}
	}
	must(t, db.Close())
	sum, err := Check(o, func(f Finding) { t.Error(f) })
	if err != nil || sum.Records != 2 || sum.Last != 2 || sum.Findings != 0 {
		t.Fatal(sum, err)
	}
	if after := fs.String(); after != before {
		t.Fatalf("before\n%s\nafter\n%s", before, after)
	}
	before = fs.String()
	for _, dir := range []string{"nowhere", "/"} {
		o.Dir = dir
		if _, err := Open(o); !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		if _, err := Check(o, func(f Finding) { t.Error(f) }); !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
	}
	if after := fs.String(); after != before {
		t.Fatalf("what is no data directory was\n%s\nand is\n%s", before, after)
	}
}

// A commit costs few allocations, whatever its size.
func TestAppendAllocations(t *testing.T) {
	db, err := Open(Options{FS: vfs.NewMem(), Dir: "data", manual: true})
	must(t, err)
	body := AppendSet(nil, []byte("key"), []byte("value"))
	index := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		index++
		must(t, db.Append(index, 0, body))
	}); n > 2 {
		t.Fatal(n, "allocations per append")
	}
	must(t, db.Close())
}

// The newest record of an idle log is attested by the hint, so that its loss is noticed.
func TestIdleLogIsAttested(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	appendKeys(t, db, 1, "a", "b")
	must(t, db.Sync())
	must(t, db.log.keep())
	end := db.log.mu.cur.rec.Size()
	clone := vfs.NewMem()
	_, err := vfs.Clone(fs, clone, "data", "data")
	must(t, err)
	must(t, db.Close())
	path := "data/log/00000001.log"
	b := readAll(t, clone, path)
	clear(b[end-10 : end])
	replaceFile(t, clone, path, b)
	_, err = Open(Options{FS: clone, Dir: "data"})
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "record 2 (index 2)") {
		t.Fatal(err)
	}
}

// One goroutine appends, as many fsync and look as like to, checkpoints run, and the keeper works on its own.
func TestConcurrentUse(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{FS: fs, Dir: "data", SegmentBytes: MinSegmentBytes}
	db, err := Open(o)
	must(t, err)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if err := db.Sync(); err != nil {
						t.Error(err)
						return
					}
					_ = db.Metrics()
				}
			}
		})
	}
	const n = 3000
	var last atomic.Uint64
	wg.Go(func() {
		for covered := uint64(0); covered < n; {
			covered = last.Load()
			c, err := db.NewCheckpoint(covered)
			if err == nil {
				err = errors.Join(c.Set([]byte("k"), fmt.Append(nil, covered)), c.Commit())
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := uint64(1); i <= n; i++ {
		must(t, db.Append(i, 0, AppendSet(nil, []byte("k"), fmt.Append(nil, i))))
		last.Store(i)
	}
	for db.Covered() < n && !t.Failed() {
		runtime.Gosched()
	}
	close(stop)
	wg.Wait()
	must(t, db.Close())
	db = openMem(t, fs)
	rows, index, err := contents(db)
	if err != nil || index != n || rows["k"] != fmt.Sprint(n) {
		t.Fatal(rows, index, err)
	}
	must(t, db.Close())
}

// TestHeaderOfTheLargestRecord: three strings of 512 MiB in one commit are more than an int32 can tell.
func TestHeaderOfTheLargestRecord(t *testing.T) {
	want := header{kind: recordCommit, segment: 1, seq: 2, index: 3, term: 4, durable: 1, bodyLen: MaxBody, bodySum: 5}
	got, ok, err := decodeHeader(want.append(nil))
	if err != nil || !ok || got != want {
		t.Errorf("%+v became %+v, %v, %v", want, got, ok, err)
	}
}
