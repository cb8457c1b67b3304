package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The model's lists. The elements of one are named by their index, so that what holds for collections in general holds for them.

// TestListModel is TestModel with few keys, all lists, that are often checkpointed, evicted and recovered.
func TestListModel(t *testing.T) {
	for seed := range uint64(torture(3)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := newModel(t, seed, []string{"a", "b", "{a}2", "{a}3"})
			m.lists = true
			steps := 500
			if hurried(t) {
				steps = 100
			}
			m.run(steps, (*model).listStep)
		})
	}
}

func (m *model) listStep() {
	switch n := m.rnd.IntN(100); {
	case n < 70:
		m.operate()
	case n < 76:
		m.note("checkpoint")
		m.checkpoint()
	case n < 83:
		m.evict()
	case n < 90:
		m.crash()
	case n < 93:
		m.reopen()
	case n < 94:
		m.switchLog()
	case n < 95:
		m.exchange()
	case n < 97:
		m.limit()
	default:
		m.checkAll()
	}
}

func indexName(i int) string { return fmt.Sprintf("%09d", i) }

// sequence returns the elements of a model's list in order.
func sequence(elements map[string]Value) []Value {
	var list []Value
	for _, name := range slices.Sorted(maps.Keys(elements)) {
		list = append(list, elements[name])
	}
	return list
}

// drawText draws an element and what it is kept as: of few, an integer, or long.
func (m *model) drawText() ([]byte, Value) {
	text := fmt.Appendf(nil, "task:%d", m.rnd.IntN(4))
	switch m.rnd.IntN(4) {
	case 0:
		text = fmt.Append(nil, m.rnd.Int64()>>m.rnd.IntN(64))
	case 1:
		text = []byte(strings.Repeat("e", []int{0, 63, 64, 300, 505, 600, 9000}[m.rnd.IntN(7)]))
	}
	return text, textValue(text)
}

func (m *model) changeList(k Key, old cell, had bool) {
	m.t.Helper()
	m.note("list %d %.20q", k.DB, k.Name)
	elements, wantErr := m.collection(k, ListKind, old, had)
	l, err := m.x.List(k)
	if !errors.Is(err, wantErr) || err != nil && wantErr == nil {
		m.t.Errorf("List(%.20q): %v, want %v", k.Name, err, wantErr)
	}
	if err != nil || wantErr != nil {
		return
	}
	want := sequence(elements)
	for range 1 + m.rnd.IntN(6) {
		if want = m.changeElements(&l, want); len(want) == 0 {
			old.expireAt = 0 // the key is gone for a moment
		}
		if l.Len() != len(want) {
			m.t.Errorf("%.20q has %d elements, want %d", k.Name, l.Len(), len(want))
			return
		}
	}
	clear(elements)
	for i, v := range want {
		elements[indexName(i)] = v
	}
	m.written(k, ListKind, old)
}

// changeElements changes a list and the model's and returns the latter.
func (m *model) changeElements(l *List, want []Value) []Value {
	m.t.Helper()
	text, v := m.drawText()
	at := m.rnd.IntN(len(want) + 1)
	n := m.rnd.IntN(min(len(want), 1<<m.rnd.IntN(12)) + 1)
	switch op := m.rnd.IntN(20); {
	case op < 8 || len(want) == 0:
		return m.pushElements(l, want)
	case op < 10:
		m.must(l.DropHead(n))
		return slices.Clone(want[n:])
	case op < 12:
		m.must(l.DropTail(n))
		return want[:len(want)-n]
	case op < 15:
		m.must(l.Insert(at, text))
		return slices.Insert(want, at, v)
	case op < 18:
		at = m.rnd.IntN(len(want))
		m.must(l.Set(at, text))
		want[at] = v
		return want
	}
	return m.removeElements(l, want, text, v)
}

func (m *model) pushElements(l *List, want []Value) []Value {
	m.t.Helper()
	n := 1 + m.rnd.IntN(4)
	if m.rnd.IntN(40) == 0 {
		n = 1000
	}
	var texts [][]byte
	for range n {
		text, v := m.drawText()
		if n > 10 && len(text) > 100 {
			text, v = []byte("one of many"), Value{Kind: String, Str: []byte("one of many")}
		}
		texts = append(texts, text)
		if m.rnd.IntN(2) == 0 && n <= 4 {
			m.must(l.PushHead(text))
			want, texts = slices.Insert(want, 0, v), texts[:0]
			continue
		}
		want = append(want, v)
		if n <= 4 {
			m.must(l.PushTail(text))
			texts = texts[:0]
		}
	}
	if len(texts) > 0 {
		m.must(l.PushTail(texts...))
	}
	return want
}

func (m *model) removeElements(l *List, want []Value, text []byte, v Value) []Value {
	m.t.Helper()
	back, limit := m.rnd.IntN(2) == 0, 1+m.rnd.IntN(5)
	if back {
		slices.Reverse(want)
	}
	removed := 0
	want = slices.DeleteFunc(want, func(w Value) bool {
		if removed == limit || !equalValues(w, v) {
			return false
		}
		removed++
		return true
	})
	if back {
		slices.Reverse(want)
	}
	if got, err := l.Remove(text, back, limit); err != nil || got != removed {
		m.t.Errorf("Remove(%.20q, %v, %d) = %d, %v; want %d", text, back, limit, got, err, removed)
	}
	return want
}

// readList compares a list with the model's, from both ends, and returns how many elements it has and says that it has.
func (m *model) readList(k Key, elements map[string]Value) (met, count int) {
	m.t.Helper()
	l, _ := m.x.List(k)
	want := sequence(elements)
	see := func(i int, v Value) bool {
		ok := i >= 0 && i < len(want) && equalValues(v, want[i])
		if !ok {
			m.t.Errorf("%.20q: element %d is %.40q, %d", k.Name, i, v.Str, v.Int)
		}
		return ok
	}
	l.Each(0, func(v Value) bool {
		met++
		return see(met-1, v)
	})
	i := l.Len()
	l.EachBack(i-1, func(v Value) bool {
		i--
		return see(i, v)
	})
	at := m.rnd.IntN(len(want))
	see(at, l.Index(at))
	return met, l.Len()
}
