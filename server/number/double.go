package number

import (
	"bytes"
	"math"
	"strconv"
)

// ParseFloat parses s as Redis parses scores and other 64-bit arguments (string2d): C's strtod without leading
// blanks, trailing bytes and NaN. Infinities, a plus sign and hexadecimal are good; what is too large for a
// double, or so small that it becomes zero, is refused.
func ParseFloat(s []byte) (float64, bool) {
	if n, ok := ParseInt(s); ok {
		return float64(n), true
	}
	l, ok := scanLiteral(s)
	if !ok {
		return 0, false
	}
	f := l.double(s)
	if math.IsInf(f, 0) && !l.inf || f == 0 && !l.isZero() {
		return 0, false
	}
	return f, true
}

// ParseBound parses an end of a range of scores as Redis does, with C's strtod itself: unlike ParseFloat, it takes leading blanks, stops
// at the first zero byte, takes the empty string for 0, and what is too large for infinite.
func ParseBound(s []byte) (float64, bool) {
	if n, ok := ParseInt(s); ok {
		return float64(n), true
	}
	s, _, _ = bytes.Cut(s, []byte{0})
	if len(s) == 0 {
		return 0, true
	}
	s = bytes.TrimLeft(s, " \t\n\v\f\r")
	l, ok := scanLiteral(s)
	if !ok {
		return 0, false
	}
	return l.double(s), true
}

// double returns the double nearest to the literal that s is, which may be zero or infinite.
func (l *literal) double(s []byte) float64 {
	if l.inf {
		return math.Inf(l.sign())
	}
	text := string(s)
	switch {
	case l.hex && !hasExponent(s):
		text += "p0" // which Go wants and C does not
	case !l.hex && len(s) > maxExactDigits:
		text = l.shortened()
	}
	f, _ := strconv.ParseFloat(text, 64) // the syntax is good; out of range, it is infinite
	return f
}

// maxExactDigits is how many decimal digits can matter to a double: no tie between two of them has more than 768.
const maxExactDigits = 768

// shortened returns a decimal literal that rounds to the same double and has few enough digits for strconv,
// which loses count of the places of those after the 800th: it reads 1 and 5000 zeros and e-5000 as 0.
func (l *literal) shortened() string {
	digits := l.significant()
	point := len(digits) - len(l.frac) + l.exp
	if len(digits) > maxExactDigits {
		rest := trimZeros(digits[maxExactDigits:])
		digits = digits[:maxExactDigits]
		if len(rest) > 0 {
			digits = append(digits, '1')
		}
	}
	text := []byte("0.")
	if l.neg {
		text = []byte("-0.")
	}
	text = append(append(text, digits...), 'e')
	return string(strconv.AppendInt(text, int64(point), 10))
}

// sign returns -1 or 1.
func (l *literal) sign() int {
	if l.neg {
		return -1
	}
	return 1
}

// hasExponent says whether a hexadecimal literal has one.
func hasExponent(s []byte) bool {
	for _, c := range s {
		if c|0x20 == 'p' {
			return true
		}
	}
	return false
}

// AppendDouble appends f as Redis 7.0 replies with it (addReplyDouble): C's "%.17g", with inf, -inf and nan.
// Seventeen digits tell any two doubles apart, though 0.1 comes out as 0.10000000000000001.
func AppendDouble(dst []byte, f float64) []byte {
	const limit = 1e17 // from here on there is an exponent
	if n := int64(f); f > -limit && f < limit && float64(n) == f && (n != 0 || !math.Signbit(f)) {
		return strconv.AppendInt(dst, n, 10)
	}
	switch {
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case math.IsNaN(f):
		return append(dst, "nan"...)
	}
	return strconv.AppendFloat(dst, f, 'g', 17, 64)
}

// AppendStored appends f as Redis 7.0 writes it into a listpack (d2string): whole numbers of up to 62 bits in full, others like
// AppendDouble.
func AppendStored(dst []byte, f float64) []byte {
	const limit = math.MaxInt64 / 2
	if n := int64(f); f >= -limit && f <= limit && float64(n) == f && (n != 0 || !math.Signbit(f)) {
		return strconv.AppendInt(dst, n, 10)
	}
	return AppendDouble(dst, f)
}
