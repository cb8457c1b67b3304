package list

import "bytes"

// Each calls fn for the elements from index from on, towards the tail, until fn returns false. fn must not change the list.
func (l *List) Each(from int, fn func(e Element) bool) {
	if from >= l.count {
		return
	}
	p, k := l.seek(from)
	for ; l.inside(p); p, k = l.next(p), 0 {
		n := l.at(p)
		for at := n.offset(k); at < len(n.data); at += sizeAt(n.data[at:]) {
			if !fn(decode(n.data[at:])) {
				return
			}
		}
	}
}

// EachBack calls fn for the elements from index from on, towards the head, until fn returns false. fn must not change the list.
func (l *List) EachBack(from int, fn func(e Element) bool) {
	if from < 0 {
		return
	}
	p, k := l.seek(from)
	end := l.at(p).offset(k + 1)
	for {
		n := l.at(p)
		for end > 0 {
			end -= sizeBefore(n.data[:end])
			if !fn(decode(n.data[end:])) {
				return
			}
		}
		if p = l.prev(p); !l.inside(p) {
			return
		}
		end = len(l.at(p).data)
	}
}

// Find calls fn with the index of each element that equals v, from the head on, or with back from the tail, until fn returns false. It
// looks at no more than limit elements. fn must not change the list.
func (l *List) Find(v []byte, back bool, limit int, fn func(i int) bool) {
	if l.count == 0 {
		return
	}
	e := encode(v)
	needle := make([]byte, e.size)
	e.put(needle)
	if back {
		l.findBack(needle, limit, fn)
		return
	}
	i := 0
	for p := l.first(); l.inside(p); p = l.next(p) {
		data := l.at(p).data
		for at := 0; at < len(data); i++ {
			size := sizeAt(data[at:])
			if i == limit || bytes.Equal(data[at:at+size], needle) && !fn(i) {
				return
			}
			at += size
		}
	}
}

func (l *List) findBack(needle []byte, limit int, fn func(i int) bool) {
	i := l.count
	for p := l.last(); l.inside(p); p = l.prev(p) {
		data := l.at(p).data
		for end := len(data); end > 0; {
			size := sizeBefore(data[:end])
			if i--; l.count-i > limit || bytes.Equal(data[end-size:end], needle) && !fn(i) {
				return
			}
			end -= size
		}
	}
}

// EachNode calls fn with the bytes of each node, as Check and Load take them, until fn returns false.
func (l *List) EachNode(fn func(data []byte, count int) bool) {
	for _, b := range l.blocks {
		for i := range b.nodes {
			if !fn(b.nodes[i].data, int(b.nodes[i].count)) {
				return
			}
		}
	}
}
