package engine

import (
	"bytes"
	"errors"
)

// Memory is a cache over the store: an entry that no commit waits for and that the store has may be missing from memory. Its
// table is then partial, and whoever misses a name there reads the store first.

// load brings a key's entry into memory, or proves for this Txn that there is none. No lock is held while the store is read:
// other connections go on.
func (t *Txn) load(k Key) {
	s := t.e.slot(&k)
	s.mu.Lock()
	departures, id := s.departures, s.db.id
	s.mu.Unlock()
	t.e.stats.loads.Add(1)
	row, ok, err := t.e.store.Get(appendDataKey(nil, id, k.Slot, k.order, k.Name), nil)
	var c cell
	if err == nil && ok {
		c, err = parseRow(row)
	}
	if err != nil {
		// A store that can not be read can not be trusted with the next checkpoint either.
		t.e.fail(err)
		select {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.departures != departures {
		return // what was read may be stale; Lock tries again
	}
	if !ok {
		t.absent = append(t.absent, absence{s, string(k.Name), departures})
		return
	}
	s.admit(t.e.space, k.hash, k.order, k.Name, c)
}

// admit enters a row of the store that memory does not hold, as a clean entry.
func (s *slot) admit(sp *space, hash uint64, order uint16, name []byte, c cell) {
	t := s.makeRoom(sp, order)
	if e, _ := t.find(hash, name); e == nil {
		t.insert(sp, hash, name, c, flagStored)
	}
}

// errTableChanged: the table was split, emptied or filled by others while the store was read.
var errTableChanged = errors.New("engine: table changed")

// loadTable reads all rows of a partial table's range. It holds the slot's lock only to enter them.
func (e *Engine) loadTable(s *slot, order uint16) error {
	s.mu.Lock()
	t := s.table(order)
	from, to, departures, partial, id := t.prefix, t.last(), s.departures, t.partial, s.db.id
	s.mu.Unlock()
	if !partial {
		return nil
	}
	rows, err := e.readRows(id, s.number, from, to)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.table(order); s.departures != departures || t.prefix != from || t.last() != to {
		return errTableChanged
	}
	for _, r := range rows {
		s.admit(e.space, e.space.hash(r.name), r.order, r.name, r.cell)
	}
	for at := int(from); at <= int(to); {
		t := s.table(uint16(at))
		t.partial = false
		at = int(t.last()) + 1
	}
	e.stats.loads.Add(int64(len(rows)))
	return nil
}

type storedRow struct {
	order uint16
	name  []byte
	cell  cell
}

func (e *Engine) readRows(id uint8, slot, from, to uint16) ([]storedRow, error) {
	var rows []storedRow
	lo, hi := dataRange(id, slot, from, to)
	err := e.store.Scan(lo, hi, func(key, value []byte) (bool, error) {
		k, err := parseDataKey(bytes.Clone(key))
		if err != nil {
			return false, err
		}
		c, err := parseRow(bytes.Clone(value))
		if err != nil {
			return false, err
		}
		rows = append(rows, storedRow{k.order, k.name, c})
		return true, nil
	})
	return rows, err
}
