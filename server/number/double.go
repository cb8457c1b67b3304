package number

import (
	"math"
	"strconv"
)

// ParseFloat parses s as Redis parses scores and other 64-bit arguments (string2d): C's strtod without leading
// blanks, trailing bytes and NaN. Infinities, a plus sign and hexadecimal are good; what is too large for a
// double, or so small that it becomes zero, is refused.
func ParseFloat(s []byte) (float64, bool) {
	l, ok := scanLiteral(s)
	if !ok {
		return 0, false
	}
	if l.inf {
		return math.Inf(l.sign()), true
	}
	text := string(s)
	switch {
	case l.hex && !hasExponent(s):
		text += "p0" // which Go wants and C does not
	case !l.hex && len(s) > maxExactDigits:
		text = l.shortened()
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f == 0 && !l.isZero() {
		return 0, false
	}
	return f, true
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
