//go:build !linux

package persist

import "github.com/cockroachdb/pebble/v2/vfs"

// asyncSyncer syncs in place where there is no asynchronous fdatasync; see aio_linux.go.
type asyncSyncer struct{}

func (*asyncSyncer) sync(f vfs.File) error { return f.SyncData() }

func (*asyncSyncer) syncAll(f vfs.File) error { return f.Sync() }

func (*asyncSyncer) begin(f vfs.File, length int64) (bool, error) { return f.SyncTo(length) }

func (*asyncSyncer) close() {}
