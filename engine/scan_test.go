package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A scan goes on behind the last order that it has returned. Among so many names in so few slots there are many whose orders are next
// to one another, or the same, so that a cursor which is off by one misses some.

func TestScanMeetsEveryKey(t *testing.T) {
	const keys = 6000
	e := openTest(t, vfs.NewMem())
	e.fill(t, keys)
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, state := range []struct {
		name string
		drop func(flags) bool
	}{
		{"all in memory", func(flags) bool { return false }},
		{"half of them", func(f flags) bool { return f.clean() && rnd.IntN(2) == 0 }},
		{"none", flags.clean},
	} {
		if err := e.cleanUp(); err != nil {
			t.Fatal(err)
		}
		e.sweep(0, 1, state.drop)
		for _, count := range []int{2, 10, 500} {
			met := map[string]bool{}
			x := e.NewTxn()
			cursor, err := x.Scan(0, 0, count, func(name []byte, _ Kind) { met[string(name)] = true })
			for cursor != 0 && err == nil {
				cursor, err = x.Scan(0, cursor, count, func(name []byte, _ Kind) { met[string(name)] = true })
			}
			if err != nil || len(met) != keys {
				t.Errorf("%s, COUNT %d: a scan met %d of %d keys (%v)", state.name, count, len(met), keys, err)
			}
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestScanMeetsEveryField(t *testing.T) {
	const fields = 6000
	e := openTest(t, vfs.NewMem())
	x, k := e.NewTxn(), e.Key(0, []byte("hash"))
	x.Lock([]Key{k}, true)
	h, err := x.Hash(k)
	if err != nil {
		t.Fatal(err)
	}
	for i := range fields {
		if _, err := h.SetInt(fmt.Append(nil, i), 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, count := range []int{2, 10, 500} {
		met := map[string]bool{}
		see := func(field []byte, _ Value) { met[string(field)] = true }
		for cursor := h.Scan(0, count, see); cursor != 0; {
			cursor = h.Scan(cursor, count, see)
		}
		if len(met) != fields {
			t.Errorf("COUNT %d: a scan met %d of %d fields", count, len(met), fields)
		}
	}
	x.Unlock()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
