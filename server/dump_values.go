package server

import (
	"quipu/engine"
	"quipu/server/rdb"
)

// What the engine holds and what package rdb knows: the way there for DUMP, the way back for RESTORE.

// dumped returns the value of a key, nil if there is none. It is valid until the next write or Unlock.
func dumped(c *Call, k engine.Key) (rdb.Value, error) {
	v, found := c.Txn.Peek(k)
	if !found {
		return nil, nil
	}
	switch v.Kind {
	case engine.Int:
		return rdb.Int(v.Int), nil
	case engine.String:
		return rdb.String(v.Str), nil
	case engine.HashKind:
		return dumpedHash(c, k)
	case engine.ListKind:
		return dumpedList(c, k)
	case engine.SetKind:
		return dumpedSet(c, k)
	case engine.ZSetKind:
		return dumpedSortedSet(c, k)
	default:
		return nil, ErrWrongType
	}
}

// isCompact reports whether OBJECT ENCODING tells one of Redis's compact encodings of a collection.
func isCompact(c *Call, k engine.Key) bool {
	switch c.Txn.Encoding(k) {
	case "intset", "listpack":
		return true
	default:
		return false
	}
}

func dumpedHash(c *Call, k engine.Key) (rdb.Value, error) {
	h, err := c.Txn.Hash(k)
	if err != nil {
		return nil, err
	}
	var texts textKeeper
	dump := rdb.Hash{Compact: isCompact(c, k), Fields: make([]rdb.Field, 0, h.Len())}
	h.Each(func(field []byte, v engine.Value) bool {
		var scratch [20]byte
		dump.Fields = append(dump.Fields, rdb.Field{
			Name: texts.keep(field), Value: texts.keep(valueText(v, &scratch)), ExpireAt: v.ExpireAt,
		})
		return true
	})
	if len(dump.Fields) == 0 {
		return nil, nil // all have expired: looking at the hash has removed it
	}
	return dump, nil
}

func dumpedList(c *Call, k engine.Key) (rdb.Value, error) {
	l, err := c.Txn.List(k)
	if err != nil {
		return nil, err
	}
	var texts textKeeper
	dump := make(rdb.List, 0, l.Len())
	l.Each(0, func(v engine.Value) bool {
		var scratch [20]byte
		dump = append(dump, texts.keep(valueText(v, &scratch)))
		return true
	})
	return dump, nil
}

func dumpedSet(c *Call, k engine.Key) (rdb.Value, error) {
	s, err := c.Txn.Set(k)
	if err != nil {
		return nil, err
	}
	var texts textKeeper
	dump := rdb.Set{Compact: isCompact(c, k), Members: make([][]byte, 0, s.Len())}
	s.Each(func(member []byte) bool {
		dump.Members = append(dump.Members, texts.keep(member))
		return true
	})
	return dump, nil
}

func dumpedSortedSet(c *Call, k engine.Key) (rdb.Value, error) {
	z, err := c.Txn.SortedSet(k)
	if err != nil {
		return nil, err
	}
	var texts textKeeper
	dump := rdb.SortedSet{Compact: isCompact(c, k), Members: make([]rdb.Member, 0, z.Len())}
	z.Walk(0, z.Len(), false, func(member []byte, score float64) {
		dump.Members = append(dump.Members, rdb.Member{Name: texts.keep(member), Score: score})
	})
	return dump, nil
}

// textKeeper copies texts that are lent for the time of a call into memory that many of them share.
type textKeeper struct{ room []byte }

func (t *textKeeper) keep(text []byte) []byte {
	const chunk = 4 << 10
	if len(text) > cap(t.room)-len(t.room) {
		t.room = make([]byte, 0, max(chunk, len(text)))
	}
	start := len(t.room)
	t.room = append(t.room, text...)
	return t.room[start:len(t.room):len(t.room)]
}

// putRestored gives the key of RESTORE its value, whatever it held. An expiry that has passed already leaves nothing behind.
func putRestored(c *Call, v rdb.Value, expireAt int64) error {
	k := c.Keys[0]
	if expireAt > 0 && expireAt <= c.Txn.Now() {
		c.Txn.Delete(k)
		return nil
	}
	if text, ok := v.(rdb.String); ok {
		return c.Txn.SetString(k, text, expireAt)
	}
	c.Txn.Delete(k)
	if err := putCollection(c, k, v); err != nil {
		c.Txn.Delete(k) // not a part of it
		return err
	}
	if expireAt > 0 {
		c.Txn.Expire(k, expireAt)
	}
	return nil
}

// putCollection gives a key that does not exist the elements of a collection.
func putCollection(c *Call, k engine.Key, v rdb.Value) error {
	switch v := v.(type) {
	case rdb.Hash:
		return putHash(c, k, v)
	case rdb.List:
		return putList(c, k, v)
	case rdb.Set:
		return putSet(c, k, v)
	case rdb.SortedSet:
		return putSortedSet(c, k, v)
	default:
		return errDumpFormat
	}
}

// putHash leaves out fields whose time has passed; if all have, there is no hash.
func putHash(c *Call, k engine.Key, v rdb.Hash) error {
	h, err := c.Txn.Hash(k)
	if err != nil {
		return err
	}
	for _, f := range v.Fields {
		if f.ExpireAt > 0 && f.ExpireAt <= c.Txn.Now() {
			continue
		}
		if _, err := h.Set(f.Name, f.Value); err != nil {
			return err
		}
		if f.ExpireAt > 0 {
			h.SetExpiry(f.Name, f.ExpireAt)
		}
	}
	return nil
}

func putList(c *Call, k engine.Key, v rdb.List) error {
	l, err := c.Txn.List(k)
	if err != nil {
		return err
	}
	return l.PushTail(v...)
}

func putSet(c *Call, k engine.Key, v rdb.Set) error {
	s, err := c.Txn.Set(k)
	if err != nil {
		return err
	}
	return addAll(&s, v.Members)
}

// addAll adds members to a set.
func addAll(s *engine.Set, members [][]byte) error {
	for _, m := range members {
		if _, err := s.Add(m); err != nil {
			return err
		}
	}
	return nil
}

func putSortedSet(c *Call, k engine.Key, v rdb.SortedSet) error {
	members := make([]engine.ScoredMember, len(v.Members))
	for i, m := range v.Members {
		members[i] = engine.ScoredMember{Member: m.Name, Score: m.Score}
	}
	sortScored(c, members)
	return c.Txn.SetSortedSet(k, members)
}
