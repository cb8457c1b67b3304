package persist

import (
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// markerPrefix begins the names of the empty files by which Pebble says which manifest counts.
const markerPrefix = "marker."

// tableExt ends the names of tables.
const tableExt = ".sst"

// walExt ends the names of Pebble's own write-ahead logs.
const walExt = ".log"

// storeFS is the file system as the store sees it. It adds three things that Pebble leaves to the file system:
//
// Order. Pebble creates a manifest, then the marker that names it, then removes the old marker, and fsyncs the
// directory once at the end. A file system that does not keep directory operations in order could come back
// from a power cut with a marker that names nothing, or with none. Fsyncing the directory between the steps
// costs a millisecond per marker and makes that impossible.
//
// A pace. Compactions and flushes compute for seconds and know no pauses: they get one with each block of a table that they read or write.
// One that finds a million deleted rows reads for 0.3 s and writes nothing. Blocks that the cache holds, 8 MiB by default, go by without one.
//
// An end. Pebble panics when that fsync fails, and when its WAL cannot be created, written or closed, on
// whatever goroutine and with whatever lock; this tells Events.Fatal first, which exits with a reason.
type storeFS struct {
	vfs.FS
	fatal func(format string, args ...any)
	pace  func()
}

// Unwrap returns the file system beneath.
func (s *storeFS) Unwrap() vfs.FS { return s.FS }

// Open opens a file. Only compactions read tables from end to end: pebbleOptions sees to it.
func (s *storeFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.Open(name, opts...)
	if err == nil && strings.HasSuffix(name, tableExt) && slices.Contains(opts, vfs.SequentialReadsOption) {
		return pacedFile{f, s.pace}, nil
	}
	return f, err
}

// Create makes durable what a new marker may name before it creates the marker.
func (s *storeFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := s.settle(name); err != nil {
		return nil, err
	}
	f, err := s.FS.Create(name, category)
	return s.guard(name, f, err)
}

// ReuseForWrite recycles a WAL.
func (s *storeFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.ReuseForWrite(oldname, newname, category)
	return s.guard(newname, f, err)
}

// guard makes a WAL one that ends the process when it fails, and a table one that is written at a pace.
func (s *storeFS) guard(name string, f vfs.File, err error) (vfs.File, error) {
	if err == nil && strings.HasSuffix(name, tableExt) {
		return pacedFile{f, s.pace}, nil
	}
	if !strings.HasSuffix(name, walExt) {
		return f, err
	}
	if err != nil {
		s.fatal("create %s: %v", name, err)
	}
	return walFile{f, name, s.fatal}, nil
}

// Remove makes the new marker durable before it removes the old one.
func (s *storeFS) Remove(name string) error {
	if err := s.settle(name); err != nil {
		return err
	}
	return s.FS.Remove(name)
}

func (s *storeFS) settle(name string) error {
	if !strings.HasPrefix(s.PathBase(name), markerPrefix) {
		return nil
	}
	return syncDir(s.FS, s.PathDir(name))
}

// OpenDir returns the directory with a Sync that does not come back when it fails.
func (s *storeFS) OpenDir(name string) (vfs.File, error) {
	d, err := s.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return storeDirectory{d, name, s.fatal}, nil
}

type storeDirectory struct {
	vfs.File
	name  string
	fatal func(format string, args ...any)
}

// Sync fsyncs the directory.
func (d storeDirectory) Sync() error {
	if err := d.File.Sync(); err != nil {
		d.fatal("fsync of directory %s: %v", d.name, err)
	}
	return nil
}

// walFile is a WAL of the store.
type walFile struct {
	vfs.File
	name  string
	fatal func(format string, args ...any)
}

func (w walFile) check(op string, err error) {
	if err != nil {
		w.fatal("%s %s: %v", op, w.name, err)
	}
}

// Write writes p.
func (w walFile) Write(p []byte) (int, error) {
	n, err := w.File.Write(p)
	w.check("write", err)
	return n, err
}

// Sync fsyncs the file.
func (w walFile) Sync() error {
	err := w.File.Sync()
	w.check("fsync", err)
	return err
}

// SyncData fsyncs the contents.
func (w walFile) SyncData() error {
	err := w.File.SyncData()
	w.check("fsync", err)
	return err
}

// SyncTo starts writing a prefix out.
func (w walFile) SyncTo(length int64) (bool, error) {
	full, err := w.File.SyncTo(length)
	w.check("fsync", err)
	return full, err
}

// Stat tells the size.
func (w walFile) Stat() (vfs.FileInfo, error) {
	info, err := w.File.Stat()
	w.check("stat", err)
	return info, err
}

// Close closes the file.
func (w walFile) Close() error {
	err := w.File.Close()
	w.check("close", err)
	return err
}

// pacedFile is a table that background work reads or writes.
type pacedFile struct {
	vfs.File
	pace func()
}

// Write writes p, a block or so, and lets others run.
func (f pacedFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.pace()
	return n, err
}

// ReadAt reads a block and lets others run.
func (f pacedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.pace()
	return n, err
}
