package engine

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"quipu/engine/list"
	"quipu/engine/ranktree"
)

// spreadName is where the elements of a spread collection are in the store.
type spreadName struct {
	db   uint8
	slot uint16
	id   uint64
}

// checkSpreads fails when the slot's idea of its collections is not what its entries hold, or a collection's bookkeeping is wrong.
func (e *Engine) checkSpreads(s *slot, c *census) error {
	owned := 0
	var err error
	s.tables(func(t *table) {
		t.each(func(en entry, _ uint32, f flags) {
			o := t.spread(en, f)
			if o == nil || err != nil {
				return
			}
			owned++
			if s.objects == nil || s.objects.byID[o.id] != o || o.gone || o.slot != s || f&flagDeleted != 0 {
				err = fmt.Errorf("collection %d of %.20q is not one of the slot's: gone=%v", o.id, t.name(en, f), o.gone)
				return
			}
			if o.partial && !t.hollow {
				err = fmt.Errorf("collection %d of %.20q is partial, its table is not hollow", o.id, t.name(en, f))
				return
			}
			if err = checkSpread(e.space, o, f, c); err != nil {
				err = fmt.Errorf("collection %d of %.20q: %w", o.id, t.name(en, f), err)
			}
		})
	})
	k := s.objects
	switch {
	case err != nil || k == nil:
		return err
	case owned != len(k.byID):
		return fmt.Errorf("%d collections, %d of them with a key", len(k.byID), owned)
	}
	for _, ids := range [][]uint64{k.forgetStore, k.forgetTaken} {
		for _, id := range ids {
			c.spreads[spreadName{s.db.id, s.number, id}] = true
		}
	}
	return nil
}

// checkSpread recounts a collection. f are the flags of its key's entry.
func checkSpread(sp *space, o *spread, f flags, c *census) error {
	c.spreads[spreadName{o.slot.db.id, o.slot.number, o.id}] = true
	if n, ok := o.content.(*nodes); ok {
		return checkNodes(sp, o, n, f, c)
	}
	m := o.members()
	if err := checkQueued(&m.tableSet); err != nil {
		return err
	}
	live, busy, earliest := uint64(0), flags(0), int64(0)
	var err error
	m.tables(func(t *table) {
		if err == nil {
			err = checkTable(sp, t, c)
		}
		t.each(func(e entry, _ uint32, f flags) {
			busy |= f & flagsBusy
			if f&flagDeleted == 0 {
				live++
				earliest = earlier(earliest, e.expiry(f))
			}
		})
	})
	switch {
	case err != nil:
		return err
	case live != m.live || !o.partial && live != o.count || live > o.count:
		return fmt.Errorf("counts %d and %d elements, has %d", o.count, m.live, live)
	case busy&^flagQueued != 0 && f&flagsBusy == 0, busy&flagQueued != 0 && f&flagQueued == 0:
		return fmt.Errorf("elements are busy (%x), the key's entry is not (%x)", busy, f&flagsBusy)
	case o.kind() == ZSetKind && !o.scored().agrees(c):
		return fmt.Errorf("the ranks do not agree with the members")
	case earliest != 0 && (o.nextExpiry == 0 || o.nextExpiry > earliest):
		return fmt.Errorf("next expiry %d, but an element is due at %d", o.nextExpiry, earliest)
	}
	return nil
}

// checkNodes is checkSpread for a list.
func checkNodes(sp *space, o *spread, n *nodes, f flags, c *census) error {
	if n.patch != nil {
		n.patch.EachPiece(func(b []byte) { c.countPiece(sp, b) })
		if !o.partial || n.len() > o.count {
			return fmt.Errorf("partial=%v, %d elements in memory of %d", o.partial, n.len(), o.count)
		}
		return nil
	}
	n.list.EachPiece(func(b []byte) { c.countPiece(sp, b) })
	count, sound := uint64(0), true
	n.list.EachNode(func(data []byte, elements int) bool {
		counted, err := list.Check(data)
		sound = sound && err == nil && counted == elements
		count += uint64(elements)
		return true
	})
	switch {
	case !sound:
		return errors.New("a node is not what it should be")
	case o.partial || count != o.count || n.len() != count:
		return fmt.Errorf("partial=%v, counts %d and %d elements, has %d", o.partial, o.count, n.len(), count)
	case !n.list.Clean() && f&flagsBusy == 0, n.list.Queued() && f&flagQueued == 0:
		return fmt.Errorf("nodes are busy, the key's entry is not (%x)", f&flagsBusy)
	}
	return nil
}

// countPiece adds a piece of a list's memory.
func (c *census) countPiece(sp *space, b []byte) {
	if h := sp.blobs.handle(unsafe.Pointer(unsafe.SliceData(b))); h != 0 {
		c.blobBytes += int64(sp.blobs.size(h))
		return
	}
	c.sideBytes += int64(cap(b))
}

// checkOwners fails when the store has elements of a collection that nobody knows.
func (e *Engine) checkOwners(c *census) error {
	return e.store.Scan([]byte{rowElement}, []byte{rowElement + 1}, func(key, _ []byte) (bool, error) {
		s, id, err := e.slotOfElement(key)
		if err != nil {
			return false, err
		}
		if !c.spreads[spreadName{s.db.id, s.number, id}] && !s.flushed && !s.flushTaken {
			return false, fmt.Errorf("database %d slot %d: the store has elements of collection %d, which is not known", s.db.id, s.number, id)
		}
		return true, nil
	})
}

// agrees recounts the ranks and reports whether they are those of the members.
func (m *scored) agrees(c *census) bool {
	c.pages += m.ranks.Bytes() - m.ranks.HeapBytes()
	c.sideBytes += m.noted
	same := uint64(m.ranks.Len()) == m.live && m.noted == m.ranks.HeapBytes()
	var at ranktree.Cursor
	for ok := at.Seek(m.ranks, 0); ok && same; ok = at.Next() {
		member := m.find(at.Member())
		same = member.e != nil && math.Float64bits(m.scoreAt(&member)) == math.Float64bits(at.Score())
	}
	return same
}
