package persist

import (
	"errors"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// blockBytes and chunkHeaderBytes are facts of the framing of Pebble's record package.
	blockBytes       = 32 << 10
	chunkHeaderBytes = 7
	// segmentHeadBytes is what the first record of a segment takes.
	segmentHeadBytes = chunkHeaderBytes + headerBytes + segmentInfoBytes
	// flushBytes bounds the buffer between the framing and the file; larger records go out in pieces.
	flushBytes = 1 << 20
	// firstSegmentBytes is the size of the first segment of a new directory: small, so that a server on an
	// empty directory answers at once, and a small server stays small.
	firstSegmentBytes = 1 << 20
	// zeroStepBytes is how much of a new segment is zeroed between two fsyncs: little enough that the
	// commits' own fsyncs never wait long behind it.
	zeroStepBytes = 1 << 20
)

// segment is a file of the log: what is known of it, without its contents.
type segment struct {
	number uint64
	// prev is the number of the segment before it, 0 for none; size is the preallocated length. Both stand
	// in the head; ready says that there is a sound one.
	prev  uint64
	size  int64
	ready bool
	// firstSeq and lastSeq are those of its records, 0 when it has none.
	firstSeq, lastSeq uint64
	// maxIndex is the highest index in it.
	maxIndex uint64
	// length is what is known of the length of the file: a large record makes it longer than size.
	length int64
}

// note records that the segment now holds the record h.
func (s *segment) note(h *header) {
	if s.firstSeq == 0 {
		s.firstSeq = h.seq
	}
	s.lastSeq = h.seq
	s.maxIndex = max(s.maxIndex, h.index)
}

// worthKeeping reports whether the file may be used again. One that a large record has made much longer would stay so for good, and be
// read to its end at every start.
func (s *segment) worthKeeping() bool { return s.length <= 2*s.size }

// openSegment is a segment that is being written.
type openSegment struct {
	*segment
	path string
	file vfs.File
	// closed says that sync has closed the file of a full segment.
	closed bool
	out    *pieceWriter
	rec    *record.Writer
	head   []byte
}

// pieceWriter collects the pieces in which record.Writer hands over a record, and writes them in one call
// at a position of its own.
type pieceWriter struct {
	file vfs.File
	at   int64
	buf  []byte
}

// Write keeps a copy of p, which record.Writer goes on using.
func (w *pieceWriter) Write(p []byte) (int, error) {
	if cap(w.buf) < flushBytes && len(w.buf)+len(p) > 2*blockBytes {
		w.buf = append(make([]byte, 0, flushBytes+blockBytes), w.buf...) // at once: growing there costs more than writing
	}
	w.buf = append(w.buf, p...)
	if len(w.buf) >= flushBytes {
		return len(p), w.Flush()
	}
	return len(p), nil
}

// Flush writes what was collected.
func (w *pieceWriter) Flush() error {
	for rest := w.buf; len(rest) > 0; {
		n, err := w.file.WriteAt(rest, w.at)
		w.at += int64(n)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrShortWrite
		}
		rest = rest[n:]
	}
	w.buf = w.buf[:0]
	return nil
}

// newOpenSegment wraps a file whose next byte to be written is its first.
func newOpenSegment(file vfs.File, path string, number, prev uint64, size int64) *openSegment {
	out := &pieceWriter{file: file}
	return &openSegment{
		segment: &segment{number: number, prev: prev, size: size, ready: true}, path: path,
		file: file, out: out, rec: record.NewWriter(out),
	}
}

// writeHead writes the first record, which makes the file the segment that its name says.
func (s *openSegment) writeHead() error {
	info := segmentInfo{size: s.size, prev: s.prev}
	body := info.append(nil)
	return s.write(&header{kind: recordSegment}, body)
}

// write writes one record. It returns when the kernel has it.
func (s *openSegment) write(h *header, body []byte) error {
	h.segment = s.number
	h.bodyLen = uint32(len(body))
	h.bodySum = crc32.Checksum(body, castagnoli)
	if err := s.pad(); err != nil {
		return err
	}
	w, err := s.rec.Next()
	if err != nil {
		return err
	}
	s.head = h.append(s.head[:0])
	if _, err := w.Write(s.head); err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	err = s.rec.Flush()
	s.length = max(s.length, s.rec.Size())
	return err
}

// pad fills the rest of a block that has no room for a whole header, so that the search for records behind
// damage (findEvidence) meets every header in one piece.
func (s *openSegment) pad() error {
	room := blockBytes - int(s.rec.Size()%blockBytes)
	if room < chunkHeaderBytes || room >= chunkHeaderBytes+headerBytes {
		return nil
	}
	w, err := s.rec.Next()
	if err != nil {
		return err
	}
	_, err = w.Write(make([]byte, room-chunkHeaderBytes))
	return err
}

// createSegment makes a new file of zeros for segment number, durable with its head and its name. With
// recycle, the path of an obsolete segment, that file is renamed instead: its blocks are allocated and
// written, so an fdatasync of the new records has no metadata to journal, and neither has one over zeros
// that were written out; over fallocate'd blocks it has (the measurements stand in doc.go).
func createSegment(fs vfs.FS, dir, recycle string, number, prev uint64, size int64) (*openSegment, error) {
	path := fs.PathJoin(dir, segmentName(number))
	if recycle != "" {
		if err := fs.Rename(recycle, path); err != nil {
			return nil, ioError("rename "+recycle, err)
		}
	}
	file, err := fs.OpenReadWrite(path, categoryLog)
	if err != nil {
		return nil, ioError("open "+path, err)
	}
	s := newOpenSegment(file, path, number, prev, size)
	err = s.layOut(recycle == "")
	if err == nil {
		err = syncDir(fs, dir)
	}
	if err != nil {
		// What has been laid out of it would keep the last of a full disk from a checkpoint, which could free some.
		return nil, errors.Join(err, s.remove(fs))
	}
	return s, nil
}

// remove gives up a segment that was not used.
func (s *openSegment) remove(fs vfs.FS) error {
	err := s.file.Close()
	if err != nil {
		err = ioError("close "+s.path, err)
	}
	if e := fs.Remove(s.path); e != nil {
		err = errors.Join(err, ioError("remove "+s.path, e))
	}
	return err
}

func (s *openSegment) layOut(fresh bool) error {
	if fresh {
		if err := writeZeros(s.file, s.size); err != nil {
			return ioError("preallocate "+s.path, err)
		}
	}
	if err := s.writeHead(); err != nil {
		return ioError("write "+s.path, err)
	}
	if err := s.file.Sync(); err != nil {
		return ioError("fsync "+s.path, err)
	}
	return nil
}

// writeZeros writes size zeros, fsyncing as it goes.
func writeZeros(f vfs.File, size int64) error {
	zeros := make([]byte, min(size, zeroStepBytes))
	for at := int64(0); at < size; at += int64(len(zeros)) {
		zeros = zeros[:min(int64(len(zeros)), size-at)]
		if _, err := f.WriteAt(zeros, at); err != nil {
			return err
		}
		if err := f.SyncData(); err != nil {
			return err
		}
	}
	return nil
}
