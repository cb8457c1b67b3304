package persist

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// segmentReader reads the records of one segment file in order, up to the first thing that is not a record
// of this segment: zeros, a torn write, or what the file held before it was recycled.
type segmentReader struct {
	path   string
	number uint64
	file   vfs.File
	size   int64
	rec    *record.Reader
	// info and hasInfo are the first record.
	info    segmentInfo
	hasInfo bool
	// misnamed is the number in the first record if that is not this file's.
	misnamed uint64
	// end is the offset behind the last good record.
	end  int64
	head [headerBytes]byte
	body []byte
	// piece is the last piece that was read of a record of which more pieces follow.
	piece header
}

// openSegmentReader opens the file and reads its first record. Close it.
func openSegmentReader(fs vfs.FS, dir string, number uint64) (*segmentReader, error) {
	r := &segmentReader{path: fs.PathJoin(dir, segmentName(number)), number: number}
	var err error
	if r.file, err = fs.Open(r.path, vfs.SequentialReadsOption); err != nil {
		return nil, ioError("open "+r.path, err)
	}
	stat, err := r.file.Stat()
	if err != nil {
		return nil, errors.Join(ioError("stat "+r.path, err), r.file.Close())
	}
	r.size = stat.Size()
	// Number 0: the legacy chunks that record.Writer writes carry none.
	r.rec = record.NewReader(r.file, 0)
	if err := r.readInfo(); err != nil {
		return nil, errors.Join(err, r.file.Close())
	}
	return r, nil
}

func (r *segmentReader) readInfo() error {
	h, body, ok, err := r.read()
	if err != nil || !ok || h.kind != recordSegment {
		return err
	}
	if h.segment != r.number {
		r.misnamed = h.segment
		return nil
	}
	r.info, r.hasInfo = decodeSegmentInfo(body)
	return nil
}

// next reads the next commit record, whole. ok is false at the end of what is a record of this segment, which is where the first piece of
// one lies of which any piece is missing; err is for failed reads and for an unknown version.
func (r *segmentReader) next() (h header, ok bool, err error) {
	at := r.end
	h, _, ok, err = r.first()
	if ok && err == nil {
		ok, err = r.skipPieces()
	}
	if err != nil || !ok {
		r.end = at
		return header{}, false, err
	}
	return h, true, nil
}

// first is next for a record that is read piece by piece. body is what all of it, or its first piece, holds, and valid until the following
// call.
func (r *segmentReader) first() (h header, body []byte, ok bool, err error) {
	if !r.hasInfo {
		return header{}, nil, false, nil
	}
	h, body, ok, err = r.read()
	if err != nil || !ok || h.segment != r.number || h.kind != recordCommit && h.kind != recordBegin {
		return header{}, nil, false, err
	}
	r.piece = h
	return h, body, true, nil
}

// hasMore reports whether pieces follow of the record that is being read.
func (r *segmentReader) hasMore() bool {
	return r.piece.kind == recordBegin || r.piece.kind == recordMore
}

// more returns the next piece of the record that is being read, which hasMore. ok is false if what follows is not that.
func (r *segmentReader) more() (body []byte, ok bool, err error) {
	h, body, ok, err := r.read()
	if err != nil || !ok || !h.continues(&r.piece) {
		return nil, false, err
	}
	r.piece = h
	return body, true, nil
}

// skipPieces reads on to the end of a record, and reports whether there is one.
func (r *segmentReader) skipPieces() (ok bool, err error) {
	for r.hasMore() {
		if _, ok, err := r.more(); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// read returns the next payload, whatever segment it was written for.
func (r *segmentReader) read() (h header, body []byte, ok bool, err error) {
	for {
		chunk, err := r.rec.Next()
		if err != nil {
			return header{}, nil, false, r.stop(err)
		}
		n, err := io.ReadFull(chunk, r.head[:])
		if err == io.ErrUnexpectedEOF || err == io.EOF {
			if n == 0 || allZero(r.head[:n]) {
				r.end = r.rec.Offset()
				continue // padding
			}
			return header{}, nil, false, nil
		}
		if err != nil {
			return header{}, nil, false, r.stop(err)
		}
		return r.readBody(chunk)
	}
}

func (r *segmentReader) readBody(chunk io.Reader) (h header, body []byte, ok bool, err error) {
	h, ok, err = decodeHeader(r.head[:])
	if err != nil || !ok {
		return header{}, nil, false, err
	}
	if int64(h.bodyLen) > r.size-r.end {
		return header{}, nil, false, nil
	}
	if cap(r.body) < int(h.bodyLen) {
		r.body = make([]byte, h.bodyLen, int(h.bodyLen)+int(h.bodyLen)/4)
	}
	r.body = r.body[:h.bodyLen]
	if _, err := io.ReadFull(chunk, r.body); err != nil {
		return header{}, nil, false, r.stop(err)
	}
	var extra [1]byte
	if n, err := chunk.Read(extra[:]); n != 0 || err != io.EOF {
		return header{}, nil, false, r.stop(err)
	}
	if crc32.Checksum(r.body, castagnoli) != h.bodySum {
		return header{}, nil, false, nil
	}
	if h.segment == r.number {
		r.end = r.rec.Offset()
	}
	return h, r.body, true, nil
}

// stop turns the errors that mean "no further record" into nil.
func (r *segmentReader) stop(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || record.IsInvalidRecord(err) {
		return nil
	}
	return ioError("read "+r.path, err)
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// evidence is what headers behind the end of the readable records tell.
type evidence struct {
	// headers counts sound headers of this segment.
	headers int
	// durable is the highest seq that one of them attests as durable.
	durable uint64
	// maxSeq is the highest seq among them.
	maxSeq uint64
}

// findEvidence searches the file from offset on, byte by byte, for headers that were written for this
// segment. It needs no intact framing, so that damage cannot hide what stands behind it. Headers are never
// split between blocks (openSegment.pad), so each is found in one piece.
func (r *segmentReader) findEvidence(from int64) (evidence, error) {
	var ev evidence
	buf := make([]byte, 1<<20)
	for at := from; at < r.size; {
		n, err := r.file.ReadAt(buf[:min(int64(len(buf)), r.size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return ev, ioError("read "+r.path, err)
		}
		if n < headerBytes {
			break
		}
		if err := ev.search(buf[:n], r.number); err != nil {
			return ev, err
		}
		at += int64(n - headerBytes + 1)
	}
	return ev, nil
}

// search adds the headers that lie wholly inside b. A sound header of an unknown version is an error.
func (ev *evidence) search(b []byte, segment uint64) error {
	for {
		i := bytes.Index(b, []byte(headerMagic))
		if i < 0 || len(b)-i < headerBytes {
			return nil
		}
		h, ok, err := decodeHeader(b[i:])
		if err != nil {
			return err
		}
		if ok && h.segment == segment && h.kind != recordSegment {
			ev.headers++
			ev.durable = max(ev.durable, h.durable)
			ev.maxSeq = max(ev.maxSeq, h.seq)
		}
		b = b[i+1:]
	}
}
