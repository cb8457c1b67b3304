package ranktree

import (
	"bytes"
	"math"
	"slices"
	"sync"
)

// PageSize is the size of a leaf in bytes.
const PageSize = 512

// Page is the memory of a leaf.
type Page [PageSize]byte

// Pages hands out pages and takes them back. A page has undefined content. Both methods must be safe for concurrent use if trees of
// one Space are used concurrently.
type Pages interface {
	Get() *Page
	Put(*Page)
}

// Space is what all trees of a process share: where pages come from, and working memory. It is safe for concurrent use.
type Space struct {
	pages   Pages
	scratch sync.Pool
}

// NewSpace returns a space whose trees take their pages from pages.
func NewSpace(pages Pages) *Space {
	return &Space{pages: pages, scratch: sync.Pool{New: func() any { return new(scratch) }}}
}

// maxNear is the length of the longest member that lies in a leaf. Longer ones are Go objects.
const maxNear = 126

// Tree is an ordered collection of (score, member) pairs: by score, and among equal scores by member, bytewise. No pair may be in it
// twice. Scores may be infinite, but not NaN. A Tree is not safe for concurrent use. The zero value is not usable: see Space.New.
type Tree struct {
	space *Space
	root  *node // nil when the tree is empty
	len   int

	pages int
	heap  int // bytes of inner nodes, separators and far members

	far     [][]byte // members longer than maxNear
	farFree []uint32
}

// New returns an empty tree.
func (sp *Space) New() *Tree { return &Tree{space: sp} }

// Len returns the number of entries.
func (t *Tree) Len() int { return t.len }

// Bytes returns the memory that the tree takes, in bytes, pages included.
func (t *Tree) Bytes() int64 { return int64(t.pages)*PageSize + t.HeapBytes() }

// HeapBytes returns the memory, in bytes, that the tree takes in Go objects.
func (t *Tree) HeapBytes() int64 {
	return int64(t.heap + cap(t.far)*sliceBytes + cap(t.farFree)*4 + treeBytes)
}

const (
	treeBytes  = 112
	sliceBytes = 24
)

// Clone returns a copy of the tree.
func (t *Tree) Clone() *Tree {
	to := *t
	to.far, to.farFree = slices.Clone(t.far), slices.Clone(t.farFree)
	if t.root != nil {
		to.heap = 0
		for _, member := range t.far {
			to.heap += len(member)
		}
		to.root = to.copyNode(t.root)
	}
	return &to
}

// Release gives some of the tree's memory back, a few dozen pages, and reports whether there is more. Between the first call and the one
// that says that there is none, nothing else may be done with the tree; afterwards it is empty.
func (t *Tree) Release() (more bool) {
	if t.root != nil && t.releaseLast(t.root) {
		return true
	}
	*t = Tree{space: t.space}
	return false
}

// position is the place of an entry in the order: its score as an integer that sorts like it, and its member.
type position struct {
	ord    uint64
	member []byte
}

// minusZero is set on an item whose score is -0, which has the ord of 0.
type item struct {
	position
	minusZero bool
	far       uint32 // 1 + the member's number in Tree.far; 0 for a member that the leaf holds
}

// ordOf maps scores to integers that sort like them, -0 to that of 0.
func ordOf(score float64) uint64 {
	if score == 0 {
		return 1 << 63
	}
	b := math.Float64bits(score)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// scoreOf is the inverse of ordOf, apart from -0.
func scoreOf(ord uint64) float64 {
	if ord>>63 != 0 {
		return math.Float64frombits(ord &^ (1 << 63))
	}
	return math.Float64frombits(^ord)
}

// Insert adds an entry, which must not be in the tree, with a copy of member.
func (t *Tree) Insert(score float64, member []byte) {
	it := item{position: position{ordOf(score), member}, minusZero: score == 0 && math.Signbit(score)}
	if len(member) > maxNear {
		it.member = bytes.Clone(member)
		it.far = t.addFar(it.member)
	}
	t.insert(&it)
}

func (t *Tree) insert(it *item) {
	if t.root == nil {
		t.plant(it)
		return
	}
	var p path
	l := p.descend(t.root, it.position)
	i, _ := l.find(t.far, it.position)
	t.insertAt(&p, l, i, it)
}

// plant makes the first leaf.
func (t *Tree) plant(it *item) {
	pg := t.newPage()
	asLeaf(pg).encode([]item{*it}, sizeOf([]item{*it}))
	t.root = &node{}
	t.heap += nodeBytes
	t.insertKids(t.root, 0, kid{count: 1, page: pg})
	t.len = 1
}

// insertAt adds an entry at place i of the leaf that p leads to.
func (t *Tree) insertAt(p *path, l *leaf, i int, it *item) {
	t.len++
	p.addCount(1)
	if !l.insert(i, it) {
		t.spread(p, l, i, it)
	}
}

// Delete removes an entry and reports whether there was one.
func (t *Tree) Delete(score float64, member []byte) bool {
	if t.root == nil {
		return false
	}
	var p path
	pos := position{ordOf(score), member}
	l := p.descend(t.root, pos)
	i, found := l.find(t.far, pos)
	if !found {
		return false
	}
	t.freeFar(l.farAt(i))
	t.deleteAt(&p, l, i)
	return true
}

// deleteAt removes entry i of the leaf that p leads to.
func (t *Tree) deleteAt(p *path, l *leaf, i int) {
	t.len--
	p.addCount(-1)
	l.remove(i)
	if l.used() < mergeBelow {
		t.shrink(p, l)
	}
}

// Move gives the entry of a member another score: what deleting and inserting it would do, but cheaper where the entry stays in its
// leaf. It reports false, and does nothing, when there is no such entry.
func (t *Tree) Move(from, to float64, member []byte) bool {
	if t.root == nil {
		return false
	}
	var p path
	it := item{position: position{ordOf(from), member}, minusZero: to == 0 && math.Signbit(to)}
	l := p.descend(t.root, it.position)
	i, found := l.find(t.far, it.position)
	if !found {
		return false
	}
	it.far = l.farAt(i)
	it.member = t.keep(it.far, member)
	it.ord = ordOf(to)
	j, _ := l.find(t.far, it.position)
	if j == 0 || j == l.len() { // it may belong to a neighbour
		t.deleteAt(&p, l, i)
		t.insert(&it)
		return true
	}
	l.remove(i)
	if j > i {
		j--
	}
	t.len--
	p.addCount(-1)
	t.insertAt(&p, l, j, &it)
	return true
}

// keep returns the far member of that number, or member when it is near.
func (t *Tree) keep(far uint32, member []byte) []byte {
	if far == 0 {
		return member
	}
	return t.far[far-1]
}

// addFar keeps a long member and returns its number, plus 1.
func (t *Tree) addFar(member []byte) uint32 {
	t.heap += len(member)
	if last := len(t.farFree) - 1; last >= 0 {
		n := t.farFree[last]
		t.farFree = t.farFree[:last]
		t.far[n] = member
		return n + 1
	}
	t.far = append(t.far, member)
	return uint32(len(t.far))
}

// freeFar forgets the long member of a deleted entry; 0 is none.
func (t *Tree) freeFar(far uint32) {
	if far == 0 {
		return
	}
	t.heap -= len(t.far[far-1])
	t.far[far-1] = nil
	t.farFree = append(t.farFree, far-1)
	if len(t.farFree) == len(t.far) {
		t.far, t.farFree = nil, nil
	}
}

func (t *Tree) newPage() *Page {
	t.pages++
	return t.space.pages.Get()
}

func (t *Tree) freePage(pg *Page) {
	t.pages--
	t.space.pages.Put(pg)
}
