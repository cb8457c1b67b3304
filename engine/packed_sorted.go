package engine

import (
	"bytes"
	"encoding/binary"
	"math"
)

// A packed sorted set has its items in order of score and name. A score is an integer if it is whole, and a float64 otherwise.

// scoreValue returns the value that a score is kept as. Minus zero is kept in wide sets only, as in Redis.
func scoreValue(score float64, wide bool) Value {
	if score == 0 && !wide {
		score = 0
	}
	if isWhole(score) {
		return Value{Kind: Int, Int: int64(score)}
	}
	return Value{Kind: packedFloat, Int: int64(math.Float64bits(score))}
}

// scoreOf is the inverse of scoreValue.
func scoreOf(v Value) float64 {
	if v.Kind == packedFloat {
		return math.Float64frombits(uint64(v.Int))
	}
	return float64(v.Int)
}

// score returns the score of an item.
func (p packed) score(it item) float64 {
	if b := p[it.value]; b <= maxSmall {
		return float64(b)
	}
	return scoreOf(decodeValue(p[it.value:]))
}

// storeScore writes a score over the one that b begins with, and reports whether it could.
func storeScore(b []byte, v Value) bool {
	if v.Kind != packedFloat {
		return storeInt(b, v.Int)
	}
	if b[0] != valueFloat {
		return false
	}
	binary.LittleEndian.PutUint64(b[1:], uint64(v.Int))
	return true
}

// staysInPlace reports whether an item stands between the same neighbours with another score. Where a neighbour has that score it says no,
// not to have to compare names.
func (p packed) staysInPlace(it item, score float64) bool {
	if score > p.score(it) {
		return it.end == len(p) || p.score(p.itemAt(it.end, true)) > score
	}
	before := item{end: -1}
	for at := p.body(); at < it.start; at = before.end {
		before = p.itemAt(at, true)
	}
	return before.end < 0 || p.score(before) < score
}

// gap is where a new item goes in a sorted set.
type gap struct {
	at     int
	before int // bytes that its name shares with that of the item before
	// behind is the name of the item that stands there, in the buffer that was given; the first shared of its bytes are the new name's, too.
	behind []byte
	shared int
	next   int // where the value of that item begins
}

// gapFor finds where a new item goes.
func (p packed) gapFor(score float64, name, buf []byte) gap {
	matched := 0
	w := p.walk(buf)
	for w.next() {
		before := matched
		if w.it.shared <= matched {
			matched = w.it.shared + common(w.name[w.it.shared:], name[w.it.shared:])
		}
		if s := p.score(w.it); s > score || s == score && bytes.Compare(w.name, name) > 0 {
			return gap{at: w.it.start, before: before, behind: w.name, shared: matched, next: w.it.value}
		}
	}
	return gap{at: len(p), before: matched, behind: w.name[:0], next: len(p)}
}

// appendWithScore appends p with a new item where gapFor has found that it goes.
func (p packed) appendWithScore(dst []byte, at gap, name []byte, v Value) []byte {
	dst = p.appendHead(dst, p.count()+1, 0)
	dst = append(dst, p[p.body():at.at]...)
	dst = appendName(dst, at.before, name[at.before:])
	dst = appendValue(dst, v)
	if at.at == len(p) {
		return dst
	}
	dst = appendName(dst, at.shared, at.behind[at.shared:])
	return append(dst, p[at.next:]...)
}

// checkSorted reports whether a packed sorted set, whose items are sound, is in order.
func checkSorted(p packed) bool {
	w, last, lastName := p.walk(nil), math.Inf(-1), []byte(nil)
	for first := true; w.next(); first = false {
		v := w.value()
		score := scoreOf(v)
		if v.Kind != Int && v.Kind != packedFloat || v.ExpireAt != 0 || math.IsNaN(score) || score < last {
			return false
		}
		if !first && score == last && bytes.Compare(lastName, w.name) >= 0 {
			return false
		}
		last, lastName = score, append(lastName[:0], w.name...)
	}
	return true
}
