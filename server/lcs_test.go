package server

import (
	"testing"

	"pgregory.net/rapid"
)

// slowLCS is the textbook's table, kept in full.
func slowLCS(a, b []byte) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := range a {
		for j := range b {
			if a[i] == b[j] {
				table[i+1][j+1] = table[i][j] + 1
			} else {
				table[i+1][j+1] = max(table[i][j+1], table[i+1][j])
			}
		}
	}
	return table[len(a)][len(b)]
}

// isSubsequence reports whether sub can be had from s by leaving out bytes.
func isSubsequence(sub, s []byte) bool {
	for _, c := range s {
		if len(sub) > 0 && sub[0] == c {
			sub = sub[1:]
		}
	}
	return len(sub) == 0
}

func TestLCS(t *testing.T) {
	text := rapid.SliceOfN(rapid.ByteRange('a', 'd'), 0, 40)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		table := newLCSTable(a, b)
		if want := slowLCS(a, b); table.length != want {
			t.Fatalf("length %d, want %d", table.length, want)
		}
		sub := table.subsequence()
		if len(sub) != table.length || !isSubsequence(sub, a) || !isSubsequence(sub, b) {
			t.Fatalf("%q is no common subsequence of length %d", sub, table.length)
		}
		checkRanges(t, table, table.ranges(0))
	})
}

// checkRanges fails unless the runs cover the subsequence: equal bytes, in falling order, none overlapping.
func checkRanges(t *rapid.T, table *lcsTable, runs []lcsRange) {
	endA, endB, total := len(table.a), len(table.b), 0
	for _, r := range runs {
		if r.size < 1 || r.a+r.size > endA || r.b+r.size > endB {
			t.Fatalf("run %+v overlaps the one behind it", r)
		}
		if string(table.a[r.a:r.a+r.size]) != string(table.b[r.b:r.b+r.size]) {
			t.Fatalf("run %+v is not equal in both", r)
		}
		endA, endB, total = r.a, r.b, total+r.size
	}
	if total != table.length {
		t.Fatalf("the runs cover %d bytes of %d", total, table.length)
	}
}

func TestLCSLimitIsThatOfRedis(t *testing.T) {
	const limit = 1 << 20 // Redis pays 4 bytes for each cell of a table with one row and one column more than bytes
	for _, tt := range []struct {
		n, m  int
		large bool
	}{
		{511, 511, false}, {511, 512, true}, {0, limit/4 - 1, false}, {0, limit / 4, true}, {limit, limit, true},
	} {
		if got := lcsTooLarge(tt.n, tt.m, limit); got != tt.large {
			t.Errorf("lcsTooLarge(%d, %d) = %v, want %v", tt.n, tt.m, got, tt.large)
		}
	}
}
