package list

// state says what has to become of a node's row, and of the rows in the gap before the node: those whose ids lie between its own and that
// of the node before it, which belong to nodes that are no more. What a gap needs is told as one range.
type state uint8

const (
	queued state = 1 << iota // the next commit has to write it
	dirty                    // the next checkpoint has to write it
	taken                    // the checkpoint that is running has taken it
	// The same for the gap.
	gapQueued
	gapDirty
	gapTaken
	// known: log or store may have a row of this id.
	known

	gapShift = 3
	gapMask  = gapQueued | gapDirty | gapTaken
)

// Row is a change to tell: the node with an id has these bytes, or, where Data is nil, there are no nodes with ids from ID to Last.
// Data aliases the list and is valid until it is next changed. No two rows that are told together have an id in common.
type Row struct {
	ID, Last int64
	Data     []byte
}

// FirstRow and LastRow bound the ids of nodes.
const (
	FirstRow = -idLimit
	LastRow  = idLimit
)

// changed returns the state of a row that a change leaves to be told.
func (l *List) changed() state {
	if l.logging {
		return queued | dirty
	}
	return dirty
}

// touch notes that the node at p has changed.
func (l *List) touch(p place) { l.mark(p, l.changed()) }

// mark adds to the state of the node at p.
func (l *List) mark(p place, s state) {
	b, n := l.blocks[p.b], l.at(p)
	if s&(queued|gapQueued) != 0 && n.state&(queued|gapQueued) == 0 {
		l.queue = append(l.queue, n.id)
	}
	n.state |= s
	b.state |= s
}

// markGap adds to the state of the gap before the place p, which may be behind the last node of a block.
func (l *List) markGap(p place, s state) {
	if s == 0 || l.partial {
		return
	}
	if p = l.inNext(p); l.inside(p) {
		l.mark(p, s)
		return
	}
	l.behind |= s
}

// gapState returns the state of the gap before the place p.
func (l *List) gapState(p place) state {
	if p = l.inNext(p); l.inside(p) {
		return l.at(p).state & gapMask
	}
	return l.behind
}

// inNext returns p, or the place in the next block if p is behind the last node of its own.
func (l *List) inNext(p place) place {
	if l.inside(p) && p.n == len(l.blocks[p.b].nodes) {
		return place{p.b + 1, 0}
	}
	return p
}

// gapRow returns the row that tells of the gap before the place p, as far as it is not below from. whole is false if some of it is.
func (l *List) gapRow(p place, from int64) (r Row, whole bool) {
	lo, hi := l.gap(p, p)
	first := lo + 1
	if lo == -idLimit {
		first = FirstRow
	}
	last := hi - 1
	if hi == idLimit {
		last = LastRow
	}
	return Row{ID: max(first, from), Last: last}, first >= from
}

// Queued reports whether there is anything for the next commit.
func (l *List) Queued() bool { return len(l.queue) > 0 || l.behind&gapQueued != 0 }

// maxIdleQueue bounds what an empty queue keeps.
const maxIdleQueue = 64

// TakeQueued calls fn with all rows that changed since the last commit took them.
func (l *List) TakeQueued(fn func(r Row)) {
	for _, id := range l.queue {
		if p, found := l.find(id); found {
			l.takeQueuedAt(p, fn)
		}
	}
	if l.behind&gapQueued != 0 {
		l.behind &^= gapQueued
		l.tellGap(l.end(), FirstRow, fn)
	}
	if l.queue = l.queue[:0]; cap(l.queue) > maxIdleQueue {
		l.queue = nil
	}
}

func (l *List) takeQueuedAt(p place, fn func(r Row)) {
	n := l.at(p)
	s := n.state
	n.state &^= queued | gapQueued
	if s&gapQueued != 0 {
		l.tellGap(p, FirstRow, fn)
	}
	if s&queued != 0 {
		l.mark(p, known)
		fn(Row{ID: n.id, Last: n.id, Data: n.data})
	}
}

// tellGap calls fn with the row of a gap, unless there is no room for an id in it, and reports whether that was all of the gap.
func (l *List) tellGap(p place, from int64, fn func(r Row)) bool {
	r, whole := l.gapRow(p, from)
	if r.ID <= r.Last {
		fn(r)
	}
	return whole
}

// QueueDirty has the next commit write what the next checkpoint would.
func (l *List) QueueDirty() {
	for p := l.skipTo(place{}, dirty|gapDirty); l.inside(p); p = l.skipTo(l.next(p), dirty|gapDirty) {
		l.mark(p, l.at(p).state&(dirty|gapDirty)>>1)
	}
	l.behind |= l.behind & gapDirty >> 1
}

// Dirty reports whether there is anything for the next checkpoint. It may do so for a while after there was.
func (l *List) Dirty() bool { return l.any(dirty | gapDirty) }

// Clean reports whether log and store know all of the list, so that it may be dropped from memory.
func (l *List) Clean() bool { return !l.Queued() && !l.any(^known) }

// any reports whether anything may have one of these states.
func (l *List) any(s state) bool {
	if l.behind&s != 0 {
		return true
	}
	for _, b := range l.blocks {
		if b.state&s != 0 {
			return true
		}
	}
	return false
}

// TakeDirty calls fn with rows that changed since the last checkpoint took them, in ascending order, from id from on. After about limit
// rows it returns where to go on; more is false if there is nothing left. What changes behind it is for the next checkpoint. Settle ends
// what TakeDirty began.
func (l *List) TakeDirty(from int64, limit int, fn func(r Row)) (next int64, more bool) {
	p, _ := l.find(from)
	for told := 0; ; told++ {
		if p = l.skipTo(p, dirty|gapDirty); !l.inside(p) {
			l.behind = l.takeGap(l.end(), l.behind, from, fn)
			return 0, false
		}
		if told >= limit {
			lo, _ := l.gap(p, p)
			return max(lo+1, from), true
		}
		l.takeDirtyAt(p, from, fn)
		p = l.next(p)
	}
}

// skipTo returns the first place from p on whose node has one of these states, or one that is not inside.
func (l *List) skipTo(p place, s state) place {
	for l.inside(p) {
		b := l.blocks[p.b]
		if b.state&s != 0 {
			for ; p.n < len(b.nodes); p.n++ {
				if b.nodes[p.n].state&s != 0 {
					return p
				}
			}
		}
		p = place{p.b + 1, 0}
	}
	return p
}

func (l *List) takeDirtyAt(p place, from int64, fn func(r Row)) {
	n, b := l.at(p), l.blocks[p.b]
	n.state = l.takeGap(p, n.state, from, fn)
	if n.state&dirty != 0 {
		n.state = n.state&^dirty | taken | known
		fn(Row{ID: n.id, Last: n.id, Data: n.data})
	}
	b.state |= n.state
}

// takeGap has the checkpoint take the gap before p, whose state is s, and returns its state afterwards. The checkpoint can not go back
// below from: a gap that has come to reach below it stays dirty.
func (l *List) takeGap(p place, s state, from int64, fn func(r Row)) state {
	if s&gapDirty == 0 {
		return s
	}
	s |= gapTaken
	if l.tellGap(p, from, fn) {
		s &^= gapDirty
	}
	return s
}

// Settle ends a checkpoint: what it has taken is in the store, or, if it failed, as dirty as before. It begins at FirstRow; after about
// limit nodes it returns where to go on, and more is false at the end.
func (l *List) Settle(ok bool, from int64, limit int) (next int64, more bool) {
	if from == FirstRow {
		l.behind = l.behind.settled(ok)
	}
	p, _ := l.find(from)
	for at := p.b; at < len(l.blocks); at++ {
		b := l.blocks[at]
		if b.state&^known == 0 {
			continue
		}
		if limit <= 0 {
			return b.nodes[0].id, true
		}
		b.state = 0
		for i := range b.nodes {
			n := &b.nodes[i]
			n.state = n.state.settled(ok)
			b.state |= n.state
		}
		limit -= len(b.nodes)
	}
	return 0, false
}

func (s state) settled(ok bool) state {
	if !ok {
		s |= s & (taken | gapTaken) >> 1
	}
	return s &^ (taken | gapTaken)
}

// Load takes over a node of the store, which the list does not have.
func (l *List) Load(id int64, data []byte) error {
	count, err := Check(data)
	if err != nil {
		return err
	}
	p, _ := l.find(id)
	p = l.load(p, id, data, count)
	l.at(p).state = known // and nothing of the gap, of which the store knows
	return nil
}

// load inserts a node before the place p.
func (l *List) load(p place, id int64, data []byte, count int) place {
	if len(l.blocks) == 0 {
		l.insertBlock(0)
	}
	p = l.insertNumbered(p, id, append(l.alloc(len(data)), data...))
	l.at(p).state |= known
	l.blocks[p.b].state |= known
	l.counted(p, count)
	return p
}

// Replay takes over a row of the log. The list is complete, and the row is newer.
func (l *List) Replay(r Row) error {
	if r.Data == nil {
		l.replayGap(r.ID, r.Last)
		return nil
	}
	count, err := Check(r.Data)
	if err != nil {
		return err
	}
	p, found := l.find(r.ID)
	if found {
		l.removeNode(p)
		p, _ = l.find(r.ID)
	}
	l.touch(l.load(p, r.ID, r.Data, count))
	return nil
}

// replayGap removes the nodes with ids from lo to hi.
func (l *List) replayGap(lo, hi int64) {
	p, _ := l.find(lo)
	for l.inside(l.inNext(p)) && l.at(l.inNext(p)).id <= hi {
		l.removeNode(l.inNext(p))
		p, _ = l.find(lo)
	}
	l.markGap(p, l.changed()<<gapShift)
}
