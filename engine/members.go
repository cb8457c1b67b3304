package engine

import (
	"encoding/binary"
	"fmt"

	"quipu/persist"
)

// members is the content of a spread hash, set or sorted set: tables like a slot's, with fields or members for names. An entry's expiry is
// the field's; a set's members are empty strings; a sorted set's are scores.
type members struct {
	tableSet
	sp   *space
	live uint64
}

// memberAt is where a member is, or would be.
type memberAt struct {
	hash  uint64
	order uint16
	t     *table
	e     entry // nil: there is none
	off   uint32
}

// find looks a member up.
func (m *members) find(name []byte) memberAt {
	at := memberAt{hash: m.sp.hash(name), order: orderOf(name)}
	at.t = m.table(at.order)
	at.e, at.off = at.t.find(at.hash, name)
	if at.e != nil && at.e.flags()&flagDeleted != 0 {
		at.e = nil
	}
	return at
}

// cell returns the content of a member that was found.
func (m *members) cell(at *memberAt) cell { return at.t.cell(m.sp, at.e, at.e.flags()) }

// add gives a member that is not there a content.
func (m *members) add(name []byte, c cell, logging bool) bool {
	return m.set(m.find(name), name, c, logging)
}

// set gives a member a content, at the place that find has found. It reports false only when a table's address space is exhausted.
func (m *members) set(at memberAt, name []byte, c cell, logging bool) bool {
	if at.e != nil {
		f := at.e.flags()
		if c.isInt && isInt(f) && intKind(c.num) <= f&kindMask && f&flagExpires == 0 && c.expireAt == 0 {
			at.e.setInt(f, c.num)
			m.changed(at, logging)
			return true
		}
		return m.replace(at, c, logging)
	}
	at.t = m.makeRoom(m.sp, at.order)
	old, off := at.t.find(at.hash, name)
	if old != nil {
		at.e, at.off = old, off
		old.setFlags(old.flags() &^ flagDeleted)
		if !m.replace(at, c, logging) {
			old.setFlags(old.flags() | flagDeleted)
			return false
		}
		m.live++
		return true
	}
	if at.t.crowded() {
		return false
	}
	var ok bool
	if at.e, at.off, ok = at.t.insert(m.sp, at.hash, name, c, 0); !ok {
		return false
	}
	m.live++
	m.changed(at, logging)
	return true
}

func (m *members) replace(at memberAt, c cell, logging bool) (ok bool) {
	at.e, at.off, ok = at.t.replace(m.sp, at.hash, at.e, at.off, c)
	if ok {
		m.changed(at, logging)
		m.tidy(at.t)
	}
	return ok
}

// changed marks a member for the next commit and the next checkpoint.
func (m *members) changed(at memberAt, logging bool) {
	f := at.e.flags()
	nf := f | flagDirty
	at.t.dirty = true
	if logging && f&flagQueued == 0 {
		nf |= flagQueued
		m.enqueue(at.t, at.off)
	}
	if nf != f {
		at.e.setFlags(nf)
	}
}

func (m *members) tidy(t *table) {
	if t.wantsCompaction() {
		t.compact(m.sp, nil)
	}
}

// remove takes a member out that was found. Its name stays behind while log or store have to be told.
func (m *members) remove(at memberAt, logging bool) {
	m.live--
	m.changed(at, logging)
	if f := at.e.flags(); f&flagsBusy == flagDirty && f&flagStored == 0 {
		at.t.remove(m.sp, at.hash, at.e, at.off)
	} else {
		at.e.setFlags(at.t.clearPayload(m.sp, at.e, f) | flagDeleted)
	}
	m.tidy(at.t)
}

func (m *members) base() *members { return m }

func (m *members) len() uint64 { return m.live }

func (m *members) bytes() int64 {
	n := int64(0)
	m.tables(func(t *table) { n += t.bytes(m.sp) })
	return n
}

// bytes returns the memory that a table takes.
func (t *table) bytes(sp *space) int64 {
	n := t.pageBytes()
	for i := range t.side {
		n += t.side[i].bytes()
	}
	if t.blobs > 0 {
		t.each(func(e entry, _ uint32, f flags) {
			if f&kindMask == kindBlob {
				n += int64(sp.blobs.size(e.sideNumber(f)))
			}
		})
	}
	return n
}

// Rows of elements are those of entries, behind another prefix: order(2) uvarint(len) name, and a row value.

func appendMemberKey(dst, name []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, orderOf(name))
	dst = binary.AppendUvarint(dst, uint64(len(name)))
	return append(dst, name...)
}

func parseMemberKey(key []byte) (order uint16, name []byte, err error) {
	if len(key) > 2 {
		size, n := binary.Uvarint(key[2:])
		if order = binary.BigEndian.Uint16(key); n > 0 && size == uint64(len(key)-2-n) && order == orderOf(key[2+n:]) {
			return order, key[2+n:], nil
		}
	}
	return 0, nil, fmt.Errorf("%w: element %.40x", errRow, key)
}

// memberRow is a space in which rows are put together.
type memberRow struct{ key, value []byte }

func (r *memberRow) of(sp *space, t *table, e entry, f flags) elementRow {
	r.key = appendMemberKey(r.key[:0], t.name(e, f))
	if f&flagDeleted != 0 {
		return elementRow{kind: persist.KindDelete, key: r.key}
	}
	r.value = appendRow(r.value[:0], t.cell(sp, e, f))
	return elementRow{kind: persist.KindSet, key: r.key, value: r.value}
}

func (m *members) takeQueued(n uint64, emit func(elementRow)) {
	m.takeTable(&m.one, n, emit)
	for _, t := range m.queued {
		m.takeTable(t, n, emit)
	}
	m.queued = m.queued[:0]
}

func (m *members) takeTable(t *table, n uint64, emit func(elementRow)) {
	var row memberRow
	var gone []uint32
	for i := range t.queue.count {
		off := t.queue.at(i)
		e := t.at(off)
		f := e.flags()
		if f&flagDead != 0 || f&flagQueued == 0 {
			continue
		}
		emit(row.of(m.sp, t, e, f))
		f = f &^ flagQueued
		e.setFlags(f)
		if f.forgettable() {
			gone = append(gone, off)
		}
	}
	t.queue.reset()
	t.buryAll(m.sp, gone)
	m.tidy(t)
}

func (m *members) queueDirty() {
	m.tables(func(t *table) {
		if !t.dirty {
			return
		}
		t.each(func(e entry, off uint32, f flags) {
			if f&(flagDirty|flagQueued) == flagDirty {
				e.setFlags(f | flagQueued)
				m.enqueue(t, off)
			}
		})
	})
}

// ordersEnd is the place behind the last order.
const ordersEnd = 1 << orderBits

// takeDirty takes whole tables: since tables are only ever cut in two, a place where one begins stays one.
func (m *members) takeDirty(from uint64, limit int, emit func(elementRow)) (next uint64, more bool) {
	var row memberRow
	for rows := 0; from < ordersEnd; {
		t := m.table(uint16(from))
		if t.dirty {
			if rows > limit {
				return from, true
			}
			t.dirty, t.taken = false, true
			t.each(func(e entry, _ uint32, f flags) {
				if f&flagDirty != 0 {
					rows++
					emit(row.of(m.sp, t, e, f))
					e.setFlags(f&^flagDirty | flagTaken)
				}
			})
		}
		from = uint64(t.last()) + 1
	}
	return 0, false
}

func (m *members) settle(ok bool, from uint64, limit int) (next uint64, more bool) {
	for entries := 0; from < ordersEnd; {
		t := m.table(uint16(from))
		if t.taken {
			if entries > limit {
				return from, true
			}
			entries += int(t.entries)
			t.buryAll(m.sp, t.settle(ok))
			m.tidy(t)
		}
		from = uint64(t.last()) + 1
	}
	return 0, false
}

func (m *members) load(key, value []byte) error {
	order, name, err := parseMemberKey(key)
	if err != nil {
		return err
	}
	c, err := parseElementRow(value)
	if err != nil {
		return err
	}
	t := m.makeRoom(m.sp, order)
	hash := m.sp.hash(name)
	if e, _ := t.find(hash, name); e != nil {
		return nil
	}
	if _, _, ok := t.insert(m.sp, hash, name, c, flagStored); !ok {
		return ErrOutOfMemory
	}
	m.live++
	return nil
}

// parseElementRow is parseRow for what is not a key: no collection.
func parseElementRow(value []byte) (cell, error) {
	c, err := parseRow(value)
	if err == nil && (c.packed || c.obj != nil) {
		err = fmt.Errorf("%w: a collection for an element", errRow)
	}
	return c, err
}

func (m *members) replay(r elementRow) error {
	order, name, err := parseMemberKey(r.key)
	if err != nil {
		return err
	}
	c, deleted := cell{isInt: true}, r.kind == persist.KindDelete
	switch {
	case r.kind == persist.KindSet:
		c, err = parseElementRow(r.value)
	case !deleted:
		err = fmt.Errorf("%w: a range of elements", errRow)
	}
	if err != nil {
		return err
	}
	was, ok := m.replayEntry(m.sp, order, name, c, deleted)
	if !ok {
		return ErrOutOfMemory
	}
	m.live += uint64(boolInt(!deleted) - boolInt(was))
	return nil
}

func (m *members) loaded() error { return nil }

func (m *members) clone(logging bool, toil func(elements int)) content {
	to := &members{sp: m.sp}
	m.each(toil, func(name []byte, c cell) bool {
		return to.set(to.find(name), name, c, logging)
	})
	return to
}

// each calls fn for every member until it returns false, and toil, now and then, with how many there were. fn must not write.
func (m *members) each(toil func(elements int), fn func(name []byte, c cell) bool) {
	more := true
	m.tables(func(t *table) {
		if !more {
			return
		}
		t.each(func(e entry, _ uint32, f flags) {
			if more && f&flagDeleted == 0 {
				more = fn(t.name(e, f), t.cell(m.sp, e, f))
			}
		})
		toil(int(t.entries))
	})
}

func (m *members) release() (more bool) {
	if m.parts == nil {
		m.one.release(m.sp)
		return false
	}
	m.parts[0].release(m.sp)
	for len(m.parts) > 0 && m.parts[0].index == nil && m.parts[0].arena == nil {
		m.parts = m.parts[1:]
	}
	return len(m.parts) > 0
}
