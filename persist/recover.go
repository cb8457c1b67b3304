package persist

import (
	"errors"
	"math"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// resumeLog makes the log that s describes ready for appending. In this order, so that a crash after any
// step leaves a directory that the next start reads in the same way:
//
//  1. what was read is made durable: it is about to be shown to clients, and later records will attest it;
//  2. a segment is laid out for what comes;
//  3. the witness is sealed: it now knows the end of the log and the new segment;
//  4. segments that hold nothing of the log are removed.
func resumeLog(opts Options, s *survey, w *witness, watch *stallWatch) (*commitLog, error) {
	l := &commitLog{fs: opts.FS, dir: s.dir, opts: opts, watch: watch, witness: w, kick: make(chan struct{}, 1)}
	l.mu.segments, l.mu.covered = s.live, s.covered
	l.mu.seq, l.mu.index, l.mu.term = s.seq, s.index, s.term
	l.mu.durableSeq, l.mu.durableIndex, l.mu.overwritten = s.seq, s.index, math.MaxUint64
	l.mu.lastNumber = s.numbers[len(s.numbers)-1]
	l.durable.Store(s.seq)
	l.stats.live.Store(s.liveBytes)
	if err := secureFound(opts.FS, s); err != nil {
		return nil, err
	}
	if err := l.openFirst(s); err != nil {
		return nil, err
	}
	obsolete := l.advance(s.covered, 0)
	if err := w.seal(l.testify); err != nil {
		return nil, errors.Join(err, l.mu.cur.file.Close())
	}
	if err := l.removeUseless(s, obsolete); err != nil {
		return nil, errors.Join(err, l.mu.cur.file.Close())
	}
	return l, nil
}

// secureFound makes durable what was read and what nothing says is: after kill -9 it may be in the page cache only. It is written again
// before it is fsynced. If the process before this one ended because an fsync failed, the kernel may take those pages for clean, and an
// fsync alone would succeed over nothing.
func secureFound(fs vfs.FS, s *survey) error {
	for _, seg := range s.live {
		if seg.lastSeq <= s.attested {
			continue
		}
		from, to, err := s.span(seg, s.attested)
		if err == nil {
			err = rewrite(fs, s.path(seg.number), from, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// span returns where in a segment the records lie that come after seq.
func (s *survey) span(seg *segment, seq uint64) (from, to int64, err error) {
	r, err := openSegmentReader(s.fs, s.dir, seg.number)
	if err != nil {
		return 0, 0, err
	}
	defer r.file.Close()
	for from = r.end; ; {
		at := r.end
		h, ok, err := r.next()
		switch {
		case err != nil:
			return 0, 0, err
		case !ok:
			return 0, 0, damaged(r.path, at, nil, "the record has changed since it was verified")
		case h.seq <= seq:
			from = r.end
		}
		if h.seq >= seg.lastSeq {
			return from, r.end, nil
		}
	}
}

// rewrite writes a part of a file with what it holds already, and fsyncs the file.
func rewrite(fs vfs.FS, path string, from, to int64) error {
	f, err := fs.OpenReadWrite(path, categoryLog)
	if err != nil {
		return ioError("open "+path, err)
	}
	if err := rewritePart(f, from, to); err != nil {
		return errors.Join(ioError("write again "+path, err), f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(ioError("fsync "+path, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return ioError("close "+path, err)
	}
	return nil
}

func rewritePart(f vfs.File, from, to int64) error {
	buf := make([]byte, min(to-from, flushBytes))
	for from < to {
		part := buf[:min(int64(len(buf)), to-from)]
		if _, err := f.ReadAt(part, from); err != nil {
			return err
		}
		if _, err := f.WriteAt(part, from); err != nil {
			return err
		}
		from += int64(len(part))
	}
	return nil
}

// openFirst opens the segment that the first append goes to: one that was laid out and never written, if
// there is one behind the end of the log, else a new small one.
func (l *commitLog) openFirst(s *survey) error {
	prev := uint64(0)
	if n := len(s.live); n > 0 {
		prev = s.live[n-1].number
	}
	cur, err := l.reuseEmpty(s, prev)
	if cur == nil && err == nil {
		l.mu.lastNumber++
		size := min(firstSegmentBytes, l.opts.SegmentBytes)
		cur, err = createSegment(l.fs, l.dir, "", l.mu.lastNumber, prev, size)
	}
	if err != nil {
		return err
	}
	l.installLocked(cur)
	return nil
}

// reuseEmpty takes the newest segment that was laid out to follow prev, if nothing has a higher number. Its
// head is written again, byte for byte, to bring the writer to the place behind it.
func (l *commitLog) reuseEmpty(s *survey, prev uint64) (*openSegment, error) {
	n := len(s.empty)
	if n == 0 || s.empty[n-1].number != l.mu.lastNumber || !s.empty[n-1].ready || s.empty[n-1].prev != prev {
		return nil, nil
	}
	seg := s.empty[n-1]
	s.empty = s.empty[:n-1]
	path := s.path(seg.number)
	file, err := l.fs.OpenReadWrite(path, categoryLog)
	if err != nil {
		return nil, ioError("open "+path, err)
	}
	cur := newOpenSegment(file, path, seg.number, prev, seg.size)
	if err := cur.layOut(false); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := syncDir(l.fs, l.dir); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return cur, nil
}

// removeUseless removes segments that are not part of the log: void ones from the newest down, each
// durably, because their heads name their predecessors; then empty and obsolete ones.
func (l *commitLog) removeUseless(s *survey, obsolete []*segment) error {
	for i := len(s.void) - 1; i >= 0; i-- {
		if err := l.remove(s.void[i].number); err != nil {
			return err
		}
		if err := syncDir(l.fs, l.dir); err != nil {
			return err
		}
	}
	for _, seg := range append(s.empty, obsolete...) {
		if err := l.remove(seg.number); err != nil {
			return err
		}
	}
	for _, n := range s.numbers {
		if n >= s.witness.firstSegment {
			break
		}
		if err := l.remove(n); err != nil {
			return err
		}
	}
	return nil
}

func (l *commitLog) remove(number uint64) error {
	path := l.fs.PathJoin(l.dir, segmentName(number))
	if err := l.fs.Remove(path); err != nil {
		return ioError("remove "+path, err)
	}
	return nil
}
