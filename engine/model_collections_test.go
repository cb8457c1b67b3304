package engine

import (
	"errors"
	"fmt"
	"strings"
)

// The model's collections: hashes, sets and sorted sets of all forms, under the same names as everything else.

// sweepFields drops what has expired from a model's hash, and reports whether anything is left.
func (m *model) sweepFields(elements map[string]Value) bool {
	now := m.clock.Load()
	for name, v := range elements {
		if v.expired(now) {
			delete(elements, name)
		}
	}
	return len(elements) > 0
}

// purge has the engine see that fields have expired: until then, or until the background does, the key counts as there.
func (m *model) purge(k Key) {
	if v, ok := m.x.Peek(k); ok && v.Kind == HashKind {
		_, err := m.x.Hash(k)
		m.must(err)
	}
}

// collection returns the model's elements of a key for writing, or what opening it as another kind must return.
func (m *model) collection(k Key, kind Kind, old cell, had bool) (map[string]Value, error) {
	db, name := int(k.DB), string(k.Name)
	switch {
	case !had:
		m.elements[db][name] = map[string]Value{}
	case !old.packed || Kind(old.num) != kind:
		return nil, ErrWrongType
	}
	return m.elements[db][name], nil
}

// written notes what a change has left of a collection.
func (m *model) written(k Key, kind Kind, old cell) {
	db, name := int(k.DB), string(k.Name)
	if len(m.elements[db][name]) == 0 {
		delete(m.dbs[db], name)
		return
	}
	m.put(db, name, cell{packed: true, num: int64(kind), expireAt: old.expireAt})
}

// field draws a name of an element: mostly one of few, of a family, an integer, or long.
func (m *model) field() []byte {
	n := m.rnd.IntN([]int{10, 40, 300}[m.rnd.IntN(3)])
	switch n % 5 {
	case 0:
		return fmt.Append(nil, n)
	case 1:
		return fmt.Appendf(nil, "%s%d", strings.Repeat("long", n%30), n)
	case 2:
		return fmt.Appendf(nil, "%s%d", strings.Repeat("f", []int{0, 250, 260}[n%3]), n)
	default:
		return fmt.Appendf(nil, "field:%d", n)
	}
}

func (m *model) changeHash(k Key, old cell, had bool) {
	m.t.Helper()
	m.note("hash %d %.20q", k.DB, k.Name)
	want, wantErr := m.collection(k, HashKind, old, had)
	h, err := m.x.Hash(k)
	if !errors.Is(err, wantErr) || err != nil && wantErr == nil {
		m.t.Errorf("Hash(%.20q): %v, want %v", k.Name, err, wantErr)
	}
	if err != nil || wantErr != nil {
		return
	}
	steps := 1 + m.rnd.IntN(4)
	if m.rnd.IntN(20) == 0 {
		steps = 200
	}
	for range steps {
		m.changeField(&h, want)
	}
	if h.Len() != len(want) {
		m.t.Errorf("%.20q has %d fields, want %d", k.Name, h.Len(), len(want))
	}
	m.written(k, HashKind, old)
	if m.rnd.IntN(100) == 0 {
		m.growHash(k, &h, want)
		m.written(k, HashKind, old)
	}
}

// growHash gives a hash enough fields for several tables.
func (m *model) growHash(k Key, h *Hash, want map[string]Value) {
	m.note("grow %d %.20q", k.DB, k.Name)
	for i := range 5000 {
		f := fmt.Append(nil, i)
		_, err := h.SetInt(f, int64(i))
		m.must(err)
		want[string(f)] = Value{Kind: Int, Int: int64(i)}
	}
}

func (m *model) changeField(h *Hash, want map[string]Value) {
	m.t.Helper()
	field := m.field()
	old, had := want[string(field)]
	switch m.rnd.IntN(7) {
	case 0, 1:
		m.incrField(h, want, field, old, had)
	case 2, 3:
		m.setField(h, want, field, old, had)
	case 4, 5:
		if got := h.Delete(field); got != had {
			m.t.Errorf("Delete(%q) = %v, had %v", field, got, had)
		}
		delete(want, string(field))
	default:
		m.expireField(h, want, field, old, had)
	}
}

func (m *model) incrField(h *Hash, want map[string]Value, field []byte, old Value, had bool) {
	m.t.Helper()
	delta := m.rnd.Int64N(1<<m.rnd.IntN(62)) - 5
	n, err := h.IncrBy(field, delta)
	sum, wantErr := add(old.Int, delta)
	if had && old.Kind != Int {
		wantErr = ErrNotInteger
	}
	if err != wantErr || err == nil && n != sum {
		m.t.Errorf("IncrBy(%q, %d) = %d, %v; want %d, %v", field, delta, n, err, sum, wantErr)
	}
	if err == nil {
		want[string(field)] = Value{Kind: Int, Int: sum, ExpireAt: old.ExpireAt}
	}
}

func (m *model) setField(h *Hash, want map[string]Value, field []byte, old Value, had bool) {
	m.t.Helper()
	text := []byte(strings.Repeat("v", []int{0, 3, 63, 64, 100, 900}[m.rnd.IntN(6)]))
	v := Value{Kind: String, Str: text}
	if m.rnd.IntN(3) == 0 {
		v = Value{Kind: Int, Int: m.rnd.Int64() >> m.rnd.IntN(64)}
		text = fmt.Append(nil, v.Int)
	}
	set := h.Set
	if m.rnd.IntN(2) == 0 {
		set, v.ExpireAt = h.SetKeepTTL, old.ExpireAt
	}
	created, err := set(field, text)
	if err != nil || created == had {
		m.t.Errorf("Set(%q) = %v, %v; had %v", field, created, err, had)
	}
	want[string(field)] = v
}

func (m *model) expireField(h *Hash, want map[string]Value, field []byte, old Value, had bool) {
	m.t.Helper()
	at := int64(0)
	if m.rnd.IntN(3) > 0 {
		at = m.clock.Load() + m.rnd.Int64N(600) - 20
	}
	if got := h.SetExpiry(field, at); got != had {
		m.t.Errorf("SetExpiry(%q) = %v, had %v", field, got, had)
	}
	switch {
	case had && at != 0 && at <= m.x.Now():
		delete(want, string(field))
	case had:
		old.ExpireAt = at
		want[string(field)] = old
	}
}

func (m *model) changeSet(k Key, old cell, had bool) {
	m.t.Helper()
	m.note("set of %d %.20q", k.DB, k.Name)
	want, wantErr := m.collection(k, SetKind, old, had)
	s, err := m.x.Set(k)
	if !errors.Is(err, wantErr) || err != nil && wantErr == nil {
		m.t.Errorf("Set(%.20q): %v, want %v", k.Name, err, wantErr)
	}
	if err != nil || wantErr != nil {
		return
	}
	for range 1 + m.rnd.IntN(8) {
		member := m.field()
		if m.rnd.IntN(10) > 0 {
			member = fmt.Append(nil, m.rnd.Int64N(1<<m.rnd.IntN(40))-3)
		}
		_, there := want[string(member)]
		if m.rnd.IntN(3) > 0 {
			if added, err := s.Add(member); err != nil || added == there {
				m.t.Errorf("Add(%q) = %v, %v", member, added, err)
			}
			want[string(member)] = Value{Kind: String}
		} else {
			if removed := s.Remove(member); removed != there {
				m.t.Errorf("Remove(%q) = %v", member, removed)
			}
			delete(want, string(member))
		}
	}
	m.written(k, SetKind, old)
}

func (m *model) changeSortedSet(k Key, old cell, had bool) {
	m.t.Helper()
	m.note("sorted set %d %.20q", k.DB, k.Name)
	want, wantErr := m.collection(k, ZSetKind, old, had)
	z, err := m.x.SortedSet(k)
	if !errors.Is(err, wantErr) || err != nil && wantErr == nil {
		m.t.Errorf("SortedSet(%.20q): %v, want %v", k.Name, err, wantErr)
	}
	if err != nil || wantErr != nil {
		return
	}
	for range 1 + m.rnd.IntN(8) {
		member := m.field()
		_, there := want[string(member)]
		if m.rnd.IntN(3) > 0 {
			score := m.rnd.Int64N(1000) - 10
			if added, err := z.Add(member, float64(score)/4); err != nil || added == there {
				m.t.Errorf("Add(%q) = %v, %v", member, added, err)
			}
			want[string(member)] = Value{Int: score}
		} else {
			if removed := z.Remove(member); removed != there {
				m.t.Errorf("Remove(%q) = %v", member, removed)
			}
			delete(want, string(member))
		}
	}
	m.written(k, ZSetKind, old)
}

// readElements compares a collection with the model's.
func (m *model) readElements(k Key, v Value, want cell) {
	m.t.Helper()
	elements := m.elements[k.DB][string(k.Name)]
	if v.Kind != Kind(want.num) || v.ExpireAt != want.expireAt || v.Str != nil {
		m.t.Errorf("Get(%d, %.20q) = %+v, want kind %d expiring at %d", k.DB, k.Name, v, want.num, want.expireAt)
		return
	}
	met, count := 0, 0
	see := func(name []byte, same func(Value) bool) bool {
		met++
		w, ok := elements[string(name)]
		if !ok || !same(w) {
			m.t.Errorf("%.20q: %q is not as it should be: %+v", k.Name, name, w)
			return false
		}
		return true
	}
	switch v.Kind {
	case HashKind:
		h, _ := m.x.Hash(k)
		h.Each(func(name []byte, v Value) bool {
			return see(name, func(w Value) bool {
				got, _ := h.Get(name)
				return equalValues(v, w) && equalValues(got, w)
			})
		})
		count = h.Len()
		m.iterate(k, elements, func(cursor uint64, n int, met func([]byte)) uint64 {
			return h.Scan(cursor, n, func(name []byte, _ Value) { met(name) })
		})
		if name, v, ok := h.Random(); !ok || !equalValues(elements[string(name)], v) {
			m.t.Errorf("%.20q: Random() = %q, %+v, %v", k.Name, name, v, ok)
		}
	case SetKind:
		s, _ := m.x.Set(k)
		s.Each(func(name []byte) bool { return see(name, func(Value) bool { return s.Has(name) }) })
		count = s.Len()
		m.iterate(k, elements, s.Scan)
		if name, ok := s.Random(); !ok || !s.Has(name) {
			m.t.Errorf("%.20q: Random() = %q, %v", k.Name, name, ok)
		}
	case ListKind:
		met, count = m.readList(k, elements)
	default:
		z, _ := m.x.SortedSet(k)
		count = z.Len()
		last := -1e9
		z.Walk(0, count, false, func(name []byte, score float64) {
			see(name, func(w Value) bool { return score == float64(w.Int)/4 && score >= last })
			last = score
		})
	}
	if met != len(elements) || count != met {
		m.t.Errorf("%.20q has %d elements and says %d, want %d", k.Name, met, count, len(elements))
	}
}

// iterate scans a collection.
func (m *model) iterate(k Key, elements map[string]Value, scan func(cursor uint64, n int, met func([]byte)) uint64) {
	m.t.Helper()
	met := map[string]bool{}
	n := 1 + m.rnd.IntN(1000)
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		cursor = scan(cursor, n, func(name []byte) {
			if met[string(name)] {
				m.t.Errorf("%.20q: a scan met %q twice", k.Name, name)
			}
			met[string(name)] = true
		})
	}
	if len(met) != len(elements) {
		m.t.Errorf("%.20q: a scan met %d of %d elements", k.Name, len(met), len(elements))
	}
}

func equalValues(a, b Value) bool {
	return a.Kind == b.Kind && a.Int == b.Int && string(a.Str) == string(b.Str) && a.ExpireAt == b.ExpireAt
}
