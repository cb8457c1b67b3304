package persist

import (
	"io"
	"log/slog"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Defaults of the fields of Options that are zero.
const (
	DefaultSegmentBytes = 8 << 20
	DefaultCacheBytes   = 8 << 20
	DefaultStallTimeout = 10 * time.Second
	DefaultStoreFiles   = 1000
)

// NoStallTimeout is a StallTimeout that is never reached.
const NoStallTimeout = time.Duration(math.MaxInt64)

// MinSegmentBytes is the smallest segment that Options accepts: a segment holds its own header and at
// least a few records.
const MinSegmentBytes = 4 << 10

// Options says where a DB lives and how it behaves. The zero value of every field but Dir is usable.
type Options struct {
	// FS is the file system, vfs.Default when nil. Tests put a crashable or faulty one here.
	FS vfs.FS
	// Dir is the data directory. It is created, with its parents, when it does not exist.
	Dir string
	// SegmentBytes is the size that log segments grow to: the first one of a new directory is small, each
	// further one twice its predecessor, up to this. At least MinSegmentBytes.
	SegmentBytes int64
	// CacheBytes is the size of the store's block cache.
	CacheBytes int64
	// StoreFiles is how many tables the store keeps open at most. It keeps 64 in any case.
	StoreFiles int
	// StallTimeout is how long one write or fsync of the log may take before Events.Stalled tells of it.
	StallTimeout time.Duration
	// Pace is called by the store's background work after each few KiB that it reads or writes, some 200 us of computation, and may
	// sleep. Compactions run for seconds, and on a single processor they would otherwise leave connections only what the
	// scheduler takes from them: every 10 ms. Default: nothing.
	Pace func()
	// Logger receives what the store and the background work have to say; nil discards it.
	Logger *slog.Logger
	// Events are called as things happen.
	Events Events
	// ReadOnly opens without changing a byte: no new segment, no clean-up, no Append, no checkpoint.
	ReadOnly bool
	// WithoutRoom opens a directory on a full disk, too, to be read: see DB.Limited.
	WithoutRoom bool

	// manual leaves the keeper's rounds to the test, which wants them at places that a seed decides.
	manual bool
}

// Events are callbacks; nil ones are skipped. They run on the goroutine that met the event, must return
// soon (Fatal excepted) and must not call back into the DB.
type Events struct {
	// Stalled is called when a write or fsync of the log has been running for d, longer than
	// Options.StallTimeout. It runs on a goroutine that does no I/O, so it is heard while the disk is stuck.
	Stalled func(op string, d time.Duration)
	// StallEnded is called when an operation that Stalled had told of came to its end after d.
	StallEnded func(op string, d time.Duration)
	// Synced is called after every fsync of the log with the time that it took.
	Synced func(d time.Duration)
	// Progress is called every few megabytes while Open verifies, Replay applies and Check reads.
	Progress func(p Progress)
	// Fatal is called when the store can no longer keep its promises (a failed fsync of its own files).
	// It must not return: main exits. Should it return all the same, persist panics.
	Fatal func(err error)
}

// Progress tells how far a long operation has come.
type Progress struct {
	// Stage is "verify" (Open reads the log), "replay" or "check".
	Stage string
	// Done and Total count bytes.
	Done, Total int64
	// Records counts log records so far.
	Records int64
}

// withDefaults returns o with every zero field filled in.
func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	o.SegmentBytes = max(o.SegmentBytes, MinSegmentBytes)
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.StoreFiles == 0 {
		o.StoreFiles = DefaultStoreFiles
	}
	if o.Pace == nil {
		o.Pace = func() {}
	}
	if o.StallTimeout == 0 {
		o.StallTimeout = DefaultStallTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	}
	return o
}

// progress reports p if somebody listens.
func (e Events) progress(p Progress) {
	if e.Progress != nil {
		e.Progress(p)
	}
}
