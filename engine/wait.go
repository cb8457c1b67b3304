package engine

import (
	"bytes"
	"slices"
)

// Clients that wait for a key (BLPOP) do so with a Watch that has a Waiter. When a key comes into being, or comes to hold another kind of
// value, that makes it ready: the Txn that did it keeps a list of such keys, and whoever uses the Txn serves those who wait, before it gives
// the locks back or afterwards. Where nobody watches anything in a slot, that is all that this costs to find out.

// appeared notes that a name comes to hold a value of a kind that it did not hold before. As in Redis, where nobody waits for that kind of
// value, anywhere, the key is not ready, even though it may hold another by the time that those who wait are served.
func (t *Txn) appeared(s *slot, name []byte, c *cell) {
	if v := c.value(); t.e.awaited[v.Kind].Load() > 0 && isAwaited(s.watches[string(name)]) {
		t.addReady(t.e.logical(s.db), name)
	}
}

// isAwaited reports whether somebody waits for a key with these watches.
func isAwaited(watches []*Watch) bool {
	return slices.ContainsFunc(watches, func(w *Watch) bool { return w.Waiter != nil })
}

// addReady notes that a key of logical database n, which somebody waits for, is ready.
func (t *Txn) addReady(n int, name []byte) {
	same := func(k Key) bool { return int(k.DB) == n && bytes.Equal(k.Name, name) }
	if !slices.ContainsFunc(t.ready, same) {
		t.ready = append(t.ready, t.e.Key(n, bytes.Clone(name)))
	}
}

// logical returns the number by which clients know a database, which has a slot that is locked.
func (e *Engine) logical(db *database) int {
	for n := range e.dbs {
		if e.dbs[n].Load() == db {
			return n
		}
	}
	panic("engine: a slot of no database")
}

// NextReady returns a key that has become ready since the last Lock and that somebody waited for then, each once and in the order in which
// they did; false when there are no more.
func (t *Txn) NextReady() (Key, bool) {
	if len(t.ready) == 0 {
		return Key{}, false
	}
	k := t.ready[0]
	if t.ready = t.ready[1:]; len(t.ready) == 0 {
		t.ready = nil
	}
	return k, true
}

// HasReady reports whether NextReady has a key.
func (t *Txn) HasReady() bool { return len(t.ready) > 0 }

// EachWaiter calls fn for everybody who waits for a key, whose slot is locked, in the order of their coming, until fn returns false.
func (t *Txn) EachWaiter(k Key, fn func(waiter any) bool) {
	for _, w := range t.slot(&k).watches[string(k.Name)] {
		if w.Waiter != nil && !fn(w.Waiter) {
			return
		}
	}
}

// Covers reports whether the locks that are held are enough to use keys together: their slots are locked, what they hold is in memory or
// known not to exist, and what is written to several slots will be one commit. The slots of a batch are locked, too, when each of its
// commands uses only one; then a commit may take one of them before another.
func (t *Txn) Covers(keys ...Key) bool {
	if t.all {
		return true
	}
	for i := range keys {
		k := &keys[i]
		s := t.e.slot(k)
		if !t.holds(s) || t.isMissing(k) || !t.walk && s != t.e.slot(&keys[0]) {
			return false
		}
	}
	return true
}

// Depend has Need return at least n.
func (t *Txn) Depend(n uint64) { t.need = max(t.need, n) }
