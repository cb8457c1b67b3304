package persist

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The first bytes of persist's own keys, below and above those of a caller.
const (
	reservedPrefix = 0x00
	reservedSuffix = 0xff
)

// Keys of our own rows. coveredKey sorts before every key of a caller, so it can open the first table of a
// checkpoint; attestedKey sorts behind them, so it can close the last one.
var (
	formatKey   = []byte{reservedPrefix, 'f'}
	coveredKey  = []byte{reservedPrefix, 'c'}
	attestedKey = []byte{reservedSuffix, 'a'}
)

// isReserved tells persist's own keys, and the empty one, from those of a caller.
func isReserved(key []byte) bool {
	return len(key) == 0 || key[0] == reservedPrefix || key[0] == reservedSuffix
}

// syncBytes is how much of a table is written before the kernel is asked to bring it to the disk: a whole table at once would
// keep the commits' fsyncs waiting behind it.
const syncBytes = 512 << 10

// store is the Pebble database with the rows of the checkpoints.
type store struct {
	db   *pebble.DB
	path string
	opts *pebble.Options
	// trouble holds the newest failure of Pebble's background work, which it tries again without end.
	trouble chan error
	told    complaints
}

// pebbleOptions says how the store is shaped for few, large, sorted ingestions and point reads.
func pebbleOptions(o Options, cache *pebble.Cache) *pebble.Options {
	logger := storeLogger{log: o.Logger, events: o.Events}
	po := &pebble.Options{
		FS:                 &storeFS{FS: o.FS, fatal: logger.Fatalf, pace: o.Pace},
		Cache:              cache,
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             logger,
		ReadOnly:           o.ReadOnly,
		// Nothing goes through the memtable but the format row of a new store.
		MemTableSize:                256 << 10,
		MemTableStopWritesThreshold: 2,
		// A checkpoint is one or a few tables that overlap everything; two of them are worth merging.
		L0CompactionThreshold:     2,
		L0CompactionFileThreshold: 16,
		LBaseMaxBytes:             64 << 20,
		MaxOpenFiles:              o.StoreFiles,
		CompactionConcurrencyRange: func() (int, int) {
			return 1, 1
		},
		BytesPerSync: syncBytes,
	}
	po.Experimental.L0CompactionConcurrency = 1
	// By the sequential mode, storeFS knows who reads: without this, readers that somebody waits for would come to it, too.
	po.Local.ReadaheadConfig = objstorageprovider.NewReadaheadConfig()
	po.Local.ReadaheadConfig.Set(objstorageprovider.FadviseSequential, objstorageprovider.SysReadahead)
	// Row blocks: 12.7 bytes per counter against 15.4 in columns.
	po.Experimental.EnableColumnarBlocks = func() bool { return false }
	for i := range po.Levels {
		po.Levels[i] = pebble.LevelOptions{
			BlockSize:      storeBlockBytes,
			IndexBlockSize: indexBlockBytes,
			Compression:    func() *block.CompressionProfile { return storeCompression },
		}
		if i != bottomLevel {
			// Most rows lie at the bottom: without filters, a read of one decompresses a block of every level above.
			po.Levels[i].FilterPolicy = bloom.FilterPolicy(filterBits)
		}
	}
	for i := range po.TargetFileSizes {
		po.TargetFileSizes[i] = tableBytes
	}
	return po
}

// storeLogger passes on what Pebble says.
type storeLogger struct {
	log    *slog.Logger
	events Events
}

// Infof is chatter about flushes and compactions.
func (s storeLogger) Infof(format string, args ...any) {
	if s.log.Enabled(context.Background(), slog.LevelDebug) {
		s.log.Debug("store: " + fmt.Sprintf(format, args...))
	}
}

// Errorf is trouble that Pebble survives.
func (s storeLogger) Errorf(format string, args ...any) {
	s.log.Error("store: " + fmt.Sprintf(format, args...))
}

// Fatalf must not return: Pebble carries on after it as if the failed fsync had succeeded.
func (s storeLogger) Fatalf(format string, args ...any) {
	err := fmt.Errorf("store: %w: %s", ErrFailed, fmt.Sprintf(format, args...))
	if s.events.Fatal != nil {
		s.events.Fatal(err)
	}
	panic(err)
}

// openStore opens the store in dir; create says whether it has to be new.
func openStore(o Options, dir string, create bool) (*store, error) {
	cache := pebble.NewCache(o.CacheBytes)
	defer cache.Unref()
	po := pebbleOptions(o, cache)
	po.ErrorIfNotExists, po.ErrorIfExists = !create, create
	s := &store{path: dir, opts: po, trouble: make(chan error, 1)}
	po.EventListener = s.listener(o.Logger)
	scheduler := new(compactions)
	po.Experimental.CompactionScheduler = scheduler
	var err error
	if s.db, err = pebble.Open(dir, po); err != nil {
		return nil, openError(dir, err)
	}
	scheduler.begin()
	return s, nil
}

// listener hears of trouble. A damaged block that a reader meets is that reader's error, which Pebble would
// otherwise also make a fatal one.
func (s *store) listener(log *slog.Logger) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if s.told.allow("work: "+err.Error(), time.Now()) {
				log.Error("store: background work failed and will be tried again", "error", oneLine(err))
			}
			select {
			case s.trouble <- err:
			default:
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			if s.told.allow("file: "+info.Path+info.Details.Error(), time.Now()) {
				log.Error("store: damaged file", "path", info.Path, "error", oneLine(info.Details))
			}
		},
	}
}

// oneLine is the first line of an error of Pebble's, which may have a second one about itself.
func oneLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// openError calls damage whatever keeps Pebble from opening, unless it is the operating system that says no.
func openError(path string, err error) error {
	if refused(err) {
		return ioError("open store "+path, err)
	}
	return damaged(path, -1, err, "the store cannot be opened")
}

// storeError tells damage from other trouble.
func storeError(path, attempt string, err error) error {
	switch {
	case pebble.IsCorruptionError(err):
		return damaged(path, -1, err, "the store cannot be used")
	default:
		return ioError(attempt+" store "+path, err)
	}
}

// createStore lays out a new store. The first WAL of a new Pebble store is still written in the old format,
// which does not notice damage; the flush moves on to the second.
func createStore(o Options, dir string) (*store, error) {
	s, err := openStore(o, dir, true)
	if err != nil {
		return nil, err
	}
	err = s.db.Set(formatKey, []byte{formatVersion}, pebble.NoSync)
	if err == nil {
		err = s.flush()
	}
	if err != nil {
		return nil, errors.Join(storeError(dir, "initialise", err), s.db.Close())
	}
	return s, nil
}

// flush flushes the memtable and gives up when that fails, as Pebble does not.
func (s *store) flush() error {
	done, err := s.db.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case err := <-s.trouble:
		return err
	}
}

// readOwn returns one of our rows; nil if there is none.
func (s *store) readOwn(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, storeError(s.path, "read", err)
	}
	v = append([]byte(nil), v...)
	return v, closer.Close()
}

// covered checks the format of the rows and returns the index that the store covers.
func (s *store) covered() (uint64, error) {
	v, err := s.readOwn(formatKey)
	if err != nil {
		return 0, err
	}
	if len(v) != 1 {
		return 0, damaged(s.path, -1, nil, "the store's format row is missing: its tables are not those that were written")
	}
	if v[0] != formatVersion {
		return 0, fmt.Errorf("%s: %w: store of version %d, this program knows %d", s.path, ErrFormat, v[0], formatVersion)
	}
	return s.readNumber(coveredKey)
}

// attested returns the seq up to which the log was durable when the newest checkpoint was ingested. The rows of a checkpoint may be
// newer than the index that it covers, as long as the log has what completes them; so it must have that.
func (s *store) attested() (uint64, error) { return s.readNumber(attestedKey) }

// readNumber returns the number in one of our rows, 0 if there is none.
func (s *store) readNumber(key []byte) (uint64, error) {
	v, err := s.readOwn(key)
	if err != nil || v == nil {
		return 0, err
	}
	if len(v) != 8 {
		return 0, damaged(s.path, -1, nil, "the store's row %x is malformed", key)
	}
	return binary.BigEndian.Uint64(v), nil
}

// encodeNumber is the value of such a row: big endian.
func encodeNumber(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// get appends the value of key to dst.
func (s *store) get(key, dst []byte) ([]byte, bool, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, storeError(s.path, "read", err)
	}
	dst = append(dst, v...)
	return dst, true, closer.Close()
}

// scan calls fn for the rows in [lo,hi) in order until it returns false.
func (s *store) scan(lo, hi []byte, fn func(key, value []byte) (bool, error)) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return storeError(s.path, "scan", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(storeError(s.path, "scan", err), it.Close())
		}
		more, err := fn(it.Key(), v)
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !more {
			break
		}
	}
	if err := it.Close(); err != nil {
		return storeError(s.path, "scan", err)
	}
	return nil
}

func (s *store) close() error {
	if err := s.db.Close(); err != nil {
		return storeError(s.path, "close", err)
	}
	return nil
}

// tableOptions are those for the tables of a checkpoint. They are the options of level 0 wherever the tables will
// land: options of the bottom level let the writer mark tombstones as invisible. The first tables of a store do land at the
// bottom, and need no filters there.
func (s *store) tableOptions(first bool) sstable.WriterOptions {
	o := s.opts.MakeWriterOptions(0, s.db.TableFormat())
	if first {
		o.FilterPolicy = pebble.NoFilterPolicy
	}
	return o
}

// removeTree removes dir with all that is in it, durably.
func removeTree(fs vfs.FS, dir string) error {
	if err := fs.RemoveAll(dir); err != nil {
		return ioError("remove "+dir, err)
	}
	return nil
}
