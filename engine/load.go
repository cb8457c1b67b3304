package engine

import (
	"bytes"
	"fmt"
)

// Memory is a cache over the store: an entry that no commit waits for and that the store has may be missing from memory. Its
// table is then partial, and whoever misses a name there reads the store first.

// load brings a key's entry into memory, or proves for this Txn that there is none. No lock is held while the store is read:
// other connections go on.
func (t *Txn) load(k *Key) {
	s := t.e.slot(k)
	s.mu.Lock()
	departures := s.departures
	tb := s.table(k.order)
	if e, _ := tb.find(k.hash, k.Name); e != nil {
		o := tb.spread(e, e.flags())
		if o != nil {
			e.setFlags(e.flags() | heatMask) // not to be dropped halfway
		}
		s.mu.Unlock()
		if o != nil {
			t.prepare(s, o)
		}
		return
	}
	s.mu.Unlock()
	c, ok := t.e.readRow(s, k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.departures != departures {
		return // what was read may be stale; Lock tries again
	}
	if !ok {
		t.proveAbsent(s, k)
		return
	}
	s.makeRoom(t.e.space, k.order)
	s.admit(t.e.space, k.hash, k.order, k.Name, c, 1<<heatShift)
}

// proveAbsent notes that the store has no row of a key. The slot is locked.
func (t *Txn) proveAbsent(s *slot, k *Key) {
	if t.absent == nil {
		t.absent = map[absentName]uint64{}
	}
	t.absent[absentName{s, string(k.Name)}] = s.departures
}

// fetch is load for a key whose slot is locked: others wait for the disk, but what it finds can not go away again. It splits
// no table, so that values which the Txn's user has got stay where they are.
func (t *Txn) fetch(s *slot, k *Key) {
	t.moves++
	if c, ok := t.e.readRow(s, k); ok {
		s.admit(t.e.space, k.hash, k.order, k.Name, c, 1<<heatShift)
	} else if !t.all {
		t.proveAbsent(s, k)
	}
}

// readRow reads a key's row from the store.
func (e *Engine) readRow(s *slot, k *Key) (c cell, ok bool) {
	e.stats.loads.Add(1)
	row, ok, err := e.store.Get(appendDataKey(nil, s.db.id, s.number, k.order, k.Name), nil)
	if err == nil && ok {
		c, err = parseRow(row)
	}
	if err != nil {
		// A store that can not be read can not be trusted with the next checkpoint either.
		e.fail(err)
		select {}
	}
	return c, ok
}

// admit enters a row of the store that memory does not hold, as a clean entry. It reports false when the table's address space
// is exhausted, although everything clean has been dropped from it.
func (s *slot) admit(sp *space, hash uint64, order uint16, name []byte, c cell, heat flags) bool {
	t := s.table(order)
	if e, _ := t.find(hash, name); e != nil {
		return true
	}
	if c.obj != nil {
		c.obj = s.adopt(sp, c.obj)
		t.hollow = t.hollow || c.obj.partial
	}
	if _, _, ok := t.insert(sp, hash, name, c, flagStored|heat); ok {
		return true
	}
	s.evicted(t.drop(sp, flags.clean))
	_, _, ok := t.insert(sp, hash, name, c, flagStored|heat)
	if !ok && c.obj != nil {
		c.obj.detach(sp)
	}
	return ok
}

// Loading a table goes on by chunks, so that neither what it reads at once nor the time for which it holds the slot's lock
// grows with the table: a chunk takes some 200 us to read and 30 us to enter.
const (
	loadChunk = 512
	// loadTries: when entries have left the slot during each of so many readings of a chunk, the slot stays locked for the next.
	loadTries = 4
)

// loadTable reads all rows with order in [from, to], the range of a partial table. Rows may be evicted again while others are
// read; the table, or what it has been split into, is then still partial.
func (e *Engine) loadTable(s *slot, from, to uint16) error {
	s.mu.Lock()
	evictions := s.evictions
	s.mu.Unlock()
	for next := int(from); next <= int(to); {
		var err error
		if next, err = e.loadPart(s, uint16(next), to); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.evictions == evictions {
		s.complete(from, to)
	}
	return nil
}

// loadPart loads a chunk of the rows with order in [from, to], and returns the order to go on from.
func (e *Engine) loadPart(s *slot, from, to uint16) (next int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for try := 0; ; try++ {
		t := s.table(from)
		if !t.partial {
			return int(t.last()) + 1, nil // emptied, or loaded by somebody else
		}
		departures := s.departures
		if try < loadTries {
			s.mu.Unlock()
		}
		rows, next, err := e.readRows(s, from, to, loadChunk)
		if try < loadTries {
			s.mu.Lock()
		}
		if err != nil {
			return 0, err
		}
		if s.departures == departures {
			return next, e.enter(s, rows)
		}
	}
}

// enter admits rows that were just read.
func (e *Engine) enter(s *slot, rows []storedRow) error {
	for i := range rows {
		r := &rows[i]
		s.makeRoom(e.space, r.order)
		if !s.admit(e.space, e.space.hash(r.name), r.order, r.name, r.cell, 0) {
			return fmt.Errorf("load slot %d: %w", s.number, ErrOutOfMemory)
		}
	}
	e.stats.loads.Add(int64(len(rows)))
	return nil
}

// complete notes that the tables from one order to another have all the rows that the store has.
func (s *slot) complete(from, to uint16) {
	for at := int(from); at <= int(to); {
		t := s.table(uint16(at))
		t.partial = false
		at = int(t.last()) + 1
	}
}

type storedRow struct {
	order uint16
	name  []byte
	cell  cell
}

// readRows reads rows of a slot with order in [from, to], in order: at least about limit of them, if there are so many, and
// all that share their order. It returns the order that the next row may have, which is above to when there is none.
func (e *Engine) readRows(s *slot, from, to uint16, limit int) (rows []storedRow, next int, err error) {
	next = int(to) + 1
	lo, hi := dataRange(s.db.id, s.number, from, to)
	err = e.store.Scan(lo, hi, func(key, value []byte) (bool, error) {
		k, err := parseDataKey(bytes.Clone(key))
		if err != nil {
			return false, err
		}
		if n := len(rows); n >= limit && rows[n-1].order != k.order {
			next = int(k.order)
			return false, nil
		}
		c, err := parseRow(bytes.Clone(value))
		if err != nil {
			return false, err
		}
		rows = append(rows, storedRow{k.order, k.name, c})
		return true, nil
	})
	return rows, next, err
}
