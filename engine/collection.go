package engine

// A collection is a hash, a list, a set or a sorted set: a value with elements. A Txn hands out views of them (Txn.Hash and so on),
// which are valid until Unlock and stay valid while anything else is written; of an absent key, the view is empty, and the first element
// that is added brings the key into existence. Removing the last one removes the key.

// Limits are the bounds up to which Redis keeps a collection in its compact encodings, by the names of Redis's parameters. They only
// decide what OBJECT ENCODING tells.
type Limits struct {
	HashEntries, HashValue int // hash-max-listpack-entries, hash-max-listpack-value
	SetInts                int // set-max-intset-entries
	ZSetEntries, ZSetValue int // zset-max-listpack-entries, zset-max-listpack-value
}

// DefaultLimits are those of Redis 7.
func DefaultLimits() Limits {
	return Limits{HashEntries: 128, HashValue: 64, SetInts: 512, ZSetEntries: 128, ZSetValue: 64}
}

// SetLimits changes the limits for what is written from now on.
func (e *Engine) SetLimits(l Limits) { e.limits.Store(&l) }

// collection is what the views of all kinds have in common.
type collection struct {
	t     *Txn
	k     Key
	at    spot
	moves uint64 // of the Txn, when at was found
	kind  Kind
}

// open finds a key that holds a collection of a kind, or nothing.
func (t *Txn) open(k Key, kind Kind) (collection, error) {
	c := collection{t: t, k: k, kind: kind}
	at, f := t.find(&c.k)
	c.at, c.moves = at, t.moves
	if at.e == nil {
		t.misses++
		return c, nil
	}
	if f&flagCollection == 0 || c.packed().kind() != kind {
		return c, ErrWrongType
	}
	t.hits++
	t.warm(&at, f)
	return c, nil
}

// locate finds the entry again when something was written since.
func (c *collection) locate() {
	if c.moves != c.t.moves {
		c.at, _ = c.t.find(&c.k)
		c.moves = c.t.moves
	}
}

// packed returns the bytes of a packed collection, nil for an absent key. They alias the table.
func (c *collection) packed() packed {
	c.locate()
	if c.at.e == nil {
		return nil
	}
	return c.at.t.payload(c.at.e, c.at.e.flags())
}

// payload returns the string of an entry that has one.
func (t *table) payload(e entry, f flags) []byte {
	if f&kindMask == kindShort {
		return e.short(f)
	}
	return t.side[e.sideNumber(f)].str
}

// store makes p the content of the key, which keeps its expiry.
func (c *collection) store(p packed) error {
	c.locate()
	c.t.keepScratch(p)
	return c.t.set(&c.k, c.at, c.content(p))
}

// content is a packed collection with the expiry of the key.
func (c *collection) content(p packed) cell {
	content := cell{packed: true, str: p}
	if c.at.e != nil {
		content.expireAt = c.at.e.expiry(c.at.e.flags())
	}
	return content
}

// removeItem removes an item, the last one with the key. It reports false only when the table's address space is exhausted.
func (c *collection) removeItem(p packed, it item) bool {
	if p.count() == 1 {
		c.drop()
		return true
	}
	return c.store(p.appendWithout(c.t.scratch[:0], it)) == nil
}

// changed notes that the content was changed in place.
func (c *collection) changed() { c.t.changed(c.at) }

// drop removes the key.
func (c *collection) drop() {
	c.locate()
	c.t.delete(&c.k, c.at)
}

// maxKeptScratch bounds what a Txn keeps of the space in which it puts packed collections together.
const maxKeptScratch = 16 << 10

func (t *Txn) keepScratch(b []byte) {
	if cap(b) <= maxKeptScratch {
		t.scratch = b[:0]
	}
}

// borrowName returns a buffer for the names of an iteration. Iterations can be nested.
func (t *Txn) borrowName() []byte {
	last := len(t.names) - 1
	if last < 0 {
		return make([]byte, 0, maxNearName)
	}
	b := t.names[last]
	t.names = t.names[:last]
	return b
}

func (t *Txn) returnName(b []byte) {
	if cap(b) <= maxKeptScratch {
		t.names = append(t.names, b[:0])
	}
}
