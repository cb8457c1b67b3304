package engine

import (
	"encoding/binary"
	"fmt"
	"time"

	"quipu/cluster/hashslot"
	"quipu/persist"
)

// recover brings back what was committed: the slots' counts from the store, then everything that the log has beyond it. The
// entries themselves stay in the store until they are needed.
func (e *Engine) recover() error {
	started := time.Now()
	if err := e.recoverDatabases(); err != nil {
		return err
	}
	if err := e.recoverCounts(); err != nil {
		return err
	}
	r := replayer{e: e}
	last, err := e.store.Replay(r.apply)
	if err != nil {
		return fmt.Errorf("replay the commit log: %w", err)
	}
	e.commits.init(last)
	e.checkpoints.init(e)
	e.sumCounts()
	if r.rows > 0 {
		e.log.Info("Replayed the commit log", "rows", r.rows, "commits", last-e.store.Covered(), "took", time.Since(started).Round(time.Millisecond))
	}
	return nil
}

func (e *Engine) recoverDatabases() error {
	value, ok, err := e.store.Get([]byte{rowDatabases}, nil)
	if err != nil || !ok {
		return err
	}
	return e.setDatabaseIDs(value)
}

// setDatabaseIDs takes over which physical database each logical one is.
func (e *Engine) setDatabaseIDs(ids []byte) error {
	seen := [256]bool{}
	for _, id := range ids {
		if seen[id] || int(id) >= len(ids) {
			return fmt.Errorf("%w: databases %x", errRow, ids)
		}
		seen[id] = true
	}
	if len(ids) > len(e.dbs) {
		return fmt.Errorf("the data directory knows %d databases, more than the %d configured: set 'databases %[1]d'", len(ids), len(e.dbs))
	}
	byID := map[uint8]*database{}
	for n := range e.dbs {
		if db := e.dbs[n].Load(); db != nil {
			byID[db.id] = db
		}
	}
	copy(e.ids, ids)
	for n := range e.dbs {
		e.dbs[n].Store(byID[e.ids[n]])
	}
	return nil
}

// recoverCounts reads what each slot of the store holds. A slot without a row holds nothing.
func (e *Engine) recoverCounts() error {
	return e.store.Scan([]byte{rowSlot}, []byte{rowSlot + 1}, func(key, value []byte) (bool, error) {
		s, err := e.slotOfRow(key)
		if err != nil {
			return false, err
		}
		c, err := parseSlotCounts(value)
		if err != nil {
			return false, err
		}
		s.setCounts(c)
		s.one.partial = c.keys > 0
		return true, nil
	})
}

func (e *Engine) slotOfRow(key []byte) (*slot, error) {
	id, number, err := parseSlotKey(key)
	if err != nil {
		return nil, err
	}
	db, err := e.databaseByID(id)
	if err != nil {
		return nil, err
	}
	return &db.slots[number], nil
}

func (e *Engine) databaseByID(id uint8) (*database, error) {
	for n := range e.ids {
		if e.ids[n] == id {
			return e.database(uint8(n)), nil
		}
	}
	return nil, fmt.Errorf("the data directory uses database %d, beyond the %d configured: raise 'databases'", id, len(e.dbs))
}

func (s *slot) setCounts(c slotCounts) {
	s.keys, s.expiries = c.keys, c.expiries
	if c.lastSpread > 0 {
		k := s.knowObjects()
		k.last = max(k.last, c.lastSpread)
	}
	s.db.nextExpiry[s.number].Store(c.nextExpiry)
}

// sumCounts adds the slots' counts up, once, for DBSIZE.
func (e *Engine) sumCounts() {
	for _, db := range e.physical() {
		for i := range db.slots {
			db.keys.Add(int64(db.slots[i].keys))
			db.expiries.Add(int64(db.slots[i].expiries))
		}
	}
}

// replayer applies log records to memory. What it writes is dirty: the store does not have it yet.
type replayer struct {
	e    *Engine
	rows int64
}

func (r *replayer) apply(index uint64, ops persist.OpReader) error {
	var op persist.Op
	for ops.Next(&op) {
		r.rows++
		if err := r.applyOp(&op); err != nil {
			return fmt.Errorf("commit %d: %w", index, err)
		}
	}
	return ops.Err()
}

func (r *replayer) applyOp(op *persist.Op) error {
	if len(op.Key) == 0 {
		return fmt.Errorf("%w: empty key", errRow)
	}
	switch {
	case op.Key[0] == rowElement:
		return r.applyElement(op)
	case op.Kind == persist.KindDeleteRange:
		return r.applyFlush(op.Key, op.Value)
	case op.Key[0] == rowData:
		return r.applyEntry(op)
	case op.Key[0] == rowSlot && op.Kind == persist.KindSet:
		return r.applyCounts(op)
	case op.Key[0] == rowDatabases && op.Kind == persist.KindSet:
		r.e.checkpoints.databasesDirty = true
		return r.e.setDatabaseIDs(op.Value)
	}
	return fmt.Errorf("%w: key %x", errRow, op.Key)
}

func (r *replayer) applyCounts(op *persist.Op) error {
	s, err := r.e.slotOfRow(op.Key)
	if err != nil {
		return err
	}
	c, err := parseSlotCounts(op.Value)
	if err != nil {
		return err
	}
	s.setCounts(c)
	s.countsDirty = true
	return nil
}

func (r *replayer) applyEntry(op *persist.Op) error {
	k, err := parseDataKey(op.Key)
	if err != nil {
		return err
	}
	db, err := r.e.databaseByID(k.db)
	if err != nil {
		return err
	}
	var c cell
	deleted := op.Kind == persist.KindDelete
	if deleted {
		c.isInt = true
	} else if c, err = parseRow(op.Value); err != nil {
		return err
	}
	s := &db.slots[k.slot]
	hollow := c.obj != nil
	if hollow {
		c.obj = s.adopt(r.e.space, c.obj)
	}
	if _, ok := s.replayEntry(r.e.space, k.order, k.name, c, deleted); !ok {
		return fmt.Errorf("slot %d: %w", k.slot, ErrOutOfMemory)
	}
	if hollow {
		s.table(k.order).hollow = true
	}
	s.noteExpiry(c.earliest())
	return nil
}

// replayEntry gives a name what a row of the log says: it may have to be told to the store, and the store may have something else. was
// tells whether the name was there before.
func (ts *tableSet) replayEntry(sp *space, order uint16, name []byte, c cell, deleted bool) (was, ok bool) {
	hash := sp.hash(name)
	t := ts.makeRoom(sp, order)
	e, off := t.find(hash, name)
	if e == nil {
		e, _, ok = t.insert(sp, hash, name, c, 0)
	} else {
		was = e.flags()&flagDeleted == 0
		e, _, ok = t.replace(sp, hash, e, off, c)
	}
	if !ok {
		return was, false
	}
	f := e.flags()&^flagDeleted | flagDirty | flagStored
	if deleted {
		f |= flagDeleted
	}
	e.setFlags(f)
	t.dirty = true
	if t.wantsCompaction() {
		t.compact(sp, nil)
	}
	return was, true
}

// applyElement applies a row of a spread collection, whose key's row has come before it, or the end of one.
func (r *replayer) applyElement(op *persist.Op) error {
	if op.Kind == persist.KindDeleteRange && len(op.Key) < elementPrefix {
		return nil // a whole database: the range of its keys has come before
	}
	s, id, err := r.e.slotOfElement(op.Key)
	if err != nil {
		return err
	}
	row := elementRow{kind: op.Kind, key: op.Key[elementPrefix:], value: op.Value}
	if op.Kind == persist.KindDeleteRange {
		if len(row.key) == 0 {
			s.replayForget(r.e.space, id)
			return nil
		}
		if len(op.Value) < elementPrefix {
			return fmt.Errorf("%w: range %x to %x", errRow, op.Key, op.Value)
		}
		row.value = op.Value[elementPrefix:]
	}
	if s.objects == nil || s.objects.byID[id] == nil {
		return fmt.Errorf("%w: element %x of no collection", errRow, op.Key)
	}
	return s.objects.byID[id].content.replay(row)
}

func (e *Engine) slotOfElement(key []byte) (*slot, uint64, error) {
	if len(key) < elementPrefix || binary.BigEndian.Uint16(key[2:]) >= hashslot.Count {
		return nil, 0, fmt.Errorf("%w: key %x", errRow, key)
	}
	db, err := e.databaseByID(key[1])
	if err != nil {
		return nil, 0, err
	}
	return &db.slots[binary.BigEndian.Uint16(key[2:])], binary.BigEndian.Uint64(key[4:]), nil
}

// replayForget notes that a collection is no more. What becomes of its key is in the same record.
func (s *slot) replayForget(sp *space, id uint64) {
	k := s.knowObjects()
	if o := k.byID[id]; o != nil {
		o.detach(sp)
	}
	k.last = max(k.last, min(id, maxSpreadID))
	k.forgetStore = append(k.forgetStore, id)
}

// applyFlush voids a whole database: the only range that the engine ever deletes.
func (r *replayer) applyFlush(lo, hi []byte) error {
	if len(lo) < 2 || lo[0] != rowData {
		return fmt.Errorf("%w: range %x to %x", errRow, lo, hi)
	}
	db, err := r.e.databaseByID(lo[1])
	if err != nil {
		return err
	}
	for i := range hashslot.Count {
		db.slots[i].void(r.e.space)
	}
	return nil
}
