package rdb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"quipu/server/number"
)

// maxListpack is the length up to which Redis lets a listpack grow, whatever the limits of its configuration say.
const maxListpack = 1 << 30

// appendTo appends a listpack with the lowest score first, or a table with the highest first: both as Redis does.
func (z SortedSet) appendTo(dst []byte, dealt func(elements int)) []byte {
	members := z.sorted()
	if z.Compact && z.packable() {
		return appendMemberPack(append(dst, byte(typeZSetListpack)), members)
	}
	dst = appendLength(append(dst, byte(typeZSet2)), uint64(len(members)))
	for _, m := range slices.Backward(members) {
		dst = binary.LittleEndian.AppendUint64(appendString(dst, m.Name), math.Float64bits(m.Score))
		dealt(1)
	}
	return dst
}

// sorted returns the members with the lowest score first, those of equal scores by name.
func (z SortedSet) sorted() []Member {
	order := func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Score, b.Score), bytes.Compare(a.Name, b.Name))
	}
	if slices.IsSortedFunc(z.Members, order) {
		return z.Members
	}
	members := slices.Clone(z.Members)
	slices.SortFunc(members, order)
	return members
}

// packable reports whether a listpack can hold all members.
func (z SortedSet) packable() bool {
	const overhead = 2*10 + maxScoreText // of two entries
	size := listpackHeader + 1
	for _, m := range z.Members {
		size += len(m.Name) + overhead
	}
	return size < maxListpack
}

func appendMemberPack(dst []byte, members []Member) []byte {
	var (
		w    listpackWriter
		text [maxScoreText]byte
	)
	for _, m := range members {
		w.add(m.Name)
		if n, ok := integral(m.Score); ok {
			w.addInt(n)
		} else {
			w.add(number.AppendDouble(text[:0], m.Score))
		}
	}
	return appendString(dst, w.finish())
}

// maxScoreText is more than the longest text of a score.
const maxScoreText = 32

// integral returns the integer that score is. Redis does not look for one beyond half of the range, where doubles are
// sparse. Minus zero is zero.
func integral(score float64) (int64, bool) {
	const limit = math.MaxInt64 / 2
	if !(math.Abs(score) <= limit) {
		return 0, false
	}
	n := int64(score)
	return n, float64(n) == score
}

// sortedSet reads the body of a sorted set.
func (d *decoder) sortedSet(kind valueType) (Value, error) {
	z := SortedSet{Compact: kind == typeZSetZiplist || kind == typeZSetListpack}
	var err error
	switch kind {
	case typeZSetZiplist:
		z.Members, err = members(d.ziplist())
	case typeZSetListpack:
		z.Members, err = members(d.listpack())
	default:
		z.Members, err = d.memberTable(kind)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read a sorted set: %w", err)
	case len(z.Members) == 0:
		return nil, errEmpty
	case !distinct(len(z.Members), func(i int) []byte { return z.Members[i].Name }):
		return nil, fmt.Errorf("%w: a member twice", ErrFormat)
	}
	return z, nil
}

// members makes members of the entries of a listpack or ziplist, which are a name and a score in turn.
func members(entries [][]byte, err error) ([]Member, error) {
	if err != nil {
		return nil, err
	}
	if len(entries)%2 != 0 {
		return nil, fmt.Errorf("%w: a member without a score", ErrFormat)
	}
	list := make([]Member, len(entries)/2)
	for i := range list {
		score, err := parseScore(entries[2*i+1])
		if err != nil {
			return nil, err
		}
		list[i] = Member{Name: entries[2*i], Score: score}
	}
	return list, nil
}

// parseScore returns the score that a text is.
func parseScore(text []byte) (float64, error) {
	score, ok := number.ParseFloat(text)
	if !ok {
		return 0, fmt.Errorf("%w: score %.40q", ErrFormat, text)
	}
	return score, nil
}

// memberTable reads members behind their number.
func (d *decoder) memberTable(kind valueType) ([]Member, error) {
	n, err := d.count(2)
	if err != nil {
		return nil, err
	}
	list := make([]Member, 0, min(n, startCapacity))
	for range n {
		var m Member
		if m.Name, err = d.str(); err != nil {
			return nil, err
		}
		if m.Score, err = d.score(kind); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// score reads a score in the form that the type has.
func (d *decoder) score(kind valueType) (float64, error) {
	if kind == typeZSet {
		return d.textScore()
	}
	bits, err := d.littleEndian64()
	if err != nil {
		return 0, err
	}
	score := math.Float64frombits(bits)
	if math.IsNaN(score) {
		return 0, errNaN
	}
	return score, nil
}

// errNaN says that a score is no number.
var errNaN = fmt.Errorf("%w: a score is not a number", ErrFormat)

// textScore reads a score as Redis wrote it before version 4.0: a byte for what is not finite, or a length and a text.
func (d *decoder) textScore() (float64, error) {
	const nan, inf, minusInf = 253, 254, 255
	size, err := d.byte()
	switch {
	case err != nil:
		return 0, err
	case size == nan:
		return 0, errNaN
	case size == inf:
		return math.Inf(1), nil
	case size == minusInf:
		return math.Inf(-1), nil
	}
	text, err := d.take(uint64(size))
	if err != nil {
		return 0, err
	}
	return parseScore(text)
}
