package engine

import "encoding/binary"

// element is where an element of a collection is, or would be: in a packed one, in a spread one, or in none yet.
type element struct {
	p     packed
	item  item
	o     *spread
	at    memberAt
	found bool
}

// element looks an element up by its name; not in a packed set of integers.
func (c *collection) element(name []byte) (el element) {
	if el.p, el.o = c.form(); el.o != nil {
		el.at = el.o.members().find(name)
		el.found = el.at.e != nil
	} else if el.p != nil {
		el.item, el.found = el.p.find(name)
	}
	return el
}

// value returns the value of an element that was found.
func (el *element) value() Value {
	if el.o == nil {
		return decodeValue(el.p[el.item.value:])
	}
	c := el.o.members().cell(&el.at)
	return c.value()
}

// cell is the content of an entry that holds a value.
func (v *Value) cell() cell {
	if v.Kind == packedFloat {
		return cell{str: binary.LittleEndian.AppendUint64(nil, uint64(v.Int))}
	}
	return cell{isInt: v.Kind == Int, num: v.Int, str: v.Str, expireAt: v.ExpireAt}
}

// put gives an element a value. head are the bits of a collection that comes into being with it.
func (c *collection) put(el *element, head byte, name []byte, v Value) error {
	scratch := c.t.scratch[:0]
	switch {
	case el.o != nil:
		return c.setMember(el, name, v.cell())
	case el.p == nil:
		scratch = appendPackedHead(scratch, head, 1, v.ExpireAt)
		scratch = appendName(scratch, 0, name)
		if packed(scratch).valued() {
			scratch = appendValue(scratch, v)
		}
		return c.storeOrSpread(scratch)
	case !el.found:
		return c.storeOrSpread(el.p.appendWithItem(scratch, el.item, name, v))
	case el.p.overwrite(el.item, v):
		c.changed()
		return nil
	}
	return c.storeOrSpread(el.p.appendWithValue(scratch, el.item, v))
}

// overwrite writes an integer without an expiry in the place of one of the same width, and reports whether it could.
func (p packed) overwrite(it item, v Value) bool {
	return v.Kind == Int && v.ExpireAt == 0 && p[it.value] != valueExpires && storeInt(p[it.value:], v.Int)
}

// setMember gives an element of a spread collection a content.
func (c *collection) setMember(el *element, name []byte, content cell) error {
	o, m := el.o, el.o.members()
	if !m.set(el.at, name, content, c.t.logging) {
		return ErrOutOfMemory
	}
	if o.count = m.live; content.expireAt != 0 {
		o.head |= packedTimed
		o.nextExpiry = earlier(o.nextExpiry, content.expireAt)
		c.at.t.noteElements(content.expireAt)
		c.at.s.noteExpiry(content.expireAt)
	}
	c.t.changed(c.at)
	return nil
}

// remove removes an element that was found, the last one with the key. It reports false only when a table's address space is exhausted.
func (c *collection) remove(el *element) bool {
	if el.o == nil {
		return c.removeItem(el.p, el.item)
	}
	m := el.o.members()
	if m.live == 1 {
		c.drop()
		return true
	}
	m.remove(el.at, c.t.logging)
	el.o.count = m.live
	c.t.changed(c.at)
	return true
}

// removeItem is remove for a packed collection.
func (c *collection) removeItem(p packed, it item) bool {
	if p.count() > 1 {
		return c.store(p.appendWithout(c.t.scratch[:0], it)) == nil
	}
	c.drop()
	return true
}

// widen notes that by Redis's limits the collection has left its compact encoding.
func (c *collection) widen() {
	p, o := c.form()
	switch {
	case o != nil:
		if o.head&packedWide == 0 {
			o.head |= packedWide
			c.t.changed(c.at)
		}
	case p != nil && !p.has(packedWide):
		p[0] |= packedWide
		c.t.changed(c.at)
	}
}
