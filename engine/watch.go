package engine

import "sync/atomic"

// Watch is a connection's set of watched keys. It turns dirty, once and for all, when one of them is changed by anybody.
type Watch struct {
	dirty atomic.Bool
	// places are the slots that know of the watch. They belong to the goroutine of the connection.
	places []watchPlace
}

type watchPlace struct {
	s    *slot
	name string
}

// Dirty reports whether a watched key has changed.
func (w *Watch) Dirty() bool { return w.dirty.Load() }

// Watch adds a key, whose slot is locked, to a watch.
func (t *Txn) Watch(k Key, w *Watch) {
	t.find(&k) // so that an expiry that has passed is not a later change
	s := t.slot(&k)
	for _, other := range s.watches[string(k.Name)] {
		if other == w {
			return
		}
	}
	if s.watches == nil {
		s.watches = map[string][]*Watch{}
	}
	name := string(k.Name)
	s.watches[name] = append(s.watches[name], w)
	w.places = append(w.places, watchPlace{s, name})
}

// Unwatch empties a watch, which is then as new. No slot may be locked by the caller.
func (e *Engine) Unwatch(w *Watch) {
	for _, p := range w.places {
		p.s.mu.Lock()
		p.s.unwatch(p.name, w)
		p.s.mu.Unlock()
	}
	w.places = w.places[:0]
	w.dirty.Store(false)
}

func (s *slot) unwatch(name string, w *Watch) {
	watches := s.watches[name]
	for i, other := range watches {
		if other == w {
			watches = append(watches[:i], watches[i+1:]...)
			break
		}
	}
	if s.watches[name] = watches; len(watches) == 0 {
		delete(s.watches, name)
	}
	if len(s.watches) == 0 {
		s.watches = nil
	}
}

// alarm tells the watches of a name that it changes.
func (e *Engine) alarm(s *slot, name []byte) {
	for _, w := range s.watches[string(name)] {
		w.dirty.Store(true)
	}
}

// alarmPresent tells the watches of a slot of database n whose names exist that they vanish. It needs LockAll.
func (t *Txn) alarmPresent(n int, s *slot) {
	for name, watches := range s.watches {
		if _, ok := t.Peek(t.e.Key(n, []byte(name))); !ok {
			continue
		}
		for _, w := range watches {
			w.dirty.Store(true)
		}
	}
}

// alarmAll tells all watches of a slot that the database is exchanged for another. Redis spares a watch whose name exists in
// neither; here the names stay with the slot, so the watch could not follow.
func (e *Engine) alarmAll(s *slot) {
	for _, watches := range s.watches {
		for _, w := range watches {
			w.dirty.Store(true)
		}
	}
}
