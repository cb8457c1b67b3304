package hyperloglog

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupted is returned for a string that is laid out as a HyperLogLog, but whose registers cannot be read.
var ErrCorrupted = errors.New("hyperloglog: the registers do not add up")

const (
	magic = "HYLL"
	// encodingAt and cardinalityAt are the places of these fields.
	encodingAt    = 4
	cardinalityAt = 8
	headerSize    = 16

	dense  = 0
	sparse = 1

	// denseSize is the length of every dense HyperLogLog.
	denseSize = headerSize + Registers*registerBits/8
)

// staleBit in the last byte of the cardinality says that registers have changed since it was computed.
const staleBit = 0x80

// New returns an empty HyperLogLog: all registers in one run of zeros, and a cardinality of 0 that is up to date.
func New() []byte {
	b := make([]byte, headerSize, headerSize+16)
	copy(b, magic)
	b[encodingAt] = sparse
	return appendXZero(b, Registers)
}

// Valid reports whether b passes for a HyperLogLog: by its header, and by its length if it is dense.
func Valid(b []byte) bool {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return false
	}
	return b[encodingAt] == sparse || b[encodingAt] == dense && len(b) == denseSize
}

// IsDense reports which of the two encodings b, which is valid, has.
func IsDense(b []byte) bool { return b[encodingAt] == dense }

// Cached returns the cardinality that was computed last, and whether it still holds. b is valid.
func Cached(b []byte) (n uint64, fresh bool) {
	return binary.LittleEndian.Uint64(b[cardinalityAt:]), b[headerSize-1]&staleBit == 0
}

// SetCached writes the cardinality that was just computed. b is valid.
func SetCached(b []byte, n uint64) { binary.LittleEndian.PutUint64(b[cardinalityAt:], n) }

// MarkStale says that the cardinality in b, which is valid, does not hold any more.
func MarkStale(b []byte) { b[headerSize-1] |= staleBit }

// Add counts an element. It reports whether a register has changed, in which case the cached cardinality is to be marked stale, and
// returns the string, which it may have written to, appended to or replaced. sparseMax is hll-sparse-max-bytes. b is valid; when its
// registers cannot be read it is returned as it was.
func Add(b, element []byte, sparseMax int) (out []byte, changed bool, err error) {
	register, rank := place(element)
	return raise(b, register, rank, sparseMax)
}

// raise sets a register to rank, if it is lower.
func raise(b []byte, register int, rank uint8, sparseMax int) (out []byte, changed bool, err error) {
	if IsDense(b) {
		return b, raiseDense(b[headerSize:], register, rank), nil
	}
	return raiseSparse(b, register, rank, sparseMax)
}
