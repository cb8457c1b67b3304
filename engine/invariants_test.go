package engine

import (
	"bytes"
	"fmt"
	"testing"
	"unsafe"
)

// census is what the tables of an engine hold, as counted entry by entry.
type census struct {
	pages     int64 // bytes
	sideBytes int64
	blobBytes int64
	spreads   map[spreadName]bool // numbers that elements may have in the store
	owners    map[*page]*table    // of pages
}

// checkEngine fails the test when any bookkeeping of the engine is not what a recount of memory and store gives.
func checkEngine(t testing.TB, e *Engine) {
	t.Helper()
	x := e.NewTxn()
	x.LockAll()
	defer x.Unlock()
	e.space.freer.drain()
	c := census{spreads: map[spreadName]bool{}}
	for _, db := range e.physical() {
		keys, expiries := int64(0), int64(0)
		for i := range db.slots {
			s := &db.slots[i]
			if err := e.checkSlot(s, &c); err != nil {
				t.Fatalf("database %d slot %d: %v", db.id, i, err)
			}
			keys += int64(s.keys)
			expiries += int64(s.expiries)
		}
		if keys != db.keys.Load() || expiries != db.expiries.Load() {
			t.Fatalf("database %d counts %d keys, %d expiries; its slots %d, %d", db.id, db.keys.Load(), db.expiries.Load(), keys, expiries)
		}
	}
	if err := e.checkOwners(&c); err != nil {
		t.Fatal(err)
	}
	if used := e.space.pages.used.Load(); used != c.pages {
		t.Fatalf("%d bytes of pages are handed out, the tables hold %d", used, c.pages)
	}
	if used := e.space.blobs.used.Load(); used != c.blobBytes {
		t.Fatalf("%d bytes of blobs are handed out, the tables hold %d", used, c.blobBytes)
	}
	if side := e.space.sideBytes.Load(); side != c.sideBytes {
		t.Fatalf("side values count as %d bytes, the tables hold %d", side, c.sideBytes)
	}
}

// slotTally is a recount of a slot.
type slotTally struct {
	keys, expiries uint64
	earliest       int64
	present        map[string]bool // names in memory, deleted ones too
}

func (e *Engine) checkSlot(s *slot, c *census) error {
	n := slotTally{}
	if s.keys > 0 || s.one.index != nil || s.parts != nil {
		n.present = map[string]bool{}
	}
	var err error
	s.tables(func(t *table) {
		if err == nil {
			err = checkTable(e.space, t, c)
		}
		if err == nil {
			err = e.tally(s, t, &n, c)
		}
	})
	if err != nil {
		return err
	}
	if err := checkQueued(&s.tableSet); err != nil {
		return err
	}
	if (len(s.queued) > 0 || !s.one.queue.empty()) && !s.listed {
		return fmt.Errorf("queued entries, but no commit has the slot listed")
	}
	if err := e.checkSpreads(s, c); err != nil {
		return err
	}
	if n.keys != s.keys || n.expiries != s.expiries {
		return fmt.Errorf("counts %d keys, %d expiries; there are %d, %d", s.keys, s.expiries, n.keys, n.expiries)
	}
	next := s.db.nextExpiry[s.number].Load()
	if n.earliest != 0 && (next == 0 || next > n.earliest) {
		return fmt.Errorf("next expiry %d, but one is due at %d", next, n.earliest)
	}
	return nil
}

// checkQueued: what has queued entries is on the lists that the commit walk goes by.
func checkQueued(s *tableSet) error {
	queued := map[*table]int{}
	for _, t := range s.queued {
		queued[t]++
	}
	var err error
	s.tables(func(t *table) {
		want := min(int(t.queue.count), 1)
		if t == &s.one {
			want = 0
		}
		if queued[t] != want {
			err = fmt.Errorf("a table with %d queued entries stands %d times on the slot's list", t.queue.count, queued[t])
		}
		delete(queued, t)
	})
	switch {
	case err != nil:
		return err
	case len(queued) > 0:
		return fmt.Errorf("the list of queued tables has %d strange ones", len(queued))
	}
	return nil
}

// tally counts a table's keys; of a partial one, the rows of the store that memory lacks, too.
func (e *Engine) tally(s *slot, t *table, n *slotTally, c *census) error {
	count := func(expireAt int64) {
		n.keys++
		if expireAt != 0 {
			n.expiries++
			n.earliest = earlier(n.earliest, expireAt)
		}
	}
	t.each(func(en entry, _ uint32, f flags) {
		n.present[string(t.name(en, f))] = true
		if f&flagDeleted == 0 {
			count(en.expiry(f))
		}
	})
	if !t.partial {
		return nil
	}
	rows, _, err := e.readRows(s, t.prefix, t.last(), 1<<30)
	for i := range rows {
		if !n.present[string(rows[i].name)] {
			count(rows[i].cell.expireAt)
			if o := rows[i].cell.obj; o != nil {
				c.spreads[spreadName{s.db.id, s.number, o.id}] = true
			}
		}
	}
	return err
}

// checkTable recounts a table.
func checkTable(sp *space, t *table, c *census) error {
	var live, dead, expiries, sides, blobs uint32
	var dirty, taken bool
	var err error
	seen := map[uint32]bool{}
	fail := func(format string, args ...any) {
		if err == nil {
			err = fmt.Errorf(format, args...)
		}
	}
	t.each(func(e entry, off uint32, f flags) {
		live++
		seen[off] = true
		name := t.name(e, f)
		if found, at := t.find(sp.hash(name), name); found == nil || at != off {
			fail("%.20q at %d is found at %d", name, off, at)
		}
		if order := orderOf(name); order < t.prefix || order > t.last() {
			fail("%.20q has order %04x, the table covers %04x to %04x", name, order, t.prefix, t.last())
		}
		if f&flagExpires != 0 {
			expiries++
			if at := e.expiry(f); f&flagDeleted == 0 && (t.nextExpiry == 0 || at < t.nextExpiry) {
				fail("%.20q is due at %d, the table says not before %d", name, at, t.nextExpiry)
			}
		}
		switch f & kindMask {
		case kindSide:
			sides++
		case kindBlob:
			blobs++
			c.blobBytes += int64(sp.blobs.size(e.sideNumber(f)))
		}
		dirty, taken = dirty || f&flagDirty != 0, taken || f&flagTaken != 0
	})
	dead = t.walkDead()
	queued := map[uint32]int{}
	for i := range t.queue.count {
		off := t.queue.at(i)
		if e := t.at(off); e.flags()&(flagDead|flagQueued) == flagQueued {
			queued[off]++
		}
	}
	t.each(func(e entry, off uint32, f flags) {
		if want := f & flagQueued / flagQueued; queued[off] != int(want) {
			fail("%.20q has queued=%d and stands %d times in the queue", t.name(e, f), want, queued[off])
		}
	})
	refs, holes := t.countRefs(seen)
	switch {
	case err != nil:
	case live != t.entries || refs != live:
		fail("%d entries, %d references, %d live", t.entries, refs, live)
	case holes != t.holes:
		fail("%d holes, counted %d", t.holes, holes)
	case dead != t.dead:
		fail("%d bytes of garbage, counted %d", t.dead, dead)
	case expiries != t.expiries:
		fail("%d expiries, counted %d", t.expiries, expiries)
	case int(sides) != len(t.side)-int(t.freeSides):
		fail("%d side values, %d of them free, used by %d entries", len(t.side), t.freeSides, sides)
	case blobs != t.blobs:
		fail("%d blobs, counted %d", t.blobs, blobs)
	case dirty && !t.dirty, taken && !t.taken:
		fail("dirty=%v taken=%v, counted %v %v", t.dirty, t.taken, dirty, taken)
	case int(t.tail) > len(t.arena)*pageSize:
		fail("the arena of %d pages ends at %d", len(t.arena), t.tail)
	}
	c.pages += t.pageBytes()
	if t.ages != nil && (len(t.ages.pages) != len(t.index) || t.ages.size != t.indexPageSize()) {
		fail("%d pages of ages of %d bytes beside %d of the index", len(t.ages.pages), t.ages.size, len(t.index))
	}
	if err == nil {
		err = t.checkLists(c)
	}
	if err == nil {
		err = t.checkFreeSides()
	}
	for i := range t.side {
		c.sideBytes += t.side[i].bytes()
	}
	c.sideBytes -= int64(t.freeSides) * int64(unsafe.Sizeof(side{}))
	return err
}

// checkLists: a short list of pages lies in its own table, not in one that this was copied or split from, and no page is on two lists.
func (t *table) checkLists(c *census) error {
	if n := cap(t.arena); n > 0 && n <= fewPages && &t.arena[:n][0] != &t.fewPages[0] {
		return fmt.Errorf("the list of %d pages of the arena lies in another table", len(t.arena))
	}
	if n := cap(t.index); n > 0 && n <= fewIndexPages && &t.index[:n][0] != &t.fewIndexPages[0] {
		return fmt.Errorf("the list of %d pages of the index lies in another table", len(t.index))
	}
	if c.owners == nil {
		c.owners = map[*page]*table{}
	}
	pages := append([]*page(nil), t.arena...)
	for _, pg := range t.index {
		pages = append(pages, asPage(pg))
	}
	for _, pg := range pages {
		if other := c.owners[pg]; other != nil {
			return fmt.Errorf("a page belongs to the tables at %04x/%d and %04x/%d", other.prefix, other.depth, t.prefix, t.depth)
		}
		c.owners[pg] = t
	}
	return nil
}

// checkFreeSides: the free places of side values follow each other, as many as are counted, and hold nothing.
func (t *table) checkFreeSides() error {
	met := map[uint32]bool{}
	for n := t.nextSide; len(met) < int(t.freeSides); n = uint32(t.side[n].num) {
		if int(n) >= len(t.side) || met[n] {
			return fmt.Errorf("after %d of %d free side values comes %d", len(met), t.freeSides, n)
		}
		met[n] = true
		if s := &t.side[n]; s.name != nil || s.str != nil || s.obj != nil || s.isInt {
			return fmt.Errorf("the free side value %d holds something", n)
		}
	}
	var err error
	t.each(func(e entry, _ uint32, f flags) {
		if f&kindMask == kindSide && met[e.sideNumber(f)] {
			err = fmt.Errorf("%.20q has the free side value %d", t.name(e, f), e.sideNumber(f))
		}
	})
	return err
}

// walkDead sums up the garbage of a table.
func (t *table) walkDead() (dead uint32) {
	for i, pg := range t.arena {
		end := min(t.tail-uint32(i*pageSize), uint32(t.pageRoom(i)))
		for in := uint32(0); in+entryHeader <= end; {
			e := entry(pg[in:])
			f := e.flags()
			if f&kindMask == kindEnd {
				break
			}
			if f&flagDead != 0 {
				dead += uint32(e.size(f))
			}
			in += uint32(e.size(f))
		}
	}
	return dead
}

// countRefs counts references to the given offsets, and holes.
func (t *table) countRefs(to map[uint32]bool) (refs, holes uint32) {
	for b := range t.buckets {
		for _, ref := range t.bucket(b) {
			switch {
			case ref == refHole:
				holes++
			case ref != refNone && to[ref&(maxArenaBytes-1)]:
				refs++
			case ref != refNone:
				refs += 1 << 20 // to no entry: makes the count fail
			}
		}
	}
	return refs, holes
}

// equalCells compares two contents.
func equalCells(a, b cell) bool {
	return a.isInt == b.isInt && a.packed == b.packed && a.num == b.num && a.expireAt == b.expireAt && bytes.Equal(a.str, b.str)
}
