package engine

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// tableModel is a slot beside a plain map. It works on the tables alone: no log, no store, no locks.
type tableModel struct {
	t    *testing.T
	rnd  *rand.Rand
	sp   *space
	db   *database
	s    *slot
	want map[string]modelEntry
}

// modelEntry is what an entry must hold, and the flags that no change of layout or place may lose.
type modelEntry struct {
	cell cell
	keep flags
}

// keptFlags are flags that belong to the entry and not to its layout.
const keptFlags = flagQueued | markMask | flagDirty | flagTaken | flagStored | flagDeleted

func TestTableModel(t *testing.T) {
	for seed := range uint64(torture(8)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runTableModel(t, seed) })
	}
}

func runTableModel(t *testing.T, seed uint64) {
	m := &tableModel{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), sp: newSpace(), db: newDatabase(0), want: map[string]modelEntry{}}
	defer m.sp.pages.close()
	m.s = &m.db.slots[0]
	for step := range 20000 {
		m.step()
		if step%500 == 0 || step < 200 {
			m.check()
		}
		if t.Failed() {
			t.Fatalf("after step %d", step)
		}
	}
	m.check()
	m.s.tables(func(tb *table) { tb.release(m.sp) })
	if pages, blobs, side := m.sp.pages.used.Load(), m.sp.blobs.used.Load(), m.sp.sideBytes.Load(); pages != 0 || blobs != 0 || side != 0 {
		t.Errorf("after the release of all tables, %d bytes of pages, %d of blobs and %d beside them are in use", pages, blobs, side)
	}
}

// name draws from some 6,000 names, so that tables split several times; one in eight is long.
func (m *tableModel) name() []byte {
	n := m.rnd.IntN(6000)
	switch n % 16 {
	case 0:
		return fmt.Appendf(nil, "%s%d", strings.Repeat("f", 300), n)
	case 1:
		return fmt.Appendf(nil, "%s%04d", strings.Repeat("n", maxNearName-4), n)
	case 2:
		return bytes.Repeat([]byte{byte(n)}, n%5)
	default:
		return fmt.Appendf(nil, "name:%d", n)
	}
}

// cell draws an integer of any width, or a string of any layout, with or without an expiry.
func (m *tableModel) cell() cell {
	c := cell{isInt: true, num: int64(m.rnd.Uint64()) >> m.rnd.IntN(64)}
	switch m.rnd.IntN(8) {
	case 0:
		edges := []int64{math.MinInt64, math.MaxInt64, math.MinInt16, math.MaxInt16, math.MaxInt16 + 1, math.MinInt32, math.MinInt32 - 1, 1<<47 - 1, 1 << 47, -1 << 47}
		c.num = edges[m.rnd.IntN(len(edges))]
	case 1, 2:
		c = cell{str: bytes.Repeat([]byte{'s'}, m.rnd.IntN([]int{2 * maxShort, maxBlob + 200}[m.rnd.IntN(10)/9]))}
	}
	if m.rnd.IntN(4) == 0 {
		c.expireAt = 1 + m.rnd.Int64N(1e6)
	}
	return c
}

func (m *tableModel) step() {
	switch n := m.rnd.IntN(1000); {
	case n < 650:
		m.put()
	case n < 850:
		m.remove()
	case n < 990:
		m.flag()
	case n < 996:
		m.take()
	case n < 999:
		m.evict()
	default:
		m.s.tables(func(tb *table) { tb.compact(m.sp, nil) })
	}
}

// put inserts or replaces.
func (m *tableModel) put() {
	name, c := m.name(), m.cell()
	hash := m.sp.hash(name)
	tb := m.s.makeRoom(m.sp, orderOf(name))
	e, off := tb.find(hash, name)
	old, had := m.want[string(name)]
	if (e != nil) != had {
		m.t.Errorf("find(%.20q) found %v, want %v", name, e != nil, had)
	}
	if e == nil {
		tb.insert(m.sp, hash, name, c, flagStored)
		m.want[string(name)] = modelEntry{c, flagStored}
		return
	}
	if _, _, ok := tb.replace(m.sp, hash, e, off, c); !ok {
		m.t.Errorf("replace of %.20q failed", name)
	}
	m.want[string(name)] = modelEntry{c, old.keep}
	if tb.wantsCompaction() {
		tb.compact(m.sp, nil)
	}
}

// any returns an entry that is there.
func (m *tableModel) any() (name []byte, tb *table, e entry, off uint32) {
	for s := range m.want {
		name = []byte(s)
		tb = m.s.table(orderOf(name))
		if e, off = tb.find(m.sp.hash(name), name); e == nil {
			m.t.Errorf("%.20q is missing", name)
		}
		return name, tb, e, off
	}
	return nil, nil, nil, 0
}

// remove takes out an entry, unless it is queued: those are removed by the commit walk.
func (m *tableModel) remove() {
	name, tb, e, off := m.any()
	if e == nil || e.flags()&flagQueued != 0 {
		return
	}
	tb.remove(m.sp, m.sp.hash(name), e, off)
	delete(m.want, string(name))
	if tb.wantsCompaction() {
		tb.compact(m.sp, nil)
	}
}

// flag changes the state of an entry as operations, commits and checkpoints do.
func (m *tableModel) flag() {
	name, tb, e, off := m.any()
	if e == nil {
		return
	}
	f := e.flags() ^ []flags{flagDirty, flagTaken, flagMark0, flagMark1, flagDeleted}[m.rnd.IntN(5)]
	if f&flagQueued == 0 && m.rnd.IntN(3) == 0 {
		f |= flagQueued
		m.s.enqueue(tb, off)
		m.s.listed = true
	}
	e.setFlags(f)
	tb.dirty, tb.taken = tb.dirty || f&flagDirty != 0, tb.taken || f&flagTaken != 0
	w := m.want[string(name)]
	m.want[string(name)] = modelEntry{w.cell, f & keptFlags}
}

// take empties the queues, as a commit walk does.
func (m *tableModel) take() {
	met := map[string]bool{}
	for _, tb := range append([]*table{&m.s.one}, m.s.queued...) {
		for i := range tb.queue.count {
			e := tb.at(tb.queue.at(i))
			f := e.flags()
			if f&(flagDead|flagQueued) != flagQueued {
				continue
			}
			name := string(tb.name(e, f))
			if met[name] {
				m.t.Errorf("%.20q is queued twice", name)
			}
			met[name] = true
			e.setFlags(f &^ flagQueued)
			w := m.want[name]
			m.want[name] = modelEntry{w.cell, w.keep &^ flagQueued}
		}
		tb.queue.reset()
	}
	m.s.queued, m.s.listed = m.s.queued[:0], false
}

// evict drops a third of what is clean.
func (m *tableModel) evict() {
	third := m.rnd.IntN(3)
	dropped := 0
	may := func(f flags) bool { return f.clean() && int(f>>markShift&3)%3 == third }
	for name, w := range m.want {
		e, _ := m.s.table(orderOf([]byte(name))).find(m.sp.hash([]byte(name)), []byte(name))
		if may(e.flags()) != (w.keep.clean() && int(w.keep>>markShift&3)%3 == third) {
			m.t.Errorf("%.20q has flags %x, want %x", name, e.flags(), w.keep)
		}
		if may(w.keep) {
			delete(m.want, name)
			dropped++
		}
	}
	m.s.tables(func(tb *table) { dropped -= tb.drop(m.sp, may) })
	if dropped != 0 {
		m.t.Errorf("the tables dropped %d entries less than the map", dropped)
	}
}

func (m *tableModel) check() {
	m.t.Helper()
	var c census
	met := 0
	m.s.tables(func(tb *table) {
		if err := checkTable(m.sp, tb, &c); err != nil {
			m.t.Error(err)
		}
		if tb.entries > maxTableEntries {
			m.t.Errorf("a table holds %d entries", tb.entries)
		}
		tb.each(func(e entry, _ uint32, f flags) {
			met++
			name := tb.name(e, f)
			if want, ok := m.want[string(name)]; !ok || !equalCells(tb.cell(m.sp, e, f), want.cell) || f&keptFlags != want.keep {
				m.t.Errorf("%.20q holds %+v flags %x, want %+v flags %x (%v)", name, tb.cell(m.sp, e, f), f, want.cell, want.keep, ok)
			}
		})
	})
	if err := checkQueued(&m.s.tableSet); err != nil {
		m.t.Error(err)
	}
	if met != len(m.want) || c.pages != m.sp.pages.used.Load() || c.blobBytes != m.sp.blobs.used.Load() || c.sideBytes != m.sp.sideBytes.Load() {
		m.t.Errorf("%d entries, want %d; %d bytes of pages, %d in use; %d bytes beside, want %d",
			met, len(m.want), c.pages, m.sp.pages.used.Load(), c.sideBytes, m.sp.sideBytes.Load())
	}
}

// TestCrowdedTable fills one table, whose names all share an order, to the end of its address space.
func TestCrowdedTable(t *testing.T) {
	sp := newSpace()
	defer sp.pages.close()
	tb := &table{}
	name := func(n int) []byte { return fmt.Appendf(nil, "%s%08d", strings.Repeat("n", maxNearName-8), n) }
	n := 0
	for ; !tb.crowded(); n++ {
		tb.insert(sp, sp.hash(name(n)), name(n), cell{isInt: true, num: 1}, 0)
	}
	if n < maxArenaBytes/2/pageSize {
		t.Errorf("crowded after %d entries", n)
	}
	// What is there can still change, again and again.
	grow := cell{str: bytes.Repeat([]byte{'s'}, maxShort)}
	shrink := cell{isInt: true}
	for range 3 {
		for i := range n {
			c := grow
			if i%2 == 0 {
				c = shrink
			}
			e, off := tb.find(sp.hash(name(i)), name(i))
			if _, _, ok := tb.replace(sp, sp.hash(name(i)), e, off, c); !ok {
				t.Fatalf("entry %d can not be changed", i)
			}
			if tb.wantsCompaction() {
				tb.compact(sp, nil)
			}
		}
		grow, shrink = shrink, grow
	}
	var c census
	if err := checkTable(sp, tb, &c); err != nil {
		t.Error(err)
	}
	for ok := true; ok; n++ {
		_, _, ok = tb.insert(sp, sp.hash(name(n)), name(n), cell{isInt: true}, 0)
	}
	if int(tb.tail) > maxArenaBytes || len(tb.arena)*pageSize > maxArenaBytes {
		t.Errorf("%d bytes in %d pages are more than an offset can tell", tb.tail, len(tb.arena))
	}
}

// TestListsInTables moves tables about while their lists of pages lie in them: what has one list in two tables, or reads a list that is
// being written, gives a page to two or loses entries.
func TestListsInTables(t *testing.T) {
	for n := 1; n < 200; n++ { // up to eight pages of the arena, and three of the index
		t.Run(fmt.Sprint(n), func(t *testing.T) { moveLists(t, n) })
	}
}

// moveLists has a table of n entries compacted, split, and split again.
func moveLists(t *testing.T, n int) {
	sp := newSpace()
	defer sp.close()
	var ts tableSet
	for i := range n {
		name := listed(i)
		ts.makeRoom(sp, orderOf(name)).insert(sp, sp.hash(name), name, cell{isInt: true, num: int64(i)}, flagStored)
	}
	checkListed(t, sp, &ts, n, "inserted")
	ts.one.compact(sp, nil)
	checkListed(t, sp, &ts, n, "compacted")
	ts.split(sp, &ts.one)
	checkListed(t, sp, &ts, n, "split")
	ts.tables(func(tb *table) { tb.compact(sp, nil) })
	ts.split(sp, ts.parts[0])
	checkListed(t, sp, &ts, n, "compacted and split again")
	ts.reset(sp)
	if used := sp.pages.used.Load(); used != 0 || ts.one.arena != nil || ts.one.index != nil || ts.one.fewPages != [fewPages]*page{} {
		t.Errorf("%d bytes of pages are in use after the reset", used)
	}
}

func listed(i int) []byte { return fmt.Appendf(nil, "name:%d", i) }

// checkListed checks the tables, and that entries 0 to n-1 are there.
func checkListed(t *testing.T, sp *space, ts *tableSet, n int, did string) {
	t.Helper()
	var c census
	ts.tables(func(tb *table) {
		if err := checkTable(sp, tb, &c); err != nil {
			t.Fatalf("%s: %v", did, err)
		}
	})
	for i := range n {
		name := listed(i)
		tb := ts.table(orderOf(name))
		if e, _ := tb.find(sp.hash(name), name); e == nil || tb.cell(sp, e, e.flags()).num != int64(i) {
			t.Fatalf("%s: %s is lost", did, name)
		}
	}
	if used := sp.pages.used.Load(); used != c.pages {
		t.Fatalf("%s: %d bytes of pages are in use, the tables hold %d", did, used, c.pages)
	}
}
