package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// openTest opens an engine on a file system in memory and closes it when the test ends.
func openTest(t testing.TB, fs vfs.FS, change ...func(*Options)) *Engine {
	t.Helper()
	o := Options{Dir: "data", FS: fs, AppendOnly: true, Fatal: func(err error) { panic(err) }}
	for _, f := range change {
		f(&o)
	}
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *Engine) incrForTest(t testing.TB, x *Txn, name string, delta int64) int64 {
	t.Helper()
	keys := []Key{e.Key(0, []byte(name))}
	x.Lock(keys, true)
	n, err := x.IncrBy(keys[0], delta)
	x.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Wait(x.Need()); err != nil {
		t.Fatal(err)
	}
	x.ClearNeed()
	return n
}

func TestIncrementsSurviveReopening(t *testing.T) {
	fs := vfs.NewMem()
	e := openTest(t, fs)
	x := e.NewTxn()
	want := map[string]int64{}
	rnd := rand.New(rand.NewPCG(1, 1))
	for round := range 5 {
		for range 2000 {
			name := fmt.Sprintf("key:%d", rnd.IntN(500))
			delta := rnd.Int64N(1 << rnd.IntN(50))
			want[name] += delta
			if got := e.incrForTest(t, x, name, delta); got != want[name] {
				t.Fatalf("%s = %d, want %d", name, got, want[name])
			}
		}
		if round%2 == 0 {
			if err := e.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = openTest(t, fs)
		x = e.NewTxn()
		if got := x.Len(0); got != int64(len(want)) {
			t.Fatalf("round %d: %d keys, want %d", round, got, len(want))
		}
		for name, n := range want {
			if got := e.incrForTest(t, x, name, 0); got != n {
				t.Fatalf("round %d: %s = %d, want %d", round, name, got, n)
			}
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	_ = time.Now
}
