package list

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// heap is a Memory that knows what is out.
type heap struct {
	t   rapid.TB
	out map[*byte]int
}

func newHeap(t rapid.TB) *heap { return &heap{t, map[*byte]int{}} }

func (h *heap) Alloc(n int) []byte {
	b := make([]byte, n, (n+7)/8*8)
	h.out[&b[:1][0]] = cap(b)
	return b
}

func (h *heap) Free(b []byte) {
	at := unsafe.SliceData(b)
	if h.out[at] != cap(b) {
		h.t.Fatalf("Free of %d bytes that are not out", cap(b))
	}
	for i := range b[:cap(b)] {
		b[:cap(b)][i] = 0xdb // whoever still reads it shall notice
	}
	delete(h.out, at)
}

func (h *heap) bytes() (n int64) {
	for size := range maps.Values(h.out) {
		n += int64(size)
	}
	return n
}

// content returns the elements as strings.
func content(l *List) []string {
	all := []string{}
	l.Each(0, func(e Element) bool {
		all = append(all, string(e.Append(nil)))
		return true
	})
	return all
}

// wantContent compares elements, and reports the first difference.
func wantContent(t rapid.TB, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("element %d is %.40q, want %.40q", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d elements, want %d", len(got), len(want))
	}
}

// check holds the list to what is always true of it.
func check(t rapid.TB, l *List, want []string) {
	t.Helper()
	wantContent(t, content(l), want)
	count, nodes, last := 0, 0, -idLimit
	memory := int64(unsafe.Sizeof(List{})) + int64(cap(l.spare))
	for _, b := range l.blocks {
		memory += int64(unsafe.Sizeof(block{})) + int64(cap(b.nodes))*int64(unsafe.Sizeof(node{}))
		before := count
		for _, n := range b.nodes {
			size, err := Check(n.data)
			if err != nil || size != int(n.count) {
				t.Fatalf("node %d: %d elements, %v; it says %d", n.id, size, err, n.count)
			}
			if n.id <= last {
				t.Fatalf("node %d behind node %d", n.id, last)
			}
			if n.count > 1 && len(n.data) > maxNode {
				t.Fatalf("node %d has %d bytes", n.id, len(n.data))
			}
			if b.state&n.state != n.state {
				t.Fatalf("node %d has state %b, its block %b", n.id, n.state, b.state)
			}
			last, count, nodes, memory = n.id, count+int(n.count), nodes+1, memory+int64(cap(n.data))
		}
		if b.count != count-before || len(b.nodes) == 0 || len(b.nodes) > maxBlock {
			t.Fatalf("a block of %d nodes counts %d elements, has %d", len(b.nodes), b.count, count-before)
		}
	}
	if l.Len() != count || l.Nodes() != nodes || l.Bytes() != memory {
		t.Fatalf("%d elements, %d nodes, %d bytes; it says %d, %d, %d", count, nodes, memory, l.Len(), l.Nodes(), l.Bytes())
	}
}

// drawElement draws strings of all encodings, few enough different ones for Remove to find something.
func drawElement(t *rapid.T) string {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return strconv.Itoa(rapid.IntRange(-3, 200).Draw(t, "small"))
	case 1:
		return strconv.FormatInt(rapid.Int64().Draw(t, "int"), 10)
	case 2:
		return rapid.StringN(0, 20, 20).Draw(t, "text")
	case 3:
		return strings.Repeat("x", rapid.SampledFrom([]int{60, 63, 64, 127, 128, 300}).Draw(t, "length"))
	case 4:
		return strings.Repeat("y", rapid.SampledFrom([]int{500, 504, 505, 506, 507, 508, 4095, 4096, 5000}).Draw(t, "long"))
	}
	return rapid.SampledFrom([]string{"", "a", "b", "0", "-0", "007", "9223372036854775808"}).Draw(t, "usual")
}

// machine runs a list beside a slice, with commits, checkpoints and restarts.
type machine struct {
	heap *heap
	list *List
	want []string

	log     []Row    // rows of commits since the covered one
	durable []string // what the last commit holds
	store   map[int64][]byte
	writing bool // a checkpoint
	covered int  // rows of the log that it covers
	cursor  int64
	more    bool
	taken   []Row
}

func (m *machine) init(t *rapid.T) {
	m.heap = newHeap(t)
	m.list = New(m.heap, true)
	m.store = map[int64][]byte{}
	m.durable = []string{}
	m.want = []string{}
}

func (m *machine) Check(t *rapid.T) { check(t, m.list, m.want) }

func (m *machine) PushHead(t *rapid.T) {
	v := drawElement(t)
	m.list.PushHead([]byte(v))
	m.want = slices.Insert(m.want, 0, v)
}

func (m *machine) PushTail(t *rapid.T) {
	v := drawElement(t)
	m.list.PushTail([]byte(v))
	m.want = append(m.want, v)
}

// Fill makes the list long enough for blocks to fill up.
func (m *machine) Fill(t *rapid.T) {
	n := rapid.IntRange(1, 400).Draw(t, "n")
	size := rapid.SampledFrom([]int{1, 5, 300, 2000}).Draw(t, "size")
	head := rapid.Bool().Draw(t, "head")
	if len(m.want) > 3000 {
		return
	}
	for i := range n {
		v := strings.Repeat(strconv.Itoa(i%7), size)
		if head {
			m.list.PushHead([]byte(v))
			m.want = slices.Insert(m.want, 0, v)
			continue
		}
		m.list.PushTail([]byte(v))
		m.want = append(m.want, v)
	}
}

func (m *machine) drawIndex(t *rapid.T) int { return rapid.IntRange(0, len(m.want)-1).Draw(t, "index") }

func (m *machine) Set(t *rapid.T) {
	if len(m.want) == 0 {
		return
	}
	i, v := m.drawIndex(t), drawElement(t)
	m.list.Set(i, []byte(v))
	m.want[i] = v
}

func (m *machine) Insert(t *rapid.T) {
	i := rapid.IntRange(0, len(m.want)).Draw(t, "index")
	n := rapid.SampledFrom([]int{1, 1, 1, 5, 60}).Draw(t, "n")
	v := drawElement(t)
	for range n {
		m.list.Insert(i, []byte(v))
		m.want = slices.Insert(m.want, i, v)
	}
}

func (m *machine) DropHead(t *rapid.T) {
	n := rapid.IntRange(0, len(m.want)+1).Draw(t, "n")
	m.list.DropHead(n)
	m.want = slices.Clone(m.want[min(n, len(m.want)):])
}

func (m *machine) PopHead(t *rapid.T) {
	n := min(rapid.IntRange(1, 3).Draw(t, "n"), len(m.want))
	m.list.DropHead(n)
	m.want = slices.Clone(m.want[n:])
}

func (m *machine) DropTail(t *rapid.T) {
	n := rapid.IntRange(0, 1+len(m.want)/2).Draw(t, "n")
	m.list.DropTail(n)
	m.want = m.want[:len(m.want)-min(n, len(m.want))]
}

func (m *machine) Remove(t *rapid.T) {
	v := drawElement(t)
	if len(m.want) > 0 && rapid.Bool().Draw(t, "present") {
		v = m.want[m.drawIndex(t)]
	}
	back := rapid.Bool().Draw(t, "back")
	limit := rapid.SampledFrom([]int{1, 2, 10, 1 << 40}).Draw(t, "limit")
	got, n := m.list.Remove([]byte(v), back, limit), 0
	if back {
		slices.Reverse(m.want)
	}
	m.want = slices.DeleteFunc(m.want, func(s string) bool {
		if s != v || n == limit {
			return false
		}
		n++
		return true
	})
	if back {
		slices.Reverse(m.want)
	}
	if got != n {
		t.Fatalf("removed %d, want %d", got, n)
	}
}

func (m *machine) Read(t *rapid.T) {
	if len(m.want) == 0 {
		return
	}
	i := m.drawIndex(t)
	if got := string(m.list.Index(i).Append(nil)); got != m.want[i] {
		t.Fatalf("element %d is %.40q, want %.40q", i, got, m.want[i])
	}
	var back []string
	m.list.EachBack(i, func(e Element) bool {
		back = append(back, string(e.Append(nil)))
		return len(back) < 50
	})
	for k, v := range back {
		if v != m.want[i-k] {
			t.Fatalf("backwards from %d: element %d is %.40q, want %.40q", i, i-k, v, m.want[i-k])
		}
	}
}

func (m *machine) Find(t *rapid.T) {
	if len(m.want) == 0 {
		return
	}
	v := m.want[m.drawIndex(t)]
	back, limit := rapid.Bool().Draw(t, "back"), rapid.IntRange(1, len(m.want)+2).Draw(t, "limit")
	var got, want []int
	m.list.Find([]byte(v), back, limit, func(i int) bool {
		got = append(got, i)
		return len(got) < 10
	})
	for k := range min(limit, len(m.want)) {
		i := k
		if back {
			i = len(m.want) - 1 - k
		}
		if m.want[i] == v && len(want) < 10 {
			want = append(want, i)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("found %.40q at %v, want %v", v, got, want)
	}
}

// own copies a row.
func own(r Row) Row {
	if r.Data != nil {
		r.Data = slices.Clone(r.Data)
	}
	return r
}

func (m *machine) Commit(t *rapid.T) {
	var rows []Row
	m.list.TakeQueued(func(r Row) { rows = append(rows, own(r)) })
	disjoint(t, rows)
	if m.list.Queued() {
		t.Fatal("rows are queued after a commit")
	}
	m.log = append(m.log, rows...)
	m.durable = slices.Clone(m.want)
}

// disjoint checks that no id is in two of the rows.
func disjoint(t *rapid.T, rows []Row) {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b Row) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	for i := 1; i < len(rows); i++ {
		if rows[i].ID <= rows[i-1].Last {
			t.Fatalf("rows [%d,%d] and [%d,%d] overlap", rows[i-1].ID, rows[i-1].Last, rows[i].ID, rows[i].Last)
		}
	}
}

// Checkpoint begins a checkpoint, or takes some more rows, or ends it.
func (m *machine) Checkpoint(t *rapid.T) {
	if !m.writing {
		m.Commit(t)
		m.writing, m.covered, m.cursor, m.more, m.taken = true, len(m.log), FirstRow, true, nil
	}
	if m.more {
		limit := rapid.SampledFrom([]int{1, 3, 20, 1000}).Draw(t, "limit")
		last := m.cursor
		m.cursor, m.more = m.list.TakeDirty(m.cursor, limit, func(r Row) {
			if r.ID < last {
				t.Fatalf("row %d behind row %d", r.ID, last)
			}
			last = r.Last
			m.taken = append(m.taken, own(r))
		})
		return
	}
	m.Commit(t) // what was taken has to be durable first
	ok := rapid.IntRange(0, 3).Draw(t, "ok") > 0
	if ok {
		apply(m.store, m.taken)
		m.log = m.log[m.covered:]
	}
	m.writing = false
	from, more := int64(FirstRow), true
	for more {
		from, more = m.list.Settle(ok, from, rapid.SampledFrom([]int{1, 200, 10000}).Draw(t, "limit"))
	}
}

func apply(store map[int64][]byte, rows []Row) {
	for _, r := range rows {
		if r.Data != nil {
			store[r.ID] = r.Data
			continue
		}
		maps.DeleteFunc(store, func(id int64, _ []byte) bool { return id >= r.ID && id <= r.Last })
	}
}

// Restart loses what was not committed, and reads the list from store and log.
func (m *machine) Restart(t *rapid.T) {
	patch := m.patch(t)
	if rapid.Bool().Draw(t, "checkpoint") {
		patch = m.checkpointPatch(t, patch)
	}
	if patch != nil {
		m.load(t, patch)
		m.takeOver(patch.List())
	}
}

// patch returns what the log says of the list.
func (m *machine) patch(t *rapid.T) *Patch {
	patch := NewPatch(m.heap)
	for _, r := range m.log {
		if err := patch.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return patch
}

// load adds the nodes of the store.
func (m *machine) load(t *rapid.T, patch *Patch) {
	ids := slices.Sorted(maps.Keys(m.store))
	if rapid.Bool().Draw(t, "descending") {
		slices.Reverse(ids)
	}
	for _, id := range ids {
		if err := patch.Load(id, m.store[id]); err != nil {
			t.Fatal(err)
		}
	}
}

// takeOver goes on with a list that was read.
func (m *machine) takeOver(l *List) {
	for !m.list.Release(7) {
	}
	m.list, m.want, m.writing = l, slices.Clone(m.durable), false
	m.list.SetLogging(true)
}

// checkpointPatch writes a checkpoint of a list that is not loaded, and returns the patch to go on with; nil if it was loaded meanwhile.
func (m *machine) checkpointPatch(t *rapid.T, patch *Patch) *Patch {
	rows, loaded := m.takePatch(t, patch)
	ok := rapid.Bool().Draw(t, "ok")
	if loaded == nil && rapid.Bool().Draw(t, "load meanwhile") {
		m.load(t, patch)
		loaded = patch.List()
	}
	if ok {
		apply(m.store, rows)
		m.log = nil
	}
	switch {
	case loaded != nil:
		m.endCheckpoint(t, loaded, ok)
		m.takeOver(loaded)
		return nil
	case rapid.Bool().Draw(t, "and restart"):
		patch.Release(1 << 30)
		return m.patch(t)
	}
	patch.Settle(ok, FirstRow, 1<<30)
	return patch
}

// endCheckpoint settles a list that was loaded while a checkpoint took it. It is clean then, but for a gap that was told in two parts.
func (m *machine) endCheckpoint(t *rapid.T, l *List, ok bool) {
	l.Settle(ok, FirstRow, 1<<30)
	for from, more := int64(FirstRow), ok; more; {
		from, more = l.TakeDirty(from, 1000, func(r Row) {
			if r.Data != nil {
				t.Fatalf("node %d is not clean after a checkpoint", r.ID)
			}
			apply(m.store, []Row{own(r)})
		})
	}
	if l.Settle(ok, FirstRow, 1<<30); ok && !l.Clean() {
		t.Fatal("not clean after a checkpoint")
	}
}

// takePatch takes all rows of a patch, some at a time, and sorts them as a checkpoint does. When the list is loaded before that is done, it
// goes on with the list, which it returns.
func (m *machine) takePatch(t *rapid.T, patch *Patch) (rows []Row, loaded *List) {
	limit, take := rapid.SampledFrom([]int{1, 5, 1000}).Draw(t, "limit"), patch.TakeDirty
	for from, more := int64(FirstRow), true; more; {
		var chunk []Row
		next, again := take(from, limit, func(r Row) { chunk = append(chunk, own(r)) })
		for _, r := range chunk {
			if r.ID < from || again && r.ID >= next {
				t.Fatalf("row %d among those from %d to %d", r.ID, from, next)
			}
		}
		slices.SortFunc(chunk, func(a, b Row) int { return cmp.Or(cmp.Compare(a.ID, b.ID), len(a.Data)-len(b.Data)) })
		rows = append(rows, chunk...)
		if from, more = next, again; more && loaded == nil && rapid.IntRange(0, 3).Draw(t, "load in between") == 0 {
			m.load(t, patch)
			loaded = patch.List()
			take = loaded.TakeDirty
		}
	}
	return rows, loaded
}

// TestList runs random operations on a list and a slice, with commits, checkpoints that succeed or fail, and restarts from what they wrote.
func TestList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{}
		m.init(t)
		t.Repeat(rapid.StateMachineActions(m))
		m.list.Release(1 << 30)
		if left := m.heap.bytes(); left != 0 {
			t.Fatalf("%d bytes were never freed", left)
		}
	})
}

// TestCleanAfterCheckpoint: a list that log and store know may be dropped, and then costs neither anything.
func TestCleanAfterCheckpoint(t *testing.T) {
	l := New(newHeap(t), true)
	for i := range 10_000 {
		l.PushTail(strconv.AppendInt(nil, int64(i*1000), 10))
	}
	l.DropHead(5000)
	if l.Clean() {
		t.Fatal("clean before a commit")
	}
	l.TakeQueued(func(Row) {})
	l.TakeDirty(FirstRow, 1<<30, func(Row) {})
	if l.Clean() {
		t.Fatal("clean while a checkpoint is running")
	}
	l.Settle(true, FirstRow, 1<<30)
	if !l.Clean() || l.Dirty() {
		t.Fatal("not clean after a checkpoint")
	}
	rows := 0
	l.PushTail([]byte("x"))
	l.TakeQueued(func(Row) { rows++ })
	l.TakeDirty(FirstRow, 1<<30, func(Row) { rows++ })
	if rows != 2 {
		t.Errorf("%d rows for one push, want one for the log and one for the store", rows)
	}
}

// TestQueueLeavesNoTrace: what came and went between two commits is not told.
func TestQueueLeavesNoTrace(t *testing.T) {
	l := New(newHeap(t), true)
	l.PushTail([]byte("first"))
	l.TakeQueued(func(Row) {})
	for range 100_000 {
		l.PushTail([]byte("a task that somebody takes at once"))
		l.DropHead(1)
	}
	rows := 0
	l.TakeQueued(func(Row) { rows++ })
	if rows > 3 {
		t.Errorf("%d rows for a queue of one element", rows)
	}
}

// TestNumbersNeverRunOut divides nodes at one spot for as long as it likes.
func TestNumbersNeverRunOut(t *testing.T) {
	l, want := New(newHeap(t), true), []string{}
	for i := range 300 {
		v := strings.Repeat("x", 2000) + strconv.Itoa(i)
		l.PushTail([]byte(v))
		want = append(want, v)
	}
	rewritten := 0
	for i := range 2000 {
		v := strings.Repeat("y", 2000) + strconv.Itoa(i)
		l.Insert(150, []byte(v))
		want = slices.Insert(want, 150, v)
		l.TakeQueued(func(Row) { rewritten++ })
	}
	check(t, l, want)
	if rewritten > 2000*20 {
		t.Errorf("2000 insertions wrote %d rows", rewritten)
	}
}

// TestEndsOfNumbers pushes when the ids at an end are used up.
func TestEndsOfNumbers(t *testing.T) {
	for _, id := range []int64{idLimit - 5, -idLimit + 5} {
		l := New(newHeap(t), true)
		if err := l.Load(id, entryOf("a")); err != nil {
			t.Fatal(err)
		}
		want := []string{"a"}
		for i := range 10 {
			v := strings.Repeat(strconv.Itoa(i), 1500)
			l.PushHead([]byte(v))
			l.PushTail([]byte(v))
			want = append(append([]string{v}, want...), v)
		}
		check(t, l, want)
	}
}

func entryOf(v string) []byte {
	e := encode([]byte(v))
	b := make([]byte, e.size)
	e.put(b)
	return b
}

func TestEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawElement(t)
		if rapid.Bool().Draw(t, "bytes") {
			v = string(rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "v"))
		}
		b := entryOf(v)
		if got := string(decode(b).Append(nil)); got != v {
			t.Fatalf("%q became %q", v, got)
		}
		if n, err := Check(b); n != 1 || err != nil {
			t.Fatalf("%q: %x is refused: %v", v, b, err)
		}
		if size := sizeBefore(append([]byte("junk"), b...)); size != len(b) || sizeAt(b) != size {
			t.Fatalf("%q: %d and %d bytes from the ends, want %d", v, sizeAt(b), size, len(b))
		}
	})
}

func TestBoundaryIntegers(t *testing.T) {
	for shift := range 64 {
		for _, n := range []int64{1 << shift, -1 << shift, 1<<shift - 1, -1<<shift - 1, 1<<shift + 1, 1<<63 - 1, -1 << 63} {
			b := entryOf(strconv.FormatInt(n, 10))
			if e := decode(b); !e.IsInt || e.Int != n {
				t.Errorf("%d became %+v", n, e)
			}
			if _, err := Check(b); err != nil {
				t.Errorf("%d: %v", n, err)
			}
		}
	}
}

// FuzzCheck: what Check accepts can be read from both ends, and is what the encoder would have made of its elements.
func FuzzCheck(f *testing.F) {
	for _, v := range []string{"", "1", "127", "128", "-4096", "4095", "32767", "-8388608", "2147483647", "9223372036854775807", "x", strings.Repeat("x", 64)} {
		f.Add(append(entryOf(v), entryOf("next")...))
	}
	f.Add([]byte{str32, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{str12, 0xff})
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		count, err := Check(data)
		if err != nil {
			return
		}
		l := New(newHeap(t), true)
		if err := l.Load(0, data); err != nil {
			t.Fatal(err)
		}
		var again []byte
		for _, v := range content(l) {
			again = append(again, entryOf(v)...)
		}
		if !bytes.Equal(again, data) || l.Len() != count {
			t.Fatalf("%x, %d elements, reads as %x", data, count, again)
		}
		seen := 0
		l.EachBack(count-1, func(Element) bool { seen++; return true })
		if seen != count {
			t.Fatalf("%d elements from the tail, %d from the head", seen, count)
		}
	})
}

func BenchmarkIndexMiddle(b *testing.B) {
	l := New(newHeap(b), true)
	for i := range 1_000_000 {
		l.PushTail(fmt.Appendf(nil, "element:%d", i))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	b.ResetTimer()
	for b.Loop() {
		l.Index(rng.IntN(1_000_000))
	}
}

func BenchmarkPushPop(b *testing.B) {
	l := New(newHeap(b), true)
	for range 10_000 {
		l.PushTail([]byte("some element"))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.PushTail([]byte("some element"))
		l.DropHead(1)
		if i%100 == 0 {
			l.TakeQueued(func(Row) {})
		}
	}
}
