package server

import (
	"math"
	"math/rand/v2"

	"quipu/server/number"
)

// sampler picks wanted of left elements that come one after the other, so that every set of that size is equally likely
// (Knuth's algorithm S).
type sampler struct{ wanted, left int }

// take reports whether to pick the element that comes next.
func (s *sampler) take() bool {
	hit := s.left > 0 && rand.IntN(s.left) < s.wanted
	s.left--
	if hit {
		s.wanted--
	}
	return hit
}

// parseRandomCount reads the count of HRANDFIELD or ZRANDMEMBER, and the word after it that asks for values too.
func parseRandomCount(args [][]byte, word string) (count int64, withValues bool, err error) {
	count, ok := number.ParseInt(args[0])
	switch {
	case !ok:
		return 0, false, ErrNotInteger
	case count == math.MinInt64:
		return 0, false, errRandomCount // it has no negation
	case len(args) == 1:
		return count, false, nil
	case len(args) > 2 || !isWord(args[1], word):
		return 0, false, ErrSyntax
	case count < -math.MaxInt64/2 || count > math.MaxInt64/2:
		return 0, false, ErrOutOfRangeInt
	}
	return count, true, nil
}
