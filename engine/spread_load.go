package engine

import (
	"bytes"
	"fmt"
)

// awaits reports whether an entry is a spread collection that the Txn has to wait for: until it is loaded, or, to write it, until a
// checkpoint is done with it.
func (t *Txn) awaits(tb *table, e entry) bool {
	o := tb.spread(e, e.flags())
	return o != nil && (o.partial || t.writes && o.thawed != nil)
}

// prepare waits for what awaits has found. No lock is held.
func (t *Txn) prepare(s *slot, o *spread) {
	s.mu.Lock()
	thawed, partial := o.thawed, o.partial && !o.gone
	s.mu.Unlock()
	if partial {
		if err := t.e.loadSpread(s, o); err != nil {
			t.e.fail(err)
			select {} // as for any row that can not be read
		}
		return
	}
	if t.writes && thawed != nil {
		<-thawed
	}
}

// loadSpread brings all elements of a collection into memory, or returns because somebody else has, or because the collection has gone.
// It holds the slot's lock for a chunk at a time.
func (e *Engine) loadSpread(s *slot, o *spread) error {
	s.mu.Lock()
	if o.gone || !o.partial {
		s.mu.Unlock()
		return nil
	}
	if busy := o.loading; busy != nil {
		s.mu.Unlock()
		<-busy
		return nil
	}
	o.loading = make(chan struct{})
	s.mu.Unlock()
	err := e.loadElements(s, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(o.loading)
	o.loading = nil
	if err == nil && !o.gone && o.partial {
		err = e.completeSpread(s, o)
	}
	return err
}

// loadElements reads the elements of a collection chunk by chunk.
func (e *Engine) loadElements(s *slot, o *spread) error {
	from, hi := elementRange(s.db.id, s.number, o.id)
	for from != nil {
		s.mu.Lock()
		departures := o.departures
		s.mu.Unlock()
		rows, next, err := e.readElements(from, hi)
		if err != nil {
			return err
		}
		s.mu.Lock()
		switch {
		case o.gone || !o.partial:
			next = nil
		case o.departures != departures:
			next = from // what was read may be stale
		default:
			err = o.enter(rows)
		}
		s.mu.Unlock()
		if err != nil {
			return fmt.Errorf("load a collection of slot %d: %w", s.number, err)
		}
		if from = next; from != nil { // a client that waits for one chunk does not pause for others
			e.pacer.breathe()
		}
	}
	return nil
}

// completeSpread notes that nothing of a collection is missing from memory. The slot is locked.
func (e *Engine) completeSpread(s *slot, o *spread) error {
	if have := o.content.len(); have != o.count {
		return fmt.Errorf("load a collection of slot %d: %w: %d elements, its key's row tells of %d", s.number, errRow, have, o.count)
	}
	o.partial = false
	s.refill()
	return o.content.loaded()
}

// refill sees which tables are hollow still.
func (s *slot) refill() {
	s.tables(func(t *table) {
		if t.hollow {
			t.hollow = false
			for i := range t.side {
				o := t.side[i].obj
				t.hollow = t.hollow || o != nil && (o.partial || o.thawed != nil)
			}
		}
	})
}

// fetchSpread is loadSpread with the slot locked.
func (e *Engine) fetchSpread(s *slot, o *spread) {
	from, hi := elementRange(s.db.id, s.number, o.id)
	var err error
	for from != nil && err == nil {
		var rows []elementRow
		if rows, from, err = e.readElements(from, hi); err == nil {
			err = o.enter(rows)
		}
	}
	if err == nil {
		err = e.completeSpread(s, o)
	}
	if err != nil {
		e.fail(err)
		select {} // as for any row that can not be read
	}
}

// enter admits rows of elements that were just read.
func (o *spread) enter(rows []elementRow) error {
	for i := range rows {
		if err := o.content.load(rows[i].key, rows[i].value); err != nil {
			return err
		}
	}
	return nil
}

// Fewer elements than keys are read and entered at a time: to rank a member takes longer than to find a place for a key, and nodes of lists
// are larger. A piece takes some 200 to 600 us.
const (
	elementLoadChunk = 256
	elementLoadBytes = 64 << 10
)

// readElements reads a piece of the rows of elements with keys in [lo, hi), and returns the key to go on from, nil at the end.
func (e *Engine) readElements(lo, hi []byte) (rows []elementRow, next []byte, err error) {
	size := 0
	err = e.store.Scan(lo, hi, func(key, value []byte) (bool, error) {
		if len(rows) == elementLoadChunk || size >= elementLoadBytes {
			next = bytes.Clone(key)
			return false, nil
		}
		if len(key) < elementPrefix {
			return false, fmt.Errorf("%w: key %x", errRow, key)
		}
		size += len(key) + len(value)
		rows = append(rows, elementRow{key: bytes.Clone(key[elementPrefix:]), value: bytes.Clone(value)})
		return true, nil
	})
	e.stats.loads.Add(int64(len(rows)))
	return rows, next, err
}

// loadSpreads loads the collections of a slot that are not wholly in memory.
func (e *Engine) loadSpreads(s *slot) error {
	for _, o := range s.partialSpreads() {
		if err := e.loadSpread(s, o); err != nil {
			return err
		}
	}
	return nil
}

func (s *slot) partialSpreads() (list []*spread) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		return nil
	}
	for _, o := range s.objects.byID {
		if o.partial {
			list = append(list, o)
		}
	}
	return list
}
