package list

import "bytes"

// Set replaces element i, which is in [0, Len), by a copy of v.
func (l *List) Set(i int, v []byte) {
	e := encode(v)
	p, k := l.seek(i)
	n := l.at(p)
	at := n.offset(k)
	old := sizeAt(n.data[at:])
	switch {
	case n.count == 1:
		l.overwrite(p, &e)
	case len(n.data)-old+e.size <= maxNode:
		n.data = append(n.data[:at], n.data[at+old:]...)
		l.reserve(n, e.size)
		n.insert(at, &e)
		l.touch(p)
	default:
		l.cut(p, at, at+old, 1)
		l.Insert(i, v)
	}
}

// overwrite gives the node at p one element.
func (l *List) overwrite(p place, e *encoded) {
	n := l.at(p)
	n.data = n.data[:0]
	if e.size > cap(n.data) || cap(n.data) > maxNode {
		l.resize(n, e.size)
	}
	n.insert(0, e)
	l.touch(p)
}

// Insert puts a copy of v before element i, or at the tail for i = Len.
func (l *List) Insert(i int, v []byte) {
	switch i {
	case 0:
		l.PushHead(v)
		return
	case l.count:
		l.PushTail(v)
		return
	}
	e := encode(v)
	p, k := l.seek(i)
	if n := l.at(p); n.fits(e.size) {
		l.put(p, n.offset(k), &e)
		return
	}
	before := l.prev(p)
	if k > 0 {
		before, p = l.splitNode(p, k)
	}
	l.insertBetween(before, p, &e)
}

// insertBetween puts an element between two nodes that are neighbours: into one of them where there is room, else into a new one.
func (l *List) insertBetween(before, behind place, e *encoded) {
	switch n, m := l.at(before), l.at(behind); {
	case n.fits(e.size):
		l.put(before, len(n.data), e)
	case m.fits(e.size):
		l.put(behind, 0, e)
	default:
		l.put(l.insertNode(behind, l.newData(e.size)), 0, e)
	}
}

// DropHead removes the first n elements, at most all.
func (l *List) DropHead(n int) {
	for n > 0 && l.count > 0 {
		p := l.first()
		d := l.at(p)
		if n < int(d.count) {
			l.cut(p, 0, d.offset(n), n)
			return
		}
		n -= int(d.count)
		l.removeNode(p)
	}
}

// DropTail removes the last n elements, at most all.
func (l *List) DropTail(n int) {
	for n > 0 && l.count > 0 {
		p := l.last()
		d := l.at(p)
		if count := int(d.count); n < count {
			l.cut(p, d.offset(count-n), len(d.data), n)
			return
		}
		n -= int(d.count)
		l.removeNode(p)
	}
}

// Remove removes up to limit elements that equal v, from the head on, or with back from the tail, and returns how many.
func (l *List) Remove(v []byte, back bool, limit int) int {
	if l.count == 0 {
		return 0
	}
	e := encode(v)
	needle := make([]byte, e.size)
	e.put(needle)
	removed := 0
	p := l.first()
	if back {
		p = l.last()
	}
	for removed < limit && l.inside(p) {
		var n int
		p, n = l.removeIn(p, needle, back, limit-removed)
		removed += n
	}
	return removed
}

// removeIn removes elements from the node at p. It returns the place to go on with and how many there were.
func (l *List) removeIn(p place, needle []byte, back bool, limit int) (place, int) {
	n := l.at(p)
	found := 0
	if bytes.Contains(n.data, needle) { // mostly not, and that is found out quickly
		found = n.countEqual(needle)
	}
	if found == 0 {
		return l.beside(p, back), 0
	}
	skip := 0
	if back {
		skip = max(0, found-limit)
	}
	found = min(found, limit)
	if found == int(n.count) {
		return l.removeWhole(p, back), found
	}
	n.compact(needle, skip, found)
	l.counted(p, -found)
	l.touch(p)
	return l.joinBehind(p, back), found
}

// beside returns the next place in the direction.
func (l *List) beside(p place, back bool) place {
	if back {
		return l.prev(p)
	}
	return l.next(p)
}

// removeWhole removes the node at p and returns the next place in the direction.
func (l *List) removeWhole(p place, back bool) place {
	before := l.prev(p)
	l.removeNode(p)
	switch {
	case back:
		return before
	case l.inside(p) && p.n == len(l.blocks[p.b].nodes):
		return place{p.b + 1, 0}
	}
	return p
}

// joinBehind joins the node at p with the neighbour that was looked at before it, if they are small, and returns the next place in the
// direction.
func (l *List) joinBehind(p place, back bool) place {
	if back {
		l.join(p)
		return l.prev(p)
	}
	if q := l.prev(p); l.join(q) {
		p = q
	}
	return l.next(p)
}

// countEqual returns how many elements have this entry.
func (n *node) countEqual(needle []byte) int {
	count := 0
	for at := 0; at < len(n.data); {
		size := sizeAt(n.data[at:])
		if bytes.Equal(n.data[at:at+size], needle) {
			count++
		}
		at += size
	}
	return count
}

// compact removes elements that have this entry, after the first skip of them, so many.
func (n *node) compact(needle []byte, skip, count int) {
	to := 0
	for at := 0; at < len(n.data); {
		size := sizeAt(n.data[at:])
		if count > 0 && bytes.Equal(n.data[at:at+size], needle) {
			if skip == 0 {
				count--
				at += size
				continue
			}
			skip--
		}
		to += copy(n.data[to:], n.data[at:at+size])
		at += size
	}
	n.data = n.data[:to]
}
