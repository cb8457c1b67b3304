package number

import "slices"

// literal is a floating point number as C's strtod knows it, taken apart. Its value is
// int.frac * 10^exp, or int.frac * 2^exp with hexadecimal digits.
type literal struct {
	neg       bool
	inf       bool
	hex       bool
	int, frac []byte // digits before and after the point
	exp       int    // at most maxExponent in either direction
}

// maxExponent is where exponents are cut off. It is beyond any that a number of maxLongDoubleText digits can
// compensate.
const maxExponent = 1 << 20

// scanLiteral takes all of s apart. It returns false for what strtod would not read to its end, for leading
// blanks, which strtod would skip and Redis refuses, and for NaN, which Redis refuses too.
func scanLiteral(s []byte) (literal, bool) {
	var l literal
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		l.neg = s[0] == '-'
		s = s[1:]
	}
	if l.inf = isInfinity(s); l.inf {
		return l, true
	}
	if len(s) >= 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		l.hex = true
		s = s[2:]
	}
	l.int, s = l.digits(s)
	if len(s) > 0 && s[0] == '.' {
		l.frac, s = l.digits(s[1:])
	}
	if len(l.int)+len(l.frac) == 0 {
		return literal{}, false
	}
	return l, l.scanExponent(s)
}

// isInfinity says whether s is one of strtod's two words for it, in any case.
func isInfinity(s []byte) bool {
	const word = "infinity"
	if len(s) != len("inf") && len(s) != len(word) {
		return false
	}
	for i, c := range s {
		if c|0x20 != word[i] {
			return false
		}
	}
	return true
}

// digits splits s behind the digits that it begins with.
func (l *literal) digits(s []byte) (digits, rest []byte) {
	i := 0
	for i < len(s) && (s[i]-'0' <= 9 || l.hex && s[i]|0x20 >= 'a' && s[i]|0x20 <= 'f') {
		i++
	}
	return s[:i], s[i:]
}

// scanExponent reads all of s, which may be empty, as the exponent.
func (l *literal) scanExponent(s []byte) bool {
	if len(s) == 0 {
		return true
	}
	mark := byte('e')
	if l.hex {
		mark = 'p'
	}
	if s[0]|0x20 != mark {
		return false
	}
	s = s[1:]
	neg := len(s) > 0 && s[0] == '-'
	if neg || len(s) > 0 && s[0] == '+' {
		s = s[1:]
	}
	for _, c := range s {
		if c-'0' > 9 {
			return false
		}
		l.exp = min(10*l.exp+int(c-'0'), maxExponent)
	}
	if neg {
		l.exp = -l.exp
	}
	return len(s) > 0
}

// significant returns all digits from the first that is not zero on, in memory of their own.
func (l *literal) significant() []byte {
	return trimZeros(slices.Concat(l.int, l.frac))
}

// isZero says whether all digits are zeros.
func (l *literal) isZero() bool {
	return len(trimZeros(l.int)) == 0 && len(trimZeros(l.frac)) == 0
}

// trimZeros returns s without the zeros that it begins with.
func trimZeros(s []byte) []byte {
	for len(s) > 0 && s[0] == '0' {
		s = s[1:]
	}
	return s
}
