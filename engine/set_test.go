package engine

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A set of integers is an intset to Redis up to its limit and until another member comes, also when it takes so much that it is spread
// here; and after a restart.
func TestSetEncodings(t *testing.T) {
	const wideInt = 1 << 60
	ints := func(n int) (members []string) {
		for i := range n {
			members = append(members, strconv.Itoa(wideInt+i))
		}
		return members
	}
	fs := vfs.NewMem()
	for name, c := range map[string]struct {
		members []string
		want    string
	}{
		"small":              {[]string{"1", "2"}, "intset"},
		"not all":            {[]string{"1", "x"}, "hashtable"},
		"spread":             {ints(DefaultLimits().SetInts), "intset"},
		"too many":           {ints(DefaultLimits().SetInts + 1), "hashtable"},
		"spread and another": {append(ints(400), "x"), "hashtable"},
		"strings":            {[]string{"x"}, "hashtable"},
	} {
		e := openTest(t, fs)
		x := e.NewTxn()
		k := e.Key(0, []byte(name))
		x.Lock([]Key{k}, true)
		s, err := x.Set(k)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.members {
			if isNew, err := s.Add([]byte(m)); !isNew || err != nil {
				t.Fatal(m, isNew, err)
			}
		}
		if got := x.Encoding(k); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
		x.Unlock()
		if err := e.Wait(x.Need()); err != nil {
			t.Fatal(err)
		}
		closed(t, e)

		e = openTest(t, fs)
		x, k = e.NewTxn(), e.Key(0, []byte(name))
		x.Lock([]Key{k}, false)
		if got := x.Encoding(k); got != c.want {
			t.Errorf("%s, after a restart: %s, not %s", name, got, c.want)
		}
		x.Unlock()
		closed(t, e)
	}
}

func closed(t *testing.T, e *Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// Members of a spread set are picked alike, wherever its tables have put them. The bound is six standard deviations.
func TestRandomMembersOfTables(t *testing.T) {
	e := openTest(t, vfs.NewMem())
	defer closed(t, e)
	x, k := e.NewTxn(), e.Key(0, []byte("s"))
	x.Lock([]Key{k}, true)
	defer x.Unlock()
	s, err := x.Set(k)
	if err != nil {
		t.Fatal(err)
	}
	const size, picks = 10_000, 200_000
	for i := range size {
		if _, err := s.Add(fmt.Appendf(nil, "member:%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	_, o := s.form()
	held, picked := map[*table]int{}, map[*table]int{}
	s.Each(func(member []byte) bool {
		held[o.members().table(orderOf(member))]++
		return true
	})
	for range picks {
		member, _ := s.Random()
		picked[o.members().table(orderOf(member))]++
	}
	if len(held) < 4 {
		t.Fatalf("%d tables", len(held))
	}
	for tb, n := range held {
		want := float64(picks) * float64(n) / size
		if off := float64(picked[tb]) - want; off*off > 36*want {
			t.Errorf("a table of %d members, of which %d were expected to be picked, had %d", n, int(want), picked[tb])
		}
	}
}
