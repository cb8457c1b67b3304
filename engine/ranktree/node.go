package ranktree

import (
	"slices"
	"unsafe"
)

const (
	// maxKids is the most children of an inner node: a million members make three levels above the leaves.
	maxKids = 64
	// fewKids is where an inner node is joined with a neighbour, if the result has room.
	fewKids = maxKids / 4
	// maxHeight is more levels than a tree can have: each but the root's has 16 children or neighbours that are full.
	maxHeight = 16
)

// node is an inner node.
type node struct {
	kids []kid
}

// kid is a child of an inner node with what the node knows of it. ord and sep are a lower bound of the entries below it, above all
// those of the child before it; they are not looked at in a first child.
type kid struct {
	ord   uint64
	sep   string // the beginning of a member; empty where the score alone separates
	count int    // entries below
	// One of the two is set.
	page *Page
	node *node
}

const (
	nodeBytes = int(unsafe.Sizeof(node{}))
	kidBytes  = int(unsafe.Sizeof(kid{}))
)

// reaches reports whether pos is at the child's bound or behind it.
func (k *kid) reaches(pos *position) bool {
	return k.ord < pos.ord || k.ord == pos.ord && k.sep <= string(pos.member)
}

// child returns the number of the child that an entry at pos belongs to.
func (n *node) child(pos *position) int {
	lo, hi := 1, len(n.kids)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if n.kids[mid].reaches(pos) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// before returns how many entries lie below the children before i.
func (n *node) before(i int) int {
	sum := 0
	for j := range n.kids[:i] {
		sum += n.kids[j].count
	}
	return sum
}

func (n *node) count() int { return n.before(len(n.kids)) }

// copyNode returns a copy of a node of another tree, with all that is below it.
func (t *Tree) copyNode(n *node) *node {
	to := &node{kids: slices.Clone(n.kids)}
	t.heap += nodeBytes + cap(to.kids)*kidBytes
	for i := range to.kids {
		k := &to.kids[i]
		t.heap += len(k.sep)
		if k.node != nil {
			k.node = t.copyNode(k.node)
			continue
		}
		pg := t.space.pages.Get()
		*pg = *k.page
		k.page = pg
	}
	return to
}

// releaseLast gives back the last node of those that have leaves, and reports whether there is more below n.
func (t *Tree) releaseLast(n *node) (more bool) {
	last := len(n.kids) - 1
	if below := n.kids[last].node; below != nil {
		if !t.releaseLast(below) {
			n.kids = n.kids[:last]
		}
		return len(n.kids) > 0
	}
	for i := range n.kids {
		t.freePage(n.kids[i].page)
	}
	n.kids = nil
	return false
}

// path leads from the root to a leaf.
type path struct {
	steps [maxHeight]step
	depth int
}

type step struct {
	n *node
	i int // of the child
}

// descend leads to the leaf that an entry at pos belongs to.
func (p *path) descend(root *node, pos position) *leaf {
	for n := root; ; {
		i := n.child(&pos)
		p.push(n, i)
		if k := &n.kids[i]; k.page != nil {
			return asLeaf(k.page)
		} else {
			n = k.node
		}
	}
}

func (p *path) push(n *node, i int) {
	p.steps[p.depth] = step{n, i}
	p.depth++
}

// kid returns the child that the path takes at a level.
func (p *path) kid(level int) *kid {
	s := &p.steps[level]
	return &s.n.kids[s.i]
}

// addCount counts entries in or out below every node of the path.
func (p *path) addCount(n int) {
	for level := range p.depth {
		p.kid(level).count += n
	}
}

// isLast reports whether the path leads to the last leaf of the tree.
func (p *path) isLast() bool {
	for _, s := range p.steps[:p.depth] {
		if s.i != len(s.n.kids)-1 {
			return false
		}
	}
	return true
}

// insertKids puts children into a node before child i, which may give it more than maxKids.
func (t *Tree) insertKids(n *node, i int, kids ...kid) {
	t.heap -= cap(n.kids) * kidBytes
	n.kids = slices.Insert(n.kids, i, kids...)
	t.heap += cap(n.kids) * kidBytes
	for j := range kids {
		t.heap += len(kids[j].sep)
	}
}

// removeKids takes children i to j out of a node.
func (t *Tree) removeKids(n *node, i, j int) {
	for _, k := range n.kids[i:j] {
		t.heap -= len(k.sep)
	}
	n.kids = slices.Delete(n.kids, i, j)
}

// splitNodes splits the nodes of a path that have too many children, from the lowest one up: in halves, or, when the tree grows at its
// end, leaving full nodes behind. The path is not valid any more.
func (t *Tree) splitNodes(p *path, atEnd bool) {
	for level := p.depth - 1; level >= 0; level-- {
		n := p.steps[level].n
		if len(n.kids) <= maxKids {
			return
		}
		at := len(n.kids) / 2
		if atEnd {
			at = maxKids
		}
		right := t.splitNode(n, at)
		if level == 0 {
			t.root = &node{}
			t.heap += nodeBytes
			t.insertKids(t.root, 0, kid{count: n.count(), node: n}, right)
			return
		}
		parent := &p.steps[level-1]
		parent.n.kids[parent.i].count -= right.count
		t.insertKids(parent.n, parent.i+1, right)
	}
}

// splitNode moves the children of n from at on to a new node.
func (t *Tree) splitNode(n *node, at int) kid {
	right := &node{}
	t.heap += nodeBytes
	first := n.kids[at]
	t.insertKids(right, 0, n.kids[at:]...)
	t.removeKids(n, at, len(n.kids))
	return kid{ord: first.ord, sep: first.sep, count: right.count(), node: right}
}

// removeKid takes the child of the lowest level of a path out of its node, and nodes that become empty out of theirs.
func (t *Tree) removeKid(p *path) {
	for level := p.depth - 1; level >= 0; level-- {
		s := p.steps[level]
		t.removeKids(s.n, s.i, s.i+1)
		if len(s.n.kids) > 0 {
			t.joinNodes(p, level)
			return
		}
		t.freeNode(s.n)
	}
	t.root = nil
}

func (t *Tree) freeNode(n *node) {
	t.heap -= nodeBytes + cap(n.kids)*kidBytes
}

// joinNodes joins a node that has few children with a neighbour, and so on upwards; a root with one child gives its place to it.
func (t *Tree) joinNodes(p *path, level int) {
	for ; level > 0 && len(p.steps[level].n.kids) < fewKids; level-- {
		parent := p.steps[level-1]
		if !t.joinKids(parent.n, parent.i-1) && !t.joinKids(parent.n, parent.i) {
			break
		}
	}
	for len(t.root.kids) == 1 && t.root.kids[0].node != nil {
		old := t.root
		t.root = old.kids[0].node
		t.heap -= len(old.kids[0].sep)
		t.freeNode(old)
	}
}

// joinKids moves the children of child i+1 to child i, if both exist and there is room.
func (t *Tree) joinKids(parent *node, i int) bool {
	if i < 0 || i+1 >= len(parent.kids) {
		return false
	}
	left, right := &parent.kids[i], &parent.kids[i+1]
	if len(left.node.kids)+len(right.node.kids) > maxKids*3/4 {
		return false
	}
	first := &right.node.kids[0]
	t.heap += len(right.sep) - len(first.sep)
	first.ord, first.sep = right.ord, right.sep // the bound of a first child may be too high
	left.count += right.count
	t.insertKids(left.node, len(left.node.kids), right.node.kids...)
	for _, k := range right.node.kids {
		t.heap -= len(k.sep)
	}
	t.freeNode(right.node)
	t.removeKids(parent, i+1, i+2)
	return true
}
