package engine

import (
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
