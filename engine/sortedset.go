package engine

import (
	"bytes"
	"math"

	"quipu/engine/ranktree"
)

// SortedSet is a view of a key that holds a sorted set, or nothing. See collection for how long it is valid. Members are ordered by score,
// and bytewise where scores are equal; the rank of the first one is 0. Members that it returns are valid until the Txn next writes or
// unlocks, unless something else is said. A score may be infinite, but not NaN.
type SortedSet struct{ collection }

// SortedSet opens a sorted set. It returns ErrWrongType for a key that holds something else.
func (t *Txn) SortedSet(k Key) (z SortedSet, err error) {
	err = z.open(t, &k, ZSetKind)
	return z, err
}

// scored returns the elements of a spread sorted set.
func (o *spread) scored() *scored { return o.content.(*scored) }

// Widen notes that Redis has given the set a skip list, although its limits do not ask for one. To those who watch the key that is no
// change, and nothing is lost when it is forgotten.
func (z *SortedSet) Widen() {
	if p, o := z.form(); o != nil {
		o.head |= packedWide
	} else if p != nil {
		p[0] |= packedWide
	}
}

// Len returns the number of members.
func (z *SortedSet) Len() int {
	switch p, o := z.form(); {
	case o != nil:
		return int(o.count)
	case p != nil:
		return p.count()
	}
	return 0
}

// Score returns the score of a member.
func (z *SortedSet) Score(member []byte) (float64, bool) {
	el := z.element(member)
	if !el.found {
		return 0, false
	}
	return el.score(), true
}

// score returns the score of a member that was found.
func (el *element) score() float64 {
	if el.o != nil {
		return el.o.scored().scoreAt(&el.at)
	}
	return el.p.score(el.item)
}

// Add gives a member a score and reports whether the member is new. As long as Redis would keep the set in a listpack, a score of -0
// becomes 0.
func (z *SortedSet) Add(member []byte, score float64) (created bool, err error) {
	el := z.element(member)
	switch {
	case el.o != nil:
		err = z.addSpread(&el, member, score)
	case el.p == nil:
		err = z.create(member, score)
	case el.found:
		err = z.rescore(el.p, el.item, member, score)
	default:
		wide := el.p.has(packedWide) || z.outgrows(el.p.count()+1, member)
		err = z.insert(el.p, member, score, wide)
	}
	return !el.found, err
}

// create makes a set of one member.
func (z *SortedSet) create(member []byte, score float64) error {
	head, wide := byte(ZSetKind), z.outgrows(1, member)
	if wide {
		head |= packedWide
	}
	b := appendPackedHead(z.t.scratch[:0], head, 1, 0)
	return z.storeOrSpread(appendValue(appendName(b, 0, member), scoreValue(score, wide)))
}

// addSpread is Add for a spread set.
func (z *SortedSet) addSpread(el *element, member []byte, score float64) error {
	o, m := el.o, el.o.scored()
	if el.found && m.scoreAt(&el.at) == score {
		return nil
	}
	head := o.head
	if !el.found && head&packedWide == 0 && z.outgrows(int(o.count)+1, member) {
		head |= packedWide
	}
	if score == 0 && head&packedWide == 0 {
		score = 0 // not -0
	}
	if !m.set(el.at, member, score, z.t.logging) {
		return ErrOutOfMemory
	}
	o.head, o.count = head, m.live
	z.changed()
	return nil
}

// ScoredMember is a member of a sorted set with its score.
type ScoredMember struct {
	Member []byte
	Score  float64
}

// SetSortedSet puts a sorted set in the place of whatever a key holds, without an expiry. The members, at least one, are in order.
func (t *Txn) SetSortedSet(k Key, members []ScoredMember) error {
	at, _ := t.find(&k)
	l, longest := t.e.limits.Load(), 0
	for i := range members {
		longest = max(longest, len(members[i].Member))
	}
	head, wide := byte(ZSetKind), len(members) > l.ZSetEntries || longest > l.ZSetValue
	if wide {
		head |= packedWide
	}
	b := packedBuilder{}
	for i := 0; i < len(members) && len(b.items) <= maxPackedBytes; i++ {
		b.add(members[i].Member, scoreValue(members[i].Score, wide), true)
	}
	if p := packed(b.appendTo(nil, head)); b.count == len(members) && p.fitsPacked() {
		return t.set(&k, at, cell{packed: true, str: p})
	}
	return t.setSpread(k, at, head, members)
}

// setSpread is SetSortedSet for a set that is too large to be packed.
func (t *Txn) setSpread(k Key, at spot, head byte, members []ScoredMember) error {
	m := newScored(t.e.space)
	o, ok := at.s.newSpread(head, m), true
	for i := 0; ok && i < len(members); i++ {
		score := members[i].Score
		if score == 0 && head&packedWide == 0 {
			score = 0 // not -0
		}
		name := members[i].Member
		ok = m.set(m.find(name), name, score, t.logging)
		t.Toil(1)
	}
	o.count = m.live
	err := ErrOutOfMemory
	if ok {
		err = t.set(&k, at, cell{obj: o})
	}
	if err != nil {
		o.detach(t.e.space)
	}
	return err
}

// outgrows reports whether a set of so many members, of which one is new, leaves Redis's listpack.
func (z *SortedSet) outgrows(count int, member []byte) bool {
	l := z.t.e.limits.Load()
	return count > l.ZSetEntries || len(member) > l.ZSetValue
}

// rescore gives a member that is there another score: in place where its neighbours and the width of its score allow it.
func (z *SortedSet) rescore(p packed, it item, member []byte, score float64) error {
	old := p.score(it)
	if old == score {
		return nil
	}
	wide := p.has(packedWide)
	v := scoreValue(score, wide)
	if p.staysInPlace(it, score) && storeScore(p[it.value:], v) {
		z.changed()
		return nil
	}
	if p.count() == 1 {
		return z.store(p.appendWithValue(z.t.scratch[:0], it, v))
	}
	rest := p.appendWithout(z.t.spare[:0], it)
	z.t.keepSpare(rest)
	return z.insert(rest, member, score, wide)
}

func (t *Txn) keepSpare(b []byte) {
	if cap(b) <= maxKeptScratch {
		t.spare = b[:0]
	}
}

// insert adds a member that p does not hold and makes the result the content of the key.
func (z *SortedSet) insert(p packed, member []byte, score float64, wide bool) error {
	at := p.gapFor(score, member, z.t.borrowName())
	b := p.appendWithScore(z.t.scratch[:0], at, member, scoreValue(score, wide))
	z.t.returnName(at.behind)
	if wide {
		b[0] |= packedWide
	}
	return z.storeOrSpread(b)
}

// Remove removes a member and reports whether it was there.
func (z *SortedSet) Remove(member []byte) bool {
	el := z.element(member)
	switch {
	case !el.found:
		return false
	case el.o == nil:
		return z.removeItem(el.p, el.item)
	}
	z.removeSpread(el.o, el.at, member)
	return true
}

// removeSpread removes a member of a spread set, the last one with the key.
func (z *SortedSet) removeSpread(o *spread, at memberAt, member []byte) {
	m := o.scored()
	if m.live == 1 {
		z.drop()
		return
	}
	m.remove(at, member, z.t.logging)
	o.count = m.live
	z.changed()
}

// RemoveRange removes the n members from a rank on, which are there.
func (z *SortedSet) RemoveRange(from, n int) error {
	p, o := z.form()
	switch {
	case n <= 0:
		return nil
	case n >= z.Len():
		z.drop()
		return nil
	case o != nil:
		z.removeSpreadRange(o, from, n)
		return nil
	}
	b := packedBuilder{}
	w, i := p.walk(z.t.borrowName()), 0
	for w.next() {
		if i < from || i >= from+n {
			b.add(w.name, w.value(), true)
		}
		i++
	}
	z.t.returnName(w.name)
	return z.store(b.appendTo(z.t.scratch[:0], p[0]))
}

// removeSpreadRange is RemoveRange for a part of a spread set.
func (z *SortedSet) removeSpreadRange(o *spread, from, n int) {
	m := o.scored()
	c, name := z.t.borrowCursor(), z.t.borrowName()
	for range n {
		c.Seek(m.ranks, from)
		name = append(name[:0], c.Member()...)
		m.remove(m.find(name), name, z.t.logging)
	}
	z.t.returnName(name)
	z.t.returnCursor(c)
	o.count = m.live
	z.changed()
}

// Rank returns how many members are before a member, and its score.
func (z *SortedSet) Rank(member []byte) (rank int, score float64, ok bool) {
	el := z.element(member)
	if !el.found {
		return 0, 0, false
	}
	score = el.score()
	if el.o != nil {
		rank, _ = el.o.scored().ranks.Rank(score, member)
		return rank, score, true
	}
	for at := el.p.body(); at < el.item.start; rank++ {
		at = el.p.itemAt(at, true).end
	}
	return rank, score, true
}

// ByScore returns the rank of the first member in a range of scores, and how many there are.
func (z *SortedSet) ByScore(r ScoreRange) (from, n int) {
	switch p, o := z.form(); {
	case o != nil:
		return r.of(o.scored().ranks)
	case p != nil:
		return r.ofPacked(p)
	}
	return 0, 0
}

// of returns the rank of the first entry in the range, and how many there are.
func (r *ScoreRange) of(ranks *ranktree.Tree) (from, n int) {
	var to int
	if r.MinExclusive {
		from = ranks.RankAboveScore(r.Min)
	} else {
		from = ranks.RankOfScore(r.Min)
	}
	if r.MaxExclusive {
		to = ranks.RankOfScore(r.Max)
	} else {
		to = ranks.RankAboveScore(r.Max)
	}
	return from, max(to-from, 0)
}

func (r *ScoreRange) ofPacked(p packed) (from, n int) {
	for at := p.body(); at < len(p); {
		it := p.itemAt(at, true)
		switch score := p.score(it); {
		case !r.reachesMin(score):
			from++
		case !r.reachesMax(score):
			return from, n
		default:
			n++
		}
		at = it.end
	}
	return from, n
}

// ByLex returns, for a set whose scores are all equal, the rank of the first member in a range of members, backwards that of the last one,
// and how many there are. In other sets, as long as they are small, it returns what Redis would: those that the range holds from the first
// (backwards: last) one on that is not before (behind) it.
func (z *SortedSet) ByLex(r LexRange, backwards bool) (from, n int) {
	p, o := z.form()
	if p == nil && o == nil || r.isEmpty() {
		return 0, 0
	}
	if o != nil {
		return z.spreadByLex(o.scored(), r, backwards)
	}
	s := lexSearch{r: r}
	w := p.walk(z.t.borrowName())
	for w.next() {
		s.see(w.name)
	}
	z.t.returnName(w.name)
	if backwards {
		return s.backwards()
	}
	return s.forwards()
}

func (z *SortedSet) spreadByLex(m *scored, r LexRange, backwards bool) (from, n int) {
	c := z.t.borrowCursor()
	c.Seek(m.ranks, 0)
	score := c.Score()
	z.t.returnCursor(c)
	from = m.lexRank(&r.Min, score, false)
	n = max(m.lexRank(&r.Max, score, true)-from, 0)
	if backwards {
		from += n - 1
	}
	return from, n
}

// Walk calls fn for n members from the rank from on, towards higher ranks or backwards. They must be there. A member is valid during the
// call only. fn must not write.
func (z *SortedSet) Walk(from, n int, backwards bool, fn func(member []byte, score float64)) {
	p, o := z.form()
	switch {
	case n <= 0 || p == nil && o == nil:
		return
	case o != nil:
		z.t.walkRanks(o.scored().ranks, from, n, backwards, fn)
		return
	case backwards:
		z.walkBack(p, from-n+1, n, fn)
		return
	}
	w := p.walk(z.t.borrowName())
	for i := 0; i < from+n && w.next(); i++ {
		if i >= from {
			fn(w.name, p.score(w.it))
		}
	}
	z.t.returnName(w.name)
}

// walkRanks is Walk for a spread set.
func (t *Txn) walkRanks(ranks *ranktree.Tree, from, n int, backwards bool, fn func(member []byte, score float64)) {
	c := t.borrowCursor()
	for ok := c.Seek(ranks, from); ok && n > 0; n-- {
		t.Toil(1)
		fn(c.Member(), c.Score())
		if backwards {
			ok = c.Prev()
		} else {
			ok = c.Next()
		}
	}
	t.returnCursor(c)
}

// borrowCursor returns a cursor. Iterations can be nested.
func (t *Txn) borrowCursor() *ranktree.Cursor {
	last := len(t.cursors) - 1
	if last < 0 {
		return new(ranktree.Cursor)
	}
	c := t.cursors[last]
	t.cursors = t.cursors[:last]
	return c
}

func (t *Txn) returnCursor(c *ranktree.Cursor) {
	c.Leave()
	t.cursors = append(t.cursors, c)
}

// mark is a member that walkBack has passed: where it ends in a buffer, and its score.
type mark struct {
	end   int
	score float64
}

// walkBack is Walk from the last of n members to the first, whose rank is given: names are only known once those before them are.
func (z *SortedSet) walkBack(p packed, first, n int, fn func(member []byte, score float64)) {
	w := p.walk(z.t.borrowName())
	text, marks := z.t.borrowName(), z.t.marks[:0]
	for i := 0; i < first+n && w.next(); i++ {
		if i >= first {
			text = append(text, w.name...)
			marks = append(marks, mark{len(text), p.score(w.it)})
		}
	}
	for i := len(marks) - 1; i >= 0; i-- {
		start := 0
		if i > 0 {
			start = marks[i-1].end
		}
		fn(text[start:marks[i].end], marks[i].score)
	}
	z.t.returnName(w.name)
	z.t.returnName(text)
	z.t.keepMarks(marks)
}

func (t *Txn) keepMarks(marks []mark) {
	if len(marks) <= maxKeptScratch/16 {
		t.marks = marks[:0]
	}
}

// Scan calls fn for about count members from cursor on and returns the cursor to go on from, 0 at the end. Members that are there from
// the first call of an iteration to its last are all met. member is valid during the call only. fn must not write.
func (z *SortedSet) Scan(cursor uint64, count int, fn func(member []byte, score float64)) (next uint64) {
	if _, o := z.form(); o != nil {
		return o.members().scan(cursor, count, func(name []byte, c cell) { fn(name, c.score()) })
	}
	if cursor == 0 {
		z.Walk(0, z.Len(), false, fn)
	}
	return 0
}

// ScoreRange is a range of scores.
type ScoreRange struct {
	Min, Max                   float64
	MinExclusive, MaxExclusive bool
}

// reachesMin reports whether a score is not below the range.
func (r *ScoreRange) reachesMin(score float64) bool {
	return score > r.Min || score == r.Min && !r.MinExclusive
}

// reachesMax reports whether a score is not above the range.
func (r *ScoreRange) reachesMax(score float64) bool {
	return score < r.Max || score == r.Max && !r.MaxExclusive
}

// LexRange is a range of members.
type LexRange struct{ Min, Max LexBound }

// LexBound is an end of a range of members: a member, or infinity.
type LexBound struct {
	Member    []byte
	Exclusive bool
	Infinity  int // -1 before all members, 1 behind them, 0 for the bound that Member is
}

// compare compares a member with the bound.
func (b *LexBound) compare(member []byte) int {
	if b.Infinity != 0 {
		return -b.Infinity
	}
	return bytes.Compare(member, b.Member)
}

// reachesMin reports whether a member is not before the range.
func (r *LexRange) reachesMin(member []byte) bool {
	c := r.Min.compare(member)
	return c > 0 || c == 0 && !r.Min.Exclusive
}

// reachesMax reports whether a member is not behind the range.
func (r *LexRange) reachesMax(member []byte) bool {
	c := r.Max.compare(member)
	return c < 0 || c == 0 && !r.Max.Exclusive
}

// isEmpty reports whether no member can be in the range.
func (r *LexRange) isEmpty() bool {
	switch low, high := r.Min.Infinity, r.Max.Infinity; {
	case low == high && low != 0:
		return true
	case low < 0 || high > 0:
		return false
	case low > 0 || high < 0:
		return true
	}
	c := bytes.Compare(r.Min.Member, r.Max.Member)
	return c > 0 || c == 0 && (r.Min.Exclusive || r.Max.Exclusive)
}

// lexSearch finds a range of members among all that a set has, whose order by score may be another one.
type lexSearch struct {
	r    LexRange
	seen int

	first      int  // the first that reaches the minimum, plus 1
	run        int  // members from it on that reach the maximum
	ended      bool // the run is over
	headInside bool // the first of all reaches the maximum

	last       int  // the last that reaches the maximum, plus 1
	below      int  // the last that does not reach the minimum, plus 1
	belowLast  int  // the same as last was seen
	tailInside bool // the last of all reaches the minimum
}

func (s *lexSearch) see(member []byte) {
	reachesMin, reachesMax := s.r.reachesMin(member), s.r.reachesMax(member)
	s.seen++
	if s.seen == 1 {
		s.headInside = reachesMax
	}
	s.tailInside = reachesMin
	if reachesMin && s.first == 0 {
		s.first = s.seen
	}
	if s.first != 0 && !s.ended {
		if reachesMax {
			s.run++
		} else {
			s.ended = true
		}
	}
	if !reachesMin {
		s.below = s.seen
	}
	if reachesMax {
		s.last, s.belowLast = s.seen, s.below
	}
}

func (s *lexSearch) forwards() (from, n int) {
	if !s.headInside || !s.tailInside || s.run == 0 {
		return 0, 0
	}
	return s.first - 1, s.run
}

func (s *lexSearch) backwards() (from, n int) {
	if !s.headInside || !s.tailInside || s.last == 0 {
		return 0, 0
	}
	return s.last - 1, s.last - s.belowLast
}

// isWhole reports whether a score is kept as an integer. Minus zero is none, and neither is what may not fit in 64 bits.
func isWhole(score float64) bool {
	const limit = 1 << 62
	return score >= -limit && score <= limit && score == math.Trunc(score) && !(score == 0 && math.Signbit(score))
}
