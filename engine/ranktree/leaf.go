package ranktree

import (
	"bytes"
	"encoding/binary"
)

// A leaf is a page of entries in order:
//
//	offset  size  field
//	0       1     number of entries, n
//	1       1     width w of a distance, 0 to 8 bytes
//	2       1     shift: low bits that are zero in all distances and not stored
//	3       1     length p of the prefix
//	4       2     end of what is used, little endian
//	8       8     base: the ord that distances count from
//	16      n*w   distances: (ord - base) >> shift, little endian
//	then    n     lengths: of the member without the prefix, or farLength; minusZeroBit for a score of -0
//	then    p     prefix: what all members that lie in the leaf begin with
//	then          members without the prefix, back to back; 4 bytes, the number of the member, for those that are far
//
// Distances stand first, so that eight bytes can be read wherever one begins.
type leaf Page

const (
	leafHeader = 16

	lengthMask   = 0x7f
	farLength    = 0x7f
	minusZeroBit = 0x80
	farBytes     = 4

	// maxEntries keeps the number of entries in a byte.
	maxEntries = 255
)

func asLeaf(pg *Page) *leaf { return (*leaf)(pg) }

func (l *leaf) len() int        { return int(l[0]) }
func (l *leaf) width() int      { return int(l[1]) }
func (l *leaf) shift() uint     { return uint(l[2]) }
func (l *leaf) prefixLen() int  { return int(l[3]) }
func (l *leaf) used() int       { return int(binary.LittleEndian.Uint16(l[4:])) }
func (l *leaf) setUsed(end int) { binary.LittleEndian.PutUint16(l[4:], uint16(end)) }
func (l *leaf) base() uint64    { return binary.LittleEndian.Uint64(l[8:]) }

func (l *leaf) lengthsAt() int { return leafHeader + l.len()*l.width() }
func (l *leaf) prefixAt() int  { return l.lengthsAt() + l.len() }
func (l *leaf) prefix() []byte { at := l.prefixAt(); return l[at : at+l.prefixLen()] }

// lengths returns the length bytes.
func (l *leaf) lengths() []byte { at := l.lengthsAt(); return l[at : at+l.len()] }

// widthMask is the largest distance of w bytes.
func widthMask(w int) uint64 { return ^uint64(0) >> (64 - 8*uint(w)) }

func (l *leaf) distance(i int) uint64 {
	w := l.width()
	return binary.LittleEndian.Uint64(l[leafHeader+i*w:]) & widthMask(w)
}

func (l *leaf) ord(i int) uint64 { return l.base() + l.distance(i)<<l.shift() }

// tailLen returns how many bytes stand behind the prefix for an entry with that length byte.
func tailLen(length byte) int {
	if length &= lengthMask; length != farLength {
		return int(length)
	}
	return farBytes
}

// tailAt returns where the bytes of entry i stand; of entry len, where they end.
func (l *leaf) tailAt(i int) int {
	at := l.prefixAt() + l.prefixLen()
	for _, length := range l.lengths()[:i] {
		at += tailLen(length)
	}
	return at
}

// farAt returns 1 + the number of entry i's member, 0 when it is not far.
func (l *leaf) farAt(i int) uint32 {
	if l.lengths()[i]&lengthMask != farLength {
		return 0
	}
	return l.farNumber(l.tailAt(i))
}

func (l *leaf) farNumber(at int) uint32 { return binary.LittleEndian.Uint32(l[at:]) + 1 }

// find returns the place of the first entry that is not before pos, and whether it is pos.
func (l *leaf) find(far [][]byte, pos position) (int, bool) {
	lo, equal := l.findOrd(pos.ord)
	if !equal {
		return lo, false
	}
	return l.findMember(far, lo, pos.member)
}

// findOrd returns the place of the first entry whose ord is at least ord, and whether it is that.
func (l *leaf) findOrd(ord uint64) (int, bool) {
	n, base := l.len(), l.base()
	if ord < base {
		return 0, false
	}
	want, rest := (ord-base)>>l.shift(), (ord-base)&(1<<l.shift()-1)
	if rest != 0 {
		want++
	}
	lo, hi := 0, n
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if l.distance(mid) < want {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < n && rest == 0 && l.distance(lo) == want
}

// findMember searches the entries from lo on that share its score.
func (l *leaf) findMember(far [][]byte, lo int, member []byte) (int, bool) {
	score := l.distance(lo)
	order, tail := l.comparePrefix(member)
	at := l.tailAt(lo)
	lengths := l.lengths()
	for i := lo; i < len(lengths) && l.distance(i) == score; i++ {
		size, cmp := tailLen(lengths[i]), order
		switch {
		case lengths[i]&lengthMask == farLength:
			cmp = bytes.Compare(member, far[l.farNumber(at)-1])
		case order == 0:
			cmp = bytes.Compare(tail, l[at:at+size])
		}
		if cmp <= 0 {
			return i, cmp == 0
		}
		at += size
		lo = i + 1
	}
	return lo, false
}

// comparePrefix says where member stands to all members of the leaf that are not far: before (-1) or behind (1) them, or, with 0,
// where its tail stands to theirs.
func (l *leaf) comparePrefix(member []byte) (order int, tail []byte) {
	prefix := l.prefix()
	if len(member) < len(prefix) {
		if bytes.Compare(member, prefix) < 0 {
			return -1, nil
		}
		return 1, nil
	}
	return bytes.Compare(member[:len(prefix)], prefix), member[len(prefix):]
}

// insert adds an entry at place i. It reports false, and does nothing, when there is no room or the entry does not suit the encoding.
func (l *leaf) insert(i int, it *item) bool {
	distance, ok := l.distanceOf(it.ord)
	if !ok || l.len() == maxEntries {
		return false
	}
	length, tail := byte(farLength), it.member
	if it.far == 0 {
		if !bytes.HasPrefix(it.member, l.prefix()) {
			return false
		}
		tail = it.member[l.prefixLen():]
		length = byte(len(tail))
	}
	size := tailLen(length)
	if l.used()+l.width()+1+size > PageSize {
		return false
	}
	at := l.open(i, size)
	if it.far != 0 {
		binary.LittleEndian.PutUint32(l[at:], it.far-1)
	} else {
		copy(l[at:], tail)
	}
	if it.minusZero {
		length |= minusZeroBit
	}
	l.lengths()[i] = length
	l.setDistance(i, distance)
	return true
}

// distanceOf returns what the leaf would store for an ord, if it can.
func (l *leaf) distanceOf(ord uint64) (uint64, bool) {
	d := ord - l.base()
	if ord < l.base() || d&(1<<l.shift()-1) != 0 {
		return 0, false
	}
	d >>= l.shift()
	return d, d <= widthMask(l.width())
}

func (l *leaf) setDistance(i int, d uint64) {
	w := l.width()
	at := leafHeader + i*w
	for b := range w {
		l[at+b] = byte(d >> (8 * b))
	}
}

// open makes room for an entry of size bytes at place i and returns where its bytes go. The number of entries grows.
func (l *leaf) open(i, size int) int {
	w, end, lengthAt, tailAt := l.width(), l.used(), l.lengthsAt()+i, l.tailAt(i)
	distanceAt := leafHeader + i*w
	copy(l[tailAt+w+1+size:], l[tailAt:end])
	copy(l[lengthAt+w+1:], l[lengthAt:tailAt])
	copy(l[distanceAt+w:], l[distanceAt:lengthAt])
	l[0]++
	l.setUsed(end + w + 1 + size)
	return tailAt + w + 1
}

// remove takes entry i out.
func (l *leaf) remove(i int) {
	w, end, lengthAt, tailAt := l.width(), l.used(), l.lengthsAt()+i, l.tailAt(i)
	size := tailLen(l[lengthAt])
	distanceAt := leafHeader + i*w
	copy(l[distanceAt:], l[distanceAt+w:lengthAt])
	copy(l[lengthAt-w:], l[lengthAt+1:tailAt])
	copy(l[tailAt-w-1:], l[tailAt+size:end])
	l[0]--
	l.setUsed(end - w - 1 - size)
}
