package rdb

import (
	"errors"
	"hash/maphash"
	"math/bits"
)

// What can be wrong with a value that is packed into one string: an intset, a listpack, a ziplist, a zipmap.
var (
	errPackedSize  = errors.New("the header has another length")
	errPackedEnd   = errors.New("the end is not where it should be")
	errPackedCount = errors.New("the header has another number of entries")
	errPackedEntry = errors.New("not an entry")
	errPackedBack  = errors.New("an entry is not as long as what is behind or before it says")
	errPackedOrder = errors.New("not in ascending order")
)

// nameSeed makes it impossible to choose names that collide.
var nameSeed = maphash.MakeSeed()

// distinct reports whether the n names are all different.
func distinct(n int, name func(i int) []byte) bool {
	mask := uint64(1)<<bits.Len(uint(2*n)) - 1
	places := make([]uint32, mask+1) // index of a name and one
	for i := range n {
		at := maphash.Bytes(nameSeed, name(i)) & mask
		for ; places[at] != 0; at = (at + 1) & mask {
			if string(name(int(places[at])-1)) == string(name(i)) {
				return false
			}
		}
		places[at] = uint32(i + 1)
	}
	return true
}
