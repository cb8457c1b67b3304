package server

import "math"

// intField is a type of BITFIELD: a signed integer of 1 to 64 bits, or an unsigned one of 1 to 63, which an int64 holds.
type intField struct {
	signed bool
	bits   int
}

// bitOverflow says what becomes of a result that does not fit.
type bitOverflow uint8

const (
	bitWrap bitOverflow = iota
	bitSaturate
	bitFail
)

// read returns the integer at an offset.
func (f intField) read(text []byte, offset uint64) int64 {
	return f.wrap(readBits(text, offset, f.bits))
}

// wrap returns what the lowest bits of v are as an integer of the type.
func (f intField) wrap(v uint64) int64 {
	unused := 64 - f.bits
	if f.signed {
		return int64(v<<unused) >> unused
	}
	return int64(v << unused >> unused)
}

// limits returns the least and the greatest integer of the type.
func (f intField) limits() (least, greatest int64) {
	if f.signed {
		return math.MinInt64 >> (64 - f.bits), math.MaxInt64 >> (64 - f.bits)
	}
	return 0, 1<<f.bits - 1
}

// fit returns a+b if it fits, and otherwise what overflow makes of it. a is any number for SET, whose b is 0, and one of the type for
// INCRBY.
//
// SET of an unsigned field reads a negative number as one of 64 unsigned bits, as Redis does: it is too large, not too small. So is, to
// Redis, a number so far below a signed field that its distance from the greatest passes 64 bits.
func (f intField) fit(a, b int64, overflow bitOverflow) (value int64, fits bool) {
	least, greatest := f.limits()
	sum := a + b
	switch {
	case f.above(a, b, greatest):
		value = greatest
	case b < 0 && sum > a || sum < least:
		value = least
	default:
		return sum, true
	}
	if overflow == bitWrap {
		value = f.wrap(uint64(sum))
	}
	return value, false
}

// above reports whether Redis takes a+b to be more than greatest.
func (f intField) above(a, b, greatest int64) bool {
	switch distance := greatest - a; {
	case !f.signed && a < 0, a > greatest:
		return true
	case f.signed && f.bits != 64:
		return b > distance
	default:
		return a >= 0 && b > 0 && b > distance
	}
}
