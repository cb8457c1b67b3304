package persist

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// maxBacklog is how many full segments may wait for their fsync before an append waits with them.
const maxBacklog = 2

// recycleKeep is how many obsolete segments wait to be used again; more are deleted.
const recycleKeep = 2

// commitLog is the log as it is written. Appends are serialised by the caller; everything else may run
// beside them.
type commitLog struct {
	fs      vfs.FS
	dir     string
	opts    Options
	watch   *stallWatch
	witness *witness
	kick    chan struct{} // wakes the keeper
	syncMu  sync.Mutex    // at most one fsync of the log at a time
	syncer  asyncSyncer
	failed  atomic.Pointer[error]
	durable atomic.Uint64 // seq; mirrors mu.durableSeq
	backlog atomic.Int32  // len(mu.unsynced)
	stats   logStats

	mu struct {
		sync.Mutex
		closed     bool
		segments   []*segment // live, ascending, the last is cur's
		cur        *openSegment
		next       *openSegment   // laid out ahead of time, or nil
		unsynced   []*openSegment // full, not fsynced yet
		free       []*segment     // obsolete, to be recycled
		lastNumber uint64         // highest segment number ever used

		seq, index, term uint64 // of the newest record; index is at least the covered one
		// begun is the last piece written of a record of which there is more to come; its kind is 0 when there is none.
		begun        header
		covered      uint64
		durableSeq   uint64
		durableIndex uint64
		// overwritten is the lowest index written again while an fsync ran, MaxUint64 for none.
		overwritten uint64
	}
}

// logStats are counters that are read without a lock.
type logStats struct {
	records, bytes, syncs, segments atomic.Int64
	syncNanos                       atomic.Int64
	// live counts bytes of records above the covered index.
	live atomic.Int64
}

// append writes one record, or, if last is false, a piece of one.
func (l *commitLog) append(index, term uint64, body []byte, last bool) error {
	if err := l.failure(); err != nil {
		return err
	}
	if l.backlog.Load() >= maxBacklog {
		if err := l.sync(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.admitLocked(index, term, body); err != nil {
		return err
	}
	if l.mu.begun.kind == 0 { // all pieces of a record lie in one segment
		if err := l.makeRoomLocked(len(body)); err != nil {
			return l.fail(err)
		}
	}
	return l.writeLocked(index, term, body, last)
}

// admitLocked refuses what must not be written, without consequences for later calls.
func (l *commitLog) admitLocked(index, term uint64, body []byte) error {
	begun := &l.mu.begun
	switch {
	case l.mu.closed:
		return fmt.Errorf("append to the log: %w", ErrClosed)
	case int64(len(body)) > MaxBody:
		return fmt.Errorf("append of %d bytes: %w (at most %d)", len(body), ErrTooLarge, int64(MaxBody))
	case begun.kind != 0 && (index != begun.index || term != begun.term):
		return fmt.Errorf("append of index %d: %w: the record of index %d is not complete", index, ErrIndex, begun.index)
	case index > l.mu.index+1 || index <= l.mu.covered:
		return fmt.Errorf("append of index %d: %w: the log ends at %d and the store covers %d", index, ErrIndex, l.mu.index, l.mu.covered)
	}
	return nil
}

// nextHeaderLocked returns the header of what is appended now.
func (l *commitLog) nextHeaderLocked(index, term uint64, last bool) header {
	h := header{kind: recordCommit, seq: l.mu.seq + 1, index: index, term: term, durable: l.mu.durableSeq}
	begun := l.mu.begun.kind != 0
	if begun {
		h.piece = l.mu.begun.piece + 1
	}
	switch {
	case begun && last:
		h.kind = recordEnd
	case begun:
		h.kind = recordMore
	case !last:
		h.kind = recordBegin
	}
	return h
}

func (l *commitLog) writeLocked(index, term uint64, body []byte, last bool) error {
	cur := l.mu.cur
	h := l.nextHeaderLocked(index, term, last)
	before := cur.rec.Size()
	l.watch.write.begin()
	err := cur.write(&h, body)
	if err == nil && !last {
		_, err = cur.file.SyncTo(cur.out.at) // the disk begins with what the fsync of the whole would wait for
	}
	l.watch.write.end()
	if err != nil {
		return l.fail(ioError("write "+cur.path, err))
	}
	n := cur.rec.Size() - before
	l.stats.bytes.Add(n)
	l.stats.live.Add(n)
	if last {
		l.mu.begun = header{}
		l.completeLocked(&h)
	} else {
		l.mu.begun = h
	}
	if l.mu.next == nil && cur.rec.Size() > cur.size/2 {
		l.wake()
	}
	return nil
}

// completeLocked notes that the record h is part of the log.
func (l *commitLog) completeLocked(h *header) {
	if h.index <= l.mu.index {
		l.mu.overwritten = min(l.mu.overwritten, h.index)
		l.mu.durableIndex = min(l.mu.durableIndex, h.index-1)
	}
	l.mu.cur.note(h)
	l.mu.seq, l.mu.index, l.mu.term = h.seq, h.index, h.term
	l.stats.records.Add(1)
}

// wake tells the keeper that there is something to do.
func (l *commitLog) wake() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// makeRoomLocked goes on to the next segment if a record with n bytes of body does not fit.
func (l *commitLog) makeRoomLocked(n int) error {
	cur := l.mu.cur
	end := cur.rec.Size() + framedBytes(n)
	if end <= cur.size || cur.rec.Size() <= segmentHeadBytes {
		return nil // a record larger than a segment has one to itself
	}
	next := l.mu.next
	l.mu.next = nil
	if next == nil {
		// The keeper did not keep up: a small segment costs the caller milliseconds, a large one does not.
		var err error
		l.mu.lastNumber++
		size := min(firstSegmentBytes, l.opts.SegmentBytes)
		next, err = createSegment(l.fs, l.dir, "", l.mu.lastNumber, cur.number, size)
		if err != nil {
			return err
		}
	}
	l.mu.unsynced = append(l.mu.unsynced, cur)
	l.backlog.Store(int32(len(l.mu.unsynced)))
	l.installLocked(next)
	l.wake()
	return nil
}

// framedBytes bounds what a body of n bytes takes in a segment, padding and chunk headers included.
func framedBytes(n int) int64 {
	total := int64(n) + headerBytes
	return total + chunkHeaderBytes*(total/(blockBytes-chunkHeaderBytes)+2) + headerBytes + chunkHeaderBytes
}

// installLocked makes s the segment that is written.
func (l *commitLog) installLocked(s *openSegment) {
	l.mu.cur = s
	l.mu.segments = append(l.mu.segments, s.segment)
	l.stats.segments.Store(int64(len(l.mu.segments)))
}

// sync makes durable all that was appended before it was called. It may run beside append.
func (l *commitLog) sync() error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	if err := l.failure(); err != nil {
		return err
	}
	l.mu.Lock()
	full, cur := l.mu.unsynced, l.mu.cur
	seq, index, durable := l.mu.seq, l.mu.index, l.mu.durableSeq
	l.mu.overwritten = math.MaxUint64
	dirty, closed := cur.lastSeq > durable, l.mu.closed
	l.mu.Unlock()
	if closed {
		return fmt.Errorf("sync the log: %w", ErrClosed)
	}
	if seq == durable && len(full) == 0 {
		return nil
	}
	for _, s := range full {
		if err := l.retire(s, durable); err != nil {
			return err
		}
	}
	if dirty {
		if err := l.fsync(cur); err != nil {
			return err
		}
	}
	l.publish(seq, index, len(full))
	return nil
}

// retire fsyncs a full segment, unless all of it is durable, and closes it.
func (l *commitLog) retire(s *openSegment, durable uint64) error {
	if s.lastSeq > durable {
		if err := l.fsync(s); err != nil {
			return err
		}
	}
	s.closed = true
	if err := s.file.Close(); err != nil {
		return l.fail(ioError("close "+s.path, err))
	}
	return nil
}

// fsync is the one place where the log is made durable. A failed one is never tried again: the kernel may
// have dropped the pages, and a second call would find nothing to write and succeed.
func (l *commitLog) fsync(s *openSegment) error {
	start := time.Now()
	l.watch.sync.begin()
	err := l.syncer.sync(s.file)
	l.watch.sync.end()
	if err != nil {
		return l.fail(ioError("fsync "+s.path, err))
	}
	d := time.Since(start)
	l.stats.syncs.Add(1)
	l.stats.syncNanos.Add(int64(d))
	if l.opts.Events.Synced != nil {
		l.opts.Events.Synced(d)
	}
	return nil
}

// publish notes that everything up to seq is durable and that the first n full segments are closed.
func (l *commitLog) publish(seq, index uint64, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.unsynced = append([]*openSegment(nil), l.mu.unsynced[n:]...)
	l.backlog.Store(int32(len(l.mu.unsynced)))
	l.mu.durableSeq = seq
	l.mu.durableIndex = min(index, l.mu.overwritten-1)
	l.durable.Store(seq)
}

// failure returns the first failure, if there was one.
func (l *commitLog) failure() error {
	if p := l.failed.Load(); p != nil {
		return fmt.Errorf("%w: %w", ErrFailed, *p)
	}
	return nil
}

// fail makes err the answer to every later call and returns it.
func (l *commitLog) fail(err error) error {
	l.failed.CompareAndSwap(nil, &err)
	return err
}

// advance notes that the store now covers index. live is what stats.live was when the covered rows were
// chosen. It returns the segments that are obsolete now; they may be touched (release) only after the
// witness has been sealed, because until then a crash would miss them.
func (l *commitLog) advance(index uint64, live int64) []*segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.covered = max(l.mu.covered, index)
	l.mu.index = max(l.mu.index, index)
	l.stats.live.Add(-live)
	n := 0
	for n < len(l.mu.segments)-1 && l.mu.segments[n].maxIndex <= l.mu.covered && !l.waitsLocked(l.mu.segments[n]) {
		n++
	}
	obsolete := l.mu.segments[:n:n]
	l.mu.segments = append([]*segment(nil), l.mu.segments[n:]...)
	l.stats.segments.Store(int64(len(l.mu.segments)))
	return obsolete
}

// release hands obsolete segments over for recycling and deletes what is too many or too long.
func (l *commitLog) release(obsolete []*segment) error {
	var errs []error
	l.mu.Lock()
	for _, s := range obsolete {
		if s.worthKeeping() {
			l.mu.free = append(l.mu.free, s)
		}
	}
	l.mu.Unlock()
	for _, s := range obsolete {
		if !s.worthKeeping() {
			errs = append(errs, l.remove(s.number))
		}
	}
	return errors.Join(append(errs, l.trimFree(recycleKeep))...)
}

// waitsLocked tells whether s is still open because no fsync has closed it yet.
func (l *commitLog) waitsLocked(s *segment) bool {
	for _, u := range l.mu.unsynced {
		if u.segment == s {
			return true
		}
	}
	return false
}

// testify fills in what the log knows.
func (l *commitLog) testify(t *testimony) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.covered = max(t.covered, l.mu.covered)
	t.firstSegment = l.mu.segments[0].number
	t.firstSeq = l.mu.seq + 1
	for _, s := range l.mu.segments {
		if s.firstSeq != 0 {
			t.firstSeq = s.firstSeq
			break
		}
	}
	t.lastSegment = l.mu.cur.number
	if l.mu.next != nil {
		t.lastSegment = l.mu.next.number
	}
	t.durableSeq, t.durableIndex = l.mu.durableSeq, l.mu.durableIndex
}

// trimFree deletes all but keep of the obsolete segments.
func (l *commitLog) trimFree(keep int) error {
	l.mu.Lock()
	var drop []*segment
	for len(l.mu.free) > keep {
		drop = append(drop, l.mu.free[0])
		l.mu.free = l.mu.free[1:]
	}
	l.mu.Unlock()
	for _, s := range drop {
		if err := l.remove(s.number); err != nil {
			return err
		}
	}
	return nil
}

// close syncs, says so to the witness, and closes the files.
func (l *commitLog) close() error {
	err := l.failure()
	if err == nil {
		err = l.finish()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.closed = true
	for _, s := range append(l.mu.unsynced, l.mu.cur, l.mu.next) {
		if s != nil && !s.closed {
			err = errors.Join(err, s.file.Close())
		}
	}
	l.mu.unsynced, l.mu.next = nil, nil
	l.syncer.close()
	return err
}

func (l *commitLog) finish() error {
	if err := l.sync(); err != nil {
		return err
	}
	if err := l.witness.seal(l.testify); err != nil {
		return err
	}
	return l.trimFree(0)
}

// durableIndex returns the highest index that is known to be durable.
func (l *commitLog) durableIndex() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.durableIndex
}

// syncUpTo makes every record up to index durable: the store must never hold a value whose commit could
// still be lost.
func (l *commitLog) syncUpTo(index uint64) error {
	l.mu.Lock()
	need := l.mu.durableIndex < min(index, l.mu.index)
	l.mu.Unlock()
	if !need {
		return l.failure()
	}
	return l.sync()
}
