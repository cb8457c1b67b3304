package engine

import (
	"math/rand/v2"
	"strconv"
)

// Set is a view of a key that holds a set, or nothing. See collection for how long it is valid. Members that it returns are valid until
// the Txn next writes or unlocks, unless something else is said.
type Set struct{ collection }

// Set opens a set. It returns ErrWrongType for a key that holds something else.
func (t *Txn) Set(k Key) (s Set, err error) {
	err = s.open(t, &k, SetKind)
	return s, err
}

// Len returns the number of members.
func (s *Set) Len() int {
	switch p, o := s.form(); {
	case o != nil:
		return int(o.count)
	case p == nil:
		return 0
	case p.has(packedInts):
		return p.ints()
	default:
		return p.count()
	}
}

// ints returns the set if it is one of integers, packed.
func (s *Set) ints() packed {
	if p, _ := s.form(); p != nil && p.has(packedInts) {
		return p
	}
	return nil
}

// Has reports whether the set has a member.
func (s *Set) Has(member []byte) bool {
	if p := s.ints(); p != nil {
		n, ok := canonicalInt(member)
		if ok {
			_, ok = p.findInt(n)
		}
		return ok
	}
	el := s.element(member)
	return el.found
}

// Add adds a copy of member and reports whether it is new.
func (s *Set) Add(member []byte) (bool, error) {
	if s.locate(); s.at.e == nil {
		return true, s.create(member)
	}
	if p := s.ints(); p != nil {
		return s.addToInts(p, member)
	}
	el := s.element(member)
	if el.found {
		return false, nil
	}
	return true, s.put(&el, 0, member, Value{Kind: String})
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
	return s.storeOrSpread(b)
}

// addToInts adds to a set of integers. By the limit, or with the first member that is none, it becomes one of strings.
func (s *Set) addToInts(p packed, member []byte) (bool, error) {
	n, ok := canonicalInt(member)
	if !ok {
		return true, s.storeOrSpread(s.appendStrings(s.t.scratch[:0], p, member))
	}
	i, found := p.findInt(n)
	switch {
	case found:
		return false, nil
	case p.ints() >= s.t.e.limits.Load().SetInts:
		return true, s.storeOrSpread(s.appendStrings(s.t.scratch[:0], p, member))
	}
	return true, s.storeOrSpread(p.appendWithInt(s.t.scratch[:0], i, n))
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
	if p := s.ints(); p != nil {
		return s.removeInt(p, member)
	}
	el := s.element(member)
	return el.found && s.remove(&el)
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
	p, o := s.form()
	visit := func(name []byte, _ cell) bool { return fn(name) }
	switch {
	case o != nil:
		o.members().each(s.t.Toil, visit)
	case p != nil:
		buf := s.t.borrowName()
		p.eachItem(buf, visit)
		s.t.returnName(buf)
	}
}

// Scan calls fn for about count members from cursor on and returns the cursor to go on from, 0 at the end. Members that are there from
// the first call of an iteration to its last are all met. member is valid during the call only. fn must not write.
func (s *Set) Scan(cursor uint64, count int, fn func(member []byte)) (next uint64) {
	if _, o := s.form(); o != nil {
		return o.members().scan(cursor, count, func(name []byte, _ cell) { fn(name) })
	}
	if cursor == 0 {
		s.Each(func(member []byte) bool {
			fn(member)
			return true
		})
	}
	return 0
}

// Random returns some member, false when there is none. It is valid until the next call, or until something is written.
func (s *Set) Random() (member []byte, ok bool) {
	p, o := s.form()
	switch {
	case o != nil:
		s.t.Toil(1)
		member, _ = o.members().random()
		return member, true
	case p == nil:
		return nil, false
	}
	skip := rand.IntN(s.Len())
	if p.has(packedInts) {
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
