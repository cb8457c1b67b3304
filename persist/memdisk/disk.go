// Package memdisk is a disk in memory for the tests of power cuts: Pebble's crashable file system, without its deadlock.
//
// In Pebble 2.1.7 [vfs.MemFS.CrashClone] waits for what changes files at that moment. These operations ask first whether a clone
// is being made and lock the tree of files second; Link does so the other way round. When a clone is asked for between, a Sync
// waits for the tree, the Link that has it for the clone, and the clone for the Sync. Here no clone begins during a Link, nor a
// Link during a clone.
package memdisk

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is a file system in memory of which a copy can be made as a power cut would leave it. It is safe for concurrent use.
type FS struct {
	*vfs.MemFS
	// links is held for reading by every Link, for writing while a clone is made.
	links sync.RWMutex
}

// New returns an empty file system.
func New() *FS { return &FS{MemFS: vfs.NewCrashableMem()} }

// CrashClone returns a copy that holds what was synced and, of the rest, the part that cfg says.
func (d *FS) CrashClone(cfg vfs.CrashCloneCfg) *FS {
	d.links.Lock()
	defer d.links.Unlock()
	return &FS{MemFS: d.MemFS.CrashClone(cfg)}
}

// Link is that of [vfs.FS].
func (d *FS) Link(oldname, newname string) error {
	d.links.RLock()
	defer d.links.RUnlock()
	return d.MemFS.Link(oldname, newname)
}
