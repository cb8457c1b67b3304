package hyperloglog

import (
	"encoding/binary"
	"math/bits"
)

const (
	// precision is the number of bits of a hash that choose a register.
	precision = 14
	// Registers is the number of registers of a HyperLogLog.
	Registers = 1 << precision
	// rankBits is the number of bits of a hash in which the first 1 is looked for.
	rankBits = 64 - precision
)

// place returns the register that an element belongs to, and the rank that it has there: 1 to rankBits+1.
func place(element []byte) (register int, rank uint8) {
	h := murmur64(element, seed)
	rest := h>>precision | 1<<rankBits
	return int(h & (Registers - 1)), uint8(bits.TrailingZeros64(rest)) + 1
}

// seed is Redis's. Another one would make the counts of two servers add up wrongly when they are merged.
const seed = 0xadc83b19

// murmur64 is the hash MurmurHash64A for little-endian machines, whatever the machine.
func murmur64(b []byte, seed uint64) uint64 {
	const (
		m = 0xc6a4a7935bd1e995
		r = 47
	)
	h := seed ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		k = (k ^ k>>r) * m
		h = (h ^ k) * m
	}
	if len(b) > 0 {
		var tail [8]byte
		copy(tail[:], b)
		h = (h ^ binary.LittleEndian.Uint64(tail[:])) * m
	}
	h = (h ^ h>>r) * m
	return h ^ h>>r
}
