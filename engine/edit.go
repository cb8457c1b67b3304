package engine

import (
	"strconv"
	"unsafe"
)

// Edit changes the string at k in place, keeping its expiry. fn is given the bytes, nil when there is no such key, and returns
// what they are to be: the same slice, written to or appended to, or any other, which the engine may keep. When it reports no
// change it must not have written to the bytes either, and the key is left as it was, or absent. fn must not use the Txn. A collection
// gives ErrWrongType.
//
// A string outside the arena is handed out itself, spare capacity included: a change of some bytes of a long one costs what fn
// does and nothing else, and appending to one copies it rarely. The log and the store still get the whole string, once for all
// changes of a commit.
func (t *Txn) Edit(k Key, fn func(old []byte) (text []byte, changed bool)) error {
	var at spot
	f := t.findInto(&at, &k)
	if at.e == nil {
		text, changed := fn(nil)
		if !changed {
			return nil
		}
		return t.set(&k, at, textCell(text, 0))
	}
	if f&flagCollection != 0 {
		return ErrWrongType
	}
	t.warm(&k, &at, f)
	switch f & kindMask {
	case kindBlob:
		return t.editBlob(&k, at, at.e.expiry(f), fn)
	case kindSide:
		if s := &at.t.side[at.e.sideNumber(f)]; len(s.str) > maxShort {
			return t.editSide(&k, at, s, fn)
		}
	}
	c := at.t.cell(t.e.space, at.e, f)
	text, changed := fn(t.copyText(&c))
	if !changed {
		return nil
	}
	return t.set(&k, at, textCell(text, c.expireAt))
}

// editBlob is Edit for a string in a blob.
func (t *Txn) editBlob(k *Key, at spot, expireAt int64, fn func(old []byte) ([]byte, bool)) error {
	blobs, h := t.e.space.blobs, at.e.sideNumber(at.e.flags())
	old := blobs.open(h)
	text, changed := fn(old)
	switch {
	case !changed:
		return nil
	case unsafe.SliceData(text) != unsafe.SliceData(old) || !blobs.fits(h, len(text)) || len(text) <= maxShort:
		return t.set(k, at, textCell(text, expireAt))
	}
	blobs.setLen(h, len(text))
	t.changed(at)
	return nil
}

// editSide is Edit for a string beside the arena. It is too long for an integer's text, and so is what becomes of it.
func (t *Txn) editSide(k *Key, at spot, s *side, fn func(old []byte) ([]byte, bool)) error {
	text, changed := fn(s.str)
	if !changed {
		return nil
	}
	if len(text) <= maxShort {
		return t.set(k, at, textCell(text, at.e.expiry(at.e.flags())))
	}
	t.e.space.sideBytes.Add(int64(cap(text)) - int64(cap(s.str)))
	s.str = text
	t.changed(at)
	return nil
}

// copyText returns the text of a short string or of an integer in the Txn's own memory. It is never nil.
func (t *Txn) copyText(c *cell) []byte {
	if t.scratch == nil {
		t.scratch = make([]byte, 0, maxShort)
	}
	if c.isInt {
		t.scratch = strconv.AppendInt(t.scratch[:0], c.num, 10)
	} else {
		t.scratch = append(t.scratch[:0], c.str...)
	}
	return t.scratch
}

// textCell returns the cell of a string, which is an integer's where the string is the decimal form of one.
func textCell(text []byte, expireAt int64) cell {
	if n, ok := canonicalInt(text); ok {
		return cell{isInt: true, num: n, expireAt: expireAt}
	}
	return cell{str: text, expireAt: expireAt}
}
