package rdb

import (
	"fmt"
	"math/bits"
)

// LZF is a sequence of runs. A byte below 32 says that as many bytes and one follow as they are. Any other has in
// its three highest bits how many bytes more than one are to be copied from what is already there (seven: add the
// next byte), and in the others, followed by one more byte, how far back they start, less one.
const (
	// maxLiterals is the longest run of bytes as they are.
	maxLiterals = 1 << 5
	// maxDistance is how far back a copy can start.
	maxDistance = 1 << 13
	// minCopy and maxCopy bound a copy's length.
	minCopy = 3
	maxCopy = 1<<8 + 1<<3
	// longCopy is where the three bits of a copy's length end.
	longCopy = 7
	// hashBits is the size of liblzf's hash, so that the matches found are the same.
	hashBits = 16
)

// compressor packs in into out, whose capacity is all that it may use.
type compressor struct {
	in, out  []byte
	literals int // length of the run of literals that out ends with, behind a byte for that length
	places   []int32
}

// newCompressor returns a compressor for src. liblzf clears or inherits a table of 2^16 places for each string,
// which costs more than a short string is worth, so here the table grows with the string: it has a place for
// each hash that the string can have, and is probed for the next free one where two hashes meet.
func newCompressor(dst, src []byte) *compressor {
	return &compressor{
		in:     src,
		out:    append(dst[:0:len(dst)], 0),
		places: make([]int32, 1<<min(bits.Len(uint(2*len(src))), hashBits)),
	}
}

// compress packs src into dst and returns the packed size, or 0 if dst is too small for it. It looks for matches
// where liblzf does, at the last place that had the same hash of three bytes, and gives up where liblzf does.
func compress(dst, src []byte) int {
	if len(src) == 0 || len(dst) == 0 {
		return 0
	}
	c := newCompressor(dst, src)
	i := 0
	for i < len(src)-2 {
		size, distance := c.match(i)
		if size == 0 {
			if !c.literal(src[i]) {
				return 0
			}
			i++
			continue
		}
		if !c.copy(size, distance) {
			return 0
		}
		if i += size; i < len(src)-2 {
			c.remember(i - 2)
			c.remember(i - 1)
		}
	}
	return c.finish(src[i:])
}

// match looks for an earlier place of the bytes at i, and remembers i for them. It returns how many bytes are
// equal there, or 0, and the distance less one. The first byte of the input is never a match: the table says 0
// for places that it does not have.
func (c *compressor) match(i int) (size, distance int) {
	place := c.remember(i)
	distance = i - place - 1
	if place == 0 || distance >= maxDistance || string(c.in[place:place+minCopy]) != string(c.in[i:i+minCopy]) {
		return 0, 0
	}
	size = minCopy
	for limit := longestCopy(len(c.in) - i); size < limit && c.in[place+size] == c.in[i+size]; {
		size++
	}
	return size, distance
}

// longestCopy returns how long a copy of the next bytes may be when left bytes are left. liblzf leaves two bytes
// for literals, but does not look at that for the first 3 bytes, nor, where it compares 16 at once, for 19.
func longestCopy(left int) int {
	limit := min(left-2, maxCopy)
	if limit > 16 {
		return max(limit, 19)
	}
	return max(limit, minCopy)
}

// remember makes i the last place of the hash of the bytes there, and returns the place before it.
func (c *compressor) remember(i int) int {
	hash, mask := c.hash(i), uint32(len(c.places)-1)
	for at := hash & mask; ; at = (at + 1) & mask {
		place := int(c.places[at])
		if place == 0 || c.hash(place) == hash {
			c.places[at] = int32(i)
			return place
		}
	}
}

// hash returns liblzf's hash of the three bytes at i.
func (c *compressor) hash(i int) uint32 {
	in := c.in[i : i+3 : i+3]
	h := uint32(in[0])<<16 | uint32(in[1])<<8 | uint32(in[2])
	return (h>>(24-hashBits) - 5*h) % (1 << hashBits)
}

// literal adds b to the run of literals.
func (c *compressor) literal(b byte) bool {
	if len(c.out) == cap(c.out) {
		return false
	}
	c.out = append(c.out, b)
	if c.literals++; c.literals == maxLiterals {
		return c.startRun()
	}
	return true
}

// startRun ends the run of literals and starts the next.
func (c *compressor) startRun() bool {
	c.endRun()
	if len(c.out) == cap(c.out) {
		return false
	}
	c.out = append(c.out, 0)
	c.literals = 0
	return true
}

// endRun writes the length of the run of literals, or takes back the byte for it if there are none.
func (c *compressor) endRun() {
	if c.literals == 0 {
		c.out = c.out[:len(c.out)-1]
		return
	}
	c.out[len(c.out)-c.literals-1] = byte(c.literals - 1)
}

// copy adds a copy. liblzf asks for more room than the three bytes that it can take and the start of a run.
func (c *compressor) copy(size, distance int) bool {
	c.endRun()
	if len(c.out)+4 >= cap(c.out) {
		return false
	}
	length := byte(size - 2)
	high := byte(distance >> 8)
	if size-2 < longCopy {
		c.out = append(c.out, length<<5|high)
	} else {
		c.out = append(c.out, longCopy<<5|high, byte(size-2-longCopy))
	}
	c.out = append(c.out, byte(distance), 0)
	c.literals = 0
	return true
}

// finish adds the last bytes, at most two, and returns the packed size.
func (c *compressor) finish(tail []byte) int {
	if len(c.out)+3 > cap(c.out) {
		return 0
	}
	for _, b := range tail {
		c.literal(b)
	}
	c.endRun()
	return len(c.out)
}

// decompress unpacks src, which must yield exactly size bytes. Memory for them is taken as they come, so that a
// size that was only declared costs nothing.
func decompress(src []byte, size int) ([]byte, error) {
	// A copy of three bytes of src yields at most maxCopy.
	dst := make([]byte, 0, min(size, maxCopy*len(src)))
	for len(src) > 0 {
		var run []byte
		run, src = nextRun(src)
		if run == nil {
			return nil, fmt.Errorf("%w: compressed string ends within a run", ErrFormat)
		}
		if run[0] < maxLiterals {
			dst = append(dst, run[1:]...)
		} else if dst = appendRun(dst, run); dst == nil {
			return nil, fmt.Errorf("%w: copy from before the compressed string", ErrFormat)
		}
		if len(dst) > size {
			break
		}
	}
	if len(dst) != size {
		return nil, fmt.Errorf("%w: compressed string is not of its declared %d bytes", ErrFormat, size)
	}
	return dst, nil
}

// nextRun splits src behind its first run, which is nil if src ends before it does.
func nextRun(src []byte) (run, rest []byte) {
	size := 2
	switch head := src[0]; {
	case head < maxLiterals:
		size = 1 + int(head) + 1
	case head>>5 == longCopy:
		size = 3
	}
	if size > len(src) {
		return nil, nil
	}
	return src[:size], src[size:]
}

// appendRun appends what run copies from dst, or returns nil if that starts before dst does. A copy can overlap
// what it makes.
func appendRun(dst, run []byte) []byte {
	size := int(run[0]>>5) + 2
	if len(run) == 3 {
		size += int(run[1])
	}
	from := len(dst) - (int(run[0]&(maxLiterals-1))<<8 | int(run[len(run)-1])) - 1
	if from < 0 {
		return nil
	}
	for i := range size {
		dst = append(dst, dst[from+i])
	}
	return dst
}
