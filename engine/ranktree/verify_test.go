package ranktree

import (
	"bytes"
	"fmt"
)

// heapPages are pages of the Go heap, counted.
type heapPages struct{ out int }

func (p *heapPages) Get() *Page {
	p.out++
	pg := new(Page)
	for i := range pg {
		pg[i] = 0xa5 // the content of a page is undefined
	}
	return pg
}

func (p *heapPages) Put(*Page) { p.out-- }

// verify checks everything that must hold of a tree.
func (t *Tree) verify() error {
	v := verifier{t: t, far: map[uint32]bool{}}
	if t.root != nil {
		v.height = v.depthOf(t.root)
		count, err := v.node(t.root, 1)
		if err != nil {
			return err
		}
		if count != t.len {
			return fmt.Errorf("%d entries are below the root, the tree says %d", count, t.len)
		}
	} else if t.len != 0 {
		return fmt.Errorf("no root, but %d entries", t.len)
	}
	if v.pages != t.pages || v.heap != t.heap {
		return fmt.Errorf("%d pages and %d bytes of nodes, the tree says %d and %d", v.pages, v.heap, t.pages, t.heap)
	}
	if len(v.far)+len(t.farFree) != len(t.far) {
		return fmt.Errorf("%d far members in use and %d free of %d", len(v.far), len(t.farFree), len(t.far))
	}
	return nil
}

// verifier walks a tree in order.
type verifier struct {
	t      *Tree
	height int
	last   *item // the entry before
	pages  int
	heap   int
	far    map[uint32]bool
}

func (v *verifier) depthOf(n *node) int {
	if n.kids[0].page != nil {
		return 1
	}
	return 1 + v.depthOf(n.kids[0].node)
}

func (v *verifier) node(n *node, level int) (int, error) {
	v.heap += nodeBytes + cap(n.kids)*kidBytes
	if len(n.kids) == 0 || len(n.kids) > maxKids {
		return 0, fmt.Errorf("a node has %d children", len(n.kids))
	}
	sum := 0
	for i := range n.kids {
		k := &n.kids[i]
		v.heap += len(k.sep)
		if i > 0 && !v.isAbove(k) {
			return 0, fmt.Errorf("the bound (%x, %q) is not above %q", k.ord, k.sep, v.last.member)
		}
		count, err := v.kid(k, i > 0, level)
		if err != nil {
			return 0, err
		}
		if count != k.count || count == 0 {
			return 0, fmt.Errorf("%d entries below a child that says %d", count, k.count)
		}
		sum += count
	}
	return sum, nil
}

// isAbove reports whether a bound lies above the entry before it.
func (v *verifier) isAbove(k *kid) bool {
	return k.ord > v.last.ord || k.ord == v.last.ord && k.sep > string(v.last.member)
}

func (v *verifier) kid(k *kid, bound bool, level int) (int, error) {
	switch {
	case (k.page == nil) == (k.node == nil):
		return 0, fmt.Errorf("a child is not either a leaf or a node")
	case (k.page != nil) != (level == v.height):
		return 0, fmt.Errorf("a leaf on level %d of %d", level, v.height)
	case k.node != nil:
		return v.node(k.node, level+1)
	}
	v.pages++
	return v.leaf(asLeaf(k.page), k, bound)
}

func (v *verifier) leaf(l *leaf, k *kid, bound bool) (int, error) {
	if end := l.tailAt(l.len()); end != l.used() || end > PageSize {
		return 0, fmt.Errorf("a leaf ends at %d and says %d", end, l.used())
	}
	var sc scratch
	sc.decode(l, v.t.far)
	for i := range sc.items {
		it := &sc.items[i]
		if (len(it.member) > maxNear) != (it.far != 0) {
			return 0, fmt.Errorf("a member of %d bytes is in the wrong place", len(it.member))
		}
		if it.far != 0 {
			if v.far[it.far] {
				return 0, fmt.Errorf("far member %d is in use twice", it.far)
			}
			v.far[it.far] = true
			v.heap += len(it.member)
		}
		if v.last != nil && !isBefore(v.last, it) {
			return 0, fmt.Errorf("(%x, %q) stands before (%x, %q)", v.last.ord, v.last.member, it.ord, it.member)
		}
		if i == 0 && bound && !k.reaches(&it.position) {
			return 0, fmt.Errorf("(%x, %q) is below its bound (%x, %q)", it.ord, it.member, k.ord, k.sep)
		}
		v.last = it
	}
	return len(sc.items), nil
}

func isBefore(a, b *item) bool {
	return a.ord < b.ord || a.ord == b.ord && bytes.Compare(a.member, b.member) < 0
}
