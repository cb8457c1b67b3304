package engine

import (
	"math/bits"
	"slices"
)

// tableSet holds names in order: in one table, until that is full and cut in two by a bit of the order, and so on. A part of it can be
// loaded, scanned, dropped or compacted without the rest. A slot's keys are one, and so are the elements of a large collection.
type tableSet struct {
	parts  []*table // of one that was split: by the top bits of the order, 1 << bits of them; tables of lesser depth stand several times
	one    table    // the only table, until it is split
	queued []*table // parts whose queue is not empty
}

// shift is how far an order is moved right to become the number of its part.
func (s *tableSet) shift() int { return 17 - bits.Len(uint(len(s.parts))) }

// table returns the table that holds the names of an order.
func (s *tableSet) table(order uint16) *table {
	if s.parts == nil {
		return &s.one
	}
	return s.parts[order>>s.shift()]
}

// tables calls fn for each table, in order.
func (s *tableSet) tables(fn func(t *table)) {
	if s.parts == nil {
		fn(&s.one)
		return
	}
	depth := 16 - s.shift()
	for i := 0; i < len(s.parts); {
		t := s.parts[i]
		fn(t)
		i += 1 << (depth - int(t.depth))
	}
}

// last returns the highest order that a table covers.
func (t *table) last() uint16 { return t.prefix | uint16(0xffff>>t.depth) }

// makeRoom splits the table that a name of this order would go to, when it is full, and returns the one it goes to now.
func (s *tableSet) makeRoom(sp *space, order uint16) *table {
	t := s.table(order)
	for t.entries >= maxTableEntries && t.depth < 16 {
		s.split(sp, t)
		t = s.table(order)
	}
	return t
}

func (s *tableSet) split(sp *space, t *table) {
	if s.parts == nil {
		one := s.one
		t = &one
		t.index, t.arena = slices.Clone(t.index), slices.Clone(t.arena) // they may have lain in the table
		s.one = table{}
		s.parts = []*table{t}
		s.requeue(&s.one, t)
	}
	if int(t.depth) == 16-s.shift() {
		s.doubleParts()
	}
	first := int(t.prefix) >> s.shift()
	span := 1 << (16 - s.shift() - int(t.depth))
	low, high := t.split(sp)
	for i := range span {
		if i < span/2 {
			s.parts[first+i] = low
		} else {
			s.parts[first+i] = high
		}
	}
	s.requeue(t, low, high)
}

func (s *tableSet) doubleParts() {
	parts := make([]*table, 2*len(s.parts))
	for i, t := range s.parts {
		parts[2*i], parts[2*i+1] = t, t
	}
	s.parts = parts
}

// enqueue has the next commit walk take an entry.
func (s *tableSet) enqueue(t *table, off uint32) {
	if t != &s.one && t.queue.empty() {
		s.queued = append(s.queued, t)
	}
	t.queue.add(off)
}

// requeue replaces a table on the list of parts with queued entries.
func (s *tableSet) requeue(old *table, by ...*table) {
	for i, t := range s.queued {
		if t == old {
			s.queued = append(s.queued[:i], s.queued[i+1:]...)
			break
		}
	}
	for _, t := range by {
		if !t.queue.empty() {
			s.queued = append(s.queued, t)
		}
	}
}

// reset gives all memory back.
func (s *tableSet) reset(sp *space) {
	s.tables(func(t *table) { t.release(sp) })
	*s = tableSet{queued: s.queued[:0]}
}
