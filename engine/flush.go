package engine

import (
	"quipu/cluster/hashslot"
	"quipu/persist"
)

// FlushDB empties a database. It needs LockAll.
func (t *Txn) FlushDB(n int) {
	db := t.database(uint8(n))
	t.changes += db.keys.Load()
	for i := range hashslot.Count {
		s := &db.slots[i]
		t.alarmReplaced(n, nowhere, s)
		s.void(t.e.space)
	}
	db.keys.Store(0)
	db.expiries.Store(0)
	if t.logging {
		t.enlistEvent(func(body []byte) []byte { return appendDeleteDatabase(body, db.id) }, db)
	}
}

// FlushAll empties every database. It needs LockAll.
func (t *Txn) FlushAll() {
	for n := range t.e.dbs {
		if t.e.dbs[n].Load() != nil {
			t.FlushDB(n)
		}
	}
}

// SwapDB exchanges two databases: clients of the one see the keys of the other from now on. It needs LockAll.
func (t *Txn) SwapDB(a, b int) {
	if a == b {
		return
	}
	x, y := t.database(uint8(a)), t.database(uint8(b))
	t.exchangeWatches(a, b)
	t.e.dbs[a].Store(y)
	t.e.dbs[b].Store(x)
	t.e.ids[a], t.e.ids[b] = t.e.ids[b], t.e.ids[a]
	t.e.swaps.Add(1)
	t.e.checkpoints.databasesDirty = true
	t.changes++
	if t.logging {
		ids := append([]byte(nil), t.e.ids...)
		t.enlistEvent(func(body []byte) []byte { return persist.AppendSet(body, []byte{rowDatabases}, ids) }, x, y)
		x.exchanged(t.need)
		y.exchanged(t.need)
	}
}

// exchanged makes whoever reads anything in the database wait for commit n. Every slot is locked.
func (db *database) exchanged(n uint64) {
	for i := range db.slots {
		db.slots[i].taken, db.slots[i].exchanged = n, n
	}
}

func (t *Txn) enlistEvent(op func(body []byte) []byte, dbs ...*database) {
	n := t.e.commits.enlistEvent(op)
	t.need = max(t.need, n)
	for _, db := range dbs {
		db.voided.Store(n)
	}
}

func appendDeleteDatabase(body []byte, id uint8) []byte {
	for _, rows := range []byte{rowData, rowElement} {
		lo, hi := databaseRange(rows, id)
		body = persist.AppendDeleteRange(body, lo, hi)
	}
	return body
}

// databaseRange returns the bounds of a database's rows of one sort.
func databaseRange(rows, id uint8) (lo, hi []byte) {
	return []byte{rows, id}, successor([]byte{rows, id})
}

// void empties a slot: memory now, the store with the next checkpoint.
func (s *slot) void(sp *space) {
	s.reset(sp)
	if k := s.objects; k != nil {
		k.forgetLog, k.forgetStore = nil, nil // the whole of their range goes
	}
	s.keys, s.expiries = 0, 0
	s.db.nextExpiry[s.number].Store(0)
	s.countsDirty = true
	s.flushed = true
	s.departures++
}
