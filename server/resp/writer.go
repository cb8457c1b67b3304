package resp

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tidwall/redcon"

	"quipu/server/number"
)

// keepOutput is the most bytes of buffer that a Writer keeps when it is Reset: enough for the replies to what one
// Fill of readSize brings, where they are not much longer than the commands.
const keepOutput = 16 << 10

// maxStringFrame is what surrounds a string of any length: a mark, the length, two line ends, a verbatim string's format.
const maxStringFrame = 32

// Writer collects replies in the protocol version of its peer. The zero Writer speaks RESP2. Its methods never
// fail and allocate only to grow the buffer; aggregate headers must be followed by as many replies as they say
// (a map's by twice as many).
type Writer struct {
	buf   []byte
	resp3 bool
	over  bool // strings were left out, since the replies reached the limit
	limit int  // bytes; 0: none

	lender *Buffers
	own    []byte // while buf is another one: the buffer that is kept
	pieces pieces // what precedes buf
}

// Borrow has the Writer borrow its buffer from lender while its replies take more than it keeps.
func (w *Writer) Borrow(lender *Buffers) { w.lender = lender }

// SetLimit bounds what the Writer collects, in bytes, 0 for no bound: once there is more, strings are left out. What has been written is
// then no reply any more, and Overflowed says so.
func (w *Writer) SetLimit(size int) { w.limit = size }

// Overflowed reports whether the limit was passed since the last Reset.
func (w *Writer) Overflowed() bool { return w.over || w.limit != 0 && len(w.buf) > w.limit }

// full reports whether no more strings are taken.
func (w *Writer) full() bool {
	if w.limit == 0 || w.Len() <= w.limit {
		return false
	}
	w.over = true
	return true
}

// SetProtocol selects RESP3 if version is 3, otherwise RESP2, for what is written from now on.
func (w *Writer) SetProtocol(version int) { w.resp3 = version == 3 }

// Protocol returns 2 or 3.
func (w *Writer) Protocol() int {
	if w.resp3 {
		return 3
	}
	return 2
}

// Bytes returns what has been written since the last Reset. It is valid until the next call of another method. What lies in pieces is
// put together: WriteTo does without.
func (w *Writer) Bytes() []byte {
	if w.pieces.size == 0 {
		return w.buf
	}
	return append(slices.Concat(w.pieces.full...), w.buf...)
}

// WriteTo writes what has been written since the last Reset to dst, a piece at a time.
func (w *Writer) WriteTo(dst io.Writer) (int64, error) {
	sent, err := w.pieces.writeTo(dst)
	if err != nil {
		return sent, err
	}
	n, err := dst.Write(w.buf)
	return sent + int64(n), err
}

// Len returns the number of bytes written since the last Reset.
func (w *Writer) Len() int { return w.pieces.size + len(w.buf) }

// Size returns the bytes of memory that the Writer's buffers take.
func (w *Writer) Size() int { return w.pieces.memory() + cap(w.buf) }

// Reset forgets what has been written. A large buffer is not kept.
func (w *Writer) Reset() {
	w.over = false
	if cap(w.buf) <= keepOutput {
		w.buf = w.buf[:0]
		return
	}
	w.pieces.giveBack(w.lender)
	w.lender.takeBack(w.buf)
	w.buf, w.own = w.own, nil
}

// reserve makes room for a string of that size. Small buffers grow as they are appended to.
func (w *Writer) reserve(size int) {
	if len(w.buf)+size > keepOutput-maxStringFrame {
		w.enlarge(size)
	}
}

// enlarge makes room for a string of that size in one step, without a lender with a quarter to spare: a buffer that grows with each string
// leaves more behind than it uses. A lent buffer that is full becomes a piece.
func (w *Writer) enlarge(size int) {
	need := len(w.buf) + size + maxStringFrame
	if need <= cap(w.buf) {
		return
	}
	switch small := cap(w.buf) <= keepOutput; {
	case !small && w.lender != nil:
		w.pieces.add(w.buf)
		w.buf = w.lender.lend()
		return
	case small:
		w.own = w.buf[:0]
	}
	if w.lender != nil {
		w.buf = append(w.lender.lend(), w.buf...)
		return
	}
	w.buf = slices.Grow(w.buf, size+maxStringFrame)
}

// isLong reports whether a string of that size goes over several pieces.
func (w *Writer) isLong(size int) bool { return size > maxWholeString && w.lender != nil }

// long writes a string that is longer than a buffer that is lent has room for, with its head before it.
func (w *Writer) long(head string, text []byte) {
	w.reserve(len(head))
	w.buf = append(w.buf, head...)
	for w.enlarge(1); len(text) > 0; w.enlarge(1) {
		n := min(len(text), cap(w.buf)-len(w.buf)-maxStringFrame)
		w.buf = append(w.buf, text[:n]...)
		text = text[n:]
	}
	w.buf = append(w.buf, '\r', '\n')
}

// Truncate forgets what has been written after the first size bytes: the way to take back a reply that turned
// into an error halfway.
func (w *Writer) Truncate(size int) {
	for size < w.pieces.size {
		w.lender.takeBack(w.buf)
		w.buf = w.pieces.drop()
	}
	w.buf = w.buf[:size-w.pieces.size]
}

// Raw writes bytes that are replies already.
func (w *Writer) Raw(replies []byte) {
	for w.isLong(len(replies)) {
		w.reserve(maxWholeString)
		w.buf = append(w.buf, replies[:maxWholeString]...)
		replies = replies[maxWholeString:]
	}
	w.reserve(len(replies))
	w.buf = append(w.buf, replies...)
}

// OK writes the simple string OK.
func (w *Writer) OK() { w.buf = redcon.AppendOK(w.buf) }

// Simple writes a simple string. Line ends in it become blanks.
func (w *Writer) Simple(s string) { w.buf = redcon.AppendString(w.buf, s) }

// Error writes an error; its text starts with the error's code ("ERR syntax error"). As in Redis, line ends at
// its end go, and others become blanks.
func (w *Writer) Error(text string) {
	w.buf = redcon.AppendError(w.buf, strings.Trim(text, "\r\n"))
}

// Int writes an integer.
func (w *Writer) Int(n int64) {
	w.reserve(0)
	w.buf = AppendInt(w.buf, n)
}

// Bulk writes a string of any bytes.
func (w *Writer) Bulk(b []byte) {
	switch {
	case w.full():
	case w.isLong(len(b)):
		w.long(fmt.Sprintf("$%d\r\n", len(b)), b)
	default:
		w.reserve(len(b))
		w.buf = redcon.AppendBulk(w.buf, b)
	}
}

// BulkString writes a string of any bytes.
func (w *Writer) BulkString(s string) {
	switch {
	case w.full():
	case w.isLong(len(s)):
		w.long(fmt.Sprintf("$%d\r\n", len(s)), []byte(s))
	default:
		w.reserve(len(s))
		w.buf = redcon.AppendBulkString(w.buf, s)
	}
}

// BulkInt writes an integer as a string: what GET answers for a counter.
func (w *Writer) BulkInt(n int64) {
	w.reserve(0)
	w.buf = appendBulkInt(w.buf, n)
}

// Null writes the answer for a value that is not there.
func (w *Writer) Null() {
	w.reserve(0)
	if w.resp3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = redcon.AppendNull(w.buf)
}

// NullArray writes the answer for an array that is not there: EXEC after a failed WATCH.
func (w *Writer) NullArray() {
	if w.resp3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = append(w.buf, "*-1\r\n"...)
}

// Array writes the header of an array of n replies.
func (w *Writer) Array(n int) { w.header('*', n) }

// Map writes the header of n pairs of a key and a value, which RESP2 knows as an array of 2n replies.
func (w *Writer) Map(n int) {
	if w.resp3 {
		w.header('%', n)
		return
	}
	w.header('*', 2*n)
}

// Set writes the header of an unordered collection of n replies, which RESP2 knows as an array.
func (w *Writer) Set(n int) { w.headerOr3('~', n) }

// Push writes the header of an out-of-band message of n replies, which RESP2 knows as an array.
func (w *Writer) Push(n int) { w.headerOr3('>', n) }

// InsertArray puts the header of an array of n replies before what was written from position at on, for
// commands that know the number of replies only at the end.
func (w *Writer) InsertArray(at, n int) { w.insert(at, '*', n) }

// InsertMap is InsertArray for n pairs of a key and a value.
func (w *Writer) InsertMap(at, n int) {
	if w.resp3 {
		w.insert(at, '%', n)
		return
	}
	w.insert(at, '*', 2*n)
}

// InsertSet is InsertArray for a set.
func (w *Writer) InsertSet(at, n int) {
	if w.resp3 {
		w.insert(at, '~', n)
		return
	}
	w.insert(at, '*', n)
}

// insert puts a header before what was written from position at on.
func (w *Writer) insert(at int, mark byte, n int) {
	var room [maxStringFrame]byte
	header := appendLine(room[:0], mark, int64(n))
	if at < w.pieces.size {
		w.pieces.insert(at, header)
		return
	}
	w.buf = slices.Insert(w.buf, at-w.pieces.size, header...)
}

// Double writes a floating point number, in RESP2 as a string.
func (w *Writer) Double(f float64) {
	var text [32]byte
	digits := number.AppendDouble(text[:0], f)
	if !w.resp3 {
		w.Bulk(digits)
		return
	}
	w.reserve(len(digits))
	w.buf = appendText(w.buf, ',', digits)
}

// Decimal writes a floating point number whose digits the caller has written, in RESP2 as a string.
func (w *Writer) Decimal(digits []byte) {
	if !w.resp3 {
		w.Bulk(digits)
		return
	}
	w.reserve(len(digits))
	w.buf = appendText(w.buf, ',', digits)
}

// Bool writes true or false, in RESP2 as 1 or 0.
func (w *Writer) Bool(b bool) {
	var n int64
	letter := byte('f')
	if b {
		n, letter = 1, 't'
	}
	if !w.resp3 {
		w.Int(n)
		return
	}
	w.buf = append(w.buf, '#', letter, '\r', '\n')
}

// BigNumber writes an integer of any size, given as its decimal digits, in RESP2 as a string.
func (w *Writer) BigNumber(digits string) {
	if !w.resp3 {
		w.BulkString(digits)
		return
	}
	w.buf = appendText(w.buf, '(', digits)
}

// Verbatim writes a text that clients should show as it is: INFO, CLIENT LIST, LATENCY DOCTOR. The format is
// three letters, "txt" or "mkd". RESP2 knows it as a string.
func (w *Writer) Verbatim(format, text string) {
	if !w.resp3 {
		w.BulkString(text)
		return
	}
	head := fmt.Sprintf("=%d\r\n%s:", len(format)+len(":")+len(text), format)
	if w.isLong(len(text)) {
		w.long(head, []byte(text))
		return
	}
	w.reserve(len(text))
	w.buf = append(append(w.buf, head...), text...)
	w.buf = append(w.buf, '\r', '\n')
}

// headerOr3 writes a header that RESP2 knows as an array's.
func (w *Writer) headerOr3(mark byte, n int) {
	if !w.resp3 {
		mark = '*'
	}
	w.header(mark, n)
}

// header writes a mark and a length.
func (w *Writer) header(mark byte, n int) {
	w.reserve(0)
	w.buf = appendLine(w.buf, mark, int64(n))
}

// appendText appends a mark, a text and the line's end.
func appendText[T string | []byte](dst []byte, mark byte, text T) []byte {
	dst = append(dst, mark)
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}
