package persist

import (
	"encoding/binary"
	"fmt"
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

// Op is one operation of a record. Key and Value point into the record's body and are valid as long as
// that is: in Replay, until the callback returns.
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

// OpReader reads the operations of a body in order. The zero value reads nothing.
type OpReader struct {
	rest []byte
	err  error
}

// NewOpReader returns a reader of body, which it does not copy.
func NewOpReader(body []byte) OpReader {
	return OpReader{rest: body}
}

// Next stores the next operation in op and returns true, or returns false at the end or at the first
// malformed byte; Err tells which.
func (r *OpReader) Next(op *Op) bool {
	if r.err != nil || len(r.rest) == 0 {
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
