package persist

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// forgetfulFS does with log segments what a kernel may: when an fsync fails, what it was to write counts as written, and the next one
// succeeds without it. Whoever reads the file sees it all the same.
type forgetfulFS struct {
	*memdisk.FS
	mu   sync.Mutex
	disk map[string][]byte // what has really reached the disk
	// dirty are the bytes of each file that the next fsync writes.
	dirty map[string][][2]int64
	fails bool
}

func newForgetfulFS() *forgetfulFS {
	return &forgetfulFS{FS: memdisk.New(), disk: map[string][]byte{}, dirty: map[string][][2]int64{}}
}

// OpenReadWrite opens a file for changes.
func (fs *forgetfulFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.OpenReadWrite(name, c, o...)
	if err == nil && strings.HasSuffix(name, segmentExt) {
		f = &forgetfulFile{f, fs, name}
	}
	return f, err
}

// powerCut returns what is left of the files.
func (fs *forgetfulFS) powerCut(t *testing.T) vfs.FS {
	t.Helper()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	left := fs.CrashClone(vfs.CrashCloneCfg{})
	for name, data := range fs.disk {
		f, err := left.Create(name, categoryLog)
		must(t, err)
		_, err = f.Write(data)
		must(t, errors.Join(err, f.Sync(), f.Close()))
	}
	return left
}

type forgetfulFile struct {
	vfs.File
	fs   *forgetfulFS
	name string
}

func (f *forgetfulFile) WriteAt(p []byte, at int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.dirty[f.name] = append(f.fs.dirty[f.name], [2]int64{at, at + int64(len(p))})
	return f.File.WriteAt(p, at)
}

func (f *forgetfulFile) Sync() error     { return f.SyncData() }
func (f *forgetfulFile) SyncData() error { return errors.Join(f.File.SyncData(), f.write()) }

// write brings what is dirty to the disk, or only says that it is there.
func (f *forgetfulFile) write() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	dirty := f.fs.dirty[f.name]
	delete(f.fs.dirty, f.name)
	if f.fs.fails && len(dirty) > 0 {
		return syscall.EIO
	}
	for _, part := range dirty {
		for int64(len(f.fs.disk[f.name])) < part[1] {
			f.fs.disk[f.name] = append(f.fs.disk[f.name], 0)
		}
		if _, err := f.ReadAt(f.fs.disk[f.name][part[0]:part[1]], part[0]); err != nil {
			return err
		}
	}
	return nil
}

// TestWhatAFailedFsyncLeft: records that a failed fsync should have brought to the disk are still to be read by the next process. What it
// shows of them survives a power cut.
func TestWhatAFailedFsyncLeft(t *testing.T) {
	fs := newForgetfulFS()
	db := openMem(t, fs)
	appendKeys(t, db, 1, "safe")
	must(t, db.Sync())
	fs.fails = true
	appendKeys(t, db, 2, "forgotten", "too")
	if err := db.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Sync: %v", err)
	}
	if err := db.Close(); !errors.Is(err, ErrFailed) {
		t.Fatalf("Close: %v", err)
	}
	fs.fails = false
	const want = "1:safe 2:forgotten 3:too"
	if got := replayed(t, fs); got != want {
		t.Fatalf("after the failure: %s", got)
	}
	if got := replayed(t, fs.powerCut(t)); got != want {
		t.Fatalf("after a power cut: %s", got)
	}
}
