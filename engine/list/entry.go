package list

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Element is one element of a list: an integer, where the string is exactly what the integer prints as, or any other string.
type Element struct {
	// Str is nil for an integer. It aliases the list, and is valid until the list is next changed.
	Str   []byte
	Int   int64
	IsInt bool
}

// Append appends the element as a string.
func (e Element) Append(dst []byte) []byte {
	if e.IsInt {
		return strconv.AppendInt(dst, e.Int, 10)
	}
	return append(dst, e.Str...)
}

// The first byte of an entry says what follows, as in a listpack.
const (
	uint7Limit = 0x80 // below: the byte is the integer
	mask6      = 0xc0
	str6       = 0x80 // string, length in 6 bits
	mask13     = 0xe0
	int13      = 0xc0 // integer of 13 bits, the high ones here
	mask12     = 0xf0
	str12      = 0xe0 // string, length in 12 bits, the high ones here
	str32      = 0xf0 // string, length in the next 4 bytes
	int16Byte  = 0xf1
	int24Byte  = 0xf2
	int32Byte  = 0xf3
	int64Byte  = 0xf4

	maxStr6  = 1<<6 - 1
	maxStr12 = 1<<12 - 1
)

// encoded is an element on its way into a node.
type encoded struct {
	str   []byte
	num   int64
	isInt bool
	head  int // bytes before the string
	inner int // bytes of the entry before its back length
	size  int // of the whole entry
}

// encode finds the one encoding that v has.
func encode(v []byte) encoded {
	e := encoded{str: v}
	if e.num, e.isInt = parseInt(v); e.isInt {
		e.inner = intSize(e.num)
	} else {
		e.head = stringHead(len(v))
		e.inner = e.head + len(v)
	}
	e.size = e.inner + backSize(e.inner)
	return e
}

// put writes the entry to dst, which has its size.
func (e *encoded) put(dst []byte) {
	if e.isInt {
		putInt(dst, e.num)
	} else {
		putHead(dst, len(e.str))
		copy(dst[e.head:], e.str)
	}
	putBack(dst[e.inner:], e.inner)
}

// intSize returns the bytes of an integer without its back length.
func intSize(n int64) int {
	switch {
	case n >= 0 && n < uint7Limit:
		return 1
	case n >= -1<<12 && n < 1<<12:
		return 2
	case n == int64(int16(n)):
		return 3
	case n >= -1<<23 && n < 1<<23:
		return 4
	case n == int64(int32(n)):
		return 5
	}
	return 9
}

func putInt(dst []byte, n int64) {
	switch intSize(n) {
	case 1:
		dst[0] = byte(n)
	case 2:
		dst[0], dst[1] = int13|byte(n>>8)&0x1f, byte(n)
	case 3:
		dst[0] = int16Byte
		binary.LittleEndian.PutUint16(dst[1:], uint16(n))
	case 4:
		dst[0], dst[1], dst[2], dst[3] = int24Byte, byte(n), byte(n>>8), byte(n>>16)
	case 5:
		dst[0] = int32Byte
		binary.LittleEndian.PutUint32(dst[1:], uint32(n))
	default:
		dst[0] = int64Byte
		binary.LittleEndian.PutUint64(dst[1:], uint64(n))
	}
}

// stringHead returns the bytes that stand before a string of n bytes.
func stringHead(n int) int {
	switch {
	case n <= maxStr6:
		return 1
	case n <= maxStr12:
		return 2
	}
	return 5
}

func putHead(dst []byte, n int) {
	switch stringHead(n) {
	case 1:
		dst[0] = str6 | byte(n)
	case 2:
		dst[0], dst[1] = str12|byte(n>>8), byte(n)
	default:
		dst[0] = str32
		binary.LittleEndian.PutUint32(dst[1:], uint32(n))
	}
}

// backSize returns the bytes of the back length of an entry that has n bytes before it.
func backSize(n int) int {
	size := 1
	for ; n > 0x7f; n >>= 7 {
		size++
	}
	return size
}

// putBack writes the back length n, of whose groups of seven bits the lowest comes last; all but the first have the high bit.
func putBack(dst []byte, n int) {
	last := backSize(n) - 1
	for i := last; i >= 0; i-- {
		dst[i] = byte(n) & 0x7f
		if i > 0 {
			dst[i] |= 0x80
		}
		n >>= 7
	}
}

// sizeAt returns the size of the entry that p begins with.
func sizeAt(p []byte) int {
	n := innerSize(p)
	return n + backSize(n)
}

// innerSize returns the size of the entry that p begins with, without its back length.
func innerSize(p []byte) int {
	switch b := p[0]; {
	case b < uint7Limit:
		return 1
	case b&mask6 == str6:
		return 1 + int(b&maxStr6)
	case b&mask13 == int13:
		return 2
	case b&mask12 == str12:
		return 2 + int(b&0x0f)<<8 + int(p[1])
	case b == str32:
		return 5 + int(binary.LittleEndian.Uint32(p[1:]))
	case b == int16Byte:
		return 3
	case b == int24Byte:
		return 4
	case b == int32Byte:
		return 5
	}
	return 9
}

// sizeBefore returns the size of the last entry of p.
func sizeBefore(p []byte) int {
	n, shift, i := 0, 0, len(p)-1
	for ; p[i]&0x80 != 0; i-- {
		n |= int(p[i]&0x7f) << shift
		shift += 7
	}
	n |= int(p[i]) << shift
	return n + len(p) - i
}

// decode returns the element that p begins with.
func decode(p []byte) Element {
	switch b := p[0]; {
	case b < uint7Limit:
		return Element{Int: int64(b), IsInt: true}
	case b&mask6 == str6:
		return stringOf(p, 1, int(b&maxStr6))
	case b&mask13 == int13:
		return Element{Int: int64(int16(uint16(b)<<8|uint16(p[1]))<<3) >> 3, IsInt: true}
	case b&mask12 == str12:
		return stringOf(p, 2, int(b&0x0f)<<8+int(p[1]))
	case b == str32:
		return stringOf(p, 5, int(binary.LittleEndian.Uint32(p[1:])))
	}
	return Element{Int: wideInt(p), IsInt: true}
}

func stringOf(p []byte, head, size int) Element { return Element{Str: p[head : head+size : head+size]} }

// wideInt returns an integer of 16 bits or more.
func wideInt(p []byte) int64 {
	switch p[0] {
	case int16Byte:
		return int64(int16(binary.LittleEndian.Uint16(p[1:])))
	case int24Byte:
		return int64(int32(uint32(p[1])<<8|uint32(p[2])<<16|uint32(p[3])<<24) >> 8)
	case int32Byte:
		return int64(int32(binary.LittleEndian.Uint32(p[1:])))
	}
	return int64(binary.LittleEndian.Uint64(p[1:]))
}

// ErrNode reports bytes that are no node: a row that something else has written.
var ErrNode = errors.New("list: malformed node")

// Check returns the number of elements in the bytes of a node, which may come from anywhere: what Check accepts can be read from both
// ends, and every element of it has its one encoding. A node holds at least one element.
func Check(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, fmt.Errorf("%w: it is empty", ErrNode)
	}
	count := 0
	for at := 0; at < len(p); count++ {
		size, ok := checkEntry(p[at:])
		if !ok {
			return 0, fmt.Errorf("%w: byte %d of %d", ErrNode, at, len(p))
		}
		at += size
	}
	return count, nil
}

// checkEntry returns the size of the entry that p, which is not empty, begins with.
func checkEntry(p []byte) (int, bool) {
	if p[0] > int64Byte || len(p) < headSize(p[0]) {
		return 0, false
	}
	inner := innerSize(p)
	size := inner + backSize(inner)
	var back [5]byte
	putBack(back[:], inner)
	if len(p) < size || !bytes.Equal(p[inner:size], back[:size-inner]) {
		return 0, false
	}
	e := decode(p)
	if e.IsInt {
		return size, intSize(e.Int) == inner
	}
	_, number := parseInt(e.Str)
	return size, !number && stringHead(len(e.Str))+len(e.Str) == inner
}

// headSize returns the bytes that must be there to tell an entry's size from.
func headSize(b byte) int {
	switch {
	case b&mask12 == str12:
		return 2
	case b == str32:
		return 5
	}
	return 1
}

// parseInt returns the integer that prints as exactly v.
func parseInt(v []byte) (int64, bool) {
	if len(v) == 0 || len(v) > len("-9223372036854775808") {
		return 0, false
	}
	digits, negative := v, v[0] == '-'
	if negative {
		digits = v[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && len(v) > 1 {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	switch {
	case negative && n <= 1<<63:
		return int64(-n), true
	case !negative && n <= math.MaxInt64:
		return int64(n), true
	}
	return 0, false
}

// What follows works on the bytes of one node, for a list that is too short for more.

// Append appends the entry of an element.
func Append(dst, v []byte) []byte {
	e := encode(v)
	at := len(dst)
	dst = slices.Grow(dst, e.size)[:at+e.size]
	e.put(dst[at:])
	return dst
}

// At returns the element that p begins with, and the size of its entry. The element aliases p.
func At(p []byte) (Element, int) { return decode(p), sizeAt(p) }

// Before returns the element that p ends with, and the size of its entry.
func Before(p []byte) (Element, int) {
	size := sizeBefore(p)
	return decode(p[len(p)-size:]), size
}

// Offset returns where element i of the count that p has begins, or the length of p for i = count.
func Offset(p []byte, i, count int) int {
	n := node{data: p, count: int32(count)}
	return n.offset(i)
}
