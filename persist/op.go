package persist

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Kind says what an operation does.
type Kind byte

// The kinds of operation. Their values are on disk.
const (
	// KindSet gives Key the value Value.
	KindSet Kind = 1
	// KindDelete removes Key.
	KindDelete Kind = 2
	// KindDeleteRange removes every key k with Key <= k < Value.
	KindDeleteRange Kind = 3
)

// Op is one operation of a record. Key and Value point into the record's body and are valid until the next one is
// read, and in Replay not after the callback has returned.
type Op struct {
	Kind  Kind
	Key   []byte
	Value []byte
}

// AppendSet appends the operation "key has this value" to body and returns the extended slice.
func AppendSet(body, key, value []byte) []byte {
	return appendBytes(appendBytes(append(body, byte(KindSet)), key), value)
}

// AppendDelete appends the operation "key is gone" to body and returns the extended slice.
func AppendDelete(body, key []byte) []byte {
	return appendBytes(append(body, byte(KindDelete)), key)
}

// AppendDeleteRange appends the operation "every key in [lo,hi) is gone" to body and returns the extended
// slice.
func AppendDeleteRange(body, lo, hi []byte) []byte {
	return appendBytes(appendBytes(append(body, byte(KindDeleteRange)), lo), hi)
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// AppendSetHead appends to body what AppendSet would for a value of size bytes, but for the value, which has to follow.
func AppendSetHead(body, key []byte, size int) []byte {
	return binary.AppendUvarint(appendBytes(append(body, byte(KindSet)), key), uint64(size))
}

// OpReader reads the operations of a body in order. The zero value reads nothing.
type OpReader struct {
	rest []byte
	err  error
	// more returns the bytes that follow rest, nil when there are none. It may use the memory of those that it returned before. Nil: rest
	// is all.
	more func() ([]byte, error)
	// joined holds operations that lie in several pieces of the body.
	joined []byte
}

// NewOpReader returns a reader of body, which it does not copy.
func NewOpReader(body []byte) OpReader {
	return OpReader{rest: body}
}

// Next stores the next operation in op and returns true, or returns false at the end or at the first
// malformed byte; Err tells which. The operation before may be overwritten.
func (r *OpReader) Next(op *Op) bool {
	if r.more != nil && !r.gather() || r.err != nil || len(r.rest) == 0 {
		return false
	}
	op.Kind, r.rest = Kind(r.rest[0]), r.rest[1:]
	op.Value = nil
	var ok bool
	if op.Key, ok = r.bytes(); !ok {
		return r.fail("key")
	}
	switch op.Kind {
	case KindDelete:
		return true
	case KindSet, KindDeleteRange:
		if op.Value, ok = r.bytes(); !ok {
			return r.fail("value")
		}
		return true
	default:
		return r.fail(fmt.Sprintf("kind %d", op.Kind))
	}
}

// gather sees to it that rest begins with a whole operation, if there is one. It reports whether reading on makes sense.
func (r *OpReader) gather() bool {
	joined := false
	for r.err == nil && !wholeOp(r.rest) {
		if len(r.rest) > 0 && !joined {
			r.joined = append(r.joined[:0], r.rest...)
			r.rest, joined = r.joined, true
		}
		piece, err := r.more()
		switch {
		case err != nil:
			r.err = err
		case piece == nil:
			r.more = nil // what is left is all there is
			return true
		case joined:
			if len(r.joined)+len(piece) > cap(r.joined) {
				r.joined = slices.Grow(r.joined, max(len(piece), len(r.joined))) // doubling, so that little is copied
			}
			r.joined = append(r.joined, piece...)
			r.rest = r.joined
		default:
			r.rest = piece
		}
	}
	return r.err == nil
}

// wholeOp reports whether b begins with a whole operation, or with something that more bytes will not make one.
func wholeOp(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	fields := 1
	if Kind(b[0]) != KindDelete {
		fields = 2
	}
	at := uint64(1)
	for range fields {
		n, w := binary.Uvarint(b[at:])
		if w < 0 {
			return true
		}
		if at += uint64(w) + n; w == 0 || n > uint64(len(b)) || at > uint64(len(b)) {
			return false
		}
	}
	return true
}

// Err returns nil if every byte read so far was well-formed, else an error that is ErrBadBody.
func (r *OpReader) Err() error { return r.err }

// bytes takes one length-prefixed string; the length is compared with what is there before it is used.
func (r *OpReader) bytes() ([]byte, bool) {
	n, w := binary.Uvarint(r.rest)
	if w <= 0 || n > uint64(len(r.rest)-w) {
		return nil, false
	}
	end := w + int(n)
	b := r.rest[w:end:end]
	r.rest = r.rest[end:]
	return b, true
}

func (r *OpReader) fail(what string) bool {
	r.err = fmt.Errorf("%w: %s", ErrBadBody, what)
	return false
}
