package persist

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestSyncFSSyncs: each way to sync a file of the operating system works, one after the other and when the kernel can not be asked any more.
func TestSyncFSSyncs(t *testing.T) {
	fs := newSyncFS(vfs.Default)
	defer fs.syncer.close()
	for range 2 {
		syncEverything(t, fs, t.TempDir())
		fs.syncer.close()
	}
}

func syncEverything(t *testing.T, fs vfs.FS, dir string) {
	t.Helper()
	f, err := fs.Create(fs.PathJoin(dir, "f"), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := f.(syncedFile); !ok {
		t.Errorf("a file is a %T", f)
	}
	if _, err := f.Write(make([]byte, 64<<10)); err != nil {
		t.Error(err)
	}
	if _, err := f.SyncTo(32 << 10); err != nil {
		t.Errorf("SyncTo: %v", err)
	}
	if err := f.SyncData(); err != nil {
		t.Errorf("SyncData: %v", err)
	}
	if err := f.Sync(); err != nil {
		t.Errorf("Sync: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := f.Sync(); err == nil {
		t.Error("a closed file could be synced")
	}
	if err := syncDir(fs, dir); err != nil {
		t.Error(err)
	}
}

// TestSyncFSLeavesOtherFilesAlone: what has no descriptor is not wrapped, and syncs as its file system does.
func TestSyncFSLeavesOtherFilesAlone(t *testing.T) {
	fs := newSyncFS(vfs.NewMem())
	f, err := fs.Create("f", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, ok := f.(syncedFile); ok {
		t.Error("a file in memory was wrapped")
	}
}

// TestSyncFSTellsFailure: a file that can not be synced says so.
func TestSyncFSTellsFailure(t *testing.T) {
	fs := newSyncFS(vfs.Default)
	defer fs.syncer.close()
	f, err := fs.OpenReadWrite("/dev/null", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err == nil {
		t.Error("Sync succeeded")
	}
	if err := f.SyncData(); err == nil {
		t.Error("SyncData succeeded")
	}
}
