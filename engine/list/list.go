package list

import (
	"slices"
	"unsafe"
)

const (
	// maxNode is the most bytes of a node that holds more than one element: with the engine's two bytes before it half a KiB. Doubling
	// it halves what nodes cost beside their bytes, 8 %, and doubles what a lone push writes to the log.
	maxNode = 510
	// maxBlock is the most nodes of a block: 5 KiB to move when a node comes in front, five thousand short elements to skip at once when
	// one is looked for.
	maxBlock = 128
	// mergeBelow is how small two neighbours must be together to become one: so far below maxNode that they do not split again soon.
	mergeBelow = maxNode / 2
)

// Memory is where the bytes of nodes lie.
type Memory interface {
	// Alloc returns n bytes, at least one, of undefined content. What the capacity has beyond them may be used, too.
	Alloc(n int) []byte
	// Free takes back what Alloc returned, of any length.
	Free(b []byte)
}

// List is a list. New makes one; the zero List is not ready for use. It is not safe for concurrent use.
type List struct {
	mem     Memory
	blocks  []*block // none is empty
	spare   []byte   // memory of a node, for the next one
	count   int
	nodes   int
	bytes   int64
	logging bool
	// partial: what lies between the nodes is not known (Patch).
	partial bool

	// queue holds the ids of nodes that the next commit has something to write of; some may be gone.
	queue []int64
	// behind is the state of the gap behind the last node.
	behind state
}

// block is a stretch of nodes.
type block struct {
	nodes []node
	count int   // elements
	state state // at least the states of all nodes
}

// place is a node's place: its block and its index there.
type place struct{ b, n int }

// New returns an empty list. With logging, changes are kept for the next commit (TakeQueued).
func New(mem Memory, logging bool) *List {
	return &List{mem: mem, logging: logging, bytes: int64(unsafe.Sizeof(List{}))}
}

// SetLogging says whether changes from now on are kept for the next commit.
func (l *List) SetLogging(on bool) { l.logging = on }

// Len returns the number of elements.
func (l *List) Len() int { return l.count }

// Nodes returns the number of nodes.
func (l *List) Nodes() int { return l.nodes }

// Bytes returns the memory that the list takes.
func (l *List) Bytes() int64 { return l.bytes }

func (l *List) at(p place) *node { return &l.blocks[p.b].nodes[p.n] }

// first and last return the places of the end nodes. The list has elements.
func (l *List) first() place { return place{} }

func (l *List) last() place {
	b := len(l.blocks) - 1
	return place{b, len(l.blocks[b].nodes) - 1}
}

// next returns the place behind p, which may be beyond the end.
func (l *List) next(p place) place {
	if p.n++; p.n == len(l.blocks[p.b].nodes) {
		return place{p.b + 1, 0}
	}
	return p
}

// prev returns the place before p, which may be before the beginning.
func (l *List) prev(p place) place {
	if p.n == 0 {
		if p.b == 0 {
			return place{-1, 0}
		}
		return place{p.b - 1, len(l.blocks[p.b-1].nodes) - 1}
	}
	return place{p.b, p.n - 1}
}

func (l *List) inside(p place) bool { return p.b >= 0 && p.b < len(l.blocks) }

// seek returns the node that holds element i, which exists, and the element's index there.
func (l *List) seek(i int) (place, int) {
	if i < l.count/2 {
		return l.seekForward(i)
	}
	return l.seekBack(i)
}

func (l *List) seekForward(i int) (place, int) {
	var p place
	for i >= l.blocks[p.b].count {
		i -= l.blocks[p.b].count
		p.b++
	}
	for nodes := l.blocks[p.b].nodes; i >= int(nodes[p.n].count); p.n++ {
		i -= int(nodes[p.n].count)
	}
	return p, i
}

func (l *List) seekBack(i int) (place, int) {
	p := l.last()
	from := l.count - l.blocks[p.b].count // index of the first element of the block, then of the node
	for i < from {
		p.b--
		from -= l.blocks[p.b].count
	}
	nodes := l.blocks[p.b].nodes
	p.n = len(nodes) - 1
	from += l.blocks[p.b].count - int(nodes[p.n].count)
	for i < from {
		p.n--
		from -= int(nodes[p.n].count)
	}
	return p, i - from
}

// Index returns element i, which is in [0, Len).
func (l *List) Index(i int) Element {
	p, k := l.seek(i)
	n := l.at(p)
	return decode(n.data[n.offset(k):])
}

// PushHead puts a copy of v before the first element.
func (l *List) PushHead(v []byte) {
	e := encode(v)
	if l.count == 0 || !l.at(l.first()).fits(e.size) {
		l.insertNode(place{}, l.newData(e.size))
	}
	l.put(l.first(), 0, &e)
}

// PushTail puts a copy of v behind the last element.
func (l *List) PushTail(v []byte) {
	e := encode(v)
	if l.count == 0 || !l.at(l.last()).fits(e.size) {
		l.insertNode(l.end(), l.newData(e.size))
	}
	p := l.last()
	l.put(p, len(l.at(p).data), &e)
}

// end returns the place behind the last node: in its block, if there is one.
func (l *List) end() place {
	if len(l.blocks) == 0 {
		return place{}
	}
	p := l.last()
	return place{p.b, p.n + 1}
}

// put writes an element into a node that has room for it, at an offset.
func (l *List) put(p place, at int, e *encoded) {
	n := l.at(p)
	l.reserve(n, e.size)
	n.insert(at, e)
	l.counted(p, 1)
	l.touch(p)
}

// counted notes that the node at p has so many elements more.
func (l *List) counted(p place, delta int) {
	b := l.blocks[p.b]
	b.nodes[p.n].count += int32(delta)
	b.count += delta
	l.count += delta
}

// insertNode inserts a node with the given memory before the place p, which may be behind the last node of a block. It returns the new
// node's place.
func (l *List) insertNode(p place, data []byte) place {
	if len(l.blocks) == 0 {
		l.insertBlock(0)
	}
	id, ok := l.idBefore(p)
	if !ok {
		l.renumber(p)
		id, _ = l.idBefore(p)
	}
	return l.insertNumbered(p, id, data)
}

// insertNumbered inserts a node with an id between those of its neighbours before the place p.
func (l *List) insertNumbered(p place, id int64, data []byte) place {
	gap := l.gapState(p)
	p = l.makeRoom(p)
	b := l.blocks[p.b]
	before := cap(b.nodes)
	b.nodes = slices.Insert(b.nodes, p.n, node{id: id, data: data})
	l.bytes += int64(cap(b.nodes)-before) * nodeBytes
	l.nodes++
	if gap != 0 {
		l.mark(p, gap|known) // there are two gaps now, and the id may have been another node's
	}
	return p
}

// makeRoom returns p, or where it has moved after a full block has been divided or another begun beside it.
func (l *List) makeRoom(p place) place {
	size := len(l.blocks[p.b].nodes)
	switch {
	case size < maxBlock:
		return p
	case p == place{0, 0}:
		l.insertBlock(0)
		return place{}
	case p.n == size && p.b == len(l.blocks)-1:
		l.insertBlock(p.b + 1)
		return place{p.b + 1, 0}
	}
	l.divide(p.b)
	if half := len(l.blocks[p.b].nodes); p.n > half {
		return place{p.b + 1, p.n - half}
	}
	return p
}

func (l *List) insertBlock(at int) {
	l.blocks = slices.Insert(l.blocks, at, &block{})
	l.bytes += blockBytes
}

const (
	blockBytes = int64(unsafe.Sizeof(block{}))
	nodeBytes  = int64(unsafe.Sizeof(node{}))
)

// divide makes two blocks of one.
func (l *List) divide(at int) {
	l.insertBlock(at + 1)
	b, c := l.blocks[at], l.blocks[at+1]
	half := len(b.nodes) / 2
	c.nodes = make([]node, len(b.nodes)-half, maxBlock)
	l.bytes += maxBlock * nodeBytes
	copy(c.nodes, b.nodes[half:])
	clear(b.nodes[half:])
	b.nodes = b.nodes[:half]
	for i := range c.nodes {
		c.count += int(c.nodes[i].count)
	}
	b.count -= c.count
	c.state = b.state
}

// removeNode removes the node at p with what it holds.
func (l *List) removeNode(p place) {
	b, n := l.blocks[p.b], l.at(p)
	l.counted(p, -int(n.count))
	l.freeData(n.data)
	gap := n.state & gapMask
	if n.state&known != 0 {
		gap |= l.changed() << gapShift
	}
	l.markGap(l.next(p), gap)
	b.nodes = slices.Delete(b.nodes, p.n, p.n+1)
	l.nodes--
	if len(b.nodes) == 0 {
		l.removeBlock(p.b)
		return
	}
	l.joinBlocks(p.b)
}

func (l *List) removeBlock(at int) {
	l.bytes -= blockBytes + int64(cap(l.blocks[at].nodes))*nodeBytes
	l.blocks = slices.Delete(l.blocks, at, at+1)
}

// joinBlocks makes one block of a block and its successor, if they are small.
func (l *List) joinBlocks(at int) {
	if at+1 >= len(l.blocks) {
		return
	}
	b, c := l.blocks[at], l.blocks[at+1]
	if len(b.nodes)+len(c.nodes) > maxBlock/2 {
		return
	}
	before := cap(b.nodes)
	b.nodes = append(b.nodes, c.nodes...)
	l.bytes += int64(cap(b.nodes)-before) * nodeBytes
	b.count += c.count
	b.state |= c.state
	l.removeBlock(at + 1)
}

// EachPiece calls fn with every piece of memory that the list has, for whoever counts them.
func (l *List) EachPiece(fn func(b []byte)) {
	for _, b := range l.blocks {
		for i := range b.nodes {
			fn(b.nodes[i].data)
		}
	}
	if l.spare != nil {
		fn(l.spare)
	}
}

// Clone returns a copy of the list, in the same memory, of which neither log nor store knows.
func (l *List) Clone(logging bool) *List {
	to := New(l.mem, logging)
	for _, b := range l.blocks {
		for i := range b.nodes {
			p := to.insertNode(to.end(), append(to.alloc(len(b.nodes[i].data)), b.nodes[i].data...))
			to.counted(p, int(b.nodes[i].count))
			to.touch(p)
		}
	}
	return to
}

// Release gives up to limit nodes' memory back, and reports whether there is nothing left. The list is of no other use afterwards.
func (l *List) Release(limit int) bool {
	for ; limit > 0 && len(l.blocks) > 0; limit-- {
		b := l.blocks[len(l.blocks)-1]
		last := len(b.nodes) - 1
		l.freeData(b.nodes[last].data)
		b.nodes = b.nodes[:last]
		if last == 0 {
			l.blocks = l.blocks[:len(l.blocks)-1]
		}
	}
	if len(l.blocks) == 0 && l.spare != nil {
		l.mem.Free(l.spare)
		l.spare = nil
	}
	return len(l.blocks) == 0
}
