package persist

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"quipu/persist/memdisk"
)

// fullDisk is a disk that can be full: then files can be made and overwritten, but nothing new can be written to any.
type fullDisk struct {
	*memdisk.FS
	full atomic.Bool
	// fault is called for every operation and may fail it.
	fault func(op errorfs.Op) error
}

// fs is the disk as it is written to.
func (d *fullDisk) fs() vfs.FS {
	return errorfs.Wrap(d.FS, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if d.fault != nil {
			if err := d.fault(op); err != nil {
				return err
			}
		}
		if !d.full.Load() {
			return nil
		}
		stat, err := d.Stat(op.Path)
		switch op.Kind {
		case errorfs.OpFileWrite:
			return syscall.ENOSPC
		case errorfs.OpFileWriteAt:
			if err != nil || stat.Size() < op.Offset+1 {
				return syscall.ENOSPC
			}
		}
		return nil
	}))
}

func (d *fullDisk) options() Options {
	return Options{FS: d.fs(), Dir: "data", SegmentBytes: MinSegmentBytes, WithoutRoom: true, manual: true}
}

// used returns a disk with a directory whose last process was killed, and which has been full since: a checkpoint, records that were synced,
// and some that were not.
func used(t *testing.T) (*fullDisk, history) {
	t.Helper()
	disk := &fullDisk{FS: memdisk.New()}
	db, err := Open(disk.options())
	must(t, err)
	var h history
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 60 {
		w := write{uint64(i + 1), randomBody(rng, i)}
		h = append(h, w)
		must(t, appendInPieces(db, w, 1+rng.IntN(len(w.body)), noPause))
		if i == 30 {
			must(t, writeCheckpoint(db, h, 20, false))
		}
		if i < 50 {
			must(t, db.Sync())
		}
		must(t, db.log.keep())
	}
	left := &fullDisk{FS: disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng})}
	left.full.Store(true)
	return left, h
}

// holds compares what db has with h.
func holds(db *DB, h history) error {
	rows, last, err := contents(db)
	if err != nil {
		return err
	}
	if last != uint64(len(h)) {
		return fmt.Errorf("the log ends at %d, not at %d", last, len(h))
	}
	return sameRows(rows, h.state(last))
}

// A directory on a full disk can be read. What was read is durable, nothing can be written, and as soon as there is room, all goes on.
func TestFullDiskCanBeRead(t *testing.T) {
	disk, h := used(t)
	db, err := Open(disk.options())
	must(t, err)
	if !db.Limited() {
		t.Fatal("the disk is full, and nobody noticed")
	}
	must(t, holds(db, h))
	_, cpErr := db.NewCheckpoint(db.Covered())
	for _, err := range []error{cpErr, db.Append(61, 0, nil), db.AppendPiece(61, 0, nil), db.Sync(), db.Resume(), db.Resume()} {
		if !errors.Is(err, ErrNoSpace) || errors.Is(err, ErrFailed) {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	if m := db.Metrics(); m.Durable != 60 || m.LogBytes == 0 {
		t.Errorf("%+v", m)
	}
	if ok, err := exists(disk.FS, "data/"+probeName); ok || err != nil {
		t.Error("the probe is left", err)
	}
	clone := &fullDisk{FS: disk.CrashClone(vfs.CrashCloneCfg{})} // nothing that was not synced is left
	again := openMem(t, clone.FS)
	must(t, holds(again, h))
	must(t, again.Close())

	disk.full.Store(false)
	must(t, db.Resume())
	must(t, db.Resume())
	if db.Limited() {
		t.Fatal("there is room")
	}
	for range 100 {
		h = append(h, write{uint64(len(h) + 1), AppendSet(nil, testKey(len(h)), make([]byte, 100))})
		must(t, db.Append(uint64(len(h)), 7, h[len(h)-1].body))
		must(t, db.log.keep())
	}
	must(t, writeCheckpoint(db, h, 100, false))
	must(t, db.Close())
	db = openMem(t, disk.FS)
	must(t, holds(db, h))
	must(t, db.Close())
}

// A directory that was only read is closed as it was, and can be read again.
func TestFullDiskIsLeftAsItWas(t *testing.T) {
	disk, h := used(t)
	for range 3 {
		db, err := Open(disk.options())
		must(t, err)
		must(t, holds(db, h))
		if !db.Limited() {
			t.Fatal("there is no room")
		}
		must(t, db.Close())
	}
}

// A disk whose file system says that it has little room is taken for full.
func TestLittleRoom(t *testing.T) {
	disk, h := used(t)
	disk.full.Store(false)
	needed := uint64(3*MinSegmentBytes + storeRoom)
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: needed - 1, TotalBytes: 1 << 40})
	db, err := Open(disk.options())
	must(t, err)
	must(t, holds(db, h))
	if room, ok := db.Room(); !db.Limited() || room != needed-1 || !ok || db.RoomNeeded() != needed {
		t.Error(db.Limited(), room, ok, db.RoomNeeded())
	}
	if err := db.Resume(); !errors.Is(err, ErrNoSpace) {
		t.Fatal(err)
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: needed, TotalBytes: 1 << 40})
	must(t, db.Resume())
	must(t, db.Append(61, 0, nil))
	must(t, db.Close())
}

// fullLife reads a directory on a full disk, goes on when there is room, and writes two records. acked is how many were acknowledged.
func fullLife(disk *fullDisk, h history, fatal func(error), acked *atomic.Int64) error {
	disk.full.Store(true)
	o := disk.options()
	o.Events.Fatal = fatal
	db, err := Open(o)
	if err != nil {
		return err
	}
	if err := holds(db, h[:60]); err != nil {
		return errors.Join(err, db.Close())
	}
	disk.full.Store(false)
	if err = db.Resume(); err == nil {
		for _, w := range h[60:] {
			if err = errors.Join(db.Append(w.index, 7, w.body), db.Sync()); err != nil {
				break
			}
			acked.Add(1)
		}
	}
	return errors.Join(err, db.Close())
}

// TestFaultsOnAFullDisk fails every operation of a start on a full disk, of going on, and of what follows. Whatever was there before, or was
// acknowledged, is there afterwards.
func TestFaultsOnAFullDisk(t *testing.T) {
	base, h := used(t)
	for range 2 {
		h = append(h, write{uint64(len(h) + 1), AppendSet(nil, testKey(len(h)), []byte("acked"))})
	}
	stride := int64(5)
	if torture() {
		stride = 1
	}
	for at := int64(1); ; at += stride {
		disk := &fullDisk{FS: base.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})}
		var n, acked atomic.Int64
		disk.fault = func(errorfs.Op) error {
			if n.Add(1) == at {
				return syscall.EIO
			}
			return nil
		}
		fatal, done := make(chan struct{}, 100), make(chan error, 1)
		go func() {
			done <- fullLife(disk, h, func(error) {
				fatal <- struct{}{}
				select {} // main would exit
			}, &acked)
		}()
		var err error
		select {
		case err = <-done:
		case <-fatal:
		case <-time.After(10 * time.Minute):
			t.Fatal("operation", at, "hangs")
		}
		for _, percent := range []int{0, 100} {
			left := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 1))})
			if err := keeps(left, h, int(acked.Load()), percent); err != nil {
				t.Fatalf("operation %d, %d%% kept: %v", at, percent, err)
			}
		}
		if n.Load() < at {
			if err != nil || acked.Load() != 2 {
				t.Fatal("without a fault:", err)
			}
			t.Logf("%d operations", n.Load())
			return
		}
	}
}

// keeps opens what is left. Before anybody was shown anything, records that were never synced may be lost: the first fault may come first.
func keeps(fs *memdisk.FS, h history, acked, percent int) error {
	db, err := Open(Options{FS: fs, Dir: "data", SegmentBytes: MinSegmentBytes, manual: true})
	if err != nil {
		return err
	}
	rows, last, err := contents(db)
	least := 60 + acked
	if percent == 0 && acked == 0 {
		least = 50
	}
	if err == nil && last < uint64(least) {
		err = fmt.Errorf("the log ends at %d, and %d was acknowledged", last, least)
	}
	return errors.Join(err, sameRows(rows, h.state(last)), db.Close())
}

// The log says where the room went.
func TestFullDiskSaysWhere(t *testing.T) {
	disk, _ := used(t)
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 12345})
	db, err := Open(disk.options())
	must(t, err)
	if err := db.Resume(); err == nil || !strings.Contains(err.Error(), "12345 bytes are free on the disk of data") {
		t.Error(err)
	}
	must(t, db.Close())
}
