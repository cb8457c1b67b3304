package number

import (
	"bytes"
	"math"
	"math/big"
)

// LongDouble is a number with the 64-bit mantissa and the range of x86's long double, in which INCRBYFLOAT and
// HINCRBYFLOAT add. The zero value is 0. A LongDouble is not changed after it was made, and may be infinite but
// is never NaN.
type LongDouble struct{ f *big.Float }

const (
	// mantissaBits is the precision of an x86 long double.
	mantissaBits = 64
	// maxBinaryExp and minBinaryExp bound e in 0.5 * 2^e <= x < 2^e for the finite numbers, denormals included.
	maxBinaryExp = 16384
	minBinaryExp = -16444
	// maxDecimalExp and minDecimalExp are the same for powers of ten, generously.
	maxDecimalExp = 4940
	minDecimalExp = -4960
	// maxLongDoubleText is the longest text that Redis parses (MAX_LONG_DOUBLE_CHARS with its final zero).
	maxLongDoubleText = 5*1024 - 1
	// decimals is the number of digits after the point that Redis writes.
	decimals = 17
)

// NewLongDouble returns n, exactly.
func NewLongDouble(n int64) LongDouble {
	return LongDouble{newFloat().SetInt64(n)}
}

// ParseLongDouble parses s as Redis parses the arguments and values of INCRBYFLOAT and HINCRBYFLOAT
// (string2ld). The rules are those of ParseFloat with a wider range, and with texts of at most 5119 bytes.
func ParseLongDouble(s []byte) (LongDouble, bool) {
	if len(s) > maxLongDoubleText {
		return LongDouble{}, false
	}
	l, ok := scanLiteral(s)
	switch {
	case !ok:
		return LongDouble{}, false
	case l.inf:
		return LongDouble{newFloat().SetInf(l.neg)}, true
	case l.isZero():
		return LongDouble{}, true
	}
	f, ok := l.magnitude()
	if !ok || !inRange(f) {
		return LongDouble{}, false
	}
	if l.neg {
		f.Neg(f)
	}
	return LongDouble{f}, true
}

// Add returns x + y, rounded to the nearest. The result is false if it is infinite or not a number, which Redis
// refuses ("increment would produce NaN or Infinity").
func (x LongDouble) Add(y LongDouble) (LongDouble, bool) {
	if x.IsInf() || y.IsInf() {
		return LongDouble{}, false
	}
	sum := newFloat().Add(x.float(), y.float())
	return LongDouble{sum}, sum.MantExp(nil) <= maxBinaryExp
}

// Sub returns x - y as Add returns x + y.
func (x LongDouble) Sub(y LongDouble) (LongDouble, bool) {
	return x.Add(LongDouble{newFloat().Neg(y.float())})
}

// Cmp returns -1, 0 or 1 as x is less than, equal to or greater than y.
func (x LongDouble) Cmp(y LongDouble) int { return x.float().Cmp(y.float()) }

// Sign returns -1, 0 or 1 as x is less than, equal to or greater than 0.
func (x LongDouble) Sign() int { return x.float().Sign() }

// MaxLongDouble returns the greatest finite number (C's LDBL_MAX), and MinLongDouble its negation.
func MaxLongDouble() LongDouble {
	ones := newFloat().SetUint64(math.MaxUint64)
	return LongDouble{ones.SetMantExp(ones, maxBinaryExp-mantissaBits)}
}

// MinLongDouble returns the least finite number.
func MinLongDouble() LongDouble {
	return LongDouble{newFloat().Neg(MaxLongDouble().f)}
}

// CeilTimes returns x * n, rounded up to an integer. The result is false if that is no int64.
func (x LongDouble) CeilTimes(n int64) (int64, bool) {
	if x.IsInf() {
		return 0, false
	}
	product := newFloat().Mul(x.float(), newFloat().SetInt64(n))
	whole, _ := product.Int(nil)
	if product.Cmp(new(big.Float).SetInt(whole)) > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return whole.Int64(), whole.IsInt64()
}

// IsInf says whether x is infinite.
func (x LongDouble) IsInf() bool { return x.float().IsInf() }

// Append appends x as Redis replies with it and stores it (ld2string with LD_STR_HUMAN): in full, never with an
// exponent, with at most seventeen decimals and no zeros at their end. It is up to 4951 bytes long.
func (x LongDouble) Append(dst []byte) []byte {
	if x.IsInf() {
		if x.float().Signbit() {
			return append(dst, "-inf"...)
		}
		return append(dst, "inf"...)
	}
	start := len(dst)
	dst = x.float().Append(dst, 'f', decimals)
	dst = bytes.TrimRight(dst, "0")
	dst = bytes.TrimSuffix(dst, []byte{'.'})
	if string(dst[start:]) == "-0" {
		return append(dst[:start], '0')
	}
	return dst
}

// float returns x for math/big, which must not change it.
func (x LongDouble) float() *big.Float {
	if x.f == nil {
		return newFloat()
	}
	return x.f
}

// newFloat returns a zero that rounds as the hardware does.
func newFloat() *big.Float { return new(big.Float).SetPrec(mantissaBits) }

// inRange says whether a long double can hold f without becoming infinite or zero. It can become zero down to
// half of the smallest denormal: that is a tie, and the even neighbour is zero.
func inRange(f *big.Float) bool {
	exp := f.MantExp(nil)
	return exp <= maxBinaryExp && exp >= minBinaryExp-1 &&
		(exp >= minBinaryExp || f.MinPrec() > 1)
}

// magnitude returns the value of a finite literal that is not zero, without its sign, rounded to the nearest.
// The result is false if it is far out of range.
func (l *literal) magnitude() (*big.Float, bool) {
	digits := l.significant()
	if l.hex {
		f := newFloat().SetInt(integer(digits, 16))
		return f.SetMantExp(f, l.exp-4*len(l.frac)), true
	}
	shift := l.exp - len(l.frac)
	if top := len(digits) + shift; top > maxDecimalExp || top < minDecimalExp {
		return nil, false
	}
	return scaleDecimal(integer(digits, 10), shift), true
}

// integer returns the value of digits, which are good ones.
func integer(digits []byte, base int) *big.Int {
	n, ok := new(big.Int).SetString(string(digits), base)
	if !ok {
		panic("number: scanned digits that are none: " + string(digits))
	}
	return n
}

// scaleDecimal returns mantissa * 10^exp, rounded once.
func scaleDecimal(mantissa *big.Int, exp int) *big.Float {
	if exp >= 0 {
		return newFloat().SetInt(mantissa.Mul(mantissa, powerOfTen(exp)))
	}
	divisor := new(big.Float).SetInt(powerOfTen(-exp)) // exact: SetInt takes the precision that it needs
	return newFloat().Quo(new(big.Float).SetInt(mantissa), divisor)
}

// powerOfTen returns 10^n.
func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
