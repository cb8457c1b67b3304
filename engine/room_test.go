package engine

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// hasRoom has the disk say how many bytes are free.
func hasRoom(fs *vfs.MemFS, bytes uint64) {
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: bytes, TotalBytes: 1 << 40})
}

// TestWritesAreRefusedBeforeTheDiskIsFull: Full says so while there still is room for what is under way, and until there is plenty.
func TestWritesAreRefusedBeforeTheDiskIsFull(t *testing.T) {
	fs := vfs.NewMem()
	e := openTest(t, fs)
	needed := e.store.RoomNeeded()
	for i, c := range []struct {
		free uint64
		full bool
	}{{needed, false}, {needed - 1, true}, {needed, true}, {2*needed - 1, true}, {2 * needed, false}, {needed, false}, {0, true}} {
		hasRoom(fs, c.free)
		e.lookAtRoom()
		if e.Full() != c.full || e.Limited() {
			t.Errorf("step %d: with %d bytes Full is %v, Limited %v", i, c.free, e.Full(), e.Limited())
		}
	}
	e.incrForTest(t, e.NewTxn(), "what is under way", 1)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// aged opens an engine whose clock is set later, on a disk that has become full, with keys and a field whose time has come.
func aged(t *testing.T, fs *vfs.MemFS) *Engine {
	t.Helper()
	now := int64(1_000_000)
	clock := func(o *Options) { o.Clock = func() int64 { return now } }
	e := openTest(t, fs, clock)
	x := e.NewTxn()
	for i := range 50 {
		name := fmt.Appendf(nil, "key:%d", i)
		x.Lock([]Key{e.Key(0, name)}, true)
		must(0, x.SetInt(e.Key(0, name), int64(i), int64(i%2)*1_000_500))
		x.Unlock()
	}
	k := e.Key(0, []byte("hash"))
	x.Lock([]Key{k}, true)
	h, err := x.Hash(k)
	must(0, err)
	for _, field := range []string{"stays", "goes"} {
		_, err := h.SetInt([]byte(field), 1)
		must(0, err)
	}
	h.SetExpiry([]byte("goes"), 1_000_500)
	x.Unlock()
	must(0, e.Wait(x.Need()))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	now = 2_000_000
	hasRoom(fs, 1000)
	e = openTest(t, fs, clock)
	if !e.Full() || !e.Limited() {
		t.Fatal("nobody noticed that the disk is full")
	}
	return e
}

// TestFullDiskIsRead: reading waits for nothing, also what has expired; what could not be committed is not begun; and when there is room, a
// write that had come all the same lands.
func TestFullDiskIsRead(t *testing.T) {
	fs := vfs.NewMem()
	e := aged(t, fs)
	x := e.NewTxn()
	for i := range 50 {
		need, exists := e.needForTest(fmt.Sprintf("key:%d", i))
		if exists != (i%2 == 0) || need != 0 {
			t.Errorf("key:%d exists: %v, waits for %d", i, exists, need)
		}
	}
	k := e.Key(0, []byte("hash"))
	x.Lock([]Key{k}, false)
	h, err := x.Hash(k)
	must(0, err)
	_, stays := h.Get([]byte("stays"))
	_, goes := h.Get([]byte("goes"))
	x.Unlock()
	if !stays || goes || x.Need() != 0 {
		t.Error("fields:", stays, goes, x.Need())
	}
	e.SetFsync(FsyncEverySec)
	e.SetFsync(FsyncAlways)
	if err := e.Checkpoint(t.Context()); err == nil {
		t.Error("a checkpoint was written to a full disk")
	}
	landed := make(chan int64)
	go func() { landed <- e.incrForTest(t, e.NewTxn(), "late", 1) }()
	e.resume()
	select {
	case <-landed:
		t.Fatal("a write was acknowledged on a full disk")
	default:
	}
	hasRoom(fs, 1<<30)
	if n := <-landed; n != 1 || e.Full() || e.Limited() { // roomLoop notices
		t.Error(n, e.Full(), e.Limited())
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, fs)
	if n := e.incrForTest(t, e.NewTxn(), "late", 0); n != 1 {
		t.Error("late is", n)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFullDiskIsClosed: an engine that could not write ends without having written, and whoever waits for a commit is told.
func TestFullDiskIsClosed(t *testing.T) {
	fs := vfs.NewMem()
	e := aged(t, fs)
	x := e.NewTxn()
	k := e.Key(0, []byte("never"))
	x.Lock([]Key{k}, true)
	must(0, x.SetInt(k, 1, 0))
	x.Unlock()
	waited := make(chan error)
	go func() { waited <- e.Wait(x.Need()) }()
	before := fs.String()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, ErrClosing) {
		t.Error("the writer was told", err)
	}
	if after := fs.String(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}
