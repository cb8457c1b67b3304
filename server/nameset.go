package server

import "hash/maphash"

// nameSet is a nameList without twins. Its names take no memory of their own each, and nobody can choose names that collide.
type nameSet struct {
	list nameList
	seed maphash.Seed
	// places has the index of a name and one, or 0, from where the name's hash says on. At least half of it is 0.
	places []uint32
}

func (s *nameSet) len() int { return len(s.list.ends) }

// has reports whether the set has the name.
func (s *nameSet) has(name []byte) bool { return len(s.places) > 0 && s.places[s.place(name)] != 0 }

// add adds a copy of the name and reports whether it is new.
func (s *nameSet) add(name []byte) bool {
	_, isNew := s.index(name)
	return isNew
}

// index adds a copy of the name, if it is new, and returns how many names were new before it.
func (s *nameSet) index(name []byte) (i int, isNew bool) {
	s.grow()
	at := s.place(name)
	if i := s.places[at]; i != 0 {
		return int(i - 1), false
	}
	s.list.add(name)
	s.places[at] = uint32(s.len())
	return s.len() - 1, true
}

// place returns where the name is, or where it would be.
func (s *nameSet) place(name []byte) uint64 {
	mask := uint64(len(s.places) - 1)
	for at := maphash.Bytes(s.seed, name) & mask; ; at = (at + 1) & mask {
		if i := s.places[at]; i == 0 || string(s.list.at(int(i-1))) == string(name) {
			return at
		}
	}
}

// grow makes room for one more name.
func (s *nameSet) grow() {
	const first = 16
	switch {
	case s.places == nil:
		s.seed, s.places = maphash.MakeSeed(), make([]uint32, first)
	case 2*(s.len()+1) > len(s.places):
		s.places = make([]uint32, 2*len(s.places))
		for i := range s.len() {
			s.places[s.place(s.list.at(i))] = uint32(i + 1)
		}
	}
}
