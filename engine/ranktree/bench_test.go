package ranktree

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// board is a leaderboard of a million members with 16-byte names.
type board struct {
	tree   *Tree
	names  [][]byte
	scores []float64
}

const boardLen = 1_000_000

func newBoard(score func(i int) float64) *board {
	b := &board{tree: NewSpace(&heapPages{}).New()}
	for _, i := range rand.Perm(boardLen) {
		name := fmt.Appendf(nil, "user:%011d", i)
		b.names, b.scores = append(b.names, name), append(b.scores, score(i))
		b.tree.Insert(b.scores[len(b.scores)-1], name)
	}
	return b
}

func randomScore(int) float64 { return float64(rand.IntN(boardLen)) }
func sameScore(int) float64   { return 0 }

// BenchmarkMove is what ZINCRBY asks of the tree.
func BenchmarkMove(b *testing.B) {
	for _, c := range []struct {
		name  string
		score func(int) float64
		by    int
	}{{"spread out, by 1", randomScore, 1}, {"spread out, by 1000", randomScore, 1000}, {"equal at first, by 1", sameScore, 1}} {
		b.Run(c.name, func(b *testing.B) {
			board := newBoard(c.score)
			b.ReportAllocs()
			for b.Loop() {
				i := rand.IntN(boardLen)
				to := board.scores[i] + float64(c.by)
				board.tree.Move(board.scores[i], to, board.names[i])
				board.scores[i] = to
			}
			b.ReportMetric(float64(board.tree.Bytes())/boardLen, "B/entry")
		})
	}
}

func BenchmarkInsertDelete(b *testing.B) {
	board := newBoard(randomScore)
	b.ReportAllocs()
	for b.Loop() {
		i := rand.IntN(boardLen)
		board.tree.Delete(board.scores[i], board.names[i])
		board.scores[i] = randomScore(i)
		board.tree.Insert(board.scores[i], board.names[i])
	}
	b.ReportMetric(float64(board.tree.Bytes())/boardLen, "B/entry")
}

func BenchmarkInsert(b *testing.B) {
	for _, c := range []struct {
		name  string
		score func(int) float64
	}{{"random", randomScore}, {"ascending", func(i int) float64 { return float64(i) }}} {
		b.Run(c.name, func(b *testing.B) {
			tree := NewSpace(&heapPages{}).New()
			i := 0
			var name [16]byte
			for b.Loop() {
				tree.Insert(c.score(i), fmt.Appendf(name[:0], "user:%011d", i))
				i++
			}
		})
	}
}

func BenchmarkRank(b *testing.B) {
	board := newBoard(randomScore)
	b.ReportAllocs()
	for b.Loop() {
		i := rand.IntN(boardLen)
		board.tree.Rank(board.scores[i], board.names[i])
	}
}

// BenchmarkTopTen is what ZREVRANGE 0 9 WITHSCORES asks.
func BenchmarkTopTen(b *testing.B) {
	board := newBoard(randomScore)
	b.ReportAllocs()
	var c Cursor
	sum := 0.0
	for b.Loop() {
		ok := c.Seek(board.tree, boardLen-1)
		for n := 0; ok && n < 10; n++ {
			sum += c.Score() + float64(len(c.Member()))
			ok = c.Prev()
		}
	}
}
