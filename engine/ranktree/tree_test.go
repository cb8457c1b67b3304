package ranktree

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pair is an entry of the model, which is a sorted slice.
type pair struct {
	score  float64
	member string
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.member, b.member))
}

type model []pair

func (m model) rank(p pair) (int, bool) { return slices.BinarySearchFunc(m, p, comparePairs) }

func (m *model) insert(p pair) bool {
	i, found := m.rank(p)
	if !found {
		*m = slices.Insert(*m, i, p)
	}
	return !found
}

func (m *model) remove(p pair) bool {
	i, found := m.rank(p)
	if found {
		*m = slices.Delete(*m, i, i+1)
	}
	return found
}

// duo is a tree and its model, written together.
type duo struct {
	pages heapPages
	tree  *Tree
	model model
}

func newDuo() *duo {
	d := &duo{}
	d.tree = NewSpace(&d.pages).New()
	return d
}

func (d *duo) insert(p pair) {
	if d.model.insert(p) {
		d.tree.Insert(p.score, []byte(p.member))
	}
}

func (d *duo) remove(p pair) error {
	want := d.model.remove(p)
	if got := d.tree.Delete(p.score, []byte(p.member)); got != want {
		return fmt.Errorf("Delete(%v, %q) = %t, want %t", p.score, p.member, got, want)
	}
	return nil
}

func (d *duo) move(p pair, to float64) error {
	target := pair{to, p.member}
	if _, taken := d.model.rank(target); taken {
		return nil
	}
	want := d.model.remove(p)
	if want {
		d.model.insert(target)
	}
	if got := d.tree.Move(p.score, to, []byte(p.member)); got != want {
		return fmt.Errorf("Move(%v, %v, %q) = %t, want %t", p.score, to, p.member, got, want)
	}
	return nil
}

// check compares everything that can be asked of the tree.
func (d *duo) check() error {
	if err := d.tree.verify(); err != nil {
		return err
	}
	if d.pages.out != d.tree.pages || d.tree.Len() != len(d.model) {
		return fmt.Errorf("%d pages out, %d in the tree; %d entries, want %d", d.pages.out, d.tree.pages, d.tree.Len(), len(d.model))
	}
	var c Cursor
	i := 0
	for ok := c.Seek(d.tree, 0); ok; ok = c.Next() {
		if err := d.compareAt(&c, i); err != nil {
			return err
		}
		i++
	}
	if i != len(d.model) {
		return fmt.Errorf("forwards, the cursor sees %d entries of %d", i, len(d.model))
	}
	for ok := c.Seek(d.tree, i-1); ok; ok = c.Prev() {
		i--
		if err := d.compareAt(&c, i); err != nil {
			return err
		}
	}
	if i != 0 {
		return fmt.Errorf("backwards, the cursor does not see %d entries of %d", i, len(d.model))
	}
	return nil
}

func (d *duo) compareAt(c *Cursor, i int) error {
	got, want := pair{c.Score(), string(c.Member())}, d.model[i]
	if got != want || math.Signbit(got.score) != math.Signbit(want.score) {
		return fmt.Errorf("entry %d is %v, want %v", i, got, want)
	}
	return nil
}

// checkRanks compares the ranks around a pair.
func (d *duo) checkRanks(p pair) error {
	want, wantFound := d.model.rank(p)
	if got, found := d.tree.Rank(p.score, []byte(p.member)); got != want || found != wantFound {
		return fmt.Errorf("Rank(%v, %q) = %d, %t; want %d, %t", p.score, p.member, got, found, want, wantFound)
	}
	below, upTo := 0, 0
	for _, q := range d.model {
		if q.score < p.score {
			below++
		}
		if q.score <= p.score {
			upTo++
		}
	}
	if got := d.tree.RankOfScore(p.score); got != below {
		return fmt.Errorf("RankOfScore(%v) = %d, want %d", p.score, got, below)
	}
	if got := d.tree.RankAboveScore(p.score); got != upTo {
		return fmt.Errorf("RankAboveScore(%v) = %d, want %d", p.score, got, upTo)
	}
	return nil
}

var oddScores = []float64{
	0, math.Copysign(0, -1), 1, -1, 0.5, -0.5, math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64,
	math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 1 << 53, 1<<53 + 2, math.MaxInt64, math.MinInt64,
}

func drawScore(t *rapid.T) float64 {
	switch rapid.IntRange(0, 5).Draw(t, "score kind") {
	case 0:
		return rapid.SampledFrom(oddScores).Draw(t, "odd score")
	case 1:
		return float64(rapid.IntRange(-3, 3).Draw(t, "small score"))
	case 2:
		return rapid.Float64().Draw(t, "any score")
	case 3:
		return float64(rapid.IntRange(0, 300).Draw(t, "score")) * 10
	}
	return float64(rapid.IntRange(-1000, 1000).Draw(t, "whole score"))
}

func drawMember(t *rapid.T) string {
	switch rapid.IntRange(0, 6).Draw(t, "member kind") {
	case 0:
		return string(rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "bytes"))
	case 1:
		return strings.Repeat("x", rapid.IntRange(0, 300).Draw(t, "length"))
	case 2:
		return strings.Repeat("long", 40) + fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "far"))
	case 3:
		return fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "number"))
	}
	return fmt.Sprintf("member:%05d", rapid.IntRange(0, 2000).Draw(t, "member"))
}

// drawPair returns a pair, often one that is there.
func (d *duo) drawPair(t *rapid.T) pair {
	if len(d.model) > 0 && rapid.IntRange(0, 3).Draw(t, "existing") > 0 {
		return rapid.SampledFrom(d.model).Draw(t, "pair")
	}
	return pair{drawScore(t), drawMember(t)}
}

func TestTreeAgainstSortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDuo()
		fail := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) { d.insert(pair{drawScore(t), drawMember(t)}) },
			"insert many": func(t *rapid.T) {
				score, step := drawScore(t), drawScore(t)
				member := drawMember(t)
				for i := range rapid.IntRange(1, 200).Draw(t, "count") {
					if s := score + step*float64(i); s == s {
						d.insert(pair{s, member + fmt.Sprint(i)})
					}
				}
			},
			"delete": func(t *rapid.T) { fail(d.remove(d.drawPair(t))) },
			"delete range": func(t *rapid.T) {
				from := rapid.IntRange(0, len(d.model)).Draw(t, "from")
				to := rapid.IntRange(from, len(d.model)).Draw(t, "to")
				for _, p := range slices.Clone(d.model[from:to]) {
					fail(d.remove(p))
				}
			},
			"move":  func(t *rapid.T) { fail(d.move(d.drawPair(t), drawScore(t))) },
			"ranks": func(t *rapid.T) { fail(d.checkRanks(d.drawPair(t))) },
			"":      func(*rapid.T) { fail(d.check()) },
		})
	})
}

// FuzzTree takes bytes for operations: two of what to do and to whom, one of a score.
func FuzzTree(f *testing.F) {
	f.Add([]byte("0a10b20c3"), uint8(3))
	f.Add(bytes.Repeat([]byte{0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233}, 40), uint8(1))
	f.Fuzz(func(t *testing.T, ops []byte, stretch uint8) {
		d := newDuo()
		for ops = ops[:min(len(ops), 600)]; len(ops) >= 3; ops = ops[3:] {
			p := pair{fuzzScore(ops[2]), strings.Repeat("m", int(ops[1]>>5)*int(stretch)) + fmt.Sprint(ops[1]&31)}
			var err error
			switch ops[0] % 5 {
			case 0, 1:
				for i := range int(ops[0]) % 40 {
					d.insert(pair{p.score, p.member + fmt.Sprint(i)})
				}
			case 2:
				err = d.remove(p)
			case 3:
				if n := len(d.model); n > 0 {
					err = d.move(d.model[int(ops[1])%n], p.score)
				}
			case 4:
				for i := 0; i < int(ops[1])%64 && len(d.model) > 0 && err == nil; i++ {
					err = d.remove(d.model[int(ops[2])%len(d.model)])
				}
			}
			if err == nil && len(ops)%8 == 0 { // they cost as much as there are entries
				err = d.checkRanks(p)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := d.check(); err != nil {
			t.Fatal(err)
		}
	})
}

func fuzzScore(b byte) float64 {
	if int(b) < len(oddScores) {
		return oddScores[b]
	}
	return math.Ldexp(float64(int8(b)), int(b%40)-20)
}

// TestManyEntries grows a tree to several levels in different orders, moves entries about, and takes them all out again.
func TestManyEntries(t *testing.T) {
	const n = 20_000
	orders := map[string]func(i int) float64{
		"ascending":  func(i int) float64 { return float64(i) },
		"descending": func(i int) float64 { return float64(-i) },
		"random":     func(int) float64 { return float64(rand.IntN(n)) },
		"fractions":  func(int) float64 { return rand.NormFloat64() },
		"equal":      func(int) float64 { return 7 },
	}
	for name, score := range orders {
		t.Run(name, func(t *testing.T) {
			tree := NewSpace(&heapPages{}).New()
			scores := make([]float64, n)
			for i := range scores {
				scores[i] = score(i)
				tree.Insert(scores[i], memberOf(i))
			}
			for range n {
				i := rand.IntN(n)
				to := scores[i] + float64(rand.IntN(100))
				if !tree.Move(scores[i], to, memberOf(i)) {
					t.Fatalf("Move does not find member %d", i)
				}
				scores[i] = to
			}
			if err := tree.verify(); err != nil {
				t.Fatal(err)
			}
			for _, i := range rand.Perm(n) {
				if !tree.Delete(scores[i], memberOf(i)) {
					t.Fatalf("Delete does not find member %d", i)
				}
			}
			if err := tree.verify(); err != nil || tree.pages != 0 || tree.heap != 0 {
				t.Fatalf("an empty tree has %d pages and %d bytes: %v", tree.pages, tree.heap, err)
			}
		})
	}
}

func memberOf(i int) []byte { return fmt.Appendf(nil, "player:%09d", i) }

func TestReleaseGivesEverythingBack(t *testing.T) {
	d := newDuo()
	for i := range 10000 {
		d.insert(pair{float64(i % 7), strings.Repeat("f", i%200) + fmt.Sprint(i)})
	}
	steps := 1
	for d.tree.Release() {
		steps++
	}
	if d.pages.out != 0 || d.tree.Len() != 0 || d.tree.Bytes() != treeBytes || steps < 3 {
		t.Errorf("after Release in %d steps, %d pages are out and the tree takes %d bytes", steps, d.pages.out, d.tree.Bytes())
	}
	d.model = nil
	d.insert(pair{1, "again"})
	if err := d.check(); err != nil {
		t.Error(err)
	}
}

func TestCloneIsIndependent(t *testing.T) {
	for _, size := range []int{0, 1, 10000} {
		d := newDuo()
		for i := range size {
			d.insert(pair{float64(i % 70), strings.Repeat("f", i%200) + fmt.Sprint(i)})
		}
		other := &duo{tree: d.tree.Clone(), model: slices.Clone(d.model)}
		for i := range size / 2 {
			d.insert(pair{float64(i % 70), "new" + fmt.Sprint(i)})
			if err := other.remove(other.model[i]); err != nil {
				t.Fatal(err)
			}
		}
		if got := d.pages.out - d.tree.pages; got != other.tree.pages {
			t.Errorf("%d entries: %d pages are the copy's, it says %d", size, got, other.tree.pages)
		}
		d.pages.out -= other.tree.pages
		other.pages.out = other.tree.pages
		for _, x := range []*duo{d, other} {
			if err := x.check(); err != nil {
				t.Errorf("%d entries: %v", size, err)
			}
		}
	}
}

func TestOrdSortsLikeScores(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawScore(t), drawScore(t)
		if got := cmp.Compare(ordOf(a), ordOf(b)); got != cmp.Compare(a, b) && a == a && b == b {
			t.Fatalf("the ords of %v and %v compare as %d", a, b, got)
		}
		if back := scoreOf(ordOf(a)); back != a {
			t.Fatalf("%v comes back as %v", a, back)
		}
	})
}

// The memory per entry is what this package is for; a change that loses it should not go unnoticed.
func TestBytesPerEntry(t *testing.T) {
	const n = 50_000
	for _, c := range []struct {
		name  string
		score func(i int) float64
		most  float64
	}{
		{"whole scores at random", func(int) float64 { return float64(rand.IntN(n)) }, 24},
		{"times in ascending order", func(i int) float64 { return 1.7e12 + float64(i*37) }, 19},
		{"fractions at random", func(int) float64 { return rand.Float64() }, 31},
		{"few different scores", func(int) float64 { return float64(rand.IntN(10)) }, 24},
	} {
		tree := NewSpace(&heapPages{}).New()
		for i := range n {
			tree.Insert(c.score(i), fmt.Appendf(nil, "user:%011d", (i*2654435761)%1e11))
		}
		per := float64(tree.Bytes()) / n
		t.Logf("%s: %.1f bytes per entry", c.name, per)
		if per > c.most {
			t.Errorf("%s: %.1f bytes per entry, more than %.0f", c.name, per, c.most)
		}
	}
}
