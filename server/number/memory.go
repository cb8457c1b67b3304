package number

import (
	"math"
	"math/bits"
	"strings"
)

// memoryUnits are the units of redis.conf: with a b they count in powers of 1024, without in powers of 1000.
var memoryUnits = map[string]uint64{
	"":   1,
	"b":  1,
	"k":  1000,
	"kb": 1 << 10,
	"m":  1000 * 1000,
	"mb": 1 << 20,
	"g":  1000 * 1000 * 1000,
	"gb": 1 << 30,
}

// ParseMemory parses a size as redis.conf and CONFIG SET have them: digits and a unit in either case, "100mb",
// "1gb". The result is in bytes, and false if it is more than 2^63-1 or s is no size.
func ParseMemory(s string) (int64, bool) {
	digits := strings.TrimRight(s, "bBkKmMgG")
	unit, ok := memoryUnits[strings.ToLower(s[len(digits):])]
	if !ok || digits == "" {
		return 0, false
	}
	var n uint64
	for _, c := range []byte(digits) {
		d := uint64(c - '0')
		if d > 9 || n > math.MaxInt64/10 {
			return 0, false
		}
		n = 10*n + d
	}
	high, n := bits.Mul64(n, unit)
	return int64(n), high == 0 && n <= math.MaxInt64
}
