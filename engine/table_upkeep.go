package engine

import (
	"slices"
	"unsafe"
)

// What keeps a table dense: growing its index, squeezing garbage out of its arena, cutting it in two.

// growIndex adds an eighth, at least a page, and enters every reference anew. Less than a page doubles.
func (t *table) growIndex(sp *space) {
	pages, inOrder := len(t.index), t.agesInOrder(nil)
	switch {
	case t.buckets == 0:
		t.resizeIndex(sp, 1, inOrder)
	case t.buckets < indexBuckets:
		t.resizeIndex(sp, 2*t.buckets, inOrder)
	default:
		t.resizeIndex(sp, uint32(pages+max(1, pages/8))*indexBuckets, inOrder)
	}
}

// resizeIndex gives the index so many buckets, a power of two of them or whole pages, and enters every reference anew. inOrder has
// their ages in the order of the arena, if there are ages.
func (t *table) resizeIndex(sp *space, buckets uint32, inOrder []uint32) {
	if t.buckets < indexBuckets || buckets < indexBuckets {
		t.dropIndex(sp)
	}
	pages := int((buckets + indexBuckets - 1) / indexBuckets)
	for len(t.index) > pages {
		last := len(t.index) - 1
		sp.pages.put(asPage(t.index[last]), pageSize)
		t.index = t.index[:last]
	}
	t.buckets = buckets
	if t.index == nil {
		t.index = t.fewIndexPages[:0]
	}
	for len(t.index) < pages {
		t.index = append(t.index, asIndexPage(sp.pages.get(t.indexPageSize())))
	}
	for _, pg := range t.index {
		clear(pg[:t.indexPageSize()/4])
	}
	if t.ages != nil {
		t.fitAges(sp)
	}
	t.holes = 0
	n := 0
	t.each(func(e entry, off uint32, f flags) {
		b, i := t.addRef(sp.hash(t.name(e, f)), off)
		if t.ages != nil {
			t.ages.bucket(b)[i] = inOrder[n]
			n++
		}
	})
}

// agesInOrder returns the ages of the entries in the order of the arena, without those that drop reports true for; nil when there
// are no ages.
func (t *table) agesInOrder(drop func(e entry, f flags) bool) []uint32 {
	if t.ages == nil {
		return nil
	}
	byPlace := make([]uint64, 0, t.entries)
	t.eachRef(func(off, age uint32) {
		if e := t.at(off); drop == nil || !drop(e, e.flags()) {
			byPlace = append(byPlace, uint64(off)<<32|uint64(age))
		}
	})
	slices.Sort(byPlace)
	inOrder := make([]uint32, len(byPlace))
	for i, p := range byPlace {
		inOrder[i] = uint32(p)
	}
	return inOrder
}

// indexPageSize returns how much of each page of the index is there: all, unless it is the only one.
func (t *table) indexPageSize() int { return int(min(t.buckets, indexBuckets)) * bucketRefs * 4 }

func (t *table) dropIndex(sp *space) {
	for _, pg := range t.index {
		sp.pages.put(asPage(pg), t.indexPageSize())
	}
	t.index, t.buckets = nil, 0
}

func (t *table) dropArena(sp *space) {
	for i, pg := range t.arena {
		sp.pages.put(pg, t.pageRoom(i))
	}
	t.arena, t.room = nil, 0
}

// pageBytes returns the memory that a table has in pages and pieces.
func (t *table) pageBytes() int64 {
	n := int64(len(t.index)) * int64(t.indexPageSize())
	for i := range t.arena {
		n += int64(t.pageRoom(i))
	}
	if t.ages != nil {
		n += int64(len(t.ages.pages) * t.ages.size)
	}
	return n
}

// wantsCompaction: a quarter of the arena is garbage, or garbage keeps a crowded table from growing.
func (t *table) wantsCompaction() bool {
	return t.dead > minGarbage && t.dead*4 > t.tail || t.crowded() && t.dead > crowdedGarbage
}

// minGarbage is not worth a compaction.
const minGarbage = 128

// crowded: the table takes no new names. The second half of the address space is left to those that it has: page ends may cost
// half of an arena, so what fits into one half in some order fits into both in any, after a restart for instance.
func (t *table) crowded() bool { return t.tail > maxArenaBytes/2 }

// crowdedGarbage bounds how often a crowded table is compacted, which takes some 10 ms.
const crowdedGarbage = 64 << 10

// compact moves what is alive to new pages, front to back, giving each old page back as soon as it is empty; entries that
// drop reports true for are left behind. The index follows.
func (t *table) compact(sp *space, drop func(e entry, f flags) bool) {
	inOrder := t.agesInOrder(drop)
	old := table{arena: slices.Clone(t.arena), tail: t.tail, room: t.room}
	t.arena, t.tail, t.dead, t.room = nil, 0, 0, 0
	t.queue.reset()
	t.entries = 0
	for i, pg := range old.arena {
		size := old.pageRoom(i)
		pg.each(min(old.tail-uint32(i*pageSize), uint32(size)), func(e entry, _ uint32, f flags) {
			if drop != nil && drop(e, f) {
				t.forget(sp, e, f)
				return
			}
			t.carry(sp, e, f)
		})
		sp.pages.put(pg, size)
	}
	t.resizeIndex(sp, bucketsFor(t.entries), inOrder)
}

// carry copies an entry of another arena, side value and all, to the end of this one.
func (t *table) carry(sp *space, e entry, f flags) {
	size := e.size(f)
	to, off, ok := t.alloc(sp, size)
	if !ok {
		panic("engine: a compacted arena is larger than it was")
	}
	copy(to, e[:size])
	t.entries++
	if f&flagQueued != 0 {
		t.queue.add(off)
	}
}

// buryAll removes entries that nobody has to be told of any more.
func (t *table) buryAll(sp *space, offs []uint32) {
	for _, off := range offs {
		e := t.at(off)
		t.remove(sp, sp.hash(t.name(e, e.flags())), e, off)
	}
}

// settle ends what a checkpoint has taken: its entries are in the store now or, if not ok, as dirty as before. It returns those that
// nobody has to be told of any more.
func (t *table) settle(ok bool) (gone []uint32) {
	t.taken = false
	t.each(func(e entry, off uint32, f flags) {
		if f&flagTaken == 0 {
			return
		}
		f &^= flagTaken
		switch {
		case !ok:
			f |= flagDirty | flagStored // it may have failed after the rows had got there
		case f&flagDeleted != 0 && f&flagsBusy == 0:
			gone = append(gone, off)
		default:
			f |= flagStored
		}
		e.setFlags(f)
	})
	t.dirty = t.dirty || !ok
	return gone
}

// forget lets go of what an entry held outside the arena.
func (t *table) forget(sp *space, e entry, f flags) {
	switch f & kindMask {
	case kindSide:
		t.freeSide(sp, e.sideNumber(f))
	case kindBlob:
		sp.blobs.free(e.sideNumber(f))
		t.blobs--
	}
	if f&flagExpires != 0 {
		t.expiries--
	}
}

// bucketsFor leaves room for a quarter more entries.
func bucketsFor(entries uint32) uint32 {
	if entries == 0 {
		return 0
	}
	wanted := entries*10/8/bucketRefs + 1
	if wanted >= indexBuckets {
		return (wanted + indexBuckets - 1) / indexBuckets * indexBuckets
	}
	buckets := uint32(1)
	for buckets < wanted {
		buckets *= 2
	}
	return buckets
}

// release gives all memory back. The table is then empty.
func (t *table) release(sp *space) {
	if t.blobs > 0 {
		t.each(func(e entry, _ uint32, f flags) {
			if f&kindMask == kindBlob {
				sp.blobs.free(e.sideNumber(f))
			}
		})
	}
	t.dropArena(sp)
	t.dropIndex(sp)
	t.dropAges(sp)
	for i := range t.side {
		s := &t.side[i]
		sp.sideBytes.Add(-s.bytes())
		if s.obj != nil {
			s.obj.detach(sp)
		}
	}
	sp.sideBytes.Add(int64(t.freeSides) * (&side{}).bytes())
	*t = table{depth: t.depth, prefix: t.prefix}
}

// split deals the entries out to two tables of one more bit of order, and leaves t empty.
func (t *table) split(sp *space) (low, high *table) {
	low = &table{depth: t.depth + 1, prefix: t.prefix, partial: t.partial, dirty: t.dirty, taken: t.taken, hollow: t.hollow, timed: t.timed, usedAt: t.usedAt, nextExpiry: t.nextExpiry}
	high = &table{}
	*high = *low
	high.prefix |= 1 << (15 - t.depth)
	inOrder := t.agesInOrder(nil)
	lowAges, highAges := t.dealAges(inOrder, low, high)
	t.each(func(e entry, _ uint32, f flags) {
		to := low
		if t.belongsHigh(e, f) {
			to = high
		}
		t.move(sp, e, f, to)
	})
	low.resizeIndex(sp, bucketsFor(low.entries), lowAges)
	high.resizeIndex(sp, bucketsFor(high.entries), highAges)
	t.side, t.freeSides, t.nextSide, t.blobs = nil, 0, 0, 0
	t.release(sp)
	return low, high
}

// belongsHigh reports which half of a split an entry goes to.
func (t *table) belongsHigh(e entry, f flags) bool {
	return orderOf(t.name(e, f))&(1<<(15-t.depth)) != 0
}

// dealAges deals the ages out to the halves of a split, in the order of their entries to be, if there are ages.
func (t *table) dealAges(inOrder []uint32, low, high *table) (lowAges, highAges []uint32) {
	if inOrder == nil {
		return nil, nil
	}
	low.ages, high.ages = &ages{}, &ages{}
	n := 0
	t.each(func(e entry, _ uint32, f flags) {
		if t.belongsHigh(e, f) {
			highAges = append(highAges, inOrder[n])
		} else {
			lowAges = append(lowAges, inOrder[n])
		}
		n++
	})
	return lowAges, highAges
}

// move hands an entry with its side value to another table, which has no index yet.
func (t *table) move(sp *space, e entry, f flags, to *table) {
	if f&kindMask == kindSide {
		n := e.sideNumber(f)
		s := t.side[n]
		sp.sideBytes.Add(-s.bytes())
		t.side[n] = side{}
		e.setSideNumber(f, to.addSide(sp, s))
	}
	if f&kindMask == kindBlob {
		to.blobs++
	}
	if f&flagExpires != 0 {
		to.expiries++
	}
	to.carry(sp, e, f)
}

func asPage(pg *indexPage) *page      { return (*page)(unsafe.Pointer(pg)) }
func asIndexPage(pg *page) *indexPage { return (*indexPage)(unsafe.Pointer(pg)) }
