package engine

import (
	"sync/atomic"

	"quipu/cluster/hashslot"
)

// Watch is a connection's set of watched keys. It turns dirty, once and for all, when one of them is changed by anybody.
type Watch struct {
	// Waiter, if it is not nil, is who waits for one of the keys to hold a value of Kind: see Txn.NextReady. Both are set before the first key
	// is added.
	Waiter any
	Kind   Kind

	dirty atomic.Bool
	// places say where the watch is known. They belong to the goroutine of the connection.
	places []watchPlace
}

// watchPlace is a watched key. It names the logical database: a watch stays there when SWAPDB exchanges the counters below it.
type watchPlace struct {
	name string
	db   uint8
	slot uint16
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
	if w.Waiter != nil && len(w.places) == 0 {
		t.e.awaited[w.Kind].Add(1)
	}
	name := string(k.Name)
	s.watches[name] = append(s.watches[name], w)
	w.places = append(w.places, watchPlace{name, k.DB, s.number})
}

// Unwatch empties a watch, which is then as new. No slot may be locked by the caller.
func (e *Engine) Unwatch(w *Watch) {
	if w.Waiter != nil && len(w.places) > 0 {
		e.awaited[w.Kind].Add(-1)
	}
	for _, p := range w.places {
		s := e.lockPlace(p)
		s.unwatch(p.name, w)
		s.mu.Unlock()
	}
	w.places = w.places[:0]
	w.dirty.Store(false)
}

// lockPlace locks the slot that knows of a watched key now.
func (e *Engine) lockPlace(p watchPlace) *slot {
	for {
		s := &e.database(p.db).slots[p.slot&(hashslot.Count-1)]
		s.mu.Lock()
		if s == &e.database(p.db).slots[p.slot&(hashslot.Count-1)] {
			return s
		}
		s.mu.Unlock()
	}
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

// alarm tells those who watch a name, and the listener, that it changes.
func (t *Txn) alarm(s *slot, name []byte) {
	for _, w := range s.watches[string(name)] {
		w.dirty.Store(true)
	}
	if t.listener != nil {
		t.told = true
		t.listener.KeyChanged(t, name)
	}
}

// Announce tells those who watch a key that it has changed, although it was absent and still is: its value expired while it was set.
func (t *Txn) Announce(k Key) { t.alarm(t.slot(&k), k.Name) }

// nowhere stands for no database at all: the one that FLUSHDB puts in place of another.
const nowhere = -1

// alarmReplaced tells the watches of a slot of database n that the keys of database m take the place of its own. A name that neither
// has stays as absent as it was. It needs LockAll.
func (t *Txn) alarmReplaced(n, m int, s *slot) {
	for name, watches := range s.watches {
		if !t.has(n, name) && (m == nowhere || !t.has(m, name)) {
			continue
		}
		for _, w := range watches {
			w.dirty.Store(true)
		}
		if isAwaited(watches) {
			t.addReady(n, []byte(name))
		}
	}
}

func (t *Txn) has(n int, name string) bool {
	_, ok := t.Peek(t.e.Key(n, []byte(name)))
	return ok
}

// exchangeWatches lets the watches of two databases stay where they are when SWAPDB exchanges what they watch.
func (t *Txn) exchangeWatches(a, b int) {
	x, y := t.database(uint8(a)), t.database(uint8(b))
	for i := range hashslot.Count {
		t.alarmReplaced(a, b, &x.slots[i])
		t.alarmReplaced(b, a, &y.slots[i])
	}
	for i := range hashslot.Count {
		x.slots[i].watches, y.slots[i].watches = y.slots[i].watches, x.slots[i].watches
	}
}
