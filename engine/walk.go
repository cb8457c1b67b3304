package engine

import "quipu/persist"

// walkWindow is how many slots the commit walk holds at a time. Their memory is brought into the cache together: it was there
// when the entries were changed, but a commit of a thousand slots has pushed most of it out by now.
const walkWindow = 16

// walkSlots serialises the queued entries of slots into the record of commit n and returns how many there were.
func (e *Engine) walkSlots(slots []*slot, n uint64) int64 {
	rows := int64(0)
	for len(slots) > 0 {
		window := slots[:min(len(slots), walkWindow)]
		rows += e.walkTogether(window, n)
		slots = slots[len(window):]
	}
	if w := &e.walker; cap(w.rowKey)+cap(w.rowValue) > maxSpareBody {
		w.rowKey, w.rowValue = nil, nil
	}
	return rows
}

// walkTogether takes a window of slots. It waits for the first one's lock only, so it can not be part of a deadlock; slots
// that somebody else holds are taken afterwards, one by one.
func (e *Engine) walkTogether(window []*slot, n uint64) int64 {
	for _, s := range window {
		s.prefetch()
	}
	var late []*slot
	held := e.walker.held[:0]
	for i, s := range window {
		if i == 0 {
			s.mu.Lock()
		} else if !s.mu.TryLock() {
			late = append(late, s)
			continue
		}
		held = append(held, s)
	}
	e.walker.touch(held)
	rows := int64(0)
	for _, s := range held {
		rows += e.takeSlot(s, n)
		s.mu.Unlock()
	}
	for _, s := range late {
		s.mu.Lock()
		rows += e.takeSlot(s, n)
		s.mu.Unlock()
	}
	return rows
}

// walker is the commit walk's working space. It belongs to who holds commits.walk for writing.
type walker struct {
	held             [walkWindow]*slot
	pages            [walkWindow]*page
	rowKey, rowValue []byte
	rowEnd           []byte
	gone             []uint32
	spreads          []*spread // whose keys' rows have been written, and whose elements follow
	sink             uint32    // keeps the loads from being optimised away
}

// touch loads the first queued entry of each slot.
func (w *walker) touch(held []*slot) {
	for i, s := range held {
		w.pages[i] = nil
		if t := &s.one; !t.queue.empty() {
			w.pages[i] = t.arena[t.queue.first/pageSize]
		}
	}
	for i, s := range held {
		if pg := w.pages[i]; pg != nil {
			w.sink += uint32(pg[s.one.queue.first%pageSize])
		}
	}
}

// takeSlot serialises a locked slot's queued entries into the record and returns how many there were.
func (e *Engine) takeSlot(s *slot, n uint64) int64 {
	if s.objects != nil {
		e.appendForgotten(s)
	}
	rows := e.takeTable(s, &s.one, n)
	for _, t := range s.queued {
		rows += e.takeTable(s, t, n)
	}
	s.queued = s.queued[:0]
	if len(e.walker.spreads) > 0 {
		rows += e.takeSpreads(s, n)
	}
	s.taken, s.pending, s.listed = n, 0, false
	if s.countsQueued {
		s.countsQueued = false
		e.appendCounts(s)
	}
	return rows
}

func (e *Engine) takeTable(s *slot, t *table, n uint64) int64 {
	rows := int64(0)
	gone := e.walker.gone[:0]
	for i := range t.queue.count {
		off := t.queue.at(i)
		en := t.at(off)
		f := en.flags()
		if f&flagDead != 0 || f&flagQueued == 0 {
			continue
		}
		rows++
		e.appendEntry(s, t, en, f)
		f = f&^(flagQueued|markMask) | flags(n)<<markShift&markMask
		en.setFlags(f)
		if f.forgettable() {
			gone = append(gone, off)
		}
	}
	t.queue.reset()
	if len(gone) > 0 {
		s.buried = n
		e.bury(s, t, gone)
	}
	e.walker.gone = gone[:0]
	return rows
}

// forgettable: a deleted name that neither the log nor the store has to be told of any more.
func (f flags) forgettable() bool {
	return f&flagDeleted != 0 && f&(flagQueued|flagTaken|flagStored) == 0
}

// bury removes the entries of deleted names.
func (e *Engine) bury(s *slot, t *table, offs []uint32) {
	t.buryAll(e.space, offs)
	s.departures++
	if t.wantsCompaction() {
		t.compact(e.space, nil)
	}
}

func (e *Engine) appendEntry(s *slot, t *table, en entry, f flags) {
	name := t.name(en, f)
	e.walker.rowKey = appendDataKey(e.walker.rowKey[:0], s.db.id, s.number, orderOf(name), name)
	if f&flagDeleted != 0 {
		e.commits.record.delete(e.walker.rowKey)
		return
	}
	c := t.cell(e.space, en, f)
	if c.obj != nil {
		e.walker.spreads = append(e.walker.spreads, c.obj)
	}
	if len(c.str) >= longValue {
		e.walker.rowValue = appendRowHead(e.walker.rowValue[:0], c)
		e.commits.record.setLong(e.walker.rowKey, e.walker.rowValue, c.str)
		return
	}
	e.walker.rowValue = appendRow(e.walker.rowValue[:0], c)
	e.commits.record.set(e.walker.rowKey, e.walker.rowValue)
}

func (e *Engine) appendCounts(s *slot) {
	e.walker.rowKey = appendSlotKey(e.walker.rowKey[:0], s.db.id, s.number)
	e.walker.rowValue = appendSlotCounts(e.walker.rowValue[:0], s.counts())
	e.commits.record.set(e.walker.rowKey, e.walker.rowValue)
}

// appendForgotten tells the log of the slot's collections that are no more.
func (e *Engine) appendForgotten(s *slot) {
	for _, id := range s.objects.forgetLog {
		lo, hi := elementRange(s.db.id, s.number, id)
		e.commits.record.deleteRange(lo, hi)
	}
	s.objects.forgetLog = nil
}

// takeSpreads serialises the queued elements of collections whose keys' rows are in the record already.
func (e *Engine) takeSpreads(s *slot, n uint64) (rows int64) {
	w := &e.walker
	for _, o := range w.spreads {
		w.rowKey = appendElementPrefix(w.rowKey[:0], s.db.id, s.number, o.id)
		w.rowEnd = append(w.rowEnd[:0], w.rowKey...)
		o.content.takeQueued(n, func(r elementRow) {
			rows++
			e.appendElement(r)
		})
		o.logged = true
		o.departures++
	}
	clear(w.spreads)
	w.spreads = w.spreads[:0]
	return rows
}

// appendElement adds a row of the collection whose prefix rowKey and rowEnd begin with.
func (e *Engine) appendElement(r elementRow) {
	w := &e.walker
	w.rowKey = append(w.rowKey[:elementPrefix], r.key...)
	switch r.kind {
	case persist.KindSet:
		e.commits.record.set(w.rowKey, r.value)
	case persist.KindDelete:
		e.commits.record.delete(w.rowKey)
	case persist.KindDeleteRange:
		w.rowEnd = append(w.rowEnd[:elementPrefix], r.value...)
		e.commits.record.deleteRange(w.rowKey, w.rowEnd)
	}
}
