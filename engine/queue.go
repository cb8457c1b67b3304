package engine

// queue is the offsets of the entries that a table has to commit. The first lies in the queue itself: with many slots and
// short commits it is mostly the only one, and a slice behind it would be one more cache line to wait for, twice.
type queue struct {
	count uint32
	first uint32
	more  []uint32
}

// maxIdleQueue bounds what an empty queue keeps.
const maxIdleQueue = 16

func (q *queue) add(off uint32) {
	if q.count++; q.count == 1 {
		q.first = off
		return
	}
	q.more = append(q.more, off)
}

func (q *queue) empty() bool { return q.count == 0 }

// at returns the i-th offset.
func (q *queue) at(i uint32) uint32 {
	if i == 0 {
		return q.first
	}
	return q.more[i-1]
}

func (q *queue) reset() {
	q.count = 0
	if q.more = q.more[:0]; cap(q.more) > maxIdleQueue {
		q.more = nil
	}
}
