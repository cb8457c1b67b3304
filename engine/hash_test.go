package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// collectionModel is an engine beside maps of hashes and sets that must always agree with it.
type collectionModel struct {
	t      *testing.T
	rnd    *rand.Rand
	fs     vfs.FS
	e      *Engine
	x      *Txn
	now    int64
	hashes map[string]map[string]Value
	sets   map[string]map[string]bool
}

func newCollectionModel(t *testing.T, seed uint64) *collectionModel {
	m := &collectionModel{
		t: t, rnd: rand.New(rand.NewPCG(seed, 3)), fs: vfs.NewMem(), now: 1_700_000_000_000,
		hashes: map[string]map[string]Value{}, sets: map[string]map[string]bool{},
	}
	for i := range 12 {
		m.hashes[fmt.Sprintf("hash:%d", i)] = map[string]Value{}
		m.sets[fmt.Sprintf("set:%d", i)] = map[string]bool{}
	}
	m.open()
	return m
}

func (m *collectionModel) open() {
	m.e = openTest(m.t, m.fs, func(o *Options) { o.Clock = func() int64 { return m.now }; o.CheckpointLogBytes = 1 << 40 })
	m.e.SetActiveExpire(false)
	m.x = m.e.NewTxn()
}

func (m *collectionModel) lock(name string, write bool) Key {
	k := m.e.Key(0, []byte(name))
	m.x.Lock([]Key{k}, write)
	return k
}

func (m *collectionModel) unlock() {
	m.x.Unlock()
	if err := m.e.Wait(m.x.Need()); err != nil {
		m.t.Fatal(err)
	}
	m.x.ClearNeed()
}

func (m *collectionModel) field() []byte {
	n := m.rnd.IntN([]int{20, 200}[m.rnd.IntN(2)])
	switch n % 4 {
	case 0:
		return fmt.Append(nil, n)
	case 1:
		return fmt.Appendf(nil, "%s%d", strings.Repeat("long", n%30), n)
	default:
		return fmt.Appendf(nil, "field:%d", n)
	}
}

func (m *collectionModel) step() {
	switch n := m.rnd.IntN(1000); {
	case n < 600:
		m.stepHash()
	case n < 950:
		m.stepSet()
	case n < 965:
		m.now += m.rnd.Int64N(50)
	case n < 970:
		m.grow()
	case n < 985:
		for i := range m.e.physical()[0].slots {
			m.e.sweepSlot(&m.e.physical()[0].slots[i], flags.cold)
		}
	case n < 990:
		if err := m.e.cleanUp(); err != nil {
			m.t.Fatal(err)
		}
	case n < 993:
		if err := m.e.Close(); err != nil {
			m.t.Fatal(err)
		}
		m.open()
	default:
		checkEngine(m.t, m.e)
	}
}

// grow gives a hash enough fields for several tables.
func (m *collectionModel) grow() {
	m.t.Helper()
	name := fmt.Sprintf("hash:%d", m.rnd.IntN(2))
	k := m.lock(name, true)
	defer m.unlock()
	m.sweep(m.hashes[name])
	h, _ := m.x.Hash(k)
	from := m.rnd.IntN(20000)
	for i := from; i < from+1500; i++ {
		f := fmt.Append(nil, i)
		if _, err := h.SetInt(f, int64(i)); err != nil {
			m.t.Fatal(err)
		}
		m.hashes[name][string(f)] = Value{Kind: Int, Int: int64(i)}
	}
	m.compareHash(name, &h, m.hashes[name])
}

// sweep drops what has expired from the model's hash.
func (m *collectionModel) sweep(h map[string]Value) {
	for f, v := range h {
		if v.expired(m.now) {
			delete(h, f)
		}
	}
}

func (m *collectionModel) stepHash() {
	m.t.Helper()
	name := fmt.Sprintf("hash:%d", m.rnd.IntN(len(m.hashes)))
	want := m.hashes[name]
	k := m.lock(name, true)
	defer m.unlock()
	m.sweep(want)
	h, err := m.x.Hash(k)
	if err != nil {
		m.t.Fatal(err)
	}
	for range 1 + m.rnd.IntN(8) {
		m.changeHash(&h, want)
	}
	m.compareHash(name, &h, want)
}

func (m *collectionModel) changeHash(h *Hash, want map[string]Value) {
	m.t.Helper()
	field := m.field()
	old, had := want[string(field)]
	switch m.rnd.IntN(7) {
	case 0, 1:
		delta := m.rnd.Int64N(1<<m.rnd.IntN(62)) - 5
		n, err := h.IncrBy(field, delta)
		sum, wantErr := add(old.Int, delta)
		if had && old.Kind != Int {
			wantErr = ErrNotInteger
		}
		if !errors.Is(err, wantErr) || err == nil && n != sum {
			m.t.Fatalf("IncrBy(%q, %d) = %d, %v; want %d, %v", field, delta, n, err, sum, wantErr)
		}
		if err == nil {
			want[string(field)] = Value{Kind: Int, Int: sum, ExpireAt: old.ExpireAt}
		}
	case 2, 3:
		value := []byte(strings.Repeat("v", []int{0, 3, 63, 64, 200}[m.rnd.IntN(5)]))
		keep := m.rnd.IntN(2) == 0
		set := h.Set
		v := Value{Kind: String, Str: value}
		if keep {
			set, v.ExpireAt = h.SetKeepTTL, old.ExpireAt
		}
		created, err := set(field, value)
		if err != nil || created == had {
			m.t.Fatalf("Set(%q) = %v, %v; had %v", field, created, err, had)
		}
		want[string(field)] = v
	case 4, 5:
		if got := h.Delete(field); got != had {
			m.t.Fatalf("Delete(%q) = %v, had %v", field, got, had)
		}
		delete(want, string(field))
	default:
		at := int64(0)
		if m.rnd.IntN(3) > 0 {
			at = m.now + m.rnd.Int64N(100) - 5
		}
		if got := h.SetExpiry(field, at); got != had {
			m.t.Fatalf("SetExpiry(%q) = %v, had %v", field, got, had)
		}
		if old.ExpireAt = at; had {
			want[string(field)] = old
		}
		if at != 0 && at <= m.now {
			delete(want, string(field))
		}
	}
}

func (m *collectionModel) compareHash(name string, h *Hash, want map[string]Value) {
	m.t.Helper()
	if h.Len() != len(want) {
		m.t.Fatalf("%s has %d fields, want %d", name, h.Len(), len(want))
	}
	met := 0
	h.Each(func(field []byte, v Value) bool {
		met++
		w, ok := want[string(field)]
		g, found := h.Get(field)
		if !ok || !found || !equalValues(v, w) || !equalValues(g, w) {
			m.t.Fatalf("%s %q = %+v %+v, want %+v", name, field, v, g, w)
		}
		return true
	})
	if met != len(want) {
		m.t.Fatalf("%s has %d fields, want %d", name, met, len(want))
	}
	v, ok := m.x.Peek(h.k)
	if ok != (len(want) > 0) || ok && v.Kind != HashKind {
		m.t.Fatalf("%s: %+v, %v", name, v, ok)
	}
}

func equalValues(a, b Value) bool {
	return a.Kind == b.Kind && a.Int == b.Int && string(a.Str) == string(b.Str) && a.ExpireAt == b.ExpireAt
}

func (m *collectionModel) stepSet() {
	m.t.Helper()
	name := fmt.Sprintf("set:%d", m.rnd.IntN(len(m.sets)))
	want := m.sets[name]
	k := m.lock(name, true)
	defer m.unlock()
	s, err := m.x.Set(k)
	if err != nil {
		m.t.Fatal(err)
	}
	for range 1 + m.rnd.IntN(8) {
		member := m.field()
		if m.rnd.IntN(10) > 0 {
			member = fmt.Append(nil, m.rnd.Int64N(1<<m.rnd.IntN(40))-3)
		}
		if m.rnd.IntN(3) > 0 {
			if added, err := s.Add(member); err != nil || added == want[string(member)] {
				m.t.Fatalf("Add(%q) = %v, %v", member, added, err)
			}
			want[string(member)] = true
		} else {
			if removed := s.Remove(member); removed != want[string(member)] {
				m.t.Fatalf("Remove(%q) = %v", member, removed)
			}
			delete(want, string(member))
		}
	}
	met := 0
	s.Each(func(member []byte) bool {
		met++
		if !want[string(member)] || !s.Has(member) {
			m.t.Fatalf("%s has %q", name, member)
		}
		return true
	})
	if met != len(want) || s.Len() != met {
		m.t.Fatalf("%s has %d members (%d), want %d", name, met, s.Len(), len(want))
	}
	if member, ok := s.Random(); ok != (met > 0) || ok && !want[string(member)] {
		m.t.Fatalf("Random() = %q, %v", member, ok)
	}
}

func TestCollectionModel(t *testing.T) {
	for seed := range uint64(torture(3)) {
		m := newCollectionModel(t, seed)
		for range 3000 {
			m.step()
		}
		checkEngine(t, m.e)
		if err := m.e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWrongKind(t *testing.T) {
	e := openTest(t, vfs.NewMem())
	x := e.NewTxn()
	k := e.Key(0, []byte("key"))
	x.Lock([]Key{k}, true)
	h, _ := x.Hash(k)
	if _, err := h.Set([]byte("a"), []byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Set(k); !errors.Is(err, ErrWrongType) {
		t.Errorf("a hash opens as a set: %v", err)
	}
	if _, err := x.IncrBy(k, 1); !errors.Is(err, ErrWrongType) {
		t.Errorf("a hash is incremented: %v", err)
	}
	if err := x.SetString(k, []byte("text"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Hash(k); !errors.Is(err, ErrWrongType) {
		t.Errorf("a string opens as a hash: %v", err)
	}
	x.Unlock()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
