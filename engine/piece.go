package engine

import "unsafe"

// A slot of few names would waste most of a page, twice: a hundred thousand counters lie in 16384 slots, six to each. So the
// first pages of a table's index and arena are pieces: an eighth, a quarter or a half of a page that was cut. Free pieces of a
// class are linked through their own memory, both ways, so that a page whose pieces are all back can be taken out of the list.
const (
	minPiece     = 64
	pieceClasses = 3 // 64, 128 and 256 bytes
)

// piece is a free piece. The addresses are of memory that the collector does not know.
type piece struct{ next, prev uintptr }

// pieceClass returns the class of a size that is one of pieces.
func pieceClass(size int) int {
	class := 0
	for minPiece<<class < size {
		class++
	}
	return class
}

// pieceSize returns the smallest size, of a piece or a page, that holds so many bytes.
func pieceSize(bytes int) int {
	size := minPiece
	for size < bytes && size < pageSize {
		size *= 2
	}
	return size
}

func (p *pagePool) getPieceLocked(size int) *page {
	class := pieceClass(size)
	if p.mu.pieces[class] == 0 {
		p.cutLocked(class)
	}
	at := p.mu.pieces[class]
	p.unlinkLocked(class, at)
	s, n := p.pageOfLocked(at)
	s.loose[n]--
	return (*page)(offHeap(at))
}

// cutLocked makes a page into free pieces.
func (p *pagePool) cutLocked(class int) {
	base := uintptr(unsafe.Pointer(p.getLocked()))
	s, n := p.pageOfLocked(base)
	if s.loose == nil {
		s.loose = make([]uint8, pagesPerSlab)
	}
	size := uintptr(minPiece) << class
	for at := base; at < base+pageSize; at += size {
		p.linkLocked(class, at)
		s.loose[n]++
	}
}

func (p *pagePool) putPieceLocked(pg *page, size int) {
	class, at := pieceClass(size), uintptr(unsafe.Pointer(pg))
	p.linkLocked(class, at)
	s, n := p.pageOfLocked(at)
	if s.loose[n]++; int(s.loose[n])*size < pageSize {
		return
	}
	s.loose[n] = 0
	base := at &^ (pageSize - 1)
	for at := base; at < base+pageSize; at += uintptr(size) {
		p.unlinkLocked(class, at)
	}
	p.putLocked((*page)(offHeap(base)))
}

// pageOfLocked returns the slab of an address and the number of its page there.
func (p *pagePool) pageOfLocked(at uintptr) (s *slab, n uintptr) {
	s = p.mu.slabs[at/slabSize]
	return s, at % slabSize / pageSize
}

func (p *pagePool) linkLocked(class int, at uintptr) {
	first := p.mu.pieces[class]
	*pieceAt(at) = piece{next: first}
	if first != 0 {
		pieceAt(first).prev = at
	}
	p.mu.pieces[class] = at
}

func (p *pagePool) unlinkLocked(class int, at uintptr) {
	c := *pieceAt(at)
	if c.prev != 0 {
		pieceAt(c.prev).next = c.next
	} else {
		p.mu.pieces[class] = c.next
	}
	if c.next != 0 {
		pieceAt(c.next).prev = c.prev
	}
}

func pieceAt(at uintptr) *piece { return (*piece)(offHeap(at)) }

// offHeap turns an address of a slab into a pointer. The collector neither moves nor frees what lies there.
func offHeap(at uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }
