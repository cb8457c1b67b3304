package engine

import (
	"hash/maphash"
	"sync/atomic"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"quipu/engine/ranktree"
)

// space is what all tables share: where pages come from, the seed that names are hashed with, and the memory that lies in
// Go objects beside the pages.
type space struct {
	pages     *pagePool
	seed      maphash.Seed
	sideBytes atomic.Int64
	blobs     *blobs
	freer     freer
	ages      ageKeeper
	ranks     *ranktree.Space
}

func newSpace() *space {
	blobs := newBlobs()
	sp := &space{pages: newPagePool(blobs), blobs: blobs, seed: maphash.MakeSeed()}
	sp.freer.init()
	sp.ranks = ranktree.NewSpace(sp.pages)
	return sp
}

// bytes returns the memory that entries take.
func (sp *space) bytes() int64 { return sp.pages.bytes() + sp.blobs.used.Load() + sp.sideBytes.Load() }

func (sp *space) close() {
	sp.pages.close()
	sp.blobs.close()
}

// hash places a name in an index. It is keyed by a secret of the process, so that nobody can choose names that collide.
func (sp *space) hash(name []byte) uint64 { return maphash.Bytes(sp.seed, name) }

// orderOf places a name within its slot, in memory, in the store and in a SCAN. It must be the same in every process that
// ever opens the store, so it is not keyed; names that were chosen to collide in it merely share a table.
func orderOf(name []byte) uint16 { return uint16(xxhash.Sum64(name) >> 48) }

const (
	bucketRefs   = 16 // a cache line of references
	indexRefs    = pageSize / 4
	indexBuckets = indexRefs / bucketRefs
	// maxTableEntries bounds what one table's growth, compaction or scan costs (some 30 us); a slot beyond it is split in two.
	maxTableEntries = 2048
	// maxArenaBytes is what 24 bits address. Only names chosen to share a slot and an order value can fill a table that far.
	maxArenaBytes = 1 << 24
)

type indexPage [indexRefs]uint32

// A reference holds an 8-bit tag of the name's hash, never 0, and the 24-bit offset of the entry in the arena. A bucket's
// references are packed to its front; the first refNone ends a search. refHole stands where an entry was removed from a full
// bucket, beyond which a search must go on.
const (
	refNone uint32 = 0
	refHole uint32 = 1
)

// A table with few pages keeps the lists of them in itself, beside what else a lookup needs, and so has one step less to take through memory
// that is not in the cache. Measured at a million counters, four and one to a slot, that is 3 % of the CPU time of an INCRBY at pipeline 1.
const (
	fewPages      = 4
	fewIndexPages = 2
)

// table is an open-addressed index over an arena of entries: a slot, or the part of a slot's names with one prefix of their
// order. Guarded by its slot's lock.
type table struct {
	// What a lookup needs lies in the first 64 bytes and, while the table has few pages, in the 64 after them.

	index   []*indexPage
	arena   []*page
	buckets uint32
	// usedAt is when an entry was last accessed, in unix seconds.
	usedAt uint32
	// blobs counts the entries whose payload is a blob.
	blobs uint32
	// partial: rows of this table's range may be only in the store.
	partial bool
	// hollow: an entry may be a spread collection that is not to be used as it is, because elements are only in the store or a
	// checkpoint is at it.
	hollow bool
	// dirty: an entry has flagDirty. taken: an entry has flagTaken.
	dirty, taken bool

	// fewPages and fewIndexPages are the memory of arena and index while these are short.
	fewPages      [fewPages]*page
	fewIndexPages [fewIndexPages]*indexPage

	tail uint32 // end of the last entry
	dead uint32 // bytes of garbage below tail

	ages *ages // nil: no key has an age

	// queue holds the offsets of the entries that the next commit walk takes.
	queue queue

	entries uint32 // references in use, deleted names included
	holes   uint32

	// expiries counts the entries with an expiry; none of them is due before nextExpiry (unix milliseconds).
	expiries   uint32
	nextExpiry int64
	// timed: an entry may be a collection with elements that expire; nextExpiry covers them, too.
	timed bool

	// room is the size of the arena's last page, in units of minPiece.
	room uint8
	// prefix and depth: the table holds the names whose order starts with depth bits of prefix.
	depth  uint8
	prefix uint16

	// side has freeSides free places: nextSide, and so on by the num of each.
	side                []side
	freeSides, nextSide uint32
}

// side is what does not fit an entry: a long name, a long string, a spread collection.
type side struct {
	name  []byte
	str   []byte
	num   int64
	obj   *spread
	isInt bool
}

// cell is the content of an entry apart from its name.
type cell struct {
	isInt    bool
	packed   bool // str is a packed collection
	num      int64
	str      []byte
	obj      *spread
	expireAt int64 // unix milliseconds, 0 for none
}

func tagOf(hash uint64) uint32 { return uint32(hash>>56)%255 + 1 }

func (t *table) bucketOf(hash uint64) uint32 {
	return uint32(uint64(uint32(hash)) * uint64(t.buckets) >> 32)
}

func (t *table) bucket(b uint32) *[bucketRefs]uint32 { return bucketIn(t.index[b/indexBuckets], b) }

func bucketIn(pg *indexPage, b uint32) *[bucketRefs]uint32 {
	return (*[bucketRefs]uint32)(unsafe.Pointer(&pg[b%indexBuckets*bucketRefs]))
}

func (t *table) nextBucket(b uint32) uint32 {
	if b++; b == t.buckets {
		return 0
	}
	return b
}

// at returns the entry at an offset. It aliases the arena until the table is next written.
func (t *table) at(off uint32) entry { return entry(t.arena[off/pageSize][off%pageSize:]) }

// name returns an entry's name, aliasing the arena or the side list.
func (t *table) name(e entry, f flags) []byte {
	if f&flagFarName != 0 {
		return t.side[e.sideNumber(f)].name
	}
	return e.nearName()
}

// find returns the entry of name, nil when there is none. A deleted name's entry is returned too.
func (t *table) find(hash uint64, name []byte) (entry, uint32) {
	if len(t.index) == 0 {
		return nil, 0
	}
	tag := tagOf(hash)
	first := t.bucketOf(hash)
	for b := first; ; {
		for _, ref := range t.bucket(b) {
			if ref>>24 == tag {
				off := ref & (maxArenaBytes - 1)
				if e := t.at(off); t.isNamed(e, name) {
					return e, off
				}
			} else if ref == refNone {
				return nil, 0
			}
		}
		if b = t.nextBucket(b); b == first {
			return nil, 0
		}
	}
}

func (t *table) isNamed(e entry, name []byte) bool {
	if int(e[0]) == len(name) && string(e[entryHeader:entryHeader+len(name)]) == string(name) {
		return e[0] != 0 || e.flags()&flagFarName == 0
	}
	f := e.flags()
	return f&flagFarName != 0 && string(t.name(e, f)) == string(name)
}

// insert adds an entry for a name that the table does not hold, with the given flags beside those of its kind. It reports
// false only when the arena's address space is exhausted.
func (t *table) insert(sp *space, hash uint64, name []byte, c cell, f flags) (entry, uint32, bool) {
	if (t.entries+t.holes+1)*10 > t.buckets*bucketRefs*9 {
		t.growIndex(sp)
	}
	e, off, ok := t.place(sp, name, c, f)
	if !ok {
		return nil, 0, false
	}
	b, i := t.addRef(hash, off)
	if t.ages != nil {
		t.ages.bucket(b)[i] = sp.ages.unknown()
	}
	t.entries++
	return e, off, true
}

// addRef enters a reference and returns where: bucket and place. The index has room.
func (t *table) addRef(hash uint64, off uint32) (uint32, int) {
	ref := tagOf(hash)<<24 | off
	for b := t.bucketOf(hash); ; b = t.nextBucket(b) {
		bucket := t.bucket(b)
		for i, r := range bucket {
			if r <= refHole {
				if r == refHole {
					t.holes--
				}
				bucket[i] = ref
				return b, i
			}
		}
	}
}

// placeOf finds the reference to off: bucket and place.
func (t *table) placeOf(hash uint64, off uint32) (uint32, int) {
	ref := tagOf(hash)<<24 | off
	for b := t.bucketOf(hash); ; b = t.nextBucket(b) {
		for i, r := range t.bucket(b) {
			if r == ref {
				return b, i
			}
		}
	}
}

// refAt is placeOf with the bucket itself.
func (t *table) refAt(hash uint64, off uint32) (*[bucketRefs]uint32, int) {
	b, i := t.placeOf(hash, off)
	return t.bucket(b), i
}

// removeRef takes a reference out, with its age, and keeps the bucket packed.
func (t *table) removeRef(hash uint64, off uint32) {
	b, i := t.placeOf(hash, off)
	bucket := t.bucket(b)
	t.entries--
	if bucket[bucketRefs-1] != refNone {
		bucket[i] = refHole
		t.holes++
		return
	}
	last := bucketRefs - 1
	for bucket[last] == refNone {
		last--
	}
	bucket[i], bucket[last] = bucket[last], refNone
	if t.ages != nil {
		old := t.ages.bucket(b)
		old[i] = old[last]
	}
}

// place writes a new entry into the arena, without a reference to it.
func (t *table) place(sp *space, name []byte, c cell, f flags) (entry, uint32, bool) {
	f = layout(name, c, f)
	near := name
	if f&flagFarName != 0 {
		near = nil
	}
	size := entrySize(near, c, f)
	if !t.hasRoom(size) && len(t.arena) > 0 && int(t.room)*minPiece < pageSize {
		return t.placeAside(sp, name, c, f, size)
	}
	blob := uint32(0)
	if f&kindMask == kindBlob {
		if blob = sp.blobs.copyOf(c.str); blob == 0 {
			return nil, 0, false
		}
	}
	e, off, ok := t.alloc(sp, size)
	if !ok {
		if blob != 0 {
			sp.blobs.free(blob)
		}
		return nil, 0, false
	}
	e[0] = byte(len(near))
	e.setFlags(f)
	copy(e[entryHeader:], near)
	t.fill(sp, e, f, name, c, blob)
	t.noteExpiry(c.expireAt)
	t.noteElements(c.elementExpiry())
	return e, off, true
}

// layout returns the flags of an entry with a name and a content; those that do not tell of its layout are kept.
func layout(name []byte, c cell, f flags) flags {
	f &^= kindMask | flagExpires | flagFarName | flagCollection
	if c.expireAt != 0 {
		f |= flagExpires
	}
	if c.packed || c.obj != nil {
		f |= flagCollection
	}
	switch {
	case len(name) > maxNearName:
		f |= kindSide | flagFarName
	case c.isInt:
		f |= intKind(c.num)
	case c.obj != nil:
		f |= kindSide
	case len(c.str) <= maxShort:
		f |= kindShort
	case len(c.str) <= maxBlob:
		f |= kindBlob
	default:
		f |= kindSide
	}
	return f
}

func entrySize(near []byte, c cell, f flags) int {
	size := entryHeader + len(near)
	if f&flagExpires != 0 {
		size += 8
	}
	switch f & kindMask {
	case kindShort:
		return size + 1 + len(c.str)
	case kindSide, kindBlob:
		return size + 4
	default:
		return size + intWidth(f)
	}
}

// fill writes the expiry and the payload of a fresh entry.
func (t *table) fill(sp *space, e entry, f flags, name []byte, c cell, blob uint32) {
	if f&flagExpires != 0 {
		e.setExpiry(c.expireAt)
	}
	switch f & kindMask {
	case kindShort:
		at := e.payloadAt(f)
		e[at] = byte(len(c.str))
		copy(e[at+1:], c.str)
	case kindSide:
		s := side{isInt: c.isInt, num: c.num, obj: c.obj}
		if f&flagFarName != 0 {
			s.name = append([]byte(nil), name...)
		}
		if !c.isInt && c.obj == nil {
			s.str = append(make([]byte, 0, len(c.str)), c.str...)
		}
		e.setSideNumber(f, t.addSide(sp, s))
	case kindBlob:
		e.setSideNumber(f, blob)
		t.blobs++
	default:
		e.setInt(f, c.num)
	}
}

func (t *table) addSide(sp *space, s side) uint32 {
	sp.sideBytes.Add(s.bytes())
	if t.freeSides > 0 {
		n := t.nextSide
		t.nextSide = uint32(t.side[n].num)
		t.freeSides--
		t.side[n] = s
		return n
	}
	t.side = append(t.side, s)
	return uint32(len(t.side) - 1)
}

func (t *table) freeSide(sp *space, n uint32) {
	s := &t.side[n]
	sp.sideBytes.Add(-s.bytes())
	if s.obj != nil {
		s.obj.detach(sp)
	}
	*s = side{num: int64(t.nextSide)}
	t.nextSide = n
	if t.freeSides++; int(t.freeSides) == len(t.side) {
		t.side, t.freeSides, t.nextSide = nil, 0, 0
	}
}

// clearPayload makes an entry's payload as small as it can be in its place, for a name that is deleted, and returns its flags.
func (t *table) clearPayload(sp *space, e entry, f flags) flags {
	switch k := f & kindMask; {
	case k == kindSide && f&flagFarName != 0:
		s := &t.side[e.sideNumber(f)]
		sp.sideBytes.Add(-s.bytes())
		if s.obj != nil {
			s.obj.detach(sp)
		}
		*s = side{name: s.name, isInt: true}
		sp.sideBytes.Add(s.bytes())
	case k == kindSide || k == kindBlob:
		t.forget(sp, e, f)
		t.expiries += uint32(f & flagExpires / flagExpires) // the entry keeps that
		f = f&^kindMask | kindInt32
		e.setFlags(f)
		e.setInt(f, 0)
	}
	f &^= flagCollection
	e.setFlags(f)
	return f
}

// letGo takes a spread collection out of a side value, which another one has now.
func (t *table) letGo(sp *space, n uint32, obj *spread) {
	if s := &t.side[n]; s.obj == obj {
		sp.sideBytes.Add(-spreadBytes)
		s.obj = nil
	}
}

// spread returns the spread collection that an entry holds, nil when it holds something else.
func (t *table) spread(e entry, f flags) *spread {
	if f&flagCollection == 0 || f&kindMask != kindSide {
		return nil
	}
	return t.side[e.sideNumber(f)].obj
}

// bytes estimates the heap that a side value takes.
func (s *side) bytes() int64 {
	n := int64(unsafe.Sizeof(*s)) + int64(cap(s.name)) + int64(cap(s.str))
	if s.obj != nil {
		n += spreadBytes
	}
	return n
}

// alloc takes size bytes at the end of the arena. An entry never crosses a page; what is left of a page is closed with
// kindEnd.
func (t *table) alloc(sp *space, size int) (entry, uint32, bool) {
	if !t.hasRoom(size) && !t.extend(sp, size) {
		return nil, 0, false
	}
	off := t.tail
	t.tail += uint32(size)
	return t.at(off), off, true
}

// each calls fn for every entry that is not garbage, deleted names included. fn must not write the table except for the
// entry's own flags and fixed-size fields.
func (t *table) each(fn func(e entry, off uint32, f flags)) {
	for i, pg := range t.arena {
		base := uint32(i * pageSize)
		pg.each(min(t.tail-base, uint32(t.pageRoom(i))), func(e entry, in uint32, f flags) { fn(e, base+in, f) })
	}
}

// each calls fn for every entry below end that is not garbage.
func (pg *page) each(end uint32, fn func(e entry, in uint32, f flags)) {
	for in := uint32(0); in+entryHeader <= end; {
		e := entry(pg[in:])
		f := e.flags()
		if f&kindMask == kindEnd {
			return
		}
		if f&flagDead == 0 {
			fn(e, in, f)
		}
		in += uint32(e.size(f))
	}
}

// bury turns an entry that no reference names any more into garbage.
func (t *table) bury(sp *space, e entry, f flags) {
	t.forget(sp, e, f)
	t.dead += uint32(e.size(f))
	e.setFlags(f | flagDead)
}

// remove takes an entry out of the table.
func (t *table) remove(sp *space, hash uint64, e entry, off uint32) {
	t.removeRef(hash, off)
	t.bury(sp, e, e.flags())
}

// replace gives an entry new content, in place where it fits, and returns where it now is. Flags other than those of the
// layout are kept. It reports false only when the arena's address space is exhausted; the entry is then as before.
func (t *table) replace(sp *space, hash uint64, e entry, off uint32, c cell) (entry, uint32, bool) {
	f := e.flags()
	if t.overwrite(sp, e, f, c) {
		t.noteOverwrite(c.expireAt)
		return e, off, true
	}
	if t.restring(sp, e, f, off, c) {
		t.noteOverwrite(c.expireAt)
		return t.at(off), off, true
	}
	name := t.name(e, f)
	ne, noff, ok := t.place(sp, name, c, f)
	if !ok {
		return e, off, false
	}
	e = t.at(off) // its page may have grown
	bucket, i := t.refAt(hash, off)
	bucket[i] = bucket[i]&^(maxArenaBytes-1) | noff
	if f&flagQueued != 0 {
		t.queue.add(noff)
	}
	if c.obj != nil && f&kindMask == kindSide {
		t.letGo(sp, e.sideNumber(f), c.obj)
	}
	t.bury(sp, e, f)
	return ne, noff, true
}

// restring gives a short string that ends the arena another length, where its page has room: what is built up piece by piece then leaves
// no garbage behind.
func (t *table) restring(sp *space, e entry, f flags, off uint32, c cell) bool {
	if f&kindMask != kindShort || c.isInt || c.obj != nil || len(c.str) > maxShort || off+uint32(e.size(f)) != t.tail {
		return false
	}
	if (f&flagExpires != 0) != (c.expireAt != 0) || (f&flagCollection != 0) != c.packed {
		return false
	}
	size, last := e.payloadAt(f)+1+len(c.str), len(t.arena)-1
	if end := int(off) - last*pageSize + size; end > t.pageRoom(last) {
		if end > pageSize || !c.packed {
			return false // a string may lie in the page that would move
		}
		t.growPage(sp, end)
		e = t.at(off)
	}
	copy(e[size-len(c.str):size], c.str)
	e[size-len(c.str)-1] = byte(len(c.str))
	if c.expireAt != 0 {
		e.setExpiry(c.expireAt)
	}
	t.tail = off + uint32(size)
	t.noteElements(c.elementExpiry())
	return true
}

// overwrite writes c into an entry whose layout already suits it.
func (t *table) overwrite(sp *space, e entry, f flags, c cell) bool {
	if (f&flagExpires != 0) != (c.expireAt != 0) || (f&flagCollection != 0) != c.packed || c.obj != nil {
		return false
	}
	switch k := f & kindMask; {
	case c.isInt && isInt(f) && intKind(c.num) <= k:
		e.setInt(f, c.num)
	case !c.isInt && k == kindShort && int(e[e.payloadAt(f)]) == len(c.str):
		copy(e.short(f), c.str)
		t.noteElements(c.elementExpiry())
	case !c.isInt && k == kindBlob && len(c.str) > maxShort && sp.blobs.fits(e.sideNumber(f), len(c.str)):
		h := e.sideNumber(f)
		sp.blobs.setLen(h, len(c.str))
		copy(sp.blobs.get(h), c.str)
		t.noteElements(c.elementExpiry())
	default:
		return false
	}
	if c.expireAt != 0 {
		e.setExpiry(c.expireAt)
	}
	return true
}

func (t *table) noteExpiry(at int64) {
	if at == 0 {
		return
	}
	t.expiries++
	t.noteOverwrite(at)
}

func (t *table) noteOverwrite(at int64) {
	if at != 0 && (at < t.nextExpiry || t.nextExpiry == 0) {
		t.nextExpiry = at
	}
}

// noteElements notes that an element of an entry, a collection, expires.
func (t *table) noteElements(at int64) {
	if at != 0 {
		t.timed = true
		t.noteOverwrite(at)
	}
}

// elementExpiry returns a time before which no element of a collection expires, 0 for none.
func (c *cell) elementExpiry() int64 {
	switch {
	case c.packed:
		return packed(c.str).nextExpiry()
	case c.obj != nil:
		return c.obj.nextExpiry
	}
	return 0
}

// earliest returns a time before which nothing of the cell expires, 0 for none.
func (c *cell) earliest() int64 { return earlier(c.expireAt, c.elementExpiry()) }

// cell returns an entry's content; the string aliases the table.
func (t *table) cell(sp *space, e entry, f flags) cell {
	c := cell{expireAt: e.expiry(f), packed: f&flagCollection != 0}
	switch f & kindMask {
	case kindShort:
		c.str = e.short(f)
	case kindBlob:
		c.str = sp.blobs.get(e.sideNumber(f))
	case kindSide:
		s := &t.side[e.sideNumber(f)]
		c.isInt, c.num, c.str = s.isInt, s.num, s.str
		if s.obj != nil {
			c.obj, c.packed = s.obj, false
		}
	default:
		c.isInt, c.num = true, e.int(f)
	}
	return c
}
