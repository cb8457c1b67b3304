package engine

import "quipu/persist"

// defaultPieceBytes is how much of a commit is made before it is written. Most commits are shorter, and are one record, written when it is
// complete and the slots are free again. What is longer goes out in pieces while the slots are walked: memory for it is bounded, the log
// takes commits of any size, and copying a large value into fresh memory, which costs more than writing it, falls away.
const defaultPieceBytes = 1 << 20

// longValue is the length from which on values are not copied to where the record is made: they are long enough to be pieces.
const longValue = 64 << 10

// record is the record of a commit while it is made.
type record struct {
	// store is where pieces go. It is nil for what is kept as a whole.
	store *persist.DB
	index uint64
	limit int // bytes in a piece, more or less
	// body is what has not been written yet.
	body []byte
	// written counts the bytes that have been. err is why they have not: then nothing more is kept.
	written int64
	err     error
}

// size returns the bytes of the whole record.
func (r *record) size() int64 { return r.written + int64(len(r.body)) }

// set adds the operation "key has this value".
func (r *record) set(key, value []byte) {
	if len(value) >= min(longValue, r.limit) {
		r.setLong(key, nil, value)
		return
	}
	r.body = persist.AppendSet(r.body, key, value)
	r.fit()
}

// setLong adds the operation "key has the value that these are, one behind the other".
func (r *record) setLong(key, head, value []byte) {
	r.body = persist.AppendSetHead(r.body, key, len(head)+len(value))
	r.body = append(r.body, head...)
	r.long(value)
}

// delete adds the operation "key is gone".
func (r *record) delete(key []byte) {
	r.body = persist.AppendDelete(r.body, key)
	r.fit()
}

// deleteRange adds the operation "every key in [lo,hi) is gone".
func (r *record) deleteRange(lo, hi []byte) {
	r.body = persist.AppendDeleteRange(r.body, lo, hi)
	r.fit()
}

// long adds b, without copying it if it is a piece by itself.
func (r *record) long(b []byte) {
	if r.store == nil || len(b) < r.limit {
		r.body = append(r.body, b...)
		r.fit()
		return
	}
	r.write(r.body)
	r.body = r.body[:0]
	r.write(b)
}

// fit writes what there is when it is enough for a piece.
func (r *record) fit() {
	if len(r.body) >= r.limit && r.store != nil {
		r.write(r.body)
		r.body = r.body[:0]
	}
}

// write writes what is not the end of the record.
func (r *record) write(b []byte) {
	for len(b) > 0 && r.err == nil {
		piece := b[:min(len(b), r.limit)]
		r.err = r.store.AppendPiece(r.index, 0, piece)
		r.written += int64(len(piece))
		b = b[len(piece):]
	}
}

// finish writes what is left, with which the record is complete.
func (r *record) finish() error {
	if r.err != nil {
		return r.err
	}
	return r.store.Append(r.index, 0, r.body)
}
