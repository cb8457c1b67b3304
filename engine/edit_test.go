package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// edit runs Edit with the key's slot locked and waits for the commit.
func edit(t *testing.T, e *Engine, x *Txn, name string, fn func([]byte) ([]byte, bool)) {
	t.Helper()
	keys := []Key{e.Key(0, []byte(name))}
	x.Lock(keys, true)
	err := x.Edit(keys[0], fn)
	x.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Wait(x.Need()); err != nil {
		t.Fatal(err)
	}
	x.ClearNeed()
}

// text returns the value of a key as a client would see it.
func text(e *Engine, x *Txn, name string) (s string, v Value) {
	keys := []Key{e.Key(0, []byte(name))}
	x.Lock(keys, false)
	defer x.Unlock()
	v, ok := x.Get(keys[0])
	switch {
	case !ok:
		return "(none)", v
	case v.Kind == Int:
		return fmt.Sprint(v.Int), v
	}
	return string(v.Str), v
}

// TestEditIsWhatSetWouldBe edits strings of all sizes at random, with names short and long, and compares with a plain map, before and
// after a restart.
func TestEditIsWhatSetWouldBe(t *testing.T) {
	fs := vfs.NewMem()
	e := openTest(t, fs)
	x := e.NewTxn()
	rnd := rand.New(rand.NewPCG(3, 7))
	want := map[string]string{}
	names := []string{"a", "b", string(bytes.Repeat([]byte("far"), 100))}
	for range 4000 {
		name := names[rnd.IntN(len(names))]
		old := want[name]
		edit(t, e, x, name, func(b []byte) ([]byte, bool) {
			if string(b) != old {
				t.Fatalf("fn got %q, want %q", b, old)
			}
			b, changed := randomEdit(rnd, b)
			if changed {
				want[name] = string(b)
			}
			return b, changed
		})
		if got, v := text(e, x, name); got != want[name] && want[name] != "" {
			t.Fatalf("%.3s is %q, want %q", name, got, want[name])
		} else if _, canonical := canonicalInt([]byte(got)); canonical != (v.Kind == Int) {
			t.Fatalf("%q is kept as kind %d", got, v.Kind)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, fs)
	x = e.NewTxn()
	for name, s := range want {
		if got, _ := text(e, x, name); got != s {
			t.Errorf("after a restart %.3s is %q, want %q", name, got, s)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// randomEdit overwrites, appends, cuts or replaces some bytes, or leaves them.
func randomEdit(rnd *rand.Rand, b []byte) ([]byte, bool) {
	switch rnd.IntN(6) {
	case 0:
		return b, false
	case 1:
		return append(b, make([]byte, rnd.IntN(200))...), true
	case 2:
		return b[:rnd.IntN(len(b)+1)], true
	case 3:
		return []byte(fmt.Sprint(rnd.Int64() >> rnd.IntN(64))), true
	}
	for i := range b {
		b[i] = '0' + byte(rnd.IntN(10))
	}
	return append(b, '7'), true
}

func TestEditOfALongStringCopiesNothing(t *testing.T) {
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.AppendOnly = false })
	defer e.Close()
	x := e.NewTxn()
	keys := []Key{e.Key(0, []byte("bitmap"))}
	x.Lock(keys, true)
	defer x.Unlock()
	if err := x.SetString(keys[0], make([]byte, 1<<20), 0); err != nil {
		t.Fatal(err)
	}
	n := 0
	allocs := testing.AllocsPerRun(1000, func() {
		_ = x.Edit(keys[0], func(b []byte) ([]byte, bool) {
			n++
			b[n] = 1
			return b, true
		})
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if v, _ := x.Get(keys[0]); v.Str[n] != 1 || v.Str[n+1] != 0 {
		t.Error("the bytes were not written")
	}
}

func TestEditKeepsExpiryAndTellsWatches(t *testing.T) {
	e := openTest(t, vfs.NewMem())
	defer e.Close()
	x := e.NewTxn()
	keys := []Key{e.Key(0, []byte("k"))}
	var w Watch
	x.Lock(keys, true)
	at := x.Now() + 1_000_000
	if err := x.SetString(keys[0], bytes.Repeat([]byte("x"), 100), at); err != nil {
		t.Fatal(err)
	}
	x.Watch(keys[0], &w)
	_ = x.Edit(keys[0], func(b []byte) ([]byte, bool) { return b, false })
	if w.Dirty() {
		t.Error("an edit that changes nothing told the watch")
	}
	_ = x.Edit(keys[0], func(b []byte) ([]byte, bool) { b[0] = 'y'; return b, true })
	if !w.Dirty() {
		t.Error("an edit did not tell the watch")
	}
	if v, _ := x.Get(keys[0]); v.ExpireAt != at || v.Str[0] != 'y' {
		t.Errorf("%q expires at %d, want %d", v.Str[0], v.ExpireAt, at)
	}
	x.Unlock()
	e.Unwatch(&w)
	before := e.UsedMemory()
	edit(t, e, x, "k", func(b []byte) ([]byte, bool) { return append(b, make([]byte, 100_000)...), true })
	if grown := e.UsedMemory() - before; grown < 100_000 {
		t.Errorf("100,000 bytes more count as %d", grown)
	}
}
