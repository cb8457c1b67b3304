package rdb

import "strconv"

// Value is what a payload holds: a String, a List, a Set, a SortedSet or a Hash; or, for Append alone, an Int. Decode
// returns the former by value, never by pointer.
type Value interface {
	// appendTo appends the type byte and the body, and tells dealt of elements that it has dealt with.
	appendTo(dst []byte, dealt func(elements int)) []byte
	// version is the oldest RDB version that knows the body's encoding, but at least that of Redis 7.0.
	version() uint16
}

// String is a string value.
type String []byte

// Int is a string value that an engine holds as an integer. Decode returns a String for it.
type Int int64

// Text returns the string that n stands for.
func (n Int) Text() String { return strconv.AppendInt(nil, int64(n), 10) }

// List is a list value, from head to tail. It has at least one element.
type List [][]byte

// Set is a set value. Its members are all different, and there is at least one.
type Set struct {
	Members [][]byte
	// Compact says that the set is in Redis's compact encoding rather than in a hash table. Append takes it as a wish: Redis
	// 7.0 has only the intset for it, whose members all are integers.
	Compact bool
}

// SortedSet is a sorted set value. Its members' names are all different, and there is at least one.
type SortedSet struct {
	// Members are in no particular order.
	Members []Member
	// Compact says that the sorted set is a listpack, or its predecessor, and no skip list.
	Compact bool
}

// Member is a member of a SortedSet.
type Member struct {
	Name []byte
	// Score is no NaN.
	Score float64
}

// Hash is a hash value. Its fields' names are all different, and there is at least one.
type Hash struct {
	Fields []Field
	// Compact says that the hash is a listpack, or one of its predecessors, and no hash table.
	Compact bool
}

// Field is a field of a Hash.
type Field struct {
	Name, Value []byte
	// ExpireAt is the Unix time in milliseconds at which the field ends, at most MaxFieldExpiry; 0 is never. Redis 7.0 knows no
	// such times: a hash that has any is dumped in the format of 7.4, which older servers refuse as a whole.
	ExpireAt int64
}

// MaxFieldExpiry is the last time at which a field can expire: Redis keeps those times in 48 bits.
const MaxFieldExpiry = 1<<48 - 2

func (s String) version() uint16    { return baseVersion }
func (n Int) version() uint16       { return baseVersion }
func (l List) version() uint16      { return baseVersion }
func (s Set) version() uint16       { return baseVersion }
func (z SortedSet) version() uint16 { return baseVersion }
