package server

import (
	"bytes"
	"cmp"
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// sortPattern is a pattern of BY or GET: a key with a star where the element goes, and perhaps a field of a hash.
type sortPattern struct {
	self           bool // "#": the element itself
	varies         bool // there is a star
	prefix, suffix []byte
	field          []byte // nil: the key holds a string
}

// parseSortPattern takes a pattern apart. Redis looks for the star and the arrow as C does: up to the first zero byte.
func parseSortPattern(pattern []byte) sortPattern {
	text, _, _ := bytes.Cut(pattern, []byte{0})
	star := bytes.IndexByte(text, '*')
	if star < 0 {
		return sortPattern{self: string(text) == "#"}
	}
	p := sortPattern{varies: true, prefix: pattern[:star], suffix: pattern[star+1:]}
	if arrow := bytes.Index(text[star+1:], []byte("->")); arrow >= 0 && len(text) > star+1+arrow+2 {
		p.suffix, p.field = pattern[star+1:star+1+arrow], pattern[star+1+arrow+2:]
	}
	return p
}

// lookUp returns the string that the pattern leads to from an element. The value is valid until the next write.
func (p *sortPattern) lookUp(c *Call, element []byte) (engine.Value, bool) {
	switch {
	case p.self:
		return engine.Value{Kind: engine.String, Str: element}, true
	case !p.varies:
		return engine.Value{Kind: engine.String}, false
	}
	name := make([]byte, 0, len(p.prefix)+len(element)+len(p.suffix))
	name = append(append(append(name, p.prefix...), element...), p.suffix...)
	key := c.Srv.engine.Key(c.Conn.db, name)
	if p.field == nil {
		v, ok := c.Txn.Get(key)
		return stringOrNothing(v, ok && isString(v.Kind))
	}
	h, err := c.Txn.Hash(key)
	if err != nil {
		return stringOrNothing(engine.Value{}, false)
	}
	return stringOrNothing(h.Get(p.field))
}

// stringOrNothing makes the empty string of what is not there.
func stringOrNothing(v engine.Value, ok bool) (engine.Value, bool) {
	if !ok {
		v = engine.Value{Kind: engine.String}
	}
	return v, ok
}

// weigh gives each element what it is sorted by.
func (q *sortQuery) weigh(c *Call, elements []sortElement) error {
	var texts textKeeper
	sound := true
	for i := range elements {
		e := &elements[i]
		v, ok := engine.Value{Kind: engine.String, Str: e.text}, true
		if q.by != nil {
			v, ok = q.by.lookUp(c, e.text)
		}
		if q.alpha {
			e.score = float64(i)
		}
		switch {
		case !ok:
		case q.alpha:
			var scratch [20]byte
			e.weight = texts.keep(valueText(v, &scratch))
		case v.Kind == engine.Int:
			e.score = float64(v.Int)
		default:
			if e.score, ok = parseSortScore(v.Str); !ok {
				sound = false
			}
		}
	}
	if !sound {
		return errSortScore
	}
	return nil
}

// parseSortScore reads a number as C's strtod does, up to the first zero byte: blanks may precede it, and the empty string is 0.
func parseSortScore(text []byte) (float64, bool) {
	text, _, _ = bytes.Cut(text, []byte{0})
	if len(text) == 0 {
		return 0, true
	}
	f, ok := number.ParseFloat(bytes.TrimLeft(text, " \t\n\v\f\r"))
	if f != 0 && math.Abs(f) < smallestNormal && !bytes.ContainsAny(text, "xX") {
		return 0, false // it has lost precision, which C calls out of range
	}
	return f, ok
}

// smallestNormal is the least positive double of full precision.
const smallestNormal = 0x1p-1022

// compare orders two elements. Equal scores are ordered by the elements' bytes.
func (q *sortQuery) compare(a, b *sortElement) int {
	switch {
	case !q.alpha:
		if order := cmp.Compare(a.score, b.score); order != 0 {
			return order
		}
		return bytes.Compare(a.text, b.text)
	case a.weight == nil || b.weight == nil:
		return presence(a) - presence(b)
	case q.store:
		return bytes.Compare(a.weight, b.weight)
	}
	return bytes.Compare(collated(a.weight), collated(b.weight))
}

func presence(e *sortElement) int {
	if e.weight == nil {
		return 0
	}
	return 1
}

// collated is what C's strcoll sees of a text, without a locale.
func collated(text []byte) []byte {
	text, _, _ = bytes.Cut(text, []byte{0})
	return text
}
