package number

import "math"

// maxIntDigits is the length of the longest int64 with its sign.
const maxIntDigits = len("-9223372036854775808")

// ParseInt parses s as Redis parses every integer (string2ll): a minus sign or none, no plus sign, no leading
// zeros, no minus zero, no blanks, and the result fits in an int64. What ParseInt accepts is exactly what
// strconv.AppendInt writes, so a counter and its text stand for each other.
func ParseInt(s []byte) (int64, bool) {
	if len(s) == 1 && s[0]-'0' <= 9 {
		return int64(s[0] - '0'), true
	}
	if len(s) == 0 || len(s) > maxIntDigits {
		return 0, false
	}
	neg := s[0] == '-'
	if neg {
		s = s[1:]
	}
	n, ok := parseMagnitude(s)
	switch {
	case !ok:
		return 0, false
	case neg:
		return -int64(n), n <= -math.MinInt64
	}
	return int64(n), n <= math.MaxInt64
}

// parseMagnitude parses at most twenty digits of which the first is not zero.
func parseMagnitude(s []byte) (uint64, bool) {
	if len(s) == 0 || s[0] < '1' || s[0] > '9' || len(s) >= maxIntDigits {
		return 0, false
	}
	var n uint64
	for _, c := range s {
		d := uint64(c - '0')
		if d > 9 {
			return 0, false
		}
		n = 10*n + d // nineteen digits fit in 64 bits
	}
	return n, true
}
