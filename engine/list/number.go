package list

import "slices"

const (
	// idStep lies between the ids of nodes at the ends: room for twenty divisions at one spot, and for 2^41 nodes in either direction.
	idStep = int64(1) << 20
	// idLimit bounds ids, so that the distance of two of them is an int64, with room for a few steps more.
	idLimit = int64(1) << 61
	// minGap is how far apart nodes must come to lie when they are numbered anew, so that it is not soon necessary again.
	minGap = int64(1) << 10
)

// idBefore returns an id for a node that is to be inserted before the place p, and false where there is none left.
func (l *List) idBefore(p place) (int64, bool) {
	lo, hi := l.gap(p, p)
	switch {
	case l.nodes == 0:
		return 0, true
	case lo == -idLimit:
		return hi - idStep, hi-idStep > lo
	case hi == idLimit:
		return lo + idStep, lo+idStep < hi
	}
	return lo + (hi-lo)/2, hi-lo > 1
}

// gap returns the ids of the nodes before one place and at another, which may be behind the last node of a block; -idLimit and idLimit
// stand for none.
func (l *List) gap(from, to place) (lo, hi int64) {
	lo, hi = -idLimit, idLimit
	if p := l.prev(from); l.inside(p) {
		lo = l.at(p).id
	}
	if q := l.inNext(to); l.inside(q) {
		hi = l.at(q).id
	}
	return lo, hi
}

// renumber spreads the ids of the nodes around p, so that there is one to take: those of its block, or of as many blocks around it as have
// room enough together.
func (l *List) renumber(p place) {
	from, to := p.b, p.b+1
	for {
		nodes := int64(0)
		for _, b := range l.blocks[from:to] {
			nodes += int64(len(b.nodes))
		}
		if lo, gap := l.room(from, to, nodes); gap >= minGap {
			l.spread(from, to, lo, gap)
			return
		}
		from, to = max(0, from-1), min(len(l.blocks), to+1)
	}
}

// room returns how far apart the nodes of some blocks can come to lie, and where from. At an end of the list they take the usual step, if
// there is one more to take.
func (l *List) room(from, to int, nodes int64) (lo, gap int64) {
	lo, hi := l.gap(place{from, 0}, place{to, 0})
	width := idStep * (nodes + 1)
	switch {
	case lo == -idLimit && hi == idLimit:
		return -width / 2, idStep
	case lo == -idLimit:
		lo = hi - width
	case hi == idLimit:
		hi = lo + width
	}
	if lo-idStep <= -idLimit || hi+idStep >= idLimit {
		return 0, 0
	}
	return lo, (hi - lo) / (nodes + 1)
}

// spread gives the nodes of some blocks new ids, a gap apart, from lo on. Any of these may have been another node's.
func (l *List) spread(from, to int, lo, gap int64) {
	changed := l.changed()
	for b := from; b < to; b++ {
		for n := range l.blocks[b].nodes {
			lo += gap
			p := place{b, n}
			l.at(p).id, l.at(p).state = lo, 0
			l.mark(p, known|changed|changed<<gapShift)
		}
	}
	l.markGap(place{to, 0}, changed<<gapShift)
}

// find returns the place of the node with an id, or where it would have to be inserted.
func (l *List) find(id int64) (place, bool) {
	b, found := slices.BinarySearchFunc(l.blocks, id, func(b *block, id int64) int {
		switch {
		case b.nodes[len(b.nodes)-1].id < id:
			return -1
		case b.nodes[0].id > id:
			return 1
		}
		return 0
	})
	if !found {
		if b == len(l.blocks) {
			return l.end(), false
		}
		return place{b, 0}, false
	}
	n, found := slices.BinarySearchFunc(l.blocks[b].nodes, id, func(n node, id int64) int {
		switch {
		case n.id < id:
			return -1
		case n.id > id:
			return 1
		}
		return 0
	})
	return place{b, n}, found
}
