package engine

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Blobs are pieces of memory outside the Go heap, for payloads too long for an arena: strings, packed collections, nodes of lists. The
// collector does not walk them, nor does its headroom double them.
//
// A blob has one of some ninety sizes: multiples of 8, and from 600 on those that fill a span. Blobs of a size come from spans of 32 KiB, so a size that is hardly used costs little; spans come
// from slabs like those of pages. What is freed is used again for blobs of its size, and a span that is empty for those of any size. A blob
// is known by a handle of 32 bits, its place in units of 8 bytes, and its first two bytes are the length of its content.
const (
	blobHead = 2
	// maxBlob is the longest content. Beyond it, a slice header and what the Go allocator rounds up weigh little.
	maxBlob = maxBlobSize - blobHead

	blobUnit       = 8
	maxBlobSize    = spanSize / 4
	minBlobSize    = maxShort
	spanSize       = 32 << 10
	spansPerSlab   = slabSize / spanSize
	spansPerRegion = regionSize / spanSize
	maxBlobSlabs   = 1 << 32 * blobUnit / slabSize

	unitsPerSpan = spanSize / blobUnit
	unitsPerSlab = slabSize / blobUnit
	// maxBlobClasses bounds the number of sizes.
	maxBlobClasses = 128
)

// blobs hands out blobs.
type blobs struct {
	used atomic.Int64 // bytes of the blobs that are out

	classes [maxBlobClasses]blobClass
	// classOf has the smallest class for each size in units.
	classOf [maxBlobSize/blobUnit + 1]uint8
	slabs   [maxBlobSlabs]*blobSlab

	mu struct {
		sync.Mutex
		free    []uint32 // numbers of spans that no class has
		numbers []uint32 // of slabs that were given back
		fresh   uint32   // numbers from here on were never used
		byPlace map[uintptr]uint32
	}
}

// blobClass is the blobs of one size.
type blobClass struct {
	mu   sync.Mutex
	size int
	room []uint32 // numbers of spans that have one to give
}

type blobSlab struct {
	mem   []byte
	spans [spansPerSlab]blobSpan
	// Guarded by blobs.mu:
	used [regionsPerSlab]int // spans of each region that a class has
	huge hugeRegions
}

// blobSpan is guarded by its class's lock. Blobs that came back are chained by their first bytes.
type blobSpan struct {
	class uint8
	free  uint16 // number of the first blob that came back, plus 1
	fresh uint16 // blobs from here on were never handed out
	out   uint16
	at    uint32 // in its class's list, if it has room
}

func newBlobs() *blobs {
	b := &blobs{}
	b.mu.byPlace = map[uintptr]uint32{}
	class := 0
	for size := minBlobSize; size <= maxBlobSize; class++ {
		b.classes[class].size = size
		oneLess := spanSize / (spanSize/size - 1) &^ (blobUnit - 1)
		size = max(size+blobUnit, oneLess)
	}
	at := 0
	for units := range b.classOf {
		for b.classes[at].size < units*blobUnit {
			at++
		}
		b.classOf[units] = uint8(at)
	}
	return b
}

// class returns the class of blobs that hold n bytes, at most maxBlob.
func (b *blobs) class(n int) uint8 { return b.classOf[(n+blobHead+blobUnit-1)/blobUnit] }

// alloc returns a blob for n bytes, at most maxBlob, and 0 for want of address space.
func (b *blobs) alloc(n int) uint32 {
	class := b.class(n)
	h := b.take(class)
	if h != 0 {
		b.used.Add(int64(b.classes[class].size))
		b.setLen(h, n)
	}
	return h
}

// free takes a blob back.
func (b *blobs) free(h uint32) {
	b.used.Add(-int64(b.size(h)))
	b.giveBack(h)
}

// take is alloc for memory that somebody else counts, and has a use for all of.
func (b *blobs) take(number uint8) uint32 {
	c := &b.classes[number]
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.room) == 0 && !b.addSpan(c, number) {
		return 0
	}
	last := len(c.room) - 1
	span := c.room[last]
	slab := b.slabs[span/spansPerSlab]
	s := &slab.spans[span%spansPerSlab]
	i := s.take(slab.span(span), c.size)
	if s.full(c.size) {
		c.room = c.room[:last]
	}
	return span*unitsPerSpan + uint32(i*c.size/blobUnit)
}

// copyOf returns a blob with a copy of content, 0 for want of address space.
func (b *blobs) copyOf(content []byte) uint32 {
	h := b.alloc(len(content))
	if h != 0 {
		copy(b.get(h), content)
	}
	return h
}

// span returns the memory of a span.
func (s *blobSlab) span(number uint32) []byte {
	at := number % spansPerSlab * spanSize
	return s.mem[at : at+spanSize]
}

func (s *blobSpan) take(mem []byte, size int) int {
	s.out++
	if s.free != 0 {
		i := int(s.free) - 1
		s.free = binary.LittleEndian.Uint16(mem[i*size:])
		return i
	}
	s.fresh++
	return int(s.fresh) - 1
}

func (s *blobSpan) full(size int) bool { return int(s.out) == spanSize/size }

// addSpan gives a class another span. Its lock is held.
func (b *blobs) addSpan(c *blobClass, class uint8) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.mu.free) == 0 && !b.addSlabLocked() {
		return false
	}
	last := len(b.mu.free) - 1
	span := b.mu.free[last]
	b.mu.free = b.mu.free[:last]
	b.useSpanLocked(span)
	b.slabs[span/spansPerSlab].spans[span%spansPerSlab] = blobSpan{class: class}
	c.room = append(c.room, span)
	return true
}

func (b *blobs) useSpanLocked(span uint32) {
	slab, at := b.slabs[span/spansPerSlab], span%spansPerSlab
	used := &slab.used[at/spansPerRegion]
	slab.huge.grow(slab.mem, int(at*spanSize), *used*spanSize, len(b.mu.byPlace))
	*used++
}

func (b *blobs) addSlabLocked() bool {
	n := b.mu.fresh
	if last := len(b.mu.numbers) - 1; last >= 0 {
		n, b.mu.numbers = b.mu.numbers[last], b.mu.numbers[:last]
	} else if n == maxBlobSlabs {
		return false
	} else {
		b.mu.fresh++
	}
	s := &blobSlab{mem: mapSlab()}
	b.slabs[n] = s
	b.mu.byPlace[slabNumber(unsafe.Pointer(&s.mem[0]))] = n
	for i := spansPerSlab - 1; i >= 0; i-- {
		if n != 0 || i != 0 { // handle 0 is none
			b.mu.free = append(b.mu.free, n*spansPerSlab+uint32(i))
		}
	}
	return true
}

// giveBack is free for what take has returned.
func (b *blobs) giveBack(h uint32) {
	span := h / unitsPerSpan
	slab := b.slabs[span/spansPerSlab]
	s := &slab.spans[span%spansPerSlab]
	c := &b.classes[s.class]
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.full(c.size) {
		s.at = uint32(len(c.room))
		c.room = append(c.room, span)
	}
	i := int(h%unitsPerSpan) * blobUnit / c.size
	binary.LittleEndian.PutUint16(slab.span(span)[i*c.size:], s.free)
	s.free = uint16(i) + 1
	if s.out--; s.out == 0 && len(c.room) > 1 {
		b.dropSpan(c, s, span)
	}
}

// dropSpan takes an empty span from its class, whose lock is held. The last one with room is kept, so that one blob that comes and goes does
// not move a span each time.
func (b *blobs) dropSpan(c *blobClass, s *blobSpan, span uint32) {
	last := c.room[len(c.room)-1]
	c.room[s.at] = last
	b.slabs[last/spansPerSlab].spans[last%spansPerSlab].at = s.at
	c.room = c.room[:len(c.room)-1]
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.free = append(b.mu.free, span)
	slab := b.slabs[span/spansPerSlab]
	if slab.used[span%spansPerSlab/spansPerRegion]--; slab.used == [regionsPerSlab]int{} {
		b.retireLocked(span / spansPerSlab)
	}
}

// retireLocked gives a slab back, of which no class has a span. The first one stays.
func (b *blobs) retireLocked(n uint32) {
	if n == 0 {
		return
	}
	slab := b.slabs[n]
	kept := b.mu.free[:0]
	for _, span := range b.mu.free {
		if span/spansPerSlab != n {
			kept = append(kept, span)
		}
	}
	b.mu.free = kept
	b.mu.numbers = append(b.mu.numbers, n)
	b.slabs[n] = nil
	delete(b.mu.byPlace, slabNumber(unsafe.Pointer(&slab.mem[0])))
	unmapSlab(slab.mem)
}

// at returns the memory of a blob from its head on, up to the end of its slab.
func (b *blobs) at(h uint32) []byte {
	return b.slabs[h/unitsPerSlab].mem[h%unitsPerSlab*blobUnit:]
}

// get returns the content of a blob.
func (b *blobs) get(h uint32) []byte {
	mem := b.at(h)
	end := blobHead + int(binary.LittleEndian.Uint16(mem))
	return mem[blobHead:end:end]
}

// size returns the bytes that a blob takes.
func (b *blobs) size(h uint32) int {
	span := h / unitsPerSpan
	return b.classes[b.slabs[span/spansPerSlab].spans[span%spansPerSlab].class].size
}

// open returns the content of a blob with all the room that there is behind it.
func (b *blobs) open(h uint32) []byte {
	mem := b.at(h)
	return mem[blobHead : blobHead+int(binary.LittleEndian.Uint16(mem)) : b.size(h)]
}

// setLen changes the length of a blob's content, within its room.
func (b *blobs) setLen(h uint32, n int) { binary.LittleEndian.PutUint16(b.at(h), uint16(n)) }

// fits reports whether a blob is of a good size for n bytes: they have room, and do not leave more than a quarter of it.
func (b *blobs) fits(h uint32, n int) bool {
	size := b.size(h)
	return n+blobHead <= size && (n+blobHead)*4 > size*3
}

// close unmaps everything.
func (b *blobs) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, s := range b.slabs {
		if s != nil {
			unmapSlab(s.mem)
			b.slabs[i] = nil
		}
	}
}

// blobMemory is memory for whoever wants slices rather than handles. What is longer than a blob comes from the Go heap.
type blobMemory struct{ sp *space }

// Alloc returns n bytes, at least one, of undefined content, and perhaps more capacity.
func (m blobMemory) Alloc(n int) []byte {
	if n <= maxBlob {
		if h := m.sp.blobs.alloc(n); h != 0 {
			return m.sp.blobs.open(h)
		}
	}
	b := make([]byte, n)
	m.sp.sideBytes.Add(int64(cap(b)))
	return b
}

// Free takes back what Alloc returned, of any length.
func (m blobMemory) Free(b []byte) {
	if h := m.sp.blobs.handle(unsafe.Pointer(unsafe.SliceData(b))); h != 0 {
		m.sp.blobs.free(h)
		return
	}
	m.sp.sideBytes.Add(-int64(cap(b)))
}

// handle returns the handle of the blob that begins at a place, or whose content does; 0 for memory that is no blob's.
func (b *blobs) handle(at unsafe.Pointer) uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, ok := b.mu.byPlace[slabNumber(at)]
	if !ok {
		return 0
	}
	in := uintptr(at) - uintptr(unsafe.Pointer(&b.slabs[n].mem[0]))
	return n*unitsPerSlab + uint32(in/blobUnit)
}
