package engine

import (
	"encoding/binary"
	"fmt"

	"quipu/engine/list"
)

// What stands in a row is believed only after it has been looked at from end to end: whatever passes is safe in every operation.

// maxCountBytes is the length of the longest uvarint that a packed collection is believed to have: 28 bits.
const maxCountBytes = 4

// checkPacked reports whether p is a packed collection.
func checkPacked(p packed) error {
	if len(p) < 2 || p.kind() < HashKind || p.kind() > ZSetKind {
		return fmt.Errorf("%w: collection %.40x", errRow, p)
	}
	ok := false
	switch {
	case p.has(packedInts):
		ok = p.kind() == SetKind && checkInts(p)
	case p.kind() == ListKind:
		ok = checkList(p)
	default:
		ok = checkItems(p) && (p.kind() != ZSetKind || checkSorted(p))
	}
	if !ok {
		return fmt.Errorf("%w: collection %.40x", errRow, p)
	}
	return nil
}

// checkList reports whether a list has as many sound elements as it says.
func checkList(p packed) bool {
	count, w := binary.Uvarint(p[1:])
	if w <= 0 || w > maxCountBytes || p.has(packedTimed) {
		return false
	}
	n, err := list.Check(p[1+w:])
	return err == nil && uint64(n) == count
}

// checkItems reports whether p has as many sound items as it says, at least one.
func checkItems(p packed) bool {
	count, w := binary.Uvarint(p[1:])
	at := 1 + w
	if p.has(packedTimed) {
		at += 8
	}
	if w <= 0 || w > maxCountBytes || at > len(p) || count == 0 {
		return false
	}
	name, valued := 0, p.valued()
	for range count {
		shared, end, ok := checkName(p, at)
		if !ok || shared > name {
			return false
		}
		_, suffix, _ := p.nameAt(at)
		name, at = shared+end-suffix, end
		if valued {
			size, ok := checkValue(p[at:])
			if !ok {
				return false
			}
			at += size
		}
	}
	return at == len(p)
}

// checkName reports whether a whole name begins at an offset, how many bytes it shares and where it ends.
func checkName(p packed, at int) (shared, end int, ok bool) {
	if at >= len(p) {
		return 0, 0, false
	}
	sizes := [2]int{int(p[at] >> 4), int(p[at] & nibble)}
	at++
	for i := range sizes {
		if sizes[i] != nibble {
			continue
		}
		n, w := binary.Uvarint(p[at:])
		if w <= 0 || w > maxCountBytes {
			return 0, 0, false
		}
		sizes[i], at = sizes[i]+int(n), at+w
	}
	return sizes[0], at + sizes[1], at+sizes[1] <= len(p)
}

// checkValue reports whether b begins with a whole value, and how long it is.
func checkValue(b []byte) (size int, ok bool) {
	if len(b) > 9 && b[0] == valueExpires {
		size, b = 9, b[9:]
	}
	if len(b) == 0 {
		return 0, false
	}
	n := 1
	switch v := b[0]; {
	case v <= maxSmall:
	case v < valueMiddle:
		n += int(v - valueShort)
	case v < valueLong:
		n++
	case v == valueLong:
		long, w := binary.Uvarint(b[1:])
		if w <= 0 || w > maxCountBytes {
			return 0, false
		}
		n += w + int(long)
	case v == valueInt+2, v == valueInt+4, v == valueInt+6, v == valueInt+8:
		n += int(v - valueInt)
	case v == valueFloat:
		n += 8
	default:
		return 0, false
	}
	return size + n, n <= len(b)
}
