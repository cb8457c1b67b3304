package engine

import (
	"math/rand/v2"
	"strconv"
)

// Set is a view of a key that holds a set, or nothing. See collection for how long it is valid. Members that it returns are valid until
// the Txn next writes or unlocks, unless something else is said.
type Set struct{ collection }

// Set opens a set. It returns ErrWrongType for a key that holds something else.
func (t *Txn) Set(k Key) (Set, error) {
	c, err := t.open(k, SetKind)
	return Set{c}, err
}

// Len returns the number of members.
func (s *Set) Len() int {
	switch p := s.packed(); {
	case p == nil:
		return 0
	case p.has(packedInts):
		return p.ints()
	default:
		return p.count()
	}
}

// Has reports whether the set has a member.
func (s *Set) Has(member []byte) bool {
	p := s.packed()
	switch {
	case p == nil:
		return false
	case p.has(packedInts):
		n, ok := canonicalInt(member)
		if ok {
			_, ok = p.findInt(n)
		}
		return ok
	}
	_, ok := p.find(member)
	return ok
}

// Add adds a copy of member and reports whether it is new.
func (s *Set) Add(member []byte) (bool, error) {
	p := s.packed()
	switch {
	case p == nil:
		return true, s.create(member)
	case p.has(packedInts):
		return s.addToInts(p, member)
	}
	it, found := p.find(member)
	if found {
		return false, nil
	}
	return true, s.store(p.appendWithItem(s.t.scratch[:0], it, member, Value{}))
}

func (s *Set) create(member []byte) error {
	b := s.t.scratch[:0]
	n, isInt := canonicalInt(member)
	if isInt && s.t.e.limits.Load().SetInts > 0 {
		b = appendIntsHead(b, byte(SetKind), setWidth(n))
		b = appendSetInt(b, setWidth(n), n)
	} else {
		b = appendPackedHead(b, byte(SetKind)|packedWide, 1, 0)
		b = appendName(b, 0, member)
	}
	return s.store(b)
}

// addToInts adds to a set of integers. By the limit, or with the first member that is none, it becomes one of strings.
func (s *Set) addToInts(p packed, member []byte) (bool, error) {
	n, ok := canonicalInt(member)
	if !ok {
		return true, s.store(s.appendStrings(s.t.scratch[:0], p, member))
	}
	i, found := p.findInt(n)
	switch {
	case found:
		return false, nil
	case p.ints() >= s.t.e.limits.Load().SetInts:
		return true, s.store(s.appendStrings(s.t.scratch[:0], p, member))
	}
	return true, s.store(p.appendWithInt(s.t.scratch[:0], i, n))
}

// appendStrings appends a set of integers and one more member as a set of strings.
func (s *Set) appendStrings(dst []byte, p packed, member []byte) []byte {
	b := packedBuilder{}
	var text [20]byte
	for i := range p.ints() {
		b.add(strconv.AppendInt(text[:0], p.int(i), 10), Value{}, false)
	}
	b.add(member, Value{}, false)
	return b.appendTo(dst, p[0]&^packedInts|packedWide)
}

// Remove removes a member and reports whether it was there.
func (s *Set) Remove(member []byte) bool {
	p := s.packed()
	switch {
	case p == nil:
		return false
	case p.has(packedInts):
		return s.removeInt(p, member)
	}
	it, ok := p.find(member)
	return ok && s.removeItem(p, it)
}

func (s *Set) removeInt(p packed, member []byte) bool {
	n, ok := canonicalInt(member)
	if !ok {
		return false
	}
	i, found := p.findInt(n)
	switch {
	case !found:
		return false
	case p.ints() == 1:
		s.drop()
		return true
	}
	return s.store(p.appendWithoutInt(s.t.scratch[:0], i)) == nil
}

// Each calls fn for every member until it returns false. member is valid during the call only. fn must not write.
func (s *Set) Each(fn func(member []byte) bool) {
	p := s.packed()
	if p == nil {
		return
	}
	buf := s.t.borrowName()
	if p.has(packedInts) {
		for i := range p.ints() {
			if buf = strconv.AppendInt(buf[:0], p.int(i), 10); !fn(buf) {
				break
			}
		}
		s.t.returnName(buf)
		return
	}
	w := p.walk(buf)
	for w.next() && fn(w.name) {
	}
	s.t.returnName(w.name)
}

// Scan calls fn for about count members from cursor on and returns the cursor to go on from, 0 at the end. Members that are there from
// the first call of an iteration to its last are all met. member is valid during the call only. fn must not write.
func (s *Set) Scan(cursor uint64, count int, fn func(member []byte)) (next uint64) {
	s.Each(func(member []byte) bool {
		fn(member)
		return true
	})
	return 0
}

// Random returns some member, false when there is none. It is valid until the next call.
func (s *Set) Random() (member []byte, ok bool) {
	n := s.Len()
	if n == 0 {
		return nil, false
	}
	skip := rand.IntN(n)
	if p := s.packed(); p.has(packedInts) {
		s.t.picked = strconv.AppendInt(s.t.picked[:0], p.int(skip), 10)
		return s.t.picked, true
	}
	s.Each(func(m []byte) bool {
		s.t.picked = append(s.t.picked[:0], m...)
		skip--
		return skip >= 0
	})
	return s.t.picked, true
}
