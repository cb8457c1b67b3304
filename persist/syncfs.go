package persist

import "github.com/cockroachdb/pebble/v2/vfs"

// syncFS is a file system whose fsyncs leave the processor to others (aio_linux.go says why): those of checkpoints, compactions, the witness
// and of segments that are laid out. With one core, all connections stood still for up to 10 ms during each of them. The commits' own fsyncs
// do not go through it, and so never wait for a turn; these follow one another, so that there are never many between a commit and the disk.
type syncFS struct {
	vfs.FS
	syncer *asyncSyncer
}

// newSyncFS wraps fs. The files of a file system that is not the operating system's stay as they are.
func newSyncFS(fs vfs.FS) *syncFS { return &syncFS{FS: fs, syncer: new(asyncSyncer)} }

// Unwrap returns the file system beneath.
func (s *syncFS) Unwrap() vfs.FS { return s.FS }

// Create makes a file.
func (s *syncFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, category)
	return s.wrap(f, err)
}

// ReuseForWrite makes a file of another one.
func (s *syncFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.ReuseForWrite(oldname, newname, category)
	return s.wrap(f, err)
}

// OpenReadWrite opens a file for changes.
func (s *syncFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.OpenReadWrite(name, category, opts...)
	return s.wrap(f, err)
}

// OpenDir opens a directory, for the sake of its Sync.
func (s *syncFS) OpenDir(name string) (vfs.File, error) {
	f, err := s.FS.OpenDir(name)
	return s.wrap(f, err)
}

func (s *syncFS) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil || f.Fd() == vfs.InvalidFd {
		return f, err
	}
	return syncedFile{f, s.syncer}, nil
}

// syncedFile is a file of a syncFS.
type syncedFile struct {
	vfs.File
	syncer *asyncSyncer
}

// Sync fsyncs the file.
func (f syncedFile) Sync() error { return f.syncer.syncAll(f.File) }

// SyncData fsyncs the contents.
func (f syncedFile) SyncData() error { return f.syncer.sync(f.File) }

// SyncTo begins to write the file out.
func (f syncedFile) SyncTo(length int64) (bool, error) { return f.syncer.begin(f.File, length) }
