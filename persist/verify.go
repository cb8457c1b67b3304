package persist

import (
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// run is a row of records whose index grows by one with each seq.
type run struct {
	firstSeq, lastSeq uint64
	firstIndex        uint64
}

func (r run) lastIndex() uint64 { return r.firstIndex + (r.lastSeq - r.firstSeq) }

// survey is what a complete reading of the log found.
type survey struct {
	fs      vfs.FS
	dir     string
	events  Events
	witness testimony
	covered uint64

	// numbers are all segment files present, ascending, obsolete ones included.
	numbers []uint64
	// live are the segments that hold records of the log, ascending. void are those behind its end, whose
	// records were never durable. empty are those that were laid out and never written.
	live, void, empty []*segment
	// runs cover exactly the records that no later one overwrote, in order of seq and of index.
	runs []run
	// seq, index and term are those of the newest record; index is at least covered.
	seq, index, term uint64
	// count and bytes are of all records, liveBytes of those above covered.
	count, bytes, liveBytes int64

	// attested is the highest seq that anything says is durable.
	attested uint64
	// stopPath and stopOffset are where the record after seq should have been.
	stopPath   string
	stopOffset int64
	// ended is set once a segment begins with a record that does not follow: the log ended before it.
	ended       bool
	done, total int64
}

// surveyLog reads the whole log, decides where it ends, and refuses it if that is too early.
func surveyLog(fs vfs.FS, dir string, w testimony, covered uint64, events Events) (*survey, error) {
	s := &survey{fs: fs, dir: dir, events: events, witness: w, covered: covered, attested: w.durableSeq}
	s.seq = w.firstSeq - 1
	s.stopPath = s.path(w.firstSegment)
	if err := s.list(); err != nil {
		return nil, err
	}
	for _, n := range s.numbers {
		if n < w.firstSegment {
			continue
		}
		if err := s.segment(n); err != nil {
			return nil, err
		}
	}
	s.index = max(s.index, covered)
	if s.attested > s.seq {
		return nil, damaged(s.stopPath, s.stopOffset, nil,
			"record %d (index %d) is missing or unreadable, but records up to %d were durable",
			s.seq+1, s.index+1, s.attested)
	}
	return s, nil
}

// list finds the segment files and checks those that the witness names.
func (s *survey) list() error {
	names, err := s.fs.List(s.dir)
	if refused(err) {
		return ioError("list "+s.dir, err)
	}
	if err != nil {
		return damaged(s.dir, -1, withoutPath(s.dir, err), "the log cannot be listed")
	}
	for _, name := range names {
		n, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		s.numbers = append(s.numbers, n)
		st, err := s.fs.Stat(s.path(n))
		if err != nil {
			return ioError("stat "+s.path(n), err)
		}
		if n >= s.witness.firstSegment {
			s.total += st.Size()
		}
	}
	slices.Sort(s.numbers)
	for _, n := range [...]uint64{s.witness.firstSegment, s.witness.lastSegment} {
		if !s.has(n) {
			return damaged(s.path(n), -1, nil, "the log segment is missing")
		}
	}
	return nil
}

func (s *survey) has(n uint64) bool {
	_, ok := slices.BinarySearch(s.numbers, n)
	return ok
}

func (s *survey) path(n uint64) string { return s.fs.PathJoin(s.dir, segmentName(n)) }

// segment reads one segment and files it under live, void or empty.
func (s *survey) segment(n uint64) error {
	r, err := openSegmentReader(s.fs, s.dir, n)
	if err != nil {
		return err
	}
	defer r.file.Close()
	seg := &segment{number: n, prev: r.info.prev, size: r.info.size, ready: r.hasInfo, length: r.size}
	read, err := s.records(r, seg)
	if err != nil {
		return err
	}
	ev, err := r.findEvidence(r.end)
	if err != nil {
		return err
	}
	s.attested = max(s.attested, ev.durable)
	if err := s.judge(r, read > 0 || ev.headers > 0); err != nil {
		return err
	}
	switch {
	case seg.firstSeq != 0:
		s.live = append(s.live, seg)
		s.stopPath, s.stopOffset = r.path, r.end
	case read > 0 || ev.headers > 0:
		s.void = append(s.void, seg)
	default:
		s.empty = append(s.empty, seg)
	}
	s.done += r.size
	s.events.progress(Progress{Stage: "verify", Done: s.done, Total: s.total, Records: s.count})
	return nil
}

// judge refuses a segment file that cannot be what a crash left.
func (s *survey) judge(r *segmentReader, used bool) error {
	prev := r.info.prev
	switch {
	case r.misnamed > r.number:
		return damaged(r.path, 0, nil, "the file is segment %d: it was renamed or swapped", r.misnamed)
	case !r.hasInfo && used:
		return damaged(r.path, 0, nil, "the first record of the segment is unreadable, but others follow")
	case r.hasInfo && r.size < r.info.size:
		return damaged(r.path, r.size, nil, "the file was truncated: it had %d bytes before its first record", r.info.size)
	case used && prev >= s.witness.firstSegment && !s.has(prev):
		return damaged(s.path(prev), -1, nil, "the log segment is missing; segment %d follows it", r.number)
	}
	return nil
}

// records reads the records of a segment and takes those that continue the log. It returns how many there
// were.
func (s *survey) records(r *segmentReader, seg *segment) (read int, err error) {
	for {
		at := r.end
		h, ok, err := r.next()
		if err != nil || !ok {
			return read, err
		}
		read++
		s.attested = max(s.attested, h.durable)
		if h.seq != s.seq+1 || s.ended {
			if h.seq <= s.seq {
				return read, damaged(r.path, at, nil, "record %d follows record %d", h.seq, s.seq)
			}
			s.ended = true
			continue
		}
		if err := s.take(&h, r.path, at); err != nil {
			return read, err
		}
		seg.note(&h)
		n := r.end - at
		s.count++
		s.bytes += n
		if h.index > s.covered {
			s.liveBytes += n
		}
	}
}

// take appends a record that continues the log.
func (s *survey) take(h *header, path string, at int64) error {
	gap := h.index > s.index+1 && h.index > s.covered+1
	if gap || h.index == 0 {
		return damaged(path, at, nil, "index %d follows index %d and the store covers %d", h.index, s.index, s.covered)
	}
	if h.index <= s.index {
		s.cut(h.index)
	}
	if n := len(s.runs); n > 0 && s.runs[n-1].lastSeq+1 == h.seq && s.runs[n-1].lastIndex()+1 == h.index {
		s.runs[n-1].lastSeq = h.seq
	} else {
		s.runs = append(s.runs, run{firstSeq: h.seq, lastSeq: h.seq, firstIndex: h.index})
	}
	s.seq, s.index, s.term = h.seq, h.index, h.term
	return nil
}

// cut voids every record taken so far that has this index or a higher one.
func (s *survey) cut(index uint64) {
	for n := len(s.runs); n > 0; n = len(s.runs) {
		last := &s.runs[n-1]
		if last.lastIndex() < index {
			return
		}
		if last.firstIndex < index {
			last.lastSeq = last.firstSeq + (index - 1 - last.firstIndex)
			return
		}
		s.runs = s.runs[:n-1]
	}
}

// replay calls apply for every record above covered that none overwrote, in order.
func (s *survey) replay(apply func(index uint64, ops OpReader) error) error {
	p := Progress{Stage: "replay"}
	for _, seg := range s.live {
		p.Total += seg.size
	}
	runs := s.runs
	for _, seg := range s.live {
		if seg.maxIndex > s.covered {
			if err := s.replaySegment(seg, &runs, &p, apply); err != nil {
				return err
			}
		}
		p.Done += seg.size
		s.events.progress(p)
	}
	return nil
}

func (s *survey) replaySegment(seg *segment, runs *[]run, p *Progress, apply func(uint64, OpReader) error) error {
	r, err := openSegmentReader(s.fs, s.dir, seg.number)
	if err != nil {
		return err
	}
	defer r.file.Close()
	for {
		at := r.end
		h, body, ok, err := r.first()
		if ok && h.index > s.covered && alive(runs, h.seq) {
			p.Records++
			if err := apply(h.index, r.ops(body)); err != nil {
				return err
			}
		}
		if ok {
			ok, err = r.skipPieces()
		}
		if err != nil {
			return err
		}
		if !ok {
			return damaged(r.path, at, nil, "the record has changed since it was verified")
		}
		if h.seq >= seg.lastSeq {
			return nil
		}
	}
}

// ops returns a reader of the record whose first piece was just read.
func (r *segmentReader) ops(body []byte) OpReader {
	ops := NewOpReader(body)
	if r.hasMore() {
		ops.more = r.morePieces
	}
	return ops
}

// morePieces returns the next piece of a record that has been verified, nil behind its end.
func (r *segmentReader) morePieces() ([]byte, error) {
	for r.hasMore() {
		body, ok, err := r.more()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, damaged(r.path, r.end, nil, "the record has changed since it was verified")
		case len(body) > 0:
			return body, nil
		}
	}
	return nil, nil
}

// alive tells whether seq lies in a run; calls come with ascending seq, so runs that lie behind are
// dropped.
func alive(runs *[]run, seq uint64) bool {
	for len(*runs) > 0 && (*runs)[0].lastSeq < seq {
		*runs = (*runs)[1:]
	}
	return len(*runs) > 0 && (*runs)[0].firstSeq <= seq
}
