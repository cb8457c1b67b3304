package engine

import (
	"cmp"
	"slices"

	"quipu/persist"
)

// The elements of spread collections are taken after their slot's entries, in chunks: other commands on the slot go on in between. What
// becomes inconsistent by that, the log sets right, as it does for slots that are taken one after the other. Without a log, a collection is
// frozen from the moment at which its key is taken until all of its elements are, and who wants to write it waits.

func (w *takenRows) reset() { w.arena, w.rows = w.arena[:0], w.rows[:0] }

// markSpreads notes the numbers that the checkpoint forgets, and that it takes the elements of the collections in spreads.
func (w *takenSlot) markSpreads(s *slot) {
	k := s.objects
	w.forgotten = append(w.forgotten, k.forgetStore...)
	k.forgetTaken = append(k.forgetTaken, k.forgetStore...)
	k.forgetStore = nil
	k.taken = append(k.taken, w.spreads...)
}

// copyElements takes the elements of the slot's collections at once.
func (w *takenSlot) copyElements(s *slot) {
	for _, id := range w.forgotten {
		w.elements.addRange(elementRange(s.db.id, s.number, id))
	}
	for _, o := range w.spreads {
		for from, more := uint64(0), true; more; {
			from, more = w.elements.take(s, o, from)
		}
	}
	w.spreads, w.forgotten = nil, nil
}

func (w *takenRows) addRange(lo, hi []byte) {
	from := len(w.arena)
	w.arena = append(append(w.arena, lo...), hi...)
	w.addRow(persist.KindDeleteRange, from, from+len(lo))
}

// elementChunk is how many elements are taken or settled under one hold of a slot's lock, at least: some 30 us. A table is not cut.
const elementChunk = 256

// take copies some dirty elements of a collection and returns where to go on. The slot is locked.
func (w *takenRows) take(s *slot, o *spread, from uint64) (next uint64, more bool) {
	o.stored = true
	prefix := appendElementPrefix(nil, s.db.id, s.number, o.id)
	return o.content.takeDirty(from, elementChunk, func(r elementRow) {
		from := len(w.arena)
		w.arena = append(append(w.arena, prefix...), r.key...)
		mid := len(w.arena)
		if r.kind == persist.KindDeleteRange {
			w.arena = append(w.arena, prefix...)
		}
		w.arena = append(w.arena, r.value...)
		w.addRow(r.kind, from, mid)
	})
}

// freeze keeps collections as they are, where no log would set them right. The slot is locked.
func (w *checkpointWriter) freeze(s *slot, spreads []*spread) {
	if w.e.logging.Load() || len(spreads) == 0 {
		return
	}
	for _, o := range spreads {
		o.thawed = make(chan struct{})
	}
	s.objects.frozen = len(spreads)
	s.tables(func(t *table) { t.hollow = true })
}

// thaw lets the writers of frozen collections go on.
func (w *checkpointWriter) thaw(s *slot, spreads []*spread) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects.frozen == 0 {
		return
	}
	s.objects.frozen = 0
	for _, o := range spreads {
		close(o.thawed)
		o.thawed = nil
	}
	s.refill()
}

// takeSpreads writes the elements of the slot's collections, and forgets those that are no more, in the order of their numbers.
func (w *checkpointWriter) takeSpreads(s *slot, taken *takenSlot) error {
	slices.SortFunc(taken.spreads, func(a, b *spread) int { return cmp.Compare(a.id, b.id) })
	slices.Sort(taken.forgotten)
	forgotten := taken.forgotten
	for _, o := range taken.spreads {
		n, _ := slices.BinarySearch(forgotten, o.id)
		if err := w.forget(s, forgotten[:n]); err != nil {
			return err
		}
		forgotten = forgotten[n:]
		if err := w.takeElements(s, o); err != nil {
			return err
		}
	}
	return w.forget(s, forgotten)
}

func (w *checkpointWriter) forget(s *slot, ids []uint64) error {
	for _, id := range ids {
		lo, hi := elementRange(s.db.id, s.number, id)
		if err := w.cp.Upper().DeleteRange(lo, hi); err != nil {
			return err
		}
		w.rows++
	}
	return nil
}

// takeElements writes the dirty elements of a collection.
func (w *checkpointWriter) takeElements(s *slot, o *spread) error {
	for from, more := uint64(0), true; more; {
		w.elements.reset()
		s.mu.Lock()
		if o.gone {
			s.mu.Unlock()
			return nil
		}
		from, more = w.elements.take(s, o, from)
		s.mu.Unlock()
		if err := w.writeRows(w.cp.Upper(), &w.elements); err != nil {
			return err
		}
	}
	return nil
}

// finishSpreads settles the elements that a checkpoint took of a slot's collections, before their keys' entries are settled: while an
// element is busy, so is its key.
func (w *checkpointWriter) finishSpreads(s *slot, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		return
	}
	for _, o := range s.objects.taken {
		for from, more := uint64(0), true; more && !o.gone; {
			from, more = o.content.settle(ok, from, elementChunk)
			o.departures++
			s.mu.Unlock()
			w.yield(elementChunk)
			s.mu.Lock()
		}
	}
	s.objects.taken = nil
}
