package engine

// SetAll gives every key its value, as MSET does, and one expiry, which is as for SetInt: all of them or, with ErrOutOfMemory,
// none. pairs holds the keys' names and values in turn.
func (t *Txn) SetAll(keys []Key, pairs [][]byte, expireAt int64) error {
	if !t.hasRoom(keys, pairs) {
		return ErrOutOfMemory
	}
	for i := range keys {
		if err := t.SetString(keys[i], pairs[2*i+1], expireAt); err != nil {
			return err
		}
	}
	return nil
}

// hasRoom reports whether no table's address space can run out while all keys get values. Only names chosen to share a slot
// and an order can fill it, so the sum over all is nearly always answer enough.
func (t *Txn) hasRoom(keys []Key, pairs [][]byte) bool {
	sum, fullest := uint64(0), uint64(0)
	for i := range keys {
		sum += entryBytes(pairs[2*i], pairs[2*i+1])
		fullest = max(fullest, uint64(t.slot(&keys[i]).table(keys[i].order).tail))
	}
	return fits(fullest, sum, maxArenaBytes/2) || t.hasRoomByOrder(keys, pairs)
}

// fits reports whether entries of so many bytes fit behind tail. Page ends may cost as much again.
func fits(tail, bytes, limit uint64) bool { return tail+2*bytes+pageSize <= limit }

// orderGroup is the keys of a SetAll that no split of their slot's tables can part.
type orderGroup struct {
	bytes  uint64
	hasNew bool
}

// hasRoomByOrder is hasRoom for a crowd. A table that can still be split is never full, so each group counts alone: it may
// fill half of the address space when it brings new names, which is all that a crowded table leaves to them, else all.
func (t *Txn) hasRoomByOrder(keys []Key, pairs [][]byte) bool {
	type place struct {
		s     *slot
		order uint16
	}
	groups := map[place]*orderGroup{}
	for i := range keys {
		k := &keys[i]
		at := place{t.slot(k), k.order}
		g := groups[at]
		if g == nil {
			g = &orderGroup{}
			groups[at] = g
		}
		g.bytes += entryBytes(pairs[2*i], pairs[2*i+1])
		if e, _ := at.s.table(k.order).find(k.hash, k.Name); e == nil {
			g.hasNew = true
		}
	}
	for at, g := range groups {
		limit := uint64(maxArenaBytes)
		if g.hasNew {
			limit /= 2
		}
		if !fits(uint64(at.s.table(at.order).tail), g.bytes, limit) {
			return false
		}
	}
	return true
}

// entryBytes bounds what the entry of a name and its value takes in an arena.
func entryBytes(name, value []byte) uint64 {
	const fixed = entryHeader + 8 + 8 // an expiry, and the widest integer
	return uint64(fixed + min(len(name), maxNearName) + min(len(value), maxShort))
}
