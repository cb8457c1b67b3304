package engine

import (
	"encoding/binary"
	"fmt"
	"math"

	"quipu/engine/ranktree"
	"quipu/persist"
)

// scored is the content of a spread sorted set: members whose values are scores, and the same once more in order, which is in memory only.
type scored struct {
	members
	ranks *ranktree.Tree
	// noted is how much of the heap that ranks take is counted in the space's side bytes.
	noted int64
	// text is where a score that is no integer is put for a table to take.
	text [8]byte
}

func newScored(sp *space) *scored {
	m := &scored{members: members{sp: sp}, ranks: sp.ranks.New()}
	m.noteHeap()
	return m
}

// noteHeap counts the memory of the ranks that does not lie in pages.
func (m *scored) noteHeap() {
	if n := m.ranks.HeapBytes(); n != m.noted {
		m.sp.sideBytes.Add(n - m.noted)
		m.noted = n
	}
}

// scoreCell returns what a member's entry holds for a score: an integer, or the bytes of a float64. It is valid until the next call.
func (m *scored) scoreCell(score float64) cell {
	if isWhole(score) {
		return cell{isInt: true, num: int64(score)}
	}
	binary.LittleEndian.PutUint64(m.text[:], math.Float64bits(score))
	return cell{str: m.text[:]}
}

// score is the inverse of scoreCell.
func (c *cell) score() float64 {
	if c.isInt {
		return float64(c.num)
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(c.str))
}

// scoreAt returns the score of a member that was found.
func (m *scored) scoreAt(at *memberAt) float64 {
	c := m.cell(at)
	return c.score()
}

// isScore reports whether c can be what scoreCell has made.
func (c *cell) isScore() bool {
	return c.expireAt == 0 && (c.isInt || len(c.str) == 8 && !math.IsNaN(c.score()))
}

// add gives a member that is not there the score that c holds.
func (m *scored) add(name []byte, c cell, logging bool) bool {
	return m.set(m.find(name), name, c.score(), logging)
}

// set gives a member a score, at the place that find has found. It reports false only when a table's address space is exhausted.
func (m *scored) set(at memberAt, name []byte, score float64, logging bool) bool {
	old, had := 0.0, at.e != nil
	if had {
		old = m.scoreAt(&at)
	}
	if !m.members.set(at, name, m.scoreCell(score), logging) {
		return false
	}
	m.rank(name, had, old, score)
	return true
}

// rank notes a new score in the order.
func (m *scored) rank(name []byte, had bool, old, score float64) {
	if had {
		m.ranks.Move(old, score, name)
	} else {
		m.ranks.Insert(score, name)
	}
	m.noteHeap()
}

// remove takes a member out that was found.
func (m *scored) remove(at memberAt, name []byte, logging bool) {
	m.ranks.Delete(m.scoreAt(&at), name)
	m.noteHeap()
	m.members.remove(at, logging)
}

// parseScoreRow decodes the row of a member.
func parseScoreRow(key, value []byte) (name []byte, score float64, err error) {
	if _, name, err = parseMemberKey(key); err != nil {
		return nil, 0, err
	}
	c, err := parseElementRow(value)
	if err == nil && !c.isScore() {
		err = fmt.Errorf("%w: score %.40x", errRow, value)
	}
	if err != nil {
		return nil, 0, err
	}
	return name, c.score(), nil
}

func (m *scored) load(key, value []byte) error {
	name, score, err := parseScoreRow(key, value)
	if err != nil {
		return err
	}
	had := m.live
	if err := m.members.load(key, value); err != nil || m.live == had {
		return err
	}
	m.rank(name, false, 0, score)
	return nil
}

func (m *scored) replay(r elementRow) error {
	_, name, err := parseMemberKey(r.key)
	if err != nil {
		return err
	}
	score := 0.0
	if r.kind == persist.KindSet {
		if _, score, err = parseScoreRow(r.key, r.value); err != nil {
			return err
		}
	}
	old, at := 0.0, m.find(name)
	if at.e != nil {
		old = m.scoreAt(&at)
	}
	if err := m.members.replay(r); err != nil {
		return err
	}
	switch {
	case r.kind == persist.KindSet:
		m.rank(name, at.e != nil, old, score)
	case at.e != nil:
		m.ranks.Delete(old, name)
		m.noteHeap()
	}
	return nil
}

func (m *scored) clone(logging bool, toil func(elements int)) content {
	to := &scored{members: members{sp: m.sp}, ranks: m.ranks.Clone()}
	to.noteHeap()
	m.each(toil, func(name []byte, c cell) bool {
		return to.members.set(to.find(name), name, c, logging)
	})
	return to
}

func (m *scored) bytes() int64 { return m.members.bytes() + m.ranks.Bytes() }

func (m *scored) release() (more bool) {
	more = m.ranks.Release() || m.members.release()
	if !more {
		m.sp.sideBytes.Add(-m.noted)
		m.noted = 0
		return false
	}
	m.noteHeap()
	return true
}

// lexRank returns how many members come before a bound in a set whose scores all equal that of the first; behind says that the bound is
// the end of a range.
func (m *scored) lexRank(b *LexBound, score float64, behind bool) int {
	if b.Infinity != 0 {
		return max(b.Infinity, 0) * m.ranks.Len()
	}
	rank, found := m.ranks.Rank(score, b.Member)
	if found && b.Exclusive != behind {
		rank++
	}
	return rank
}
