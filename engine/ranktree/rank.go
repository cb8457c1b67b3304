package ranktree

import "math"

// Rank returns how many entries are before (score, member), which is its rank when found says that it is in the tree.
func (t *Tree) Rank(score float64, member []byte) (rank int, found bool) {
	return t.rankOf(position{ordOf(score), member})
}

// RankOfScore returns how many entries have a score below score: the rank of the first that has not.
func (t *Tree) RankOfScore(score float64) int {
	rank, _ := t.rankOf(position{ord: ordOf(score)})
	return rank
}

// RankAboveScore returns how many entries have a score of at most score: the rank of the first above it.
func (t *Tree) RankAboveScore(score float64) int {
	rank, _ := t.rankOf(position{ord: ordOf(score) + 1})
	return rank
}

func (t *Tree) rankOf(pos position) (int, bool) {
	n := t.root
	if n == nil {
		return 0, false
	}
	rank := 0
	for {
		i := n.child(&pos)
		rank += n.before(i)
		k := &n.kids[i]
		if k.page != nil {
			at, found := asLeaf(k.page).find(t.far, pos)
			return rank + at, found
		}
		n = k.node
	}
}

// Cursor stands on an entry of a tree, or beside the first or the last. It is valid until the tree is next written.
type Cursor struct {
	t    *Tree
	path path
	l    *leaf // nil beside the entries
	i    int   // entry of the leaf
	at   int   // where its bytes stand
	text [maxNear]byte
}

// Leave lets go of the tree.
func (c *Cursor) Leave() { c.t, c.l, c.path = nil, nil, path{} }

// Seek puts the cursor on the entry of a rank of t and reports whether there is one.
func (c *Cursor) Seek(t *Tree, rank int) bool {
	c.t, c.l, c.path.depth = t, nil, 0
	if rank < 0 || rank >= t.len {
		return false
	}
	for n := t.root; ; {
		i := 0
		for rank >= n.kids[i].count {
			rank -= n.kids[i].count
			i++
		}
		c.path.push(n, i)
		if k := &n.kids[i]; k.page != nil {
			c.enter(asLeaf(k.page), rank)
			return true
		} else {
			n = k.node
		}
	}
}

func (c *Cursor) enter(l *leaf, i int) {
	c.l, c.i, c.at = l, i, l.tailAt(i)
}

// Next moves to the entry behind, and reports whether there is one.
func (c *Cursor) Next() bool {
	if c.l == nil {
		return false
	}
	if c.i+1 < c.l.len() {
		c.at += tailLen(c.l.lengths()[c.i])
		c.i++
		return true
	}
	if c.l = c.path.turn(1); c.l == nil {
		return false
	}
	c.enter(c.l, 0)
	return true
}

// Prev moves to the entry before, and reports whether there is one.
func (c *Cursor) Prev() bool {
	if c.l == nil {
		return false
	}
	if c.i > 0 {
		c.i--
		c.at -= tailLen(c.l.lengths()[c.i])
		return true
	}
	if c.l = c.path.turn(-1); c.l == nil {
		return false
	}
	c.enter(c.l, c.l.len()-1)
	return true
}

// turn moves the path to the leaf behind (1) or before (-1), and returns it, nil when there is none.
func (p *path) turn(by int) *leaf {
	level := p.depth - 1
	for ; ; level-- {
		if level < 0 {
			return nil
		}
		s := &p.steps[level]
		if s.i += by; s.i >= 0 && s.i < len(s.n.kids) {
			break
		}
	}
	p.depth = level + 1
	for {
		k := p.kid(p.depth - 1)
		if k.page != nil {
			return asLeaf(k.page)
		}
		i := 0
		if by < 0 {
			i = len(k.node.kids) - 1
		}
		p.push(k.node, i)
	}
}

// Score returns the score of the entry that the cursor stands on.
func (c *Cursor) Score() float64 {
	if c.l.lengths()[c.i]&minusZeroBit != 0 {
		return math.Copysign(0, -1)
	}
	return scoreOf(c.l.ord(c.i))
}

// Member returns the member of the entry that the cursor stands on. It is valid until the cursor moves or the tree is written, and
// must not be written to.
func (c *Cursor) Member() []byte {
	length := c.l.lengths()[c.i]
	if length&lengthMask == farLength {
		return c.t.far[c.l.farNumber(c.at)-1]
	}
	tail := c.l[c.at : c.at+tailLen(length)]
	prefix := c.l.prefix()
	if len(prefix) == 0 {
		return tail
	}
	n := copy(c.text[:], prefix)
	return c.text[:n+copy(c.text[n:], tail)]
}
