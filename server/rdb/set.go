package rdb

import "fmt"

// appendTo appends an intset, if that is wanted and possible, or a hash table.
func (s Set) appendTo(dst []byte, dealt func(elements int)) []byte {
	if s.Compact {
		if numbers, ok := integers(s.Members); ok {
			return appendIntset(append(dst, byte(typeSetIntset)), numbers)
		}
	}
	dst = appendLength(append(dst, byte(typeSet)), uint64(len(s.Members)))
	for _, m := range s.Members {
		dst = appendString(dst, m)
		dealt(1)
	}
	return dst
}

// set reads the body of a set.
func (d *decoder) set(kind valueType) (Value, error) {
	var (
		members [][]byte
		err     error
	)
	switch kind {
	case typeSet:
		members, err = d.table(1)
	case typeSetIntset:
		members, err = d.intset()
	default:
		members, err = d.listpack()
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read a set: %w", err)
	case len(members) == 0:
		return nil, errEmpty
	case kind != typeSetIntset && !distinct(len(members), func(i int) []byte { return members[i] }):
		return nil, fmt.Errorf("%w: a member twice", ErrFormat)
	}
	return Set{Members: members, Compact: kind != typeSet}, nil
}
