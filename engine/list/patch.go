package list

import (
	"cmp"
	"slices"
)

// Patch is what the log says of a list that is not in memory: nodes that are newer than the store's, and ranges of ids whose nodes are no
// more. It becomes the list when the store's nodes are added.
type Patch struct {
	list   *List // the patched nodes; complete after the last Load
	gaps   []Row
	sorted bool
}

// NewPatch returns a patch that says nothing.
func NewPatch(mem Memory) *Patch { return &Patch{list: New(mem, false)} }

// Add takes over a row of the log, newer than those before it.
func (p *Patch) Add(r Row) error {
	if err := p.list.Replay(r); err != nil || r.Data != nil {
		return err
	}
	if last := len(p.gaps) - 1; last >= 0 && r.ID <= p.gaps[last].ID && r.Last >= p.gaps[last].Last {
		p.gaps = p.gaps[:last] // the same gap has grown
	}
	p.gaps, p.sorted = append(p.gaps, r), false
	return nil
}

// Bytes returns the memory that the patch takes.
func (p *Patch) Bytes() int64 { return p.list.Bytes() + int64(cap(p.gaps))*40 }

// Rows calls fn with the rows that bring the store up to the patch, in ascending order of ID: first those of all gaps have to be deleted,
// then those of all nodes set.
func (p *Patch) Rows(fn func(r Row) error) error {
	p.unite()
	gaps := p.gaps
	for _, b := range p.list.blocks {
		for _, n := range b.nodes {
			for len(gaps) > 0 && gaps[0].ID <= n.id {
				if err := fn(gaps[0]); err != nil {
					return err
				}
				gaps = gaps[1:]
			}
			if err := fn(Row{ID: n.id, Last: n.id, Data: n.data}); err != nil {
				return err
			}
		}
	}
	for _, g := range gaps {
		if err := fn(g); err != nil {
			return err
		}
	}
	return nil
}

// unite sorts the gaps and makes one of those that touch.
func (p *Patch) unite() {
	if p.sorted {
		return
	}
	p.sorted = true
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

// List returns the list, once Load has had all nodes of the store. The patch is of no use afterwards.
func (p *Patch) List() *List {
	for _, g := range p.gaps {
		p.list.markGaps(g.ID, g.Last)
	}
	return p.list
}

// markGaps notes that the gaps between ids from lo to hi have changed.
func (l *List) markGaps(lo, hi int64) {
	p, _ := l.find(lo)
	for p = l.inNext(p); l.inside(p); p = l.next(p) {
		l.markGap(p, l.changed()<<gapShift)
		if l.at(p).id > hi {
			return
		}
	}
	l.markGap(p, l.changed()<<gapShift)
}
