package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// Power cuts of an engine whose writers change sorted sets: what a large set, whose members have rows of their own, and a small one, which
// is one row, hold after a number of steps is known exactly, and both are changed as one.

const (
	crashMembers = 300 // of a large set
	crashFew     = 8   // of a small one
	crashLife    = 700 // steps from one deletion of the large set to the next
)

func boardKeys(e *Engine, w int) []Key {
	return []Key{e.Key(0, fmt.Appendf(nil, "board:%d", w)), e.Key(0, fmt.Appendf(nil, "few:%d", w))}
}

func boardMember(n int64) []byte { return fmt.Appendf(nil, "a member of the board: %d", n) }

// boardStep gives a member of each set the number of the step for a score; from time to time it removes another, or the whole set before.
func boardStep(x *Txn, keys []Key, n int64) {
	if n%crashLife == 0 {
		x.Delete(keys[0])
	}
	board, _ := x.SortedSet(keys[0])
	few, _ := x.SortedSet(keys[1])
	must(0, second(board.Add(boardMember(n%crashMembers), float64(n))))
	must(0, second(few.Add(boardMember(n%crashFew), float64(n))))
	if n%7 == 3 {
		board.Remove(boardMember((n + 31) % crashMembers))
	}
}

func second(_ bool, err error) error { return err }

// boardAfter returns the scores of the large set's members after so many steps.
func boardAfter(n int64) map[string]float64 {
	scores := map[string]float64{}
	for step := max(n/crashLife*crashLife, 1); step <= n; step++ {
		scores[string(boardMember(step%crashMembers))] = float64(step)
		if step%7 == 3 {
			delete(scores, string(boardMember((step+31)%crashMembers)))
		}
	}
	return scores
}

// examineBoards checks the sets of a writer.
func (q *inquest) examineBoards(w int) error {
	keys := boardKeys(q.e, w)
	q.x.Lock(keys, false)
	defer q.x.Unlock()
	board, _ := q.x.SortedSet(keys[0])
	few, _ := q.x.SortedSet(keys[1])
	n, last := int64(0), int64(0)
	board.Walk(board.Len()-1, min(1, board.Len()), true, func(_ []byte, score float64) { n = int64(score) })
	few.Walk(few.Len()-1, min(1, few.Len()), true, func(_ []byte, score float64) { last = int64(score) })
	if n != last {
		return fmt.Errorf("half a transaction: the sets are those after steps %d and %d", n, last)
	}
	want := boardAfter(n)
	if board.Len() != len(want) || few.Len() != int(min(n, crashFew)) {
		return fmt.Errorf("%d and %d members after step %d, want %d", board.Len(), few.Len(), n, len(want))
	}
	var err error
	board.Walk(0, board.Len(), false, func(member []byte, score float64) {
		if got, found := board.Score(member); want[string(member)] != score || got != score || !found {
			err = fmt.Errorf("%s has score %v in order and %v by name after step %d, want %v", member, score, got, n, want[string(member)])
		}
	})
	if err != nil {
		return err
	}
	return q.within("board", n, q.atLeast.versions[w], q.most.versions[w])
}

func TestPowerCutsOfSortedSets(t *testing.T) {
	clones, deadline := 0, time.Now().Add(crashTime(5*time.Second))
	for seed := uint64(1); time.Now().Before(deadline); seed++ {
		p := &plugged{fs: memdisk.New()}
		p.e = openTest(t, p.fs, crashOptions)
		for w := range crashWriters {
			x, keys := p.e.NewTxn(), boardKeys(p.e, w)
			p.run(func() {
				n := p.versions[w].sent.Add(1)
				x.Lock(keys, true)
				boardStep(x, keys, n)
				x.Unlock()
				p.wait(x)
				p.versions[w].acked.Add(1)
			})
		}
		p.upkeep(seed)
		rnd := rand.New(rand.NewPCG(seed, 5))
		for range 50 {
			fs, atLeast, most := p.cut(rnd)
			p.gate.Lock()
			if clones++; clones%4 == 0 {
				fs = cutDuringRecovery(t, fs, rnd)
			}
			if err := examineSets(t, fs, atLeast, most); err != nil {
				t.Fatalf("seed %d, clone %d: %v", seed, clones, err)
			}
			p.gate.Unlock()
		}
		p.unplug(t)
	}
	t.Logf("%d power cuts", clones)
}

// examineSets recovers a clone and returns what is wrong with its sets.
func examineSets(t *testing.T, fs vfs.FS, atLeast, most *limits) error {
	e := openTest(t, fs, crashOptions)
	q := inquest{e, e.NewTxn(), atLeast, most}
	var err error
	for w := range crashWriters {
		err = errors.Join(err, q.examineBoards(w))
	}
	if err == nil {
		checkEngine(t, e)
	}
	return errors.Join(err, e.Close())
}
