package engine

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// scan calls fn for about count members from an order on, and returns the order to go on from, 0 at the end. Members that share an order
// are met together, so a cursor of nothing but an order misses none.
func (m *members) scan(cursor uint64, count int, fn func(name []byte, c cell)) (next uint64) {
	for met := 0; cursor < ordersEnd; {
		t := m.table(uint16(cursor))
		end := m.scanEnd(t, uint16(cursor), max(count-met, 1))
		t.each(func(e entry, _ uint32, f flags) {
			if f&flagDeleted != 0 {
				return
			}
			name := t.name(e, f)
			if order := uint64(orderOf(name)); order >= cursor && order < end {
				met++
				fn(name, t.cell(m.sp, e, f))
			}
		})
		if cursor = end; met >= count && cursor < ordersEnd {
			return cursor
		}
	}
	return 0
}

// scanEnd returns the order before which a table has at least count members from an order on, or the end of the table.
func (m *members) scanEnd(t *table, from uint16, count int) uint64 {
	var orders []uint16
	t.each(func(e entry, _ uint32, f flags) {
		if f&flagDeleted == 0 {
			if order := orderOf(t.name(e, f)); order >= from {
				orders = append(orders, order)
			}
		}
	})
	if len(orders) <= count {
		return uint64(t.last()) + 1
	}
	slices.Sort(orders)
	return uint64(orders[count-1]) + 1
}

// random returns some member, any as likely as another. Its name is valid until something is written.
//
// A random order leads to a table, and a random place in the table's index to a member, or to none. A table whose index is filled less than
// those of others would have its members picked less often; so places are drawn from twice as many as members are expected for the table's
// share of the orders, which is more than any index has unless most of its members were removed, and those that it lacks lead to none.
func (m *members) random() ([]byte, cell) {
	for {
		t := m.table(uint16(rand.Uint32()))
		places, expected := int(t.buckets*bucketRefs), int(m.live>>t.depth)
		n := rand.IntN(max(places, 2*expected, 1))
		if n >= places {
			continue
		}
		if ref := t.bucket(uint32(n / bucketRefs))[n%bucketRefs]; ref > refHole {
			e := t.at(ref & (maxArenaBytes - 1))
			if f := e.flags(); f&flagDeleted == 0 {
				return t.name(e, f), t.cell(m.sp, e, f)
			}
		}
	}
}

// due returns copies of the names that have expired, up to a chunk, and a time before which none of the others expires.
func (m *members) due(now int64) (names [][]byte, next int64) {
	m.tables(func(t *table) {
		if t.expiries == 0 {
			return
		}
		if t.nextExpiry < now && len(names) < expireChunk {
			names = t.due(m.sp, now, names)
		}
		next = earlier(next, t.nextExpiry)
	})
	return names, next
}

// due adds copies of the names of entries that have expired, or have elements that have, up to a chunk in all, and sets the table's next
// expiry to that of the first which is left.
func (t *table) due(sp *space, now int64, names [][]byte) [][]byte {
	t.nextExpiry, t.timed = 0, false
	t.each(func(e entry, _ uint32, f flags) {
		if f&(flagExpires|flagCollection) == 0 || f&flagDeleted != 0 {
			return
		}
		c := cell{expireAt: e.expiry(f)}
		if f&flagCollection != 0 {
			c = t.cell(sp, e, f)
		}
		at := c.earliest()
		if at != 0 && at < now && len(names) < expireChunk {
			names = append(names, bytes.Clone(t.name(e, f)))
			return
		}
		if at != 0 {
			t.noteOverwrite(at)
			t.timed = t.timed || f&flagCollection != 0
		}
	})
	return names
}
