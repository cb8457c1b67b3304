package persist

import (
	"errors"
	"fmt"
)

// A start needs room: for a segment, for the store's next manifest and its like. Without, it could not go on, and a store that is opened for
// writing ends the process where it can not write. So it is looked for beforehand, and where there is none, the directory can still be
// opened to be read.

// probeName is the file by which room is looked for, probeBytes what is written to it: little, since its time is added to every start. It
// notices what the file system's own figures may not tell, such as a quota.
const (
	probeName  = "PROBE"
	probeBytes = 64 << 10
)

// storeRoom is what the store may need to be opened and to take the first rows of a checkpoint.
const storeRoom = 8 << 20

// Room returns how many bytes the file system of the directory has for us; ok is false if it does not say.
func (db *DB) Room() (bytes uint64, ok bool) {
	usage, err := db.opts.FS.GetDiskUsage(db.opts.Dir)
	return usage.AvailBytes, err == nil
}

// RoomNeeded returns how many bytes there should be, for the log to go on for a while and a checkpoint to be begun. With less, Open and
// Resume take the disk for full.
func (db *DB) RoomNeeded() uint64 { return uint64(3*db.opts.SegmentBytes + storeRoom) }

// findRoom returns an ErrNoSpace if there is not enough room to go on.
func (db *DB) findRoom() error {
	if room, ok := db.Room(); ok && room < db.RoomNeeded() {
		return fmt.Errorf("%w: %d bytes are free on the disk of %s, %d are needed", ErrNoSpace, room, db.opts.Dir, db.RoomNeeded())
	}
	return db.probe()
}

// probe writes a file and removes it again.
func (db *DB) probe() error {
	path := db.path(probeName)
	f, err := db.fs.Create(path, categoryTables)
	if err != nil {
		return ioError("create "+path, err)
	}
	if _, err = f.Write(make([]byte, probeBytes)); err != nil {
		err = ioError("write "+path, err)
	} else if err = f.Sync(); err != nil {
		err = ioError("fsync "+path, err)
	}
	if e := f.Close(); e != nil {
		err = errors.Join(err, ioError("close "+path, e))
	}
	if e := db.fs.Remove(path); e != nil {
		err = errors.Join(err, ioError("remove "+path, e))
	}
	return err
}

// Limited reports whether there was no room when the directory was opened (Options.WithoutRoom) and Resume has not found any since. The
// directory can be read: all that was found is verified and durable. What writes returns an ErrNoSpace, without consequences for later.
func (db *DB) Limited() bool { return db.limited.Load() }

// Resume makes a limited DB one like any other, if there is room now; if not, it returns an ErrNoSpace and the DB is as it was. Any other
// error is final, and the DB can only be closed.
func (db *DB) Resume() error {
	if !db.limited.Load() {
		return nil
	}
	if err := db.findRoom(); err != nil {
		return fmt.Errorf("go on with data directory %s: %w", db.opts.Dir, err)
	}
	t, err := readWitness(db.fs, db.path(witnessName))
	t.durableSeq = max(t.durableSeq, db.attested)
	if err == nil {
		err = db.reopenStore()
	}
	if err == nil {
		err = db.resume(t)
	}
	if err != nil {
		// A disk that was filled in this moment is no different from one that fills later.
		return fmt.Errorf("go on with data directory %s: %w: %w", db.opts.Dir, ErrFailed, err)
	}
	db.limited.Store(false)
	return nil
}

// errNoStore is what readers get after a Resume that has failed.
var errNoStore = fmt.Errorf("read the store: %w", ErrFailed)

// reopenStore opens for writing the store that was opened to be read.
func (db *DB) reopenStore() error {
	db.swap.Lock()
	defer db.swap.Unlock()
	if err := db.store.close(); err != nil {
		return err
	}
	s, err := openStore(db.opts, db.path(storeDir), false)
	if err != nil {
		db.store = nil
		return err
	}
	db.store = s
	return nil
}

// writable returns nil if the DB can be written, and why not if it can not.
func (db *DB) writable() error {
	switch {
	case db.opts.ReadOnly:
		return ErrReadOnly
	case db.limited.Load():
		return ErrNoSpace
	}
	return nil
}
