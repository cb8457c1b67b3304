package persist

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// MaxBody is the largest body of a record or of a piece in bytes: what bodyLen can say. A commit that may hold more is
// written in pieces.
const MaxBody = math.MaxUint32

// formatVersion is the version of every format in this package: record headers, segment information,
// witness, covered row. An unknown one is refused.
const formatVersion = 1

// pieceVersion is the version of the headers of pieces. A program from before there were any refuses them, where it would have taken
// an unknown kind of record for the end of the log.
const pieceVersion = 2

// headerMagic opens every payload, so that the search for records behind damage is a search for bytes.
const headerMagic = "qpu\xf1"

// recordKind tells what a payload is.
type recordKind byte

const (
	// recordSegment is the first payload of a segment; its body is a segmentInfo.
	recordSegment recordKind = 1
	// recordCommit carries one Append.
	recordCommit recordKind = 2
	// recordBegin, recordMore and recordEnd are the pieces of a record that was too large to be made in one: see DB.AppendPiece.
	recordBegin recordKind = 3
	recordMore  recordKind = 4
	recordEnd   recordKind = 5
)

// isPiece reports whether the payload is a part of a record only.
func (k recordKind) isPiece() bool { return k >= recordBegin && k <= recordEnd }

// version returns the version of the headers of this kind.
func (k recordKind) version() byte {
	if k.isPiece() {
		return pieceVersion
	}
	return formatVersion
}

// headerBytes is the size of an encoded header.
const headerBytes = 60

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header precedes the body in every payload of the log.
//
// The chunk checksums of the framing cannot tell a chunk of this segment from one of the life that its
// file had before it was recycled, nor a whole record from one whose middle is older than its ends. So the
// header says for which segment it was written, and seals itself and the body.
type header struct {
	kind recordKind
	// piece counts the pieces of a record before this one, modulo 65536. They share everything else but their bodies and durable.
	piece uint16
	// segment is the number of the segment that this was written to.
	segment uint64
	// seq counts every record ever written to the log, without gaps; it orders what index cannot, because
	// an index can be written again.
	seq uint64
	// index and term are the caller's.
	index, term uint64
	// durable attests that every record up to this seq was fsynced before this one was written.
	durable uint64
	bodyLen uint32
	bodySum uint32
}

// append appends the encoded header to dst:
//
//	magic 4 | version 1 | kind 1 | piece 2 | segment 8 | seq 8 | index 8 | term 8 | durable 8 |
//	bodyLen 4 | bodySum 4 | CRC-32C of all before 4       (little endian)
func (h *header) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, headerMagic...)
	dst = append(dst, h.kind.version(), byte(h.kind))
	dst = binary.LittleEndian.AppendUint16(dst, h.piece)
	for _, v := range [...]uint64{h.segment, h.seq, h.index, h.term, h.durable} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	dst = binary.LittleEndian.AppendUint32(dst, h.bodyLen)
	dst = binary.LittleEndian.AppendUint32(dst, h.bodySum)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// decodeHeader decodes b, of which it reads headerBytes. ok is false if b is no header at all; err is
// ErrFormat if it is a sound header of another version.
func decodeHeader(b []byte) (h header, ok bool, err error) {
	if len(b) < headerBytes || string(b[:4]) != headerMagic {
		return header{}, false, nil
	}
	le := binary.LittleEndian
	if le.Uint32(b[56:]) != crc32.Checksum(b[:56], castagnoli) {
		return header{}, false, nil
	}
	if knows := recordKind(b[5]).version(); b[4] != knows {
		return header{}, false, fmt.Errorf("%w: log record of version %d, this program knows %d", ErrFormat, b[4], knows)
	}
	h = header{
		kind: recordKind(b[5]), piece: le.Uint16(b[6:]), segment: le.Uint64(b[8:]), seq: le.Uint64(b[16:]), index: le.Uint64(b[24:]),
		term: le.Uint64(b[32:]), durable: le.Uint64(b[40:]), bodyLen: le.Uint32(b[48:]), bodySum: le.Uint32(b[52:]),
	}
	if h.kind < recordSegment || h.kind > recordEnd {
		return header{}, false, nil
	}
	return h, true, nil
}

// continues reports whether h is the header of the piece that comes after that of last.
func (h *header) continues(last *header) bool {
	return (h.kind == recordMore || h.kind == recordEnd) && h.piece == last.piece+1 &&
		h.segment == last.segment && h.seq == last.seq && h.index == last.index && h.term == last.term
}

// segmentInfo is the body of the first record of a segment.
type segmentInfo struct {
	// size is the length that the file had, durably, before its first record: a shorter one was truncated.
	size int64
	// prev is the number of the segment before this one, 0 for none.
	prev uint64
}

const segmentInfoBytes = 16

func (s segmentInfo) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(s.size))
	return binary.LittleEndian.AppendUint64(dst, s.prev)
}

// decodeSegmentInfo decodes the body of a recordSegment.
func decodeSegmentInfo(b []byte) (segmentInfo, bool) {
	if len(b) != segmentInfoBytes {
		return segmentInfo{}, false
	}
	s := segmentInfo{size: int64(binary.LittleEndian.Uint64(b)), prev: binary.LittleEndian.Uint64(b[8:])}
	return s, s.size >= 0
}
