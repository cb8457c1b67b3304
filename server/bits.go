package server

import (
	"encoding/binary"
	"math/bits"
)

// Bits of a string, numbered from the highest of the first byte on. Ranges are half open.

// countBits returns how many bits in [from, to) are 1.
func countBits(text []byte, from, to int64) int64 {
	if from >= to {
		return 0
	}
	first, last := int(from/8), int((to-1)/8)
	head, tail := edgeMasks(from, to)
	if first == last {
		return int64(bits.OnesCount8(text[first] & head & tail))
	}
	n := bits.OnesCount8(text[first]&head) + bits.OnesCount8(text[last]&tail)
	inner := text[first+1 : last]
	for ; len(inner) >= 8; inner = inner[8:] {
		n += bits.OnesCount64(binary.NativeEndian.Uint64(inner))
	}
	for _, b := range inner {
		n += bits.OnesCount8(b)
	}
	return int64(n)
}

// edgeMasks returns which bits of the first and of the last byte lie in [from, to), which is not empty.
func edgeMasks(from, to int64) (head, tail byte) {
	return 0xff >> (from & 7), ^byte(0x7f >> ((to - 1) & 7))
}

// findBit returns the first bit in [from, to) that is as sought, -1 if there is none.
func findBit(text []byte, from, to int64, sought byte) int64 {
	if from >= to {
		return -1
	}
	flip := sought - 1 // what to turn zeros into, so that a 1 is looked for
	first, last := int(from/8), int((to-1)/8)
	head, tail := edgeMasks(from, to)
	for i := first; i <= last; i++ {
		if i > first {
			i += skipBytes(text[i:last+1], flip)
		}
		if i > last {
			break
		}
		b := text[i] ^ flip
		if i == first {
			b &= head
		}
		if i == last {
			b &= tail
		}
		if b != 0 {
			return int64(i)*8 + int64(bits.LeadingZeros8(b))
		}
	}
	return -1
}

// skipBytes returns how many bytes at the beginning, counted in eights, are equal to b: all ones or all zeros.
func skipBytes(text []byte, b byte) int {
	n, same := 0, uint64(b)*0x0101010101010101
	for len(text)-n >= 8 && binary.NativeEndian.Uint64(text[n:]) == same {
		n += 8
	}
	return n
}

// readBits returns n bits, at most 64, from an offset on, as an unsigned number. Beyond the end they are 0.
func readBits(text []byte, offset uint64, n int) (v uint64) {
	for n > 0 {
		in := int(offset & 7)
		take := min(8-in, n)
		b := uint64(0)
		if at := offset >> 3; at < uint64(len(text)) {
			b = uint64(text[at]) >> (8 - in - take) & (1<<take - 1)
		}
		v = v<<take | b
		offset, n = offset+uint64(take), n-take
	}
	return v
}

// writeBits writes the lowest n bits of v, at most 64, from an offset on. The text has room for them.
func writeBits(text []byte, offset uint64, n int, v uint64) {
	for n > 0 {
		in := int(offset & 7)
		take := min(8-in, n)
		shift := 8 - in - take
		mask := byte(1<<take-1) << shift
		b := &text[offset>>3]
		*b = *b&^mask | byte(v>>(n-take))<<shift&mask
		offset, n = offset+uint64(take), n-take
	}
}
