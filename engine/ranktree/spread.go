package ranktree

const (
	// roomy is how full, in bytes, leaves are left by spreading. What is left free keeps the next spreading from coming at once.
	roomy = PageSize * 15 / 16
	// mergeBelow is where a leaf is joined with a neighbour, if both together then take no more than mergeInto.
	mergeBelow = PageSize / 2
	mergeInto  = PageSize * 13 / 16
)

// cut is a run of items that becomes a leaf.
type cut struct {
	from, to int
	size     sizer
}

// spread adds an entry at place i of a leaf that cannot take it as it is: by encoding the leaf anew, by beginning another behind it,
// or by dealing its entries and a neighbour's out anew, to three leaves where there is no room in two.
func (t *Tree) spread(p *path, l *leaf, i int, it *item) {
	sc := t.space.borrow()
	defer t.space.giveBack(sc)
	sc.decode(l, t.far)
	appended := i == l.len() && p.isLast()
	sc.items = append(sc.items, item{})
	copy(sc.items[i+1:], sc.items[i:])
	sc.items[i] = *it
	if s := sizeOf(sc.items); s.size() <= PageSize && s.items <= maxEntries {
		l.encode(sc.items, s)
		return
	}
	bottom := &p.steps[p.depth-1]
	if appended {
		t.append(bottom, sc)
	} else {
		t.deal(bottom, sc)
	}
	t.splitNodes(p, appended)
}

// append puts the last item into a new leaf behind the last leaf.
func (t *Tree) append(bottom *step, sc *scratch) {
	last := len(sc.items) - 1
	k := t.leafOf(sc.items[last:], sizeOf(sc.items[last:]))
	k.ord, k.sep = separator(&sc.items[last-1], &sc.items[last])
	bottom.n.kids[bottom.i].count--
	t.insertKids(bottom.n, bottom.i+1, k)
}

// leafOf returns a new leaf as a child.
func (t *Tree) leafOf(items []item, s sizer) kid {
	pg := t.newPage()
	asLeaf(pg).encode(items, s)
	return kid{count: len(items), page: pg}
}

// separator returns the bound between two neighbours: above left, and not above right.
func separator(left, right *item) (uint64, string) {
	if left.ord != right.ord {
		return right.ord, ""
	}
	return right.ord, string(right.member[:commonLen(left.member, right.member)+1])
}

// deal distributes the items, and those of the neighbour with more room, over as few leaves as have room for them.
func (t *Tree) deal(bottom *step, sc *scratch) {
	from, to := t.withNeighbour(bottom, sc)
	sc.plan()
	t.replaceLeaves(bottom.n, from, to, sc)
}

// withNeighbour adds the items of the neighbour with more room, and returns the range of leaves that the items are from.
func (t *Tree) withNeighbour(bottom *step, sc *scratch) (from, to int) {
	n, i := bottom.n, bottom.i
	switch {
	case len(n.kids) == 1:
		return i, i + 1
	case i == 0 || i+1 < len(n.kids) && asLeaf(n.kids[i+1].page).used() < asLeaf(n.kids[i-1].page).used():
		sc.decode(asLeaf(n.kids[i+1].page), t.far)
		return i, i + 2
	}
	sc.decodeBefore(asLeaf(n.kids[i-1].page), t.far)
	return i - 1, i + 1
}

// decodeBefore is decode with the entries before those that are there.
func (sc *scratch) decodeBefore(l *leaf, far [][]byte) {
	had := len(sc.items)
	sc.decode(l, far)
	rotate(sc.items, had)
}

// rotate moves what stands from k on to the front.
func rotate(items []item, k int) {
	reverse(items[:k])
	reverse(items[k:])
	reverse(items)
}

func reverse(items []item) {
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
}

// plan cuts the items into the fewest leaves that are not too full, all about equally so.
func (sc *scratch) plan() {
	sc.cut(roomy)
	leaves, total := len(sc.cuts), 0
	for i := range sc.cuts {
		total += sc.cuts[i].size.size()
	}
	for limit := total/leaves + PageSize/16; limit < roomy; limit += PageSize / 16 {
		if sc.cut(limit); len(sc.cuts) == leaves {
			return
		}
	}
	sc.cut(roomy)
}

// cut cuts the items into leaves of at most limit bytes; of more, where a single item takes more.
func (sc *scratch) cut(limit int) {
	sc.cuts = sc.cuts[:0]
	for from := 0; from < len(sc.items); {
		c := takeItems(sc.items, from, limit)
		sc.cuts = append(sc.cuts, c)
		from = c.to
	}
}

// takeItems returns the longest run of items from one on that fits into limit bytes; at least that one.
func takeItems(items []item, from, limit int) cut {
	c := cut{from: from, to: from}
	for c.to < len(items) && c.to-from < maxEntries {
		next := c.size
		next.add(&items[c.to])
		if next.size() > limit && c.to > from {
			break
		}
		c.size = next
		c.to++
	}
	return c
}

// replaceLeaves writes the planned leaves in the place of children from to to, reusing their pages. The bound of the first stays.
func (t *Tree) replaceLeaves(n *node, from, to int, sc *scratch) {
	for len(sc.cuts) > to-from {
		t.insertKids(n, to, kid{page: t.newPage()})
		to++
	}
	for len(sc.cuts) < to-from {
		to--
		t.freePage(n.kids[to].page)
		t.removeKids(n, to, to+1)
	}
	for j, c := range sc.cuts {
		k := &n.kids[from+j]
		k.count = c.to - c.from
		asLeaf(k.page).encode(sc.items[c.from:c.to], c.size)
		if j > 0 {
			t.heap -= len(k.sep)
			k.ord, k.sep = separator(&sc.items[c.from-1], &sc.items[c.from])
			t.heap += len(k.sep)
		}
	}
}

// shrink removes the leaf that a path leads to, if it is empty, or joins it with a neighbour if both have little in them.
func (t *Tree) shrink(p *path, l *leaf) {
	bottom := &p.steps[p.depth-1]
	if l.len() == 0 {
		t.freePage(bottom.n.kids[bottom.i].page)
		t.removeKid(p)
		return
	}
	if t.joinLeaves(bottom.n, bottom.i) || t.joinLeaves(bottom.n, bottom.i-1) {
		t.joinNodes(p, p.depth-1)
	}
}

// joinLeaves moves the entries of child i+1 to child i, if both exist and there is room.
func (t *Tree) joinLeaves(n *node, i int) bool {
	if i < 0 || i+1 >= len(n.kids) {
		return false
	}
	left, right := asLeaf(n.kids[i].page), asLeaf(n.kids[i+1].page)
	if left.used()+right.used()-leafHeader > mergeInto || left.len()+right.len() > maxEntries {
		return false
	}
	sc := t.space.borrow()
	defer t.space.giveBack(sc)
	sc.decode(left, t.far)
	sc.decode(right, t.far)
	s := sizeOf(sc.items)
	if s.size() > mergeInto {
		return false
	}
	left.encode(sc.items, s)
	n.kids[i].count += n.kids[i+1].count
	t.freePage(n.kids[i+1].page)
	t.removeKids(n, i+1, i+2)
	return true
}
