package ranktree

import (
	"encoding/binary"
	"math/bits"
)

// sizer adds up what a leaf of some items takes when it is encoded as tightly as it can be. Items are added in order.
type sizer struct {
	items       int
	first, last uint64 // ord
	bits        uint64 // union of the distances: its zeros at the end are zero in all of them
	near, far   int
	prefix      []byte // common to the near members
	text        int    // bytes of the near members
}

func sizeOf(items []item) sizer {
	var s sizer
	for i := range items {
		s.add(&items[i])
	}
	return s
}

func (s *sizer) add(it *item) {
	if s.items == 0 {
		s.first = it.ord
	}
	s.items++
	s.last = it.ord
	s.bits |= it.ord - s.first
	if it.far != 0 {
		s.far++
		return
	}
	if s.near == 0 {
		s.prefix = it.member
	}
	s.near++
	s.text += len(it.member)
	s.prefix = s.prefix[:commonLen(s.prefix, it.member)]
}

// commonLen returns how many leading bytes a and b share.
func commonLen(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func (s *sizer) shift() int {
	if s.bits == 0 {
		return 0
	}
	return bits.TrailingZeros64(s.bits)
}

func (s *sizer) width() int {
	return (bits.Len64((s.last-s.first)>>s.shift()) + 7) / 8
}

// size returns the bytes that the leaf uses.
func (s *sizer) size() int {
	p := len(s.prefix)
	return leafHeader + s.items*(s.width()+1) + p + s.text - s.near*p + s.far*farBytes
}

// encode writes items, which s has measured and which fit, over whatever the leaf holds.
func (l *leaf) encode(items []item, s sizer) {
	w, shift := s.width(), s.shift()
	l[0], l[1], l[2], l[3] = byte(len(items)), byte(w), byte(shift), byte(len(s.prefix))
	binary.LittleEndian.PutUint64(l[8:], s.first)
	copy(l[l.prefixAt():], s.prefix)
	at := l.prefixAt() + len(s.prefix)
	lengths := l.lengths()
	for i := range items {
		it := &items[i]
		l.setDistance(i, (it.ord-s.first)>>shift)
		if it.far != 0 {
			lengths[i] = farLength
			binary.LittleEndian.PutUint32(l[at:], it.far-1)
		} else {
			lengths[i] = byte(copy(l[at:], it.member[len(s.prefix):]))
		}
		at += tailLen(lengths[i])
		if it.minusZero {
			lengths[i] |= minusZeroBit
		}
	}
	l.setUsed(at)
}

// scratch is working memory for encoding leaves anew.
type scratch struct {
	items []item
	text  []byte
	cuts  []cut
}

func (sp *Space) borrow() *scratch { return sp.scratch.Get().(*scratch) }

func (sp *Space) giveBack(sc *scratch) {
	clear(sc.items) // of what they refer to
	clear(sc.cuts)
	sc.items, sc.text, sc.cuts = sc.items[:0], sc.text[:0], sc.cuts[:0]
	sp.scratch.Put(sc)
}

// decode appends the entries of a leaf to the items. Their members do not alias the leaf.
func (sc *scratch) decode(l *leaf, far [][]byte) {
	prefix := l.prefix()
	at := l.tailAt(0)
	for i, length := range l.lengths() {
		it := item{position: position{ord: l.ord(i)}, minusZero: length&minusZeroBit != 0}
		size := tailLen(length)
		if length&lengthMask == farLength {
			it.far = l.farNumber(at)
			it.member = far[it.far-1]
		} else {
			start := len(sc.text) // growing leaves earlier members where they are
			sc.text = append(sc.text, prefix...)
			sc.text = append(sc.text, l[at:at+size]...)
			it.member = sc.text[start:len(sc.text):len(sc.text)]
		}
		at += size
		sc.items = append(sc.items, it)
	}
}
