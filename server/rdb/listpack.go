package rdb

import (
	"encoding/binary"
	"fmt"
	"math"

	"quipu/server/number"
)

// A listpack is its length in bytes (four, little endian), the number of its entries (two; all ones: count them), the
// entries, and a byte of ones. An entry is an integer or a string, followed by its own length in groups of seven bits, the
// lowest last, so that it can be walked backwards. The first byte tells the two apart:
//
//	0xxxxxxx                    an integer up to 127
//	10llllll                    a string shorter than 64
//	110xxxxx x                  an integer of 13 bits
//	1110llll l                  a string shorter than 4096
//	11110000 llll               a string, four bytes of length, little endian
//	11110001 .. 11110100        an integer of 2, 3, 4 or 8 bytes, little endian
const (
	listpackHeader  = 4 + 2
	listpackEnd     = 0xff
	listpackUncount = math.MaxUint16 // this many entries or more are not counted

	packString6  = 0x80
	packInt13    = 0xc0
	packString12 = 0xe0
	packString32 = 0xf0
	packInt16    = 0xf1
	packInt24    = 0xf2
	packInt32    = 0xf3
	packInt64    = 0xf4
)

// listpackWriter builds a listpack.
type listpackWriter struct {
	bytes []byte
	count int
}

// size returns how long the listpack would be if it were finished now.
func (w *listpackWriter) size() int { return max(len(w.bytes), listpackHeader) + 1 }

// reset starts a new listpack in the same memory.
func (w *listpackWriter) reset() { w.bytes, w.count = w.bytes[:0], 0 }

// add adds an entry: an integer if s is the text of one.
func (w *listpackWriter) add(s []byte) {
	w.start()
	start := len(w.bytes)
	if n, ok := number.ParseInt(s); ok {
		w.bytes = appendPackedInt(w.bytes, n)
	} else {
		w.bytes = appendPackedString(w.bytes, s)
	}
	w.bytes = appendBackLength(w.bytes, len(w.bytes)-start)
	w.count++
}

// addInt adds an entry for n.
func (w *listpackWriter) addInt(n int64) {
	w.start()
	start := len(w.bytes)
	w.bytes = appendPackedInt(w.bytes, n)
	w.bytes = appendBackLength(w.bytes, len(w.bytes)-start)
	w.count++
}

// start makes room for the header.
func (w *listpackWriter) start() {
	if len(w.bytes) == 0 {
		w.bytes = append(w.bytes, make([]byte, listpackHeader)...)
	}
}

// finish returns the listpack, which is valid until the writer is used again.
func (w *listpackWriter) finish() []byte {
	w.start()
	w.bytes = append(w.bytes, listpackEnd)
	binary.LittleEndian.PutUint32(w.bytes, uint32(len(w.bytes)))
	binary.LittleEndian.PutUint16(w.bytes[4:], uint16(min(w.count, listpackUncount)))
	return w.bytes
}

func appendPackedInt(dst []byte, n int64) []byte {
	switch {
	case 0 <= n && n < 1<<7:
		return append(dst, byte(n))
	case -1<<12 <= n && n < 1<<12:
		return append(dst, packInt13|byte(n>>8)&0x1f, byte(n))
	case n == int64(int16(n)):
		return append(dst, packInt16, byte(n), byte(n>>8))
	case -1<<23 <= n && n < 1<<23:
		return append(dst, packInt24, byte(n), byte(n>>8), byte(n>>16))
	case n == int64(int32(n)):
		return binary.LittleEndian.AppendUint32(append(dst, packInt32), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(dst, packInt64), uint64(n))
}

func appendPackedString(dst, s []byte) []byte {
	switch n := len(s); {
	case n < 1<<6:
		dst = append(dst, packString6|byte(n))
	case n < 1<<12:
		dst = append(dst, packString12|byte(n>>8), byte(n))
	default:
		dst = binary.LittleEndian.AppendUint32(append(dst, packString32), uint32(n))
	}
	return append(dst, s...)
}

// appendBackLength appends the length of an entry of n bytes. Like Redis, it takes a further byte for the last number that
// would do without.
func appendBackLength(dst []byte, n int) []byte {
	size := backLengthSize(n)
	for i := size - 1; i >= 0; i-- {
		b := byte(n>>(7*i)) & 0x7f
		if i < size-1 {
			b |= 0x80
		}
		dst = append(dst, b)
	}
	return dst
}

// backLengthSize returns how many bytes the length of an entry of n bytes takes.
func backLengthSize(n int) int {
	switch {
	case n <= 1<<7-1:
		return 1
	case n < 1<<14-1:
		return 2
	case n < 1<<21-1:
		return 3
	case n < 1<<28-1:
		return 4
	}
	return 5
}

// listpack reads a string that is a listpack, and returns all entries.
func (d *decoder) listpack() ([][]byte, error) {
	blob, err := d.str()
	if err != nil {
		return nil, err
	}
	entries, err := d.listpackEntries(blob)
	if err != nil {
		return nil, fmt.Errorf("%w: listpack of %d bytes: %s", ErrFormat, len(blob), err)
	}
	return entries, nil
}

// listpackEntries returns the entries of a listpack, of which it checks every byte. Integers come as their text.
func (d *decoder) listpackEntries(blob []byte) ([][]byte, error) {
	if len(blob) < listpackHeader+1 || uint64(binary.LittleEndian.Uint32(blob)) != uint64(len(blob)) {
		return nil, errPackedSize
	}
	declared := int(binary.LittleEndian.Uint16(blob[4:]))
	rest := blob[listpackHeader:]
	entries := make([][]byte, 0, min(declared, len(rest)/2, startCapacity))
	for rest[0] != listpackEnd {
		entry, size, err := d.listpackEntry(rest)
		if err != nil {
			return nil, err
		}
		if err := d.spend(stringCost); err != nil {
			return nil, err
		}
		entries = append(entries, entry)
		if rest = rest[size:]; len(rest) == 0 {
			return nil, errPackedEnd
		}
	}
	if len(rest) > 1 {
		return nil, errPackedEnd
	}
	if declared != listpackUncount && declared != len(entries) {
		return nil, errPackedCount
	}
	return entries, nil
}

// listpackEntry returns the first entry of b, which is not empty, and how many bytes it takes.
func (d *decoder) listpackEntry(b []byte) (entry []byte, size int, err error) {
	head, body := listpackHead(b)
	if head == 0 || uint64(len(b)) < uint64(head)+body {
		return nil, 0, errPackedEntry
	}
	size = head + int(body)
	back := backLengthSize(size)
	var want [5]byte
	if len(b) < size+back || string(b[size:size+back]) != string(appendBackLength(want[:0], size)) {
		return nil, 0, errPackedBack
	}
	if b[0]&0xc0 == packString6 || b[0]&0xf0 == packString12 || b[0] == packString32 {
		return b[head:size:size], size + back, nil
	}
	return d.text(listpackInt(b[:size])), size + back, nil
}

// listpackHead returns how many bytes of the first entry of b are before its bytes or number, and how many those are. A
// head of 0 says that there is no such entry, or not all of its head.
func listpackHead(b []byte) (head int, body uint64) {
	switch first := b[0]; {
	case first < packString6:
		return 1, 0
	case first < packInt13:
		return 1, uint64(first & 0x3f)
	case first < packString12:
		return 1, 1
	case first < packString32 && len(b) >= 2:
		return 2, uint64(first&0x0f)<<8 | uint64(b[1])
	case first == packString32 && len(b) >= 5:
		return 5, uint64(binary.LittleEndian.Uint32(b[1:]))
	case packInt16 <= first && first <= packInt32:
		return 1, uint64(first - packInt16 + 2)
	case first == packInt64:
		return 1, 8
	}
	return 0, 0
}

// listpackInt returns the number that is all of b.
func listpackInt(b []byte) int64 {
	switch {
	case len(b) == 1:
		return int64(b[0])
	case len(b) == 2:
		const unused = 64 - 13
		return int64((uint64(b[0])<<8|uint64(b[1]))<<unused) >> unused
	}
	return littleEndianInt(b[1:])
}
