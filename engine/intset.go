package engine

import (
	"encoding/binary"
	"sort"
)

// A packed set of integers:
//
//	size  field
//	1     kind, with packedInts
//	1     width: 2, 4 or 8 bytes to an integer, as the widest needs
//	      the integers, ascending, little endian
const intsHead = 2

func (p packed) intWidth() int { return int(p[1]) }

// ints returns the number of integers.
func (p packed) ints() int { return (len(p) - intsHead) / p.intWidth() }

// int returns the i-th integer.
func (p packed) int(i int) int64 {
	at := intsHead + i*p.intWidth()
	switch p.intWidth() {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(p[at:])))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(p[at:])))
	default:
		return int64(binary.LittleEndian.Uint64(p[at:]))
	}
}

// findInt returns the place of n among the integers, and whether it is there.
func (p packed) findInt(n int64) (int, bool) {
	count := p.ints()
	i := sort.Search(count, func(i int) bool { return p.int(i) >= n })
	return i, i < count && p.int(i) == n
}

// setWidth returns the bytes that a set of integers gives to one that has to hold n.
func setWidth(n int64) int {
	switch {
	case n == int64(int16(n)):
		return 2
	case n == int64(int32(n)):
		return 4
	default:
		return 8
	}
}

func appendIntsHead(dst []byte, head byte, width int) []byte {
	return append(dst, head|packedInts, byte(width))
}

func appendSetInt(dst []byte, width int, n int64) []byte {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	return append(dst, b[:width]...)
}

// appendWithInt appends p with n at place i.
func (p packed) appendWithInt(dst []byte, i int, n int64) []byte {
	width := max(p.intWidth(), setWidth(n))
	dst = appendIntsHead(dst, p[0], width)
	if width == p.intWidth() {
		at := intsHead + i*width
		dst = append(dst, p[intsHead:at]...)
		dst = appendSetInt(dst, width, n)
		return append(dst, p[at:]...)
	}
	for j := range p.ints() {
		if j == i {
			dst = appendSetInt(dst, width, n)
		}
		dst = appendSetInt(dst, width, p.int(j))
	}
	if i == p.ints() {
		dst = appendSetInt(dst, width, n)
	}
	return dst
}

// appendWithoutInt appends p without its i-th integer.
func (p packed) appendWithoutInt(dst []byte, i int) []byte {
	at := intsHead + i*p.intWidth()
	dst = append(dst, p[:at]...)
	return append(dst, p[at+p.intWidth():]...)
}

// checkInts reports whether p is a sound packed set of integers, of at least one.
func checkInts(p packed) bool {
	width := p.intWidth()
	if width != 2 && width != 4 && width != 8 || len(p) == intsHead || (len(p)-intsHead)%width != 0 {
		return false
	}
	for i := range p.ints() - 1 {
		if p.int(i) >= p.int(i+1) {
			return false
		}
	}
	return true
}
