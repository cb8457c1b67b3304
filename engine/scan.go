package engine

import (
	"bytes"
	"math/rand/v2"
	"slices"

	"quipu/cluster/hashslot"
)

// A scan cursor is a place in the order of all names: slot, then order within the slot. Names never move in that order,
// whatever tables do, so a name that is there from start to end is met: the guarantee of Redis's SCAN. Names that share slot
// and order are returned together.
const (
	orderBits = 16
	scanEnd   = hashslot.Count << orderBits
)

// Scan calls fn for at least count keys from cursor on, unless the end is nearer, and returns the cursor to go on from: 0 at
// the end. The name is valid during the call. Keys that are there from the first call of a full iteration to its last are all
// met; others may be. fn must not use the Txn.
func (t *Txn) Scan(n int, cursor uint64, count int, fn func(name []byte, k Kind)) (uint64, error) {
	db := t.e.dbs[n].Load()
	if db == nil || cursor >= scanEnd {
		return 0, nil
	}
	if !t.all {
		t.begin()
	}
	t.noteNewest()
	defer t.endToil()
	left := count
	for cursor < scanEnd {
		s := &db.slots[cursor>>orderBits]
		found, next, err := t.scanTable(s, uint16(cursor), left)
		if err != nil {
			return 0, err
		}
		for i := range found {
			fn(found[i].name, found[i].kind)
		}
		cursor = cursor&^(1<<orderBits-1) + uint64(next)
		if !t.all {
			t.Toil(1 + len(found))
		}
		if left -= len(found); left <= 0 {
			break
		}
	}
	if cursor >= scanEnd {
		return 0, nil
	}
	return cursor, nil
}

type scanned struct {
	order uint16
	kind  Kind
	name  []byte
}

// scanTable returns up to about count names of the table that holds an order, from that order on, and the order to go on
// from, which is 65536 when the slot is through.
//
// Memory is looked at before the store: a name that is there all the time, but leaves memory in between, is in the store by
// then.
func (t *Txn) scanTable(s *slot, from uint16, count int) ([]scanned, int, error) {
	if !t.all {
		s.mu.Lock()
	}
	if s.keys == 0 {
		if !t.all {
			s.mu.Unlock()
		}
		return nil, 1 << orderBits, nil
	}
	tb := s.table(from)
	last, next, partial := tb.last(), int(tb.last())+1, tb.partial
	found, gone := t.collect(tb, from)
	if !t.all {
		s.mu.Unlock()
	}
	if partial {
		var err error
		if found, next, err = t.addStored(s, from, last, count, found, gone); err != nil {
			return nil, 0, err
		}
	}
	slices.SortFunc(found, func(a, b scanned) int { return int(a.order) - int(b.order) })
	if last := max(count, 1) - 1; last < len(found)-1 {
		next = min(next, int(found[last].order)+1)
	}
	n, _ := slices.BinarySearchFunc(found, next, func(s scanned, next int) int { return int(s.order) - next })
	return found[:n], next, nil
}

// collect copies a table's names from an order on: those that are there, and those that memory knows to be gone.
func (t *Txn) collect(tb *table, from uint16) (found []scanned, gone map[string]bool) {
	gone = map[string]bool{}
	tb.each(func(e entry, _ uint32, f flags) {
		name := tb.name(e, f)
		order := orderOf(name)
		switch {
		case order < from:
		case f&flagDeleted != 0 || f&flagExpires != 0 && e.expiry(f) < t.now:
			gone[string(name)] = true
		default:
			c := tb.cell(t.e.space, e, f)
			found = append(found, scanned{order, c.value().Kind, bytes.Clone(name)})
		}
	})
	return found, gone
}

// addStored adds rows of a range that memory does not have: at least count, if there are so many. It returns the order that
// the rows it left out begin with.
func (t *Txn) addStored(s *slot, from, to uint16, count int, found []scanned, gone map[string]bool) ([]scanned, int, error) {
	for i := range found {
		gone[string(found[i].name)] = true
	}
	rows, next, err := t.e.readRows(s, from, to, max(count, 1))
	if err != nil {
		return nil, 0, err
	}
	for i := range rows {
		r := &rows[i]
		if gone[string(r.name)] || r.cell.expireAt != 0 && r.cell.expireAt < t.now {
			continue
		}
		found = append(found, scanned{r.order, r.cell.value().Kind, r.name})
	}
	return found, next, nil
}

// RandomKey returns a copy of the name of some key; ok is false when there is none. It looks from a random place on, so a key
// after a gap is likelier, as in Redis.
func (t *Txn) RandomKey(n int) (name []byte, ok bool, err error) {
	pick := func(found []byte, _ Kind) {
		if !ok {
			name, ok = append([]byte{}, found...), true
		}
	}
	for _, cursor := range [...]uint64{rand.Uint64N(scanEnd), 0} {
		for first := true; (first || cursor != 0) && !ok && err == nil; first = false {
			cursor, err = t.Scan(n, cursor, 1, pick)
		}
	}
	return name, ok, err
}
