package engine

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ranked is a member of the model of a sorted set.
type ranked struct {
	member string
	score  float64
}

func compareRanked(a, b ranked) int {
	return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.member, b.member))
}

// sortedSetModel is an engine beside sorted slices that must always agree with it.
type sortedSetModel struct {
	t    *testing.T
	rnd  *rand.Rand
	fs   vfs.FS
	e    *Engine
	x    *Txn
	now  int64
	sets map[string][]ranked
}

func newSortedSetModel(t *testing.T, seed uint64) *sortedSetModel {
	m := &sortedSetModel{t: t, rnd: rand.New(rand.NewPCG(seed, 4)), fs: vfs.NewMem(), now: 1_700_000_000_000, sets: map[string][]ranked{}}
	m.open()
	return m
}

func (m *sortedSetModel) open() {
	m.e = openTest(m.t, m.fs, func(o *Options) { o.Clock = func() int64 { return m.now }; o.CheckpointLogBytes = 1 << 40 })
	l := DefaultLimits()
	l.ZSetEntries = 24
	m.e.SetLimits(l)
	m.x = m.e.NewTxn()
}

func (m *sortedSetModel) step() {
	m.t.Helper()
	switch n := m.rnd.IntN(1000); {
	case n < 975:
		m.stepSet()
	case n < 990:
		if err := m.e.cleanUp(); err != nil {
			m.t.Fatal(err)
		}
	case n < 995:
		if err := m.e.Close(); err != nil {
			m.t.Fatal(err)
		}
		m.open()
	default:
		checkEngine(m.t, m.e)
	}
}

// stepSet changes one of a few sets, small ones and large ones, and compares it with the model.
func (m *sortedSetModel) stepSet() {
	m.t.Helper()
	size := []int{5, 30, 400}[m.rnd.IntN(3)]
	name := fmt.Sprintf("board:%d:%d", size, m.rnd.IntN(3))
	k := m.e.Key(0, []byte(name))
	m.x.Lock([]Key{k}, true)
	z, err := m.x.SortedSet(k)
	if err != nil {
		m.t.Fatal(err)
	}
	want := m.sets[name]
	for range 1 + m.rnd.IntN(size) {
		want = m.change(&z, want, size)
	}
	m.sets[name] = want
	m.compare(name, &z, want)
	m.x.Unlock()
	if err := m.e.Wait(m.x.Need()); err != nil {
		m.t.Fatal(err)
	}
	m.x.ClearNeed()
}

func (m *sortedSetModel) member(size int) []byte {
	n := m.rnd.IntN(size * 2)
	if n%9 == 0 {
		return fmt.Appendf(nil, "%s%d", strings.Repeat("long", n%100), n)
	}
	return fmt.Appendf(nil, "member:%d", n)
}

func (m *sortedSetModel) score() float64 {
	switch m.rnd.IntN(6) {
	case 0:
		return []float64{math.Inf(1), math.Inf(-1), 0, 1 << 53, 1e300, -1e18, 9.3e18, 0.1}[m.rnd.IntN(8)]
	case 1:
		return m.rnd.NormFloat64()
	case 2:
		return float64(m.rnd.Int64N(1<<m.rnd.IntN(60)) - 3)
	}
	return float64(m.rnd.IntN(8))
}

func (m *sortedSetModel) change(z *SortedSet, want []ranked, size int) []ranked {
	m.t.Helper()
	member := m.member(size)
	at := slices.IndexFunc(want, func(r ranked) bool { return r.member == string(member) })
	switch n := m.rnd.IntN(20); {
	case n < 13:
		r := ranked{string(member), m.score()}
		created, err := z.Add(member, r.score)
		if err != nil || created != (at < 0) {
			m.t.Fatalf("Add(%q, %v) = %t, %v; want %t", member, r.score, created, err, at < 0)
		}
		if at >= 0 {
			want = slices.Delete(want, at, at+1)
		}
		i, _ := slices.BinarySearchFunc(want, r, compareRanked)
		want = slices.Insert(want, i, r)
	case n < 19:
		if removed := z.Remove(member); removed != (at >= 0) {
			m.t.Fatalf("Remove(%q) = %t, want %t", member, removed, at >= 0)
		}
		if at >= 0 {
			want = slices.Delete(want, at, at+1)
		}
	default:
		from := m.rnd.IntN(len(want) + 1)
		n := m.rnd.IntN(min(len(want)-from, size/4) + 1)
		if err := z.RemoveRange(from, n); err != nil {
			m.t.Fatal(err)
		}
		want = slices.Delete(want, from, from+n)
	}
	return want
}

func (m *sortedSetModel) compare(name string, z *SortedSet, want []ranked) {
	m.t.Helper()
	if z.Len() != len(want) {
		m.t.Fatalf("%s has %d members, want %d", name, z.Len(), len(want))
	}
	m.compareWalk(z, want, 0, len(want))
	from := m.rnd.IntN(len(want) + 1)
	m.compareWalk(z, want, from, m.rnd.IntN(len(want)-from+1))
	for range 3 {
		m.compareRanges(z, want)
	}
	if v, ok := m.x.Peek(z.k); ok != (len(want) > 0) || ok && v.Kind != ZSetKind {
		m.t.Fatalf("%s: %+v, %v", name, v, ok)
	}
	met := map[string]bool{}
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		cursor = z.Scan(cursor, 10, func(member []byte, score float64) { met[string(member)] = true })
	}
	for i, r := range want {
		rank, score, ok := z.Rank([]byte(r.member))
		same, found := z.Score([]byte(r.member))
		if rank != i || score != r.score || same != r.score || !ok || !found || !met[r.member] {
			m.t.Fatalf("%s %q: rank %d, score %v, %v, %t, %t, met: %t; want %d, %v", name, r.member, rank, score, same, ok, found, met[r.member], i, r.score)
		}
	}
	if len(met) != len(want) {
		m.t.Fatalf("%s: Scan meets %d members of %d", name, len(met), len(want))
	}
}

func (m *sortedSetModel) compareWalk(z *SortedSet, want []ranked, from, n int) {
	m.t.Helper()
	for _, backwards := range []bool{false, true} {
		var got []ranked
		start := from
		if backwards {
			start = from + n - 1
		}
		z.Walk(start, n, backwards, func(member []byte, score float64) { got = append(got, ranked{string(member), score}) })
		if backwards {
			slices.Reverse(got)
		}
		if !slices.Equal(got, want[from:from+n]) {
			m.t.Fatalf("%s: Walk(%d, %d, %t) = %v, want %v", z.k.Name, start, n, backwards, got, want[from:from+n])
		}
	}
}

func (m *sortedSetModel) compareRanges(z *SortedSet, want []ranked) {
	m.t.Helper()
	r := ScoreRange{m.score(), m.score(), m.rnd.IntN(2) == 0, m.rnd.IntN(2) == 0}
	first, count := 0, 0
	for _, w := range want {
		if !r.reachesMin(w.score) {
			first++
		} else if r.reachesMax(w.score) {
			count++
		}
	}
	if from, n := z.ByScore(r); n != count || n > 0 && from != first {
		m.t.Fatalf("ByScore(%+v) = %d, %d; want %d, %d", r, from, n, first, count)
	}
}

func TestSortedSetModel(t *testing.T) {
	for seed := range uint64(torture(3)) {
		m := newSortedSetModel(t, seed)
		for range 600 {
			m.step()
		}
		checkEngine(t, m.e)
		if err := m.e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// withSortedSet calls fn with a set of the given members, all with one score, in a new engine.
func withSortedSet(t *testing.T, limit int, members []string, fn func(z *SortedSet)) {
	t.Helper()
	e := openTest(t, vfs.NewMem())
	l := DefaultLimits()
	l.ZSetEntries = limit
	e.SetLimits(l)
	x := e.NewTxn()
	k := e.Key(0, []byte("key"))
	x.Lock([]Key{k}, true)
	z, err := x.SortedSet(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if _, err := z.Add([]byte(m), 5); err != nil {
			t.Fatal(err)
		}
	}
	fn(&z)
	x.Unlock()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestByLex(t *testing.T) {
	members := []string{"a", "aa", "b", "c", "cat", "d", "dog"}
	bounds := []LexBound{{Infinity: -1}, {Infinity: 1}}
	for _, m := range append(members, "", "ab", "e") {
		bounds = append(bounds, LexBound{Member: []byte(m)}, LexBound{Member: []byte(m), Exclusive: true})
	}
	check := func(z *SortedSet) {
		for _, low := range bounds {
			for _, high := range bounds {
				checkByLex(t, z, members, LexRange{low, high})
			}
		}
	}
	withSortedSet(t, 128, members, check)
	for i := range members { // the same order, in a set that is too large to be packed
		members[i] += strings.Repeat("-", 400)
	}
	for i := range bounds[2:] {
		bounds[2+i].Member = append(bounds[2+i].Member, strings.Repeat("-", 400)...)
	}
	withSortedSet(t, 128, members, func(z *SortedSet) {
		if _, o := z.form(); o == nil {
			t.Error("the set is packed")
		}
		check(z)
	})
}

func checkByLex(t *testing.T, z *SortedSet, members []string, r LexRange) {
	t.Helper()
	first, count := 0, 0
	for i, m := range members {
		if r.reachesMin([]byte(m)) && r.reachesMax([]byte(m)) {
			if count == 0 {
				first = i
			}
			count++
		}
	}
	if from, n := z.ByLex(r, false); n != count || n > 0 && from != first {
		t.Errorf("ByLex(%+v) = %d, %d; want %d, %d", r, from, n, first, count)
	}
	if from, n := z.ByLex(r, true); n != count || n > 0 && from != first+count-1 {
		t.Errorf("ByLex(%+v) backwards = %d, %d; want %d, %d", r, from, n, first+count-1, count)
	}
}

func TestSortedSetEncoding(t *testing.T) {
	for _, c := range []struct {
		members []string
		want    string
	}{
		{[]string{"a", "b"}, "listpack"},
		{[]string{"a", "b", "c"}, "skiplist"},
		{[]string{strings.Repeat("m", 64)}, "listpack"},
		{[]string{strings.Repeat("m", 65)}, "skiplist"},
	} {
		withSortedSet(t, 2, c.members, func(z *SortedSet) {
			if got := z.t.Encoding(z.k); got != c.want {
				t.Errorf("%.10q is a %s, want %s", c.members, got, c.want)
			}
			for _, m := range c.members[1:] { // it is for good
				z.Remove([]byte(m))
			}
			if got := z.t.Encoding(z.k); got != c.want {
				t.Errorf("%.10q, once grown, is a %s, want %s", c.members, got, c.want)
			}
		})
	}
}

// TestMinusZero: -0 is kept where Redis keeps it, which is in a skip list and not in a listpack.
func TestMinusZero(t *testing.T) {
	for _, limit := range []int{0, 128} {
		withSortedSet(t, limit, []string{"a"}, func(z *SortedSet) {
			minus := math.Copysign(0, -1)
			if _, err := z.Add([]byte("b"), minus); err != nil {
				t.Fatal(err)
			}
			if score, _ := z.Score([]byte("b")); math.Signbit(score) != (limit == 0) {
				t.Errorf("with at most %d members in a listpack, -0 comes back as %v", limit, score)
			}
			z.Walk(0, 1, false, func(member []byte, score float64) {
				if string(member) != "b" || math.Signbit(score) != (limit == 0) {
					t.Errorf("with at most %d members in a listpack, the first is %q with %v", limit, member, score)
				}
			})
		})
	}
}

func TestPackedSortedSetIsCheckedForOrder(t *testing.T) {
	add := func(items ...ranked) packed {
		b := packedBuilder{}
		for _, it := range items {
			b.add([]byte(it.member), scoreValue(it.score, true), true)
		}
		return b.appendTo(nil, byte(ZSetKind))
	}
	minus := math.Copysign(0, -1)
	for _, good := range []packed{add(ranked{"a", 1}), add(ranked{"b", 1}, ranked{"a", 2}), add(ranked{"a", minus}, ranked{"b", 0})} {
		if err := checkPacked(good); err != nil {
			t.Errorf("%x: %v", good, err)
		}
	}
	text := packedBuilder{}
	text.add([]byte("a"), Value{Kind: String, Str: []byte("1")}, true)
	for _, bad := range []packed{
		add(ranked{"a", 2}, ranked{"b", 1}), add(ranked{"b", 1}, ranked{"a", 1}), add(ranked{"a", 1}, ranked{"a", 1}),
		add(ranked{"a", math.NaN()}), text.appendTo(nil, byte(ZSetKind)),
	} {
		if err := checkPacked(bad); err == nil {
			t.Errorf("%x is taken for a sorted set", bad)
		}
	}
}
