package list

import (
	"cmp"
	"slices"
)

// Patch is what the log says of a list that is not in memory: nodes that are newer than the store's, and ranges of ids whose nodes are no
// more. It becomes the list when the store's nodes have been added.
type Patch struct {
	list *List
	// gaps are sorted and apart from each other once the first node of the store is added, or they are taken by a checkpoint.
	gaps  []Row
	ready bool
	// taken: a checkpoint is running. It has taken the gaps that begin below told.
	taken bool
	told  int64
}

// NewPatch returns a patch that says nothing.
func NewPatch(mem Memory) *Patch {
	l := New(mem, false)
	l.partial = true
	return &Patch{list: l}
}

// Add takes over a row of the log, newer than those before it.
func (p *Patch) Add(r Row) error {
	if err := p.list.Replay(r); err != nil || r.Data != nil {
		return err
	}
	if last := len(p.gaps) - 1; last >= 0 && r.ID <= p.gaps[last].ID && r.Last >= p.gaps[last].Last {
		p.gaps = p.gaps[:last] // the same gap has grown
	}
	p.gaps, p.ready = append(p.gaps, r), false
	return nil
}

// EachPiece is List.EachPiece.
func (p *Patch) EachPiece(fn func(b []byte)) { p.list.EachPiece(fn) }

// Len returns the number of elements that are in memory.
func (p *Patch) Len() int { return p.list.Len() }

// Bytes returns the memory that the patch takes.
func (p *Patch) Bytes() int64 { return p.list.Bytes() + int64(cap(p.gaps))*gapBytes }

// gapBytes is the size of a Row.
const gapBytes = 40

// TakeDirty is List.TakeDirty for the rows that bring the store up to the patch: the ranges of those that are gone, and the new ones, some
// of which may be in such a range. Within a call they come in any order.
func (p *Patch) TakeDirty(from int64, limit int, fn func(r Row)) (next int64, more bool) {
	p.unite()
	next, more = p.list.TakeDirty(from, limit, fn)
	if p.taken, p.told = true, next; !more {
		p.told = LastRow + 1
	}
	for _, g := range p.gaps {
		if g.ID >= from && g.ID < p.told {
			fn(g)
		}
	}
	return next, more
}

// Settle is List.Settle.
func (p *Patch) Settle(ok bool, from int64, limit int) (next int64, more bool) {
	if p.taken && ok {
		p.gaps = nil
	}
	p.taken = false
	return p.list.Settle(ok, from, limit)
}

// QueueDirty is List.QueueDirty. The store has been told of the gaps.
func (p *Patch) QueueDirty() { p.list.QueueDirty() }

// TakeQueued is List.TakeQueued.
func (p *Patch) TakeQueued(fn func(r Row)) { p.list.TakeQueued(fn) }

// unite sorts the gaps and makes one of those that touch.
func (p *Patch) unite() {
	if p.ready {
		return
	}
	p.ready = true
	slices.SortFunc(p.gaps, func(a, b Row) int { return cmp.Compare(a.ID, b.ID) })
	united := p.gaps[:0]
	for _, g := range p.gaps {
		if last := len(united) - 1; last >= 0 && g.ID <= united[last].Last+1 {
			united[last].Last = max(united[last].Last, g.Last)
			continue
		}
		united = append(united, g)
	}
	p.gaps = united
}

// Load takes over a node of the store, unless the patch knows better.
func (p *Patch) Load(id int64, data []byte) error {
	p.unite()
	i, _ := slices.BinarySearchFunc(p.gaps, id, func(g Row, id int64) int { return cmp.Compare(g.Last, id) })
	gone := i < len(p.gaps) && p.gaps[i].ID <= id
	if _, found := p.list.find(id); found || gone {
		return nil
	}
	return p.list.Load(id, data)
}

// List returns the list, once Load has had all nodes of the store. The patch is of no use afterwards: a checkpoint that has begun to take it
// goes on with the list.
func (p *Patch) List() *List {
	p.list.partial = false
	for _, g := range p.gaps {
		state := gapDirty
		if p.taken && g.ID < p.told {
			state = gapTaken
		}
		p.list.markGaps(g.ID, g.Last, state)
	}
	return p.list
}

// markGaps adds to the states of the gaps between ids from lo to hi.
func (l *List) markGaps(lo, hi int64, s state) {
	p, _ := l.find(lo)
	for p = l.inNext(p); l.inside(p); p = l.next(p) {
		l.markGap(p, s)
		if l.at(p).id > hi {
			return
		}
	}
	l.markGap(p, s)
}

// Release is List.Release.
func (p *Patch) Release(limit int) bool { return p.list.Release(limit) }
