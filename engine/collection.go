package engine

import "strconv"

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
	return Limits{HashEntries: 512, HashValue: 64, SetInts: 512, ZSetEntries: 128, ZSetValue: 64}
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
func (c *collection) open(t *Txn, k *Key, kind Kind) error {
	c.t, c.k, c.kind = t, *k, kind
	at := &c.at
	f := t.findInto(at, k)
	c.moves = t.moves
	if !t.uncounted {
		t.counted(at.e != nil)
	}
	if at.e == nil {
		return nil
	}
	if f&flagCollection == 0 {
		return ErrWrongType
	}
	if o := at.t.spread(at.e, f); o != nil {
		if o.kind() != kind {
			return ErrWrongType
		}
		t.whole(at.s, o)
	} else if packed(at.t.payload(t.e.space, at.e, f)).kind() != kind {
		return ErrWrongType
	}
	t.warm(k, at, f)
	return nil
}

// CountViews says whether what opens a view of a collection from now on is a hit or a miss. To Redis, a look at what is about to be
// changed is neither.
func (t *Txn) CountViews(on bool) { t.uncounted = !on }

// locate finds the entry again when something was written since.
func (c *collection) locate() {
	if c.moves != c.t.moves {
		c.t.findInto(&c.at, &c.k)
		c.moves = c.t.moves
	}
}

// form returns the collection: the bytes of a packed one, which alias the table, or a spread one, or neither for an absent key.
func (c *collection) form() (packed, *spread) {
	c.locate()
	if c.at.e == nil {
		return nil, nil
	}
	f := c.at.e.flags()
	if o := c.at.t.spread(c.at.e, f); o != nil {
		return nil, o
	}
	return c.at.t.payload(c.t.e.space, c.at.e, f), nil
}

// changed notes that the content was changed in place.
func (c *collection) changed() {
	c.t.Toil(1)
	c.t.changed(c.at)
}

// whole makes sure that nothing of a collection is missing from memory. Lock has seen to that; under LockAll nobody has.
func (t *Txn) whole(s *slot, o *spread) {
	if o.partial {
		t.e.fetchSpread(s, o)
	}
}

// payload returns the string of an entry that has one.
func (t *table) payload(sp *space, e entry, f flags) []byte {
	switch f & kindMask {
	case kindShort:
		return e.short(f)
	case kindBlob:
		return sp.blobs.get(e.sideNumber(f))
	default:
		return t.side[e.sideNumber(f)].str
	}
}

// store makes p the content of the key, which keeps its expiry.
func (c *collection) store(p packed) error {
	c.locate()
	c.t.keepScratch(p)
	return c.t.set(&c.k, c.at, c.content(p))
}

// content is a packed collection with the expiry of the key.
func (c *collection) content(p packed) cell {
	return cell{packed: true, str: p, expireAt: c.expiry()}
}

// Packed collections beyond these bounds are spread: a commit of one element would write too much, and finding it would take too long.
// A set of integers may have as many as Redis keeps in an intset, eight bytes each: once spread it is one of strings.
const (
	maxPackedBytes = 2 << 10
	maxPackedItems = 512
	maxPackedInts  = intsHead + 8*maxPackedItems
)

// fitsPacked reports whether a collection is small enough to be kept packed.
func (p packed) fitsPacked() bool {
	if p.has(packedInts) {
		return len(p) <= maxPackedInts
	}
	return len(p) <= maxPackedBytes && p.count() <= maxPackedItems
}

// storeOrSpread makes p the content of the key, spread when it is too large to be packed.
func (c *collection) storeOrSpread(p packed) error {
	if p.fitsPacked() {
		return c.store(p)
	}
	c.locate()
	head := p[0]
	if p.has(packedInts) {
		head = head&^packedInts | packedWide
	}
	o := c.at.s.newSpread(head, c.t.e.space.newContent(p.kind()))
	o.nextExpiry = p.nextExpiry()
	m := o.content.(interface {
		add(name []byte, c cell, logging bool) bool
	})
	ok := p.eachItem(c.t.borrowName(), func(name []byte, content cell) bool { return m.add(name, content, c.t.logging) })
	o.count = o.content.len()
	c.t.keepScratch(p)
	err := ErrOutOfMemory
	if ok {
		err = c.t.set(&c.k, c.at, cell{obj: o, expireAt: c.expiry()})
	}
	if err != nil {
		o.detach(c.t.e.space)
	}
	return err
}

// eachItem calls fn for every item until it returns false, and reports whether it never did.
func (p packed) eachItem(buf []byte, fn func(name []byte, c cell) bool) bool {
	if p.has(packedInts) {
		for i := range p.ints() {
			if !fn(strconv.AppendInt(buf[:0], p.int(i), 10), cell{}) {
				return false
			}
		}
		return true
	}
	w := p.walk(buf)
	for w.next() {
		v := w.value()
		if !fn(w.name, v.cell()) {
			return false
		}
	}
	return true
}

// expiry returns that of the key.
func (c *collection) expiry() int64 {
	if c.at.e == nil {
		return 0
	}
	return c.at.e.expiry(c.at.e.flags())
}

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

// copySpread gives to a copy of a spread collection.
func (t *Txn) copySpread(c cell, to Key) error {
	t.whole(c.obj.slot, c.obj)
	o := t.slot(&to).newSpread(c.obj.head, c.obj.content.clone(t.logging, t.Toil))
	o.count, o.nextExpiry = c.obj.count, c.obj.nextExpiry
	c.obj = o
	err := t.put(&to, c)
	if err != nil {
		o.detach(t.e.space)
	}
	return err
}
