package engine

import (
	"bytes"
	"math/rand/v2"
)

// Hash is a view of a key that holds a hash, or nothing. See collection for how long it is valid. What it returns, names and strings,
// is valid until the Txn next writes or unlocks.
type Hash struct{ collection }

// Hash opens a hash. It returns ErrWrongType for a key that holds something else.
func (t *Txn) Hash(k Key) (h Hash, err error) {
	if err = h.open(t, &k, HashKind); err == nil {
		h.purge()
	}
	return h, err
}

// Len returns the number of fields.
func (h *Hash) Len() int {
	switch p, o := h.form(); {
	case h.t.spares && (o != nil && due(o.nextExpiry, h.t.now) || p != nil && due(p.nextExpiry(), h.t.now)):
		n := 0
		h.Each(func([]byte, Value) bool { n++; return true })
		return n
	case o != nil:
		return int(o.count)
	case p != nil:
		return p.count()
	}
	return 0
}

// Get returns the value of a field.
func (h *Hash) Get(field []byte) (v Value, ok bool) {
	if el := h.element(field); el.found {
		v = el.value()
		ok = !v.expired(h.t.now)
	}
	return v, ok
}

// expired: the value's time has come.
func (v *Value) expired(now int64) bool { return v.ExpireAt != 0 && v.ExpireAt < now }

// due: a time has come before which nothing expired. 0 is never.
func due(at, now int64) bool { return at != 0 && at < now }

// textValue is the value that a string is kept as.
func textValue(s []byte) Value {
	if n, ok := canonicalInt(s); ok {
		return Value{Kind: Int, Int: n}
	}
	return Value{Kind: String, Str: s}
}

// Set gives a field a copy of value, without an expiry, and reports whether the field is new. The canonical decimal of an int64 is kept
// as an Int.
func (h *Hash) Set(field, value []byte) (created bool, err error) {
	return h.set(field, textValue(value), false)
}

// SetKeepTTL is Set, but the field keeps the expiry that it has.
func (h *Hash) SetKeepTTL(field, value []byte) (created bool, err error) {
	return h.set(field, textValue(value), true)
}

// SetInt is Set for an integer.
func (h *Hash) SetInt(field []byte, n int64) (created bool, err error) {
	return h.set(field, Value{Kind: Int, Int: n}, false)
}

// IncrBy adds delta to a field that is an integer or absent, keeping its expiry, and returns the sum. It returns ErrNotInteger for any
// other field, and ErrOverflow.
func (h *Hash) IncrBy(field []byte, delta int64) (int64, error) {
	el := h.element(field)
	v := Value{Kind: Int}
	if el.found {
		if v = el.value(); v.expired(h.t.now) {
			v = Value{Kind: Int}
		}
	}
	if v.Kind != Int {
		return 0, ErrNotInteger
	}
	sum, err := add(v.Int, delta)
	if err != nil {
		return 0, err
	}
	v.Int = sum
	return sum, h.write(&el, field, v)
}

func (h *Hash) set(field []byte, v Value, keepTTL bool) (created bool, err error) {
	el := h.element(field)
	created = true
	if el.found {
		old := el.value()
		created = old.expired(h.t.now)
		if keepTTL && !created {
			v.ExpireAt = old.ExpireAt
		}
	}
	return created, h.write(&el, field, v)
}

func (h *Hash) write(el *element, field []byte, v Value) error {
	if err := h.put(el, byte(HashKind), field, v); err != nil {
		return err
	}
	if l := h.t.e.limits.Load(); len(field) > l.HashValue || v.longerThan(l.HashValue) || !el.found && h.Len() > l.HashEntries {
		h.widen()
	}
	return nil
}

// maxIntText is the longest text of an integer.
const maxIntText = len("-9223372036854775808")

// longerThan reports whether the text of a value is longer than n bytes.
func (v *Value) longerThan(n int) bool {
	return (v.Kind != Int || n < maxIntText) && v.textLen() > n
}

// textLen returns the length of a value as Redis sees it.
func (v *Value) textLen() int {
	if v.Kind == Int {
		return intLen(v.Int)
	}
	return len(v.Str)
}

func intLen(n int64) int {
	size := 1
	if n < 0 {
		size = 2
	}
	for n = n / 10; n != 0; n /= 10 {
		size++
	}
	return size
}

// Delete removes a field and reports whether it existed.
func (h *Hash) Delete(field []byte) bool {
	el := h.element(field)
	if !el.found {
		return false
	}
	v := el.value()
	expired := v.expired(h.t.now)
	return h.remove(&el) && !expired
}

// SetExpiry sets a field's expiry, in unix milliseconds; 0 removes it, and a time that has passed deletes the field. It reports whether
// the field existed.
func (h *Hash) SetExpiry(field []byte, at int64) bool {
	el := h.element(field)
	if !el.found {
		return false
	}
	v := el.value()
	switch {
	case v.expired(h.t.now):
		return false
	case at != 0 && at <= h.t.now:
		return h.remove(&el)
	case v.ExpireAt == at:
		return true
	}
	v.ExpireAt = at
	v.Str = bytes.Clone(v.Str)
	return h.write(&el, field, v) == nil
}

// Each calls fn for every field until it returns false. field is valid during the call only. fn must not write.
func (h *Hash) Each(fn func(field []byte, v Value) bool) {
	p, o := h.form()
	switch {
	case o != nil:
		o.members().each(h.t.Toil, func(name []byte, c cell) bool {
			v := c.value()
			return v.expired(h.t.now) || fn(name, v)
		})
	case p != nil:
		w := p.walk(h.t.borrowName())
		for w.next() {
			if v := w.value(); !v.expired(h.t.now) && !fn(w.name, v) {
				break
			}
		}
		h.t.returnName(w.name)
	}
}

// Scan calls fn for about count fields from cursor on and returns the cursor to go on from, 0 at the end. Fields that are there from
// the first call of an iteration to its last are all met. field is valid during the call only. fn must not write.
func (h *Hash) Scan(cursor uint64, count int, fn func(field []byte, v Value)) (next uint64) {
	visit := func(field []byte, v Value) bool {
		if !v.expired(h.t.now) {
			fn(field, v)
		}
		return true
	}
	if _, o := h.form(); o != nil {
		return o.members().scan(cursor, count, func(name []byte, c cell) { visit(name, c.value()) })
	}
	if cursor == 0 {
		h.Each(visit)
	}
	return 0
}

// Purge removes all fields that have expired. Those of a spread hash that a checkpoint is at stay until it is done.
func (h *Hash) Purge() {
	for removed := h.purge(); removed > 0; removed = h.purge() {
		h.t.Toil(removed)
	}
}

// Random returns some field, false when there is none. The field is valid until the next call.
func (h *Hash) Random() (field []byte, v Value, ok bool) {
	_, o := h.form()
	if o != nil {
		h.t.Toil(1)
		name, c := o.members().random()
		if v = c.value(); !v.expired(h.t.now) {
			return name, v, true
		}
	}
	return h.randomLiving(o)
}

// randomLiving is Random by counting: for a packed hash, and for a spread one in which something may have expired.
func (h *Hash) randomLiving(o *spread) (field []byte, v Value, ok bool) {
	skip := h.Len()
	if o != nil {
		skip = 0
		h.Each(func([]byte, Value) bool {
			skip++
			return true
		})
	}
	skip = rand.IntN(max(skip, 1))
	h.Each(func(f []byte, value Value) bool {
		h.t.picked = append(h.t.picked[:0], f...)
		v, ok = value, true
		skip--
		return skip >= 0
	})
	return h.t.picked, v, ok
}

// purge removes what has expired, of a spread hash not more than a chunk, and returns how much that was. As in Txn.expire, nobody waits
// for the commit.
func (h *Hash) purge() (removed int) {
	p, o := h.form()
	need, wrote := h.t.need, h.t.wrote
	switch {
	case h.t.spares:
	case o != nil && due(o.nextExpiry, h.t.now) && o.thawed == nil && !o.partial:
		removed = h.purgeSpread(o)
	case p != nil && due(p.nextExpiry(), h.t.now):
		removed = h.purgePacked(p)
	}
	if removed > 0 {
		h.t.e.stats.expiredFields.Add(int64(removed))
	}
	h.t.need, h.t.wrote = need, wrote
	return removed
}

func (h *Hash) purgePacked(p packed) int {
	b := packedBuilder{}
	h.Each(func(field []byte, v Value) bool {
		b.add(field, v, true)
		return true
	})
	removed := p.count() - b.count
	switch {
	case b.count == 0:
		h.t.mark(&h.k, h.at)
	case removed > 0 || b.next != p.nextExpiry():
		_, _ = h.t.write(&h.k, h.at, h.content(b.appendTo(nil, p[0]))) // what stays for want of memory is still not there to anybody
	}
	return removed
}

func (h *Hash) purgeSpread(o *spread) int {
	m := o.members()
	due, next := m.due(h.t.now)
	if uint64(len(due)) == m.live {
		h.t.mark(&h.k, h.at)
		return len(due)
	}
	for _, name := range due {
		m.remove(m.find(name), h.t.logging)
	}
	if len(due) > 0 || o.nextExpiry != next {
		o.count, o.nextExpiry = m.live, next
		h.t.changed(h.at)
	}
	return len(due)
}
