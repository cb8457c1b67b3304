package server

import (
	"quipu/engine"
	"quipu/server/number"
)

// The ends of ranges, as Redis reads them.

// parseScoreRange parses the ends of a range of scores: numbers, and "(" before one that the range does not hold.
func parseScoreRange(low, high []byte) (r engine.ScoreRange, err error) {
	var lowOK, highOK bool
	r.Min, r.MinExclusive, lowOK = parseScoreBound(low)
	r.Max, r.MaxExclusive, highOK = parseScoreBound(high)
	if !lowOK || !highOK {
		return r, errScoreBound
	}
	return r, nil
}

func parseScoreBound(arg []byte) (score float64, exclusive, ok bool) {
	if len(arg) > 0 && arg[0] == '(' {
		arg, exclusive = arg[1:], true
	}
	score, ok = number.ParseBound(arg)
	return score, exclusive, ok
}

// parseLexRange parses the ends of a range of members: each with a bracket, or an infinity.
func parseLexRange(low, high []byte) (r engine.LexRange, err error) {
	var lowOK, highOK bool
	r.Min, lowOK = parseLexBound(low)
	r.Max, highOK = parseLexBound(high)
	if !lowOK || !highOK {
		return r, errLexBound
	}
	return r, nil
}

// parseLexBound parses one end. Redis looks at "-" and "+" as C strings: what comes after a zero byte does not matter.
func parseLexBound(arg []byte) (engine.LexBound, bool) {
	if len(arg) == 0 {
		return engine.LexBound{}, false
	}
	alone := len(arg) == 1 || arg[1] == 0
	switch arg[0] {
	case '-':
		return engine.LexBound{Infinity: -1}, alone
	case '+':
		return engine.LexBound{Infinity: 1}, alone
	case '[':
		return engine.LexBound{Member: arg[1:]}, true
	case '(':
		return engine.LexBound{Member: arg[1:], Exclusive: true}, true
	}
	return engine.LexBound{}, false
}

// rankRange returns the n ranks from a rank on that the words of ZRANGE mean in a set of so many members: from start to stop, both
// included, negative ones counted from the end.
func rankRange(start, stop int64, size int) (from, n int) {
	length := int64(size)
	if start < 0 {
		start = max(start+length, 0)
	}
	if stop < 0 {
		stop += length
	}
	stop = min(stop, length-1)
	if start > stop {
		return 0, 0
	}
	return int(start), int(stop - start + 1)
}
