package persist

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// DB is a data directory that is open.
//
// Append, and anything that must be ordered with it, is serialised by the caller. Every other method may be
// called at any time from any goroutine, except that Close must be the last call, and that nothing but Get and Scan may run beside Resume.
type DB struct {
	opts   Options
	fs     vfs.FS
	syncer *asyncSyncer // of fs; nil: fs has none
	tables string
	lock   io.Closer
	// swap is held for reading while the store is read, for writing while Resume opens it for writing.
	swap   sync.RWMutex
	store  *store
	survey *survey
	log    *commitLog
	keeper *keeper
	watch  *stallWatch

	covered       atomic.Uint64
	attested      uint64 // by the store, when it was opened: see store.attested
	checkpointing atomic.Bool
	replayed      atomic.Bool
	limited       atomic.Bool // and log, keeper and watch are nil
	closed        atomic.Bool
	stats         struct{ checkpoints, rows, rowBytes atomic.Int64 }
}

// Open takes the lock of the directory, opens the store, reads and verifies the whole log, and checks that
// witness, store and log agree. A directory that does not exist is laid out, unless ReadOnly, which gives
// ErrNotFound. Damage is refused with a *DamageError. On success the DB is ready for Append, but the caller
// will want to Replay first.
func Open(opts Options) (*DB, error) {
	opts = opts.withDefaults()
	quiet := newSyncFS(opts.FS)
	opts.FS = quiet
	db := &DB{opts: opts, fs: quiet, syncer: quiet.syncer, tables: opts.FS.PathJoin(opts.Dir, tablesDir)}
	if err := db.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open data directory %s: %w", opts.Dir, err), db.release())
	}
	return db, nil
}

func (db *DB) path(name string) string { return db.fs.PathJoin(db.opts.Dir, name) }

func (db *DB) open() error {
	if err := db.takeLock(); err != nil {
		return err
	}
	t, err := db.findWitness()
	if err != nil {
		return err
	}
	if !t.ready {
		t, err = db.layOut(t)
	} else if err = db.checkKinds(); err == nil {
		err = db.openStore(t)
	}
	if err != nil {
		return err
	}
	t.durableSeq = max(t.durableSeq, db.attested)
	db.survey, err = surveyLog(db.fs, db.path(logDir), t, db.Covered(), db.opts.Events)
	if err != nil {
		return err
	}
	switch {
	case db.opts.ReadOnly:
		return nil
	case db.limited.Load():
		// What is shown to clients must be as durable as ever. It is written again in place, for which there is room.
		return secureFound(db.fs, db.survey)
	}
	return db.resume(t)
}

func (db *DB) takeLock() error {
	if db.opts.ReadOnly {
		if err := db.mustBeThere(); err != nil {
			return err
		}
	} else if err := makeDir(db.fs, db.opts.Dir); err != nil {
		return err
	}
	path := db.path(lockName)
	lock, err := db.fs.Lock(path)
	if unmade := (*iofs.PathError)(nil); errors.As(err, &unmade) {
		return ioError("lock data directory", err)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w: %w", path, ErrLocked, err)
	}
	db.lock = lock
	return nil
}

// mustBeThere gives ErrNotFound for a directory that was never a data directory, so that a lock file is not left in it.
func (db *DB) mustBeThere() error {
	if ok, err := exists(db.fs, db.path(witnessName)); err != nil || ok {
		return err
	}
	for _, name := range dataDirs {
		if ok, err := db.isOurs(name); err != nil || ok {
			return err
		}
	}
	return fmt.Errorf("%w in %s", ErrNotFound, db.opts.Dir)
}

// dataDirs are the directories inside the data directory.
var dataDirs = [...]string{logDir, storeDir, tablesDir}

// isOurs reports whether one of dataDirs is there and has a file of ours.
func (db *DB) isOurs(name string) (bool, error) {
	path := db.path(name)
	if info, err := db.fs.Stat(path); err != nil || !info.IsDir() {
		return false, nil
	}
	files, err := db.fs.List(path)
	if err != nil {
		return false, ioError("list "+path, err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		_, segment := parseSegmentName(file)
		return segment || strings.HasPrefix(file, "MANIFEST-") || strings.HasPrefix(file, "marker.") || strings.HasSuffix(file, ".sst")
	}), nil
}

// checkKinds refuses a file in the place of one of dataDirs. What can not be looked at tells of itself when it is opened.
func (db *DB) checkKinds() error {
	for _, name := range dataDirs {
		if info, err := db.fs.Stat(db.path(name)); err == nil && !info.IsDir() {
			return damaged(db.path(name), -1, nil, "it is a file, but must be a directory")
		}
	}
	return nil
}

// findWitness reads the witness, or puts one into a new directory.
func (db *DB) findWitness() (testimony, error) {
	path := db.path(witnessName)
	t, err := readWitness(db.fs, path)
	if err == nil || !witnessMissing(err) {
		return t, err
	}
	if err := db.mustBeNew(); err != nil {
		return testimony{}, err
	}
	if db.opts.ReadOnly {
		return testimony{}, fmt.Errorf("%w in %s", ErrNotFound, db.opts.Dir)
	}
	t = testimony{generation: 1, firstSegment: 1, firstSeq: 1, lastSegment: 1}
	return t, createWitness(db.fs, path, t)
}

// mustBeNew refuses a directory without a witness that holds something in the places of ours: what is left of data, or what is somebody
// else's and would be thrown away.
func (db *DB) mustBeNew() error {
	for _, name := range dataDirs {
		switch ours, err := db.isOurs(name); {
		case err != nil:
			return err
		case ours:
			return damaged(db.path(witnessName), -1, nil, "the witness is missing, but %s is there", db.path(name))
		}
	}
	for _, name := range dataDirs {
		switch there, err := exists(db.fs, db.path(name)); {
		case err != nil:
			return err
		case there:
			return fmt.Errorf("%w, but %s is there, in the place of ours; nothing was changed; choose another dir, or move it away",
				ErrForeign, db.path(name))
		}
	}
	return nil
}

// layOut makes what a new directory holds. Until the witness says ready, nothing was promised to anybody,
// so what an earlier attempt left is thrown away.
func (db *DB) layOut(t testimony) (testimony, error) {
	if db.opts.ReadOnly {
		return t, fmt.Errorf("%w in %s", ErrNotFound, db.opts.Dir)
	}
	for _, name := range dataDirs {
		if err := removeTree(db.fs, db.path(name)); err != nil {
			return t, err
		}
		if err := makeDir(db.fs, db.path(name)); err != nil {
			return t, err
		}
	}
	var err error
	if db.store, err = createStore(db.opts, db.path(storeDir)); err != nil {
		return t, err
	}
	size := min(firstSegmentBytes, db.opts.SegmentBytes)
	s, err := createSegment(db.fs, db.path(logDir), "", 1, 0, size)
	if err != nil {
		return t, err
	}
	if err := s.file.Close(); err != nil {
		return t, ioError("close "+s.path, err)
	}
	w, err := openWitness(db.fs, db.path(witnessName), t)
	if err != nil {
		return t, err
	}
	if err := w.seal(func(t *testimony) { t.ready = true }); err != nil {
		return t, errors.Join(err, w.close())
	}
	t = w.mu.last
	return t, w.close()
}

// openStore opens the store and checks that it has what the witness says. It looks read-only first: a
// store that lost tables would, opened for writing, delete the files that it no longer knows.
func (db *DB) openStore(t testimony) error {
	dir := db.path(storeDir)
	if err := checkFooters(db.fs, dir); err != nil {
		return err
	}
	look := db.opts
	look.ReadOnly = true
	s, err := openStore(look, dir, false)
	if err != nil {
		return err
	}
	covered, err := s.covered()
	if err == nil && covered < t.covered {
		err = damaged(dir, -1, nil, "the store covers index %d, but must cover %d", covered, t.covered)
	}
	if err != nil {
		return errors.Join(err, s.close())
	}
	if db.attested, err = s.attested(); err != nil {
		return errors.Join(err, s.close())
	}
	db.covered.Store(covered)
	if db.opts.ReadOnly {
		db.store = s
		return nil
	}
	if err := db.cleanTables(); err != nil {
		return errors.Join(err, s.close())
	}
	if db.opts.WithoutRoom {
		err := db.findRoom()
		if errors.Is(err, ErrNoSpace) {
			db.store = s
			db.limited.Store(true)
			return nil
		}
		if err != nil {
			return errors.Join(err, s.close())
		}
	}
	if err := s.close(); err != nil {
		return err
	}
	db.store, err = openStore(db.opts, dir, false)
	return err
}

// cleanTables removes what a checkpoint that did not commit has left.
func (db *DB) cleanTables() error {
	if err := makeDir(db.fs, db.tables); err != nil {
		return err
	}
	names, err := db.fs.List(db.tables)
	if err != nil {
		return ioError("list "+db.tables, err)
	}
	for _, name := range names {
		path := db.fs.PathJoin(db.tables, name)
		if err := db.fs.Remove(path); err != nil {
			return ioError("remove "+path, err)
		}
	}
	return nil
}

// resume makes the log ready for appending and starts the background work.
func (db *DB) resume(t testimony) error {
	w, err := openWitness(db.fs, db.path(witnessName), t)
	if err != nil {
		return err
	}
	db.watch = startStallWatch(db.opts)
	db.log, err = resumeLog(db.opts, db.survey, w, db.watch)
	if err != nil {
		return errors.Join(err, w.close())
	}
	if !db.opts.manual {
		db.keeper = startKeeper(db.log)
	}
	return nil
}

// Replay calls apply for every record above the covered index, in order of index; of records with the same
// index only the last written counts, and it voids the higher ones written before it. ops is valid until apply
// returns, its slices until the next operation is read. An error of apply ends the replay and is returned. last is the index of
// the newest record, or the covered index if that is higher. Replay is called at most once, before the
// first Append.
func (db *DB) Replay(apply func(index uint64, ops OpReader) error) (last uint64, err error) {
	if !db.replayed.CompareAndSwap(false, true) {
		return 0, errors.New("replay the log: it has been replayed before")
	}
	if err := db.survey.replay(apply); err != nil {
		return 0, fmt.Errorf("replay the log: %w", err)
	}
	return db.survey.index, nil
}

// Covered returns the index that the store covers: every record up to it is part of the store.
func (db *DB) Covered() uint64 { return db.covered.Load() }

// LastTerm returns the term of the newest record that Open found, 0 if there was none.
func (db *DB) LastTerm() uint64 { return db.survey.term }

// Append writes one record and returns when the kernel has it: it then survives the death of the process,
// but not of the machine; for that, Sync. index must follow the last one, or be one above the covered index
// and not above the last: then the record replaces the one of that index and voids all higher ones. term is
// kept for the caller. body is not retained. Calls must not overlap. Errors other than ErrIndex, ErrTooLarge
// and ErrClosed are final: see ErrFailed.
func (db *DB) Append(index, term uint64, body []byte) error {
	if err := db.writable(); err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	return db.log.append(index, term, body, true)
}

// AppendPiece writes a part of the record of index, which becomes part of the log only with the Append of the same index and term that
// writes the last part: recovery takes all of them or none. The parts of a body may be cut anywhere. Nothing else can be appended
// meanwhile, whereas Sync, checkpoints and a Close go on as if nothing had been written. Otherwise it is like Append.
func (db *DB) AppendPiece(index, term uint64, part []byte) error {
	if err := db.writable(); err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	return db.log.append(index, term, part, false)
}

// Sync makes every record durable whose Append returned before Sync was called. It may run beside Append,
// and several Syncs may run at once. A failed fsync is final: see ErrFailed.
func (db *DB) Sync() error {
	if err := db.writable(); err != nil {
		return fmt.Errorf("sync the log: %w", err)
	}
	return db.log.sync()
}

// Durable returns the highest index that is known to be fsynced.
func (db *DB) Durable() uint64 {
	if db.writable() != nil {
		return db.survey.index
	}
	return db.log.durableIndex()
}

// LogBytes returns how many bytes of the log the store does not cover yet.
func (db *DB) LogBytes() int64 {
	if db.writable() != nil {
		return db.survey.liveBytes
	}
	return db.log.stats.live.Load()
}

// Get appends the value that the store has for key to dst. It knows nothing of the log.
func (db *DB) Get(key, dst []byte) (value []byte, ok bool, err error) {
	db.swap.RLock()
	defer db.swap.RUnlock()
	if db.store == nil {
		return dst, false, errNoStore
	}
	return db.store.get(key, dst)
}

// Scan calls fn for every row of the store with lo <= key < hi, in order, until fn returns false or an
// error, which Scan then returns. The slices are valid during the call. It sees the store as it was when
// it began. A nil hi means no upper bound; persist's own rows are never shown. fn must not read the DB.
func (db *DB) Scan(lo, hi []byte, fn func(key, value []byte) (bool, error)) error {
	db.swap.RLock()
	defer db.swap.RUnlock()
	if db.store == nil {
		return errNoStore
	}
	if len(lo) == 0 || lo[0] == reservedPrefix {
		lo = []byte{reservedPrefix + 1}
	}
	if hi == nil || hi[0] == reservedSuffix {
		hi = []byte{reservedSuffix}
	}
	return db.store.scan(lo, hi, fn)
}

// Close syncs the log, tells the witness, and gives the directory back. An unfinished checkpoint must have
// been aborted. The error of a failed log or store is returned; the directory is released all the same.
func (db *DB) Close() error {
	if !db.closed.CompareAndSwap(false, true) {
		return fmt.Errorf("close data directory %s: %w", db.opts.Dir, ErrClosed)
	}
	if err := db.release(); err != nil {
		return fmt.Errorf("close data directory %s: %w", db.opts.Dir, err)
	}
	return nil
}

// release undoes as much of open as was done, in reverse.
func (db *DB) release() error {
	var errs []error
	if db.keeper != nil {
		db.keeper.close()
	}
	if db.log != nil {
		errs = append(errs, db.log.close(), db.log.witness.close())
	}
	if db.watch != nil {
		db.watch.close()
	}
	if db.store != nil {
		errs = append(errs, db.store.close())
	}
	if db.syncer != nil {
		db.syncer.close()
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
	}
	return errors.Join(errs...)
}
