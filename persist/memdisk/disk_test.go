package memdisk

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// With the file system of Pebble alone this test hangs within milliseconds.
func TestClonesDuringEverything(t *testing.T) {
	d := New()
	const category = vfs.WriteCategoryUnspecified
	work := []func() error{
		func() error {
			f, err := d.Create("synced", category)
			if err != nil {
				return err
			}
			if _, err = f.Write([]byte("some")); err != nil {
				return err
			}
			if err = f.Sync(); err != nil {
				return err
			}
			return f.Close()
		},
		func() error {
			if err := d.Link("synced", "linked"); err != nil {
				return err
			}
			return d.Remove("linked")
		},
		func() error { return d.MkdirAll("some/directory", 0o700) },
	}
	var done sync.WaitGroup
	var stop atomic.Bool
	if err := work[0](); err != nil {
		t.Fatal(err)
	}
	for _, step := range work {
		done.Go(func() {
			for !stop.Load() {
				if err := step(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5000 {
		d.CrashClone(vfs.CrashCloneCfg{})
	}
	stop.Store(true)
	done.Wait()
}
