package list

import "slices"

// node is a piece of memory with elements in it.
type node struct {
	id    int64
	data  []byte
	count int32
	state state
}

// fits reports whether a node has room for size more bytes.
func (n *node) fits(size int) bool { return len(n.data)+size <= maxNode }

// offset returns where element i begins, or the end of the node for i = count.
func (n *node) offset(i int) int {
	count := int(n.count)
	if i <= count/2 {
		at := 0
		for ; i > 0; i-- {
			at += sizeAt(n.data[at:])
		}
		return at
	}
	at := len(n.data)
	for ; i < count; i++ {
		at -= sizeBefore(n.data[:at])
	}
	return at
}

// insert writes an element at an offset. There is room.
func (n *node) insert(at int, e *encoded) {
	old := len(n.data)
	n.data = n.data[:old+e.size]
	copy(n.data[at+e.size:], n.data[at:old])
	e.put(n.data[at : at+e.size])
}

// newData returns empty memory for a node whose elements have about size bytes: all that a node may take if several will fit, since
// nodes mostly fill up.
func (l *List) newData(size int) []byte {
	if size > maxNode/4 {
		return nil // reserve knows how much it will be
	}
	if data := l.spare; data != nil {
		l.spare = nil
		return data
	}
	return l.alloc(maxNode)
}

// alloc takes memory.
func (l *List) alloc(size int) []byte {
	data := l.mem.Alloc(size)
	l.bytes += int64(cap(data))
	return data[:0]
}

// reserve makes room for size more bytes in a node's memory.
func (l *List) reserve(n *node, size int) {
	if need := len(n.data) + size; need > cap(n.data) {
		l.resize(n, max(need, min(2*cap(n.data), maxNode)))
	}
}

// resize moves a node to memory of another size.
func (l *List) resize(n *node, size int) {
	data := append(l.alloc(size), n.data...)
	l.freeData(n.data)
	n.data = data
}

// freeData gives a node's memory back, or keeps it for the next node.
func (l *List) freeData(data []byte) {
	switch {
	case cap(data) == 0:
	case l.spare == nil && cap(data) >= maxNode && cap(data) < 2*maxNode:
		l.spare = data[:0]
	default:
		l.bytes -= int64(cap(data))
		l.mem.Free(data)
	}
}

// cut removes the bytes from one offset to another, which are so many elements, from the node at p, and the node if nothing is left. It
// reports whether the node is still there.
func (l *List) cut(p place, from, to, count int) bool {
	n := l.at(p)
	if count == int(n.count) {
		l.removeNode(p)
		return false
	}
	n.data = slices.Delete(n.data, from, to)
	l.counted(p, -count)
	l.touch(p)
	return true
}

// splitNode moves the elements of the node at p from index k on, which is neither its first nor behind its last, to a node of their
// own behind it. It returns the places of both.
func (l *List) splitNode(p place, k int) (left, right place) {
	n := l.at(p)
	from, count := n.offset(k), int(n.count)-k
	data := append(l.alloc(len(n.data)-from), n.data[from:]...)
	l.cut(p, from, len(n.data), count)
	right = l.insertNode(place{p.b, p.n + 1}, data)
	l.counted(right, count)
	l.touch(right)
	return l.prev(right), right
}

// join makes one node of the node at p and the one behind it, if there are both and they are small, and reports whether it did. What
// comes before stays where it is.
func (l *List) join(p place) bool {
	if !l.inside(p) || !l.inside(l.next(p)) {
		return false
	}
	q := l.next(p)
	n, m := l.at(p), l.at(q)
	if len(n.data)+len(m.data) > mergeBelow {
		return false
	}
	l.reserve(n, len(m.data))
	n.data = append(n.data, m.data...)
	l.counted(p, int(m.count))
	l.touch(p)
	l.removeNode(q)
	return true
}
