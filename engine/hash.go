package engine

import "math/rand/v2"

// Hash is a view of a key that holds a hash, or nothing. See collection for how long it is valid. What it returns, names and strings,
// is valid until the Txn next writes or unlocks.
type Hash struct{ collection }

// Hash opens a hash. It returns ErrWrongType for a key that holds something else.
func (t *Txn) Hash(k Key) (Hash, error) {
	c, err := t.open(k, HashKind)
	h := Hash{c}
	if err == nil {
		h.purge()
	}
	return h, err
}

// Len returns the number of fields.
func (h *Hash) Len() int {
	if p := h.packed(); p != nil {
		return p.count()
	}
	return 0
}

// Get returns the value of a field.
func (h *Hash) Get(field []byte) (Value, bool) {
	p := h.packed()
	if p == nil {
		return Value{}, false
	}
	it, ok := p.find(field)
	if !ok {
		return Value{}, false
	}
	v := decodeValue(p[it.value:])
	return v, !v.expired(h.t.now)
}

// expired: the value's time has come.
func (v *Value) expired(now int64) bool { return v.ExpireAt != 0 && v.ExpireAt <= now }

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
	return h.put(field, textValue(value), false)
}

// SetKeepTTL is Set, but the field keeps the expiry that it has.
func (h *Hash) SetKeepTTL(field, value []byte) (created bool, err error) {
	return h.put(field, textValue(value), true)
}

// SetInt is Set for an integer.
func (h *Hash) SetInt(field []byte, n int64) (created bool, err error) {
	return h.put(field, Value{Kind: Int, Int: n}, false)
}

// IncrBy adds delta to a field that is an integer or absent, keeping its expiry, and returns the sum. It returns ErrNotInteger for any
// other field, and ErrOverflow.
func (h *Hash) IncrBy(field []byte, delta int64) (int64, error) {
	p := h.packed()
	if p == nil {
		_, err := h.put(field, Value{Kind: Int, Int: delta}, false)
		return delta, err
	}
	it, ok := p.find(field)
	if !ok {
		return delta, h.write(p, it, false, field, Value{Kind: Int, Int: delta})
	}
	v := decodeValue(p[it.value:])
	if v.expired(h.t.now) {
		v = Value{Kind: Int}
	}
	if v.Kind != Int {
		return 0, ErrNotInteger
	}
	sum, err := add(v.Int, delta)
	if err != nil {
		return 0, err
	}
	v.Int = sum
	return sum, h.write(p, it, true, field, v)
}

func (h *Hash) put(field []byte, v Value, keepTTL bool) (created bool, err error) {
	p := h.packed()
	if p == nil {
		b := appendPackedHead(h.t.scratch[:0], byte(HashKind), 1, v.ExpireAt)
		b = appendValue(appendName(b, 0, field), v)
		return true, h.storeAs(b, field, v)
	}
	it, found := p.find(field)
	if found {
		old := decodeValue(p[it.value:])
		found = !old.expired(h.t.now)
		if keepTTL && found {
			v.ExpireAt = old.ExpireAt
		}
		return !found, h.write(p, it, true, field, v)
	}
	return true, h.write(p, it, false, field, v)
}

// write gives a field its value, at the place that find has returned for it.
func (h *Hash) write(p packed, it item, found bool, field []byte, v Value) error {
	switch {
	case !found:
		return h.storeAs(p.appendWithItem(h.t.scratch[:0], it, field, v), field, v)
	case v.Kind == Int && (p[it.value] == valueExpires) == (v.ExpireAt != 0) && storeInt(p[it.value:], v.Int):
		if v.ExpireAt != 0 {
			break // it may be another one
		}
		h.changed()
		return nil
	}
	return h.storeAs(p.appendWithValue(h.t.scratch[:0], it, v), field, v)
}

// storeAs stores the hash after a field was given a value.
func (h *Hash) storeAs(p packed, field []byte, v Value) error {
	if l := h.t.e.limits.Load(); p.count() > l.HashEntries || max(len(field), v.textLen()) > l.HashValue {
		p[0] |= packedWide
	}
	return h.store(p)
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
	p := h.packed()
	if p == nil {
		return false
	}
	it, ok := p.find(field)
	if !ok {
		return false
	}
	v := decodeValue(p[it.value:])
	return h.removeItem(p, it) && !v.expired(h.t.now)
}

// SetExpiry sets a field's expiry, in unix milliseconds; 0 removes it, and a time that has passed deletes the field. It reports whether
// the field existed.
func (h *Hash) SetExpiry(field []byte, at int64) bool {
	p := h.packed()
	v, ok := h.Get(field)
	switch {
	case !ok:
		return false
	case at != 0 && at <= h.t.now:
		return h.Delete(field)
	case v.ExpireAt == at:
		return true
	}
	v.ExpireAt = at
	it, _ := p.find(field)
	return h.store(p.appendWithValue(h.t.scratch[:0], it, v)) == nil
}

// Each calls fn for every field until it returns false. field is valid during the call only. fn must not write.
func (h *Hash) Each(fn func(field []byte, v Value) bool) {
	p := h.packed()
	if p == nil {
		return
	}
	w := p.walk(h.t.borrowName())
	for w.next() {
		if v := w.value(); !v.expired(h.t.now) && !fn(w.name, v) {
			break
		}
	}
	h.t.returnName(w.name)
}

// Scan calls fn for about count fields from cursor on and returns the cursor to go on from, 0 at the end. Fields that are there from
// the first call of an iteration to its last are all met. field is valid during the call only. fn must not write.
func (h *Hash) Scan(cursor uint64, count int, fn func(field []byte, v Value)) (next uint64) {
	h.Each(func(field []byte, v Value) bool {
		fn(field, v)
		return true
	})
	return 0
}

// Random returns some field, false when there is none. The field is valid until the next call.
func (h *Hash) Random() (field []byte, v Value, ok bool) {
	skip := rand.IntN(max(h.Len(), 1))
	h.Each(func(f []byte, value Value) bool {
		h.t.picked = append(h.t.picked[:0], f...)
		v, ok = value, true
		skip--
		return skip >= 0
	})
	return h.t.picked, v, ok
}

// purge removes what has expired. As in Txn.expire, nobody waits for the commit.
func (h *Hash) purge() {
	p := h.packed()
	if p == nil || !p.has(packedTimed) || p.nextExpiry() > h.t.now {
		return
	}
	b := packedBuilder{}
	h.Each(func(field []byte, v Value) bool {
		b.add(field, v, true)
		return true
	})
	if b.count == p.count() && b.next == p.nextExpiry() {
		return
	}
	need, wrote := h.t.need, h.t.wrote
	if b.count == 0 {
		h.t.mark(&h.k, h.at)
	} else {
		_, _ = h.t.write(&h.k, h.at, h.content(b.appendTo(nil, p[0]))) // what is not removed for want of memory is still not there to anybody
	}
	h.t.need, h.t.wrote = need, wrote
}
