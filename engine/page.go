package engine

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"quipu/engine/ranktree"
)

// Pages are the unit in which tables take memory. They lie outside the Go heap, so that the garbage collector neither walks
// nor counts them. A small table has to do with pieces, some of the first bytes of a page, which are blobs.
const (
	// pageSize is the unit of a table's arena and index. Measured at ten million counters of 600 to a slot: 512 bytes lose 2 %
	// at page ends and half a page to each slot; 1 KiB loses less at the ends but makes a small slot cost twice as much.
	pageSize = 512
	// slabSize is what is asked of the operating system at once; aligned to itself, so that a page's address names its slab.
	slabSize     = 4 << 20
	pagesPerSlab = slabSize / pageSize
)

type page [pageSize]byte

// pagePool hands out pages of slabs. Pages that come back are reused first; a slab whose pages are all back is returned to
// the operating system.
type pagePool struct {
	used   atomic.Int64 // bytes handed out
	pieces *blobs

	mu struct {
		sync.Mutex
		slabs   map[uintptr]*slab
		partial []*slab // slabs that have a page to give
		idle    *slab   // one empty slab is kept, so that a table at the edge does not map and unmap
	}
}

type slab struct {
	mem     []byte
	fresh   int      // pages from here on were never handed out, and their memory never touched
	free    []uint16 // pages that came back
	out     int
	partial bool
	huge    hugeRegions
}

// minPiece divides the sizes of all pieces.
const minPiece = bucketRefs * 4

func newPagePool(pieces *blobs) *pagePool {
	p := &pagePool{pieces: pieces}
	p.mu.slabs = map[uintptr]*slab{}
	return p
}

// bytes returns what the pages handed out take.
func (p *pagePool) bytes() int64 { return p.used.Load() }

// get returns a page, of which the first size bytes are to be used: pageSize or the size of a piece. Its content is undefined.
func (p *pagePool) get(size int) *page {
	p.used.Add(int64(size))
	if size < pageSize {
		return p.getPiece(size)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.mu.partial) == 0 {
		p.addSlabLocked()
	}
	s := p.mu.partial[len(p.mu.partial)-1]
	n := s.take(len(p.mu.slabs))
	if s.out == pagesPerSlab {
		p.mu.partial = p.mu.partial[:len(p.mu.partial)-1]
		s.partial = false
	}
	return (*page)(unsafe.Pointer(&s.mem[n*pageSize]))
}

func (p *pagePool) getPiece(size int) *page {
	h := p.pieces.take(p.pieces.class(size - blobHead))
	if h == 0 {
		panic("engine: the address space of blobs is exhausted") // 32 GiB
	}
	return (*page)(unsafe.Pointer(unsafe.SliceData(p.pieces.at(h))))
}

// Get is get for the ranks of sorted sets.
func (p *pagePool) Get() *ranktree.Page { return (*ranktree.Page)(p.get(pageSize)) }

// Put is put for the ranks of sorted sets.
func (p *pagePool) Put(pg *ranktree.Page) { p.put((*page)(pg), pageSize) }

// take returns the number of a page. The slab, which has one, is one of so many.
func (s *slab) take(slabs int) int {
	s.out++
	if last := len(s.free) - 1; last >= 0 {
		n := s.free[last]
		s.free = s.free[:last]
		return int(n)
	}
	at := s.fresh * pageSize
	s.huge.grow(s.mem, at, at%regionSize, slabs)
	s.fresh++
	return s.fresh - 1
}

func (p *pagePool) addSlabLocked() {
	s := p.mu.idle
	p.mu.idle = nil
	if s == nil {
		s = &slab{mem: mapSlab()}
		p.mu.slabs[slabNumber(unsafe.Pointer(&s.mem[0]))] = s
	}
	s.partial = true
	p.mu.partial = append(p.mu.partial, s)
}

// put takes a page back that get has returned for the same size.
func (p *pagePool) put(pg *page, size int) {
	p.used.Add(-int64(size))
	if size < pageSize {
		p.pieces.giveBack(p.pieces.handle(unsafe.Pointer(pg)))
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.mu.slabs[slabNumber(unsafe.Pointer(pg))]
	n := (uintptr(unsafe.Pointer(pg)) - uintptr(unsafe.Pointer(&s.mem[0]))) / pageSize
	s.free = append(s.free, uint16(n))
	s.out--
	switch {
	case s.out == 0:
		p.retireLocked(s)
	case !s.partial:
		s.partial = true
		p.mu.partial = append(p.mu.partial, s)
	}
}

// retireLocked keeps one empty slab and gives the others back.
func (p *pagePool) retireLocked(s *slab) {
	if s.partial {
		for i, other := range p.mu.partial {
			if other == s {
				p.mu.partial = append(p.mu.partial[:i], p.mu.partial[i+1:]...)
				break
			}
		}
		s.partial = false
	}
	s.free, s.fresh = nil, 0
	if p.mu.idle == nil {
		p.mu.idle = s
		return
	}
	delete(p.mu.slabs, slabNumber(unsafe.Pointer(&s.mem[0])))
	unmapSlab(s.mem)
}

// close unmaps everything. No page may be used afterwards.
func (p *pagePool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.mu.slabs {
		unmapSlab(s.mem)
	}
	p.mu.slabs, p.mu.partial, p.mu.idle = nil, nil, nil
}

func slabNumber(at unsafe.Pointer) uintptr { return uintptr(at) / slabSize }
