package engine

import (
	"bytes"
	"errors"
	"math"
)

// Kind is the type of a value.
type Kind uint8

const (
	// Int is a string that is the decimal form of a 64-bit signed integer, kept as such.
	Int Kind = iota + 1
	// String is any other string.
	String
	// HashKind and the others are those of collections, which have views: Txn.Hash and so on.
	HashKind
	ListKind
	SetKind
	ZSetKind
)

// KeepTTL as an expiry keeps the one that the key has.
const KeepTTL int64 = -1

// Errors of the operations. The server turns them into Redis's texts.
var (
	ErrNotInteger  = errors.New("engine: value is not an integer or out of range")
	ErrOverflow    = errors.New("engine: increment or decrement would overflow")
	ErrWrongType   = errors.New("engine: operation against a key holding the wrong kind of value")
	ErrOutOfMemory = errors.New("engine: no memory for another entry")
)

// Value is what a key or a field holds. Str is nil for an Int and for a collection; it aliases the table and is valid until the next
// write or Unlock.
type Value struct {
	Str      []byte
	Int      int64
	ExpireAt int64 // unix milliseconds, 0 for none
	Kind     Kind
}

func (c *cell) value() Value {
	v := Value{ExpireAt: c.expireAt, Kind: String, Str: c.str}
	switch {
	case c.isInt:
		v.Kind, v.Int, v.Str = Int, c.num, nil
	case c.packed:
		v.Kind, v.Str = packed(c.str).kind(), nil
	case c.obj != nil:
		v.Kind = c.obj.kind()
	}
	return v
}

// spot is an entry in its table.
type spot struct {
	s   *slot
	t   *table
	e   entry
	off uint32
}

// find looks a key up and notes what the caller, who sees its state now, depends on. A deleted or expired name comes back
// with a nil entry; what has expired is removed on the way, unless it is spared.
func (t *Txn) find(k *Key) (at spot, f flags) {
	f = t.findInto(&at, k)
	return at, f
}

// findInto is find where every nanosecond counts: a spot that is returned is written by words and copied by pairs of words, for which the
// processor has to wait.
func (t *Txn) findInto(at *spot, k *Key) flags {
	if k.again && t.found.is(k, t.moves) {
		*at = t.found.at
		f := at.e.flags()
		t.note(at.s, f)
		return f
	}
	f := t.lookUp(at, k)
	if k.again && at.e != nil && f&flagExpires == 0 {
		t.found = foundKey{at: *at, hash: k.hash, db: k.DB, moves: t.moves}
	}
	return f
}

// foundKey is where find has found a key without an expiry. It is true until something moves or the locks go.
type foundKey struct {
	at    spot // without an entry: no key
	hash  uint64
	moves uint64
	db    uint8
}

// is reports whether that is the key k, and still there.
func (f *foundKey) is(k *Key, moves uint64) bool {
	return f.at.e != nil && f.hash == k.hash && f.moves == moves && f.db == k.DB && f.at.t.isNamed(f.at.e, k.Name)
}

// lookUp is findInto for a key that was not found a moment ago.
func (t *Txn) lookUp(at *spot, k *Key) flags {
	s := t.slot(k)
	tb := s.table(k.order)
	e, off := tb.find(k.hash, k.Name)
	if e == nil && tb.partial && t.all {
		t.fetch(s, k)
		e, off = tb.find(k.hash, k.Name)
	}
	at.s, at.t, at.e, at.off = s, tb, e, off
	if e == nil {
		t.noteAbsence(s)
		return 0
	}
	f := e.flags()
	t.note(s, f)
	if f&flagExpires != 0 && f&flagDeleted == 0 && e.expiry(f) < t.now {
		if o := tb.spread(e, f); (o == nil || o.thawed == nil) && !t.spares {
			t.expire(k, *at)
		}
		at.e, at.off = nil, 0
		return 0
	}
	if f&flagDeleted != 0 {
		at.e = nil
	}
	return f
}

// note records the commit that a state depends on: the one that gathers, if the entry waits for it, or the one that took the
// entry last, if it is not durable yet.
//
// The mark has two bits, so an entry that was taken four commits earlier looks the same; its reader may then wait for a
// commit of its slot that it need not wait for.
func (t *Txn) note(s *slot, f flags) {
	switch {
	case f&flagQueued != 0:
		t.need = max(t.need, s.pending) // 0 while the slot is fresh: Unlock then notes the commit
	case s.taken > t.e.commits.durable.Load() && (flags(s.taken)<<markShift&markMask == f&markMask || s.taken == s.exchanged):
		t.need = max(t.need, s.taken)
	}
}

// noteAbsence is note for a name that has left no entry: it may have been removed a moment ago.
func (t *Txn) noteAbsence(s *slot) {
	if n := max(s.buried, s.db.voided.Load()); n > t.e.commits.durable.Load() {
		t.need = max(t.need, n)
	}
}

// changed marks an entry as changed: to be taken by the next commit, and by the next checkpoint.
func (t *Txn) changed(at spot) {
	f := at.e.flags()
	t.changes++
	nf := f | flagDirty
	at.t.dirty = true
	if t.logging && f&flagQueued == 0 {
		nf |= flagQueued
		at.s.enqueue(at.t, at.off)
		t.list(at.s)
	}
	if nf != f {
		at.e.setFlags(nf)
	}
	if at.s.pending != 0 {
		t.need = max(t.need, at.s.pending)
	} else {
		t.wrote = true // the slot is fresh: Unlock notes the commit
	}
	if at.s.watches != nil || t.listener != nil {
		t.alarm(at.s, at.t.name(at.e, nf))
	}
}

// list has the slot listed for the commit that gathers, at the latest when the Txn unlocks it.
func (t *Txn) list(s *slot) {
	if !s.listed {
		s.listed = true
		t.fresh = append(t.fresh, s)
	}
}

// Get returns a key's value and counts as an access to it.
func (t *Txn) Get(k Key) (Value, bool) {
	var at spot
	f := t.findInto(&at, &k)
	if at.e == nil {
		t.misses++
		return Value{}, false
	}
	t.hits++
	t.warm(&k, &at, f)
	c := at.t.cell(t.e.space, at.e, f)
	return c.value(), true
}

// Peek returns a key's value without counting as an access.
func (t *Txn) Peek(k Key) (Value, bool) {
	at, f := t.find(&k)
	if at.e == nil {
		return Value{}, false
	}
	c := at.t.cell(t.e.space, at.e, f)
	return c.value(), true
}

// Look is Peek for a client's question about a key that does not use it (EXISTS, TTL, TYPE): it counts among the hits and misses.
func (t *Txn) Look(k Key) (Value, bool) {
	v, ok := t.Peek(k)
	t.counted(ok)
	return v, ok
}

// counted adds a read to the hits or the misses.
func (t *Txn) counted(hit bool) {
	if hit {
		t.hits++
	} else {
		t.misses++
	}
}

// warm counts an access: for the clock that drops cold entries, and for OBJECT IDLETIME.
func (t *Txn) warm(k *Key, at *spot, f flags) {
	at.t.usedAt = uint32(t.now / 1000)
	t.age(k.hash, at, false)
	if f&heatMask != heatMask && t.e.evicting() {
		at.e.setFlags(f + 1<<heatShift)
	}
}

// IdleSeconds returns how long a key was not used, in seconds. Under noeviction it is at least so long: the time since any key
// of its table was used, as an exact time per key would cost each counter four bytes.
func (t *Txn) IdleSeconds(k Key) (int64, bool) {
	at, _ := t.find(&k)
	switch {
	case at.e == nil:
		return 0, false
	case t.e.space.ages.keeps():
		return idle(at.t.ageOf(t.e.space, k.hash, at.off), t.now), true
	}
	return max(t.now/1000-max(int64(at.t.usedAt), t.e.opened), 0), true
}

// Touch counts as an access to a key and reports whether it exists.
func (t *Txn) Touch(k Key) bool {
	at, f := t.find(&k)
	t.counted(at.e != nil)
	if at.e == nil {
		return false
	}
	noTouch := t.noTouch
	t.noTouch = false
	t.warm(&k, &at, f)
	t.noTouch = noTouch
	return true
}

// IncrBy adds delta to a key that is an integer or absent, keeping its expiry, and returns the sum.
func (t *Txn) IncrBy(k Key, delta int64) (int64, error) {
	var at spot
	f := t.findInto(&at, &k)
	if at.e == nil {
		return delta, t.set(&k, at, cell{isInt: true, num: delta})
	}
	t.warm(&k, &at, f)
	if !isInt(f) {
		return t.incrAside(&k, at, f, delta)
	}
	sum, err := add(at.e.int(f), delta)
	if err != nil {
		return 0, err
	}
	if intKind(sum) <= f&kindMask {
		at.e.setInt(f, sum)
		t.changed(at)
		return sum, nil
	}
	return sum, t.set(&k, at, cell{isInt: true, num: sum, expireAt: at.e.expiry(f)})
}

// incrAside is IncrBy for a value that is not an integer in place.
func (t *Txn) incrAside(k *Key, at spot, f flags, delta int64) (int64, error) {
	c := at.t.cell(t.e.space, at.e, f)
	switch {
	case c.packed || c.obj != nil:
		return 0, ErrWrongType
	case !c.isInt:
		return 0, ErrNotInteger
	}
	sum, err := add(c.num, delta)
	if err != nil {
		return 0, err
	}
	c.num = sum
	return sum, t.set(k, at, c)
}

func add(a, b int64) (int64, error) {
	if (b > 0 && a > math.MaxInt64-b) || (b < 0 && a < math.MinInt64-b) {
		return 0, ErrOverflow
	}
	return a + b, nil
}

// SetInt gives a key an integer, whatever it held. expireAt is in unix milliseconds, 0 for none, or KeepTTL.
func (t *Txn) SetInt(k Key, n int64, expireAt int64) error {
	return t.put(&k, cell{isInt: true, num: n, expireAt: expireAt})
}

// SetString gives a key a copy of s, whatever it held; the canonical decimal of an int64 becomes an Int. expireAt is as for
// SetInt.
func (t *Txn) SetString(k Key, s []byte, expireAt int64) error {
	if n, ok := canonicalInt(s); ok {
		return t.SetInt(k, n, expireAt)
	}
	return t.put(&k, cell{str: s, expireAt: expireAt})
}

func (t *Txn) put(k *Key, c cell) error {
	var at spot
	f := t.findInto(&at, k)
	if c.expireAt == KeepTTL {
		c.expireAt = 0
		if at.e != nil {
			c.expireAt = at.e.expiry(f)
		}
	}
	if at.e != nil {
		t.age(k.hash, &at, false)
	}
	return t.set(k, at, c)
}

// set writes a cell at a place that find has found.
func (t *Txn) set(k *Key, at spot, c cell) error {
	tb, err := t.write(k, at, c)
	if err == nil {
		t.tidy(tb)
	}
	return err
}

// write is set without tidying the table, which it returns: no entry but that of the key moves, unless it is new.
func (t *Txn) write(k *Key, at spot, c cell) (*table, error) {
	t.moves++
	sp := t.e.space
	if at.e == nil {
		return t.create(k, at, c)
	}
	f := at.e.flags()
	had := f&flagExpires != 0
	old, was := at.t.spread(at.e, f), Kind(0)
	if at.s.watches != nil {
		before := at.t.cell(sp, at.e, f)
		was = before.value().Kind
	}
	e, off, ok := at.t.replace(sp, k.hash, at.e, at.off, c)
	if !ok {
		return nil, ErrOutOfMemory
	}
	at.e, at.off = e, off
	if old != nil && old != c.obj {
		at.s.forget(old, t.logging)
	}
	if has := c.expireAt != 0; has != had {
		at.s.addKeys(0, boolInt(has)-boolInt(had))
	}
	at.s.noteExpiry(c.earliest())
	t.changed(at)
	if at.s.watches != nil && c.value().Kind != was {
		t.appeared(at.s, k.Name, &c)
	}
	return at.t, nil
}

// create brings a name into existence: over its deleted entry, or with a new one.
func (t *Txn) create(k *Key, at spot, c cell) (*table, error) {
	sp := t.e.space
	at.t = at.s.makeRoom(sp, k.order)
	at.t.usedAt = uint32(t.now / 1000)
	old, off := at.t.find(k.hash, k.Name)
	var ok bool
	if old != nil {
		old.setFlags(old.flags() &^ flagDeleted)
		at.e, at.off, ok = at.t.replace(sp, k.hash, old, off, c)
	} else if !at.t.crowded() {
		stored := flags(0)
		if at.t.partial {
			stored = flagStored
		}
		at.e, at.off, ok = at.t.insert(sp, k.hash, k.Name, c, stored)
	}
	if !ok {
		if old != nil {
			old.setFlags(old.flags() | flagDeleted)
		}
		return nil, ErrOutOfMemory
	}
	t.age(k.hash, &at, true)
	at.s.addKeys(1, boolInt(c.expireAt != 0))
	at.s.noteExpiry(c.earliest())
	t.changed(at)
	if at.s.watches != nil {
		t.appeared(at.s, k.Name, &c)
	}
	return at.t, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (t *Txn) tidy(tb *table) {
	if tb.wantsCompaction() {
		t.moves++
		tb.compact(t.e.space, nil)
	}
}

// Delete removes a key and reports whether it existed.
func (t *Txn) Delete(k Key) bool {
	at, _ := t.find(&k)
	if at.e == nil {
		return false
	}
	t.delete(&k, at)
	return true
}

// delete removes a key that find has found.
func (t *Txn) delete(k *Key, at spot) {
	t.mark(k, at)
	t.tidy(at.t)
}

// mark leaves the name behind as deleted while the log or the store still has to be told. It moves no other entry.
func (t *Txn) mark(k *Key, at spot) {
	t.moves++
	f := at.e.flags()
	at.s.addKeys(-1, -boolInt(f&flagExpires != 0))
	if obj := at.t.spread(at.e, f); obj != nil {
		at.s.forget(obj, t.logging)
	}
	t.changed(at)
	f = at.e.flags()
	if f&flagsBusy == flagDirty && f&flagStored == 0 {
		at.t.remove(t.e.space, k.hash, at.e, at.off)
		return
	}
	at.e.setFlags(at.t.clearPayload(t.e.space, at.e, f) | flagDeleted)
}

// expire removes a key whose time has come. Its absence follows from the clock and from what find has noted, so nobody waits
// for the commit that removes it. The table is tidied later: to the caller this is a read, which leaves the values that it has
// got before where they are.
func (t *Txn) expire(k *Key, at spot) {
	need, wrote := t.need, t.wrote
	t.mark(k, at)
	t.need, t.wrote = need, wrote
	t.e.stats.expired.Add(1)
}

// Expire sets a key's expiry, in unix milliseconds; 0 removes it, and a time that has passed deletes the key. It reports
// whether the key existed.
func (t *Txn) Expire(k Key, expireAt int64) bool {
	at, f := t.find(&k)
	if at.e == nil {
		return false
	}
	if expireAt != 0 && expireAt <= t.now {
		t.delete(&k, at)
		return true
	}
	c := at.t.cell(t.e.space, at.e, f)
	if c.expireAt == expireAt {
		if expireAt != 0 {
			t.changed(at) // to those who watch the key it is a change
		}
		return true
	}
	c.expireAt = expireAt
	c.str = bytes.Clone(c.str)
	return t.set(&k, at, c) == nil
}

// Copy gives to the value and expiry of from, which exists.
func (t *Txn) Copy(from, to Key) error {
	at, f := t.find(&from)
	if at.e == nil {
		return nil
	}
	c := at.t.cell(t.e.space, at.e, f)
	c.str = bytes.Clone(c.str)
	if c.obj == nil {
		return t.put(&to, c)
	}
	return t.copySpread(c, to)
}

// Encoding names the representation as Redis's OBJECT ENCODING does; empty for an absent key.
func (t *Txn) Encoding(k Key) string {
	at, f := t.find(&k)
	if at.e == nil {
		return ""
	}
	c := at.t.cell(t.e.space, at.e, f)
	switch {
	case c.packed:
		return packed(c.str).encoding()
	case c.obj != nil:
		return packed{c.obj.head}.encoding()
	case c.isInt:
		return "int"
	case len(c.str) <= maxEmbedded:
		return "embstr"
	default:
		return "raw"
	}
}

// maxEmbedded is the length up to which Redis calls a string embstr.
const maxEmbedded = 44

// MemoryUsage returns the bytes that a key takes: its entry, its reference, and what lies beside. What a page of a slot with
// few keys leaves empty is not counted: it belongs to whatever key comes next.
func (t *Txn) MemoryUsage(k Key) (int64, bool) {
	at, f := t.find(&k)
	if at.e == nil {
		return 0, false
	}
	return at.t.weight(t.e.space, at.e, f), true
}

// weight returns the bytes that an entry takes, with its reference and what lies beside.
func (t *table) weight(sp *space, e entry, f flags) int64 {
	n := int64(e.size(f)) + referenceBytes
	if t.ages != nil {
		n += referenceBytes
	}
	switch f & kindMask {
	case kindSide:
		n += t.side[e.sideNumber(f)].bytes()
	case kindBlob:
		n += int64(sp.blobs.size(e.sideNumber(f)))
	}
	if obj := t.spread(e, f); obj != nil {
		n += obj.content.bytes()
	}
	return n
}

// referenceBytes is what a reference takes in an index of mean load.
const referenceBytes = 5

// Freq returns how often a key was used, under an lfu policy: from 0 to 255, a new key 5, growing with the logarithm of the
// uses and falling with time.
func (t *Txn) Freq(k Key) (int64, bool) {
	at, _ := t.find(&k)
	if at.e == nil {
		return 0, false
	}
	return t.e.space.ages.frequency(at.t.ageOf(t.e.space, k.hash, at.off), t.now), true
}

// canonicalInt reports whether s is exactly what an int64 prints as, so that turning it into one loses nothing.
func canonicalInt(s []byte) (int64, bool) {
	if len(s) == 0 || len(s) > 20 {
		return 0, false
	}
	digits, negative := s, s[0] == '-'
	if negative {
		digits = s[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && (negative || len(digits) > 1) {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' || n > math.MaxUint64/10 {
			return 0, false
		}
		d := uint64(c - '0')
		if n*10 > math.MaxUint64-d {
			return 0, false
		}
		n = n*10 + d
	}
	switch {
	case negative && n <= 1<<63:
		return int64(-n), true
	case !negative && n <= math.MaxInt64:
		return int64(n), true
	}
	return 0, false
}
