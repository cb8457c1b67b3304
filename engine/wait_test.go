package engine

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestCovers: what is locked for one command after the other does not cover one that writes two slots, because a commit may come between
// them; and once keys are locked together they are covered, those that do not exist and whose absence only the store can tell, too.
func TestCovers(t *testing.T) {
	e := openTest(t, vfs.NewMem())
	e.fill(t, 1000)
	for e.UsedMemory() > 0 { // what the commit had not taken yet stays dirty
		if err := e.cleanUp(); err != nil {
			t.Fatal(err)
		}
		e.sweep(0, 1, flags.clean)
	}
	key := func(format string, args ...any) Key { return e.Key(0, fmt.Appendf(nil, format, args...)) }
	here, there, absent := key("fill:{1}:1"), key("fill:{2}:2"), key("fill:{2}:absent")
	x := e.NewTxn()
	covers := func(what string, want bool, keys ...Key) {
		t.Helper()
		if got := x.Covers(keys...); got != want {
			t.Errorf("%s: Covers = %v, want %v", what, got, want)
		}
	}

	if n := x.LockBatch([]Key{here, there}, []int{1, 2}, true); n != 2 {
		t.Fatalf("%d of 2 commands are locked", n)
	}
	covers("one key of a batch", true, here)
	covers("another one", true, there)
	covers("both", false, here, there)
	x.Unlock()

	x.Lock([]Key{here}, true)
	covers("a key that is not locked", false, there)
	x.Unlock()

	x.Lock([]Key{here, absent}, true)
	covers("keys that are locked together", true, here, absent)
	covers("a key of the slot that nobody asked for", false, here, key("fill:{2}:never"))
	x.Unlock()

	many := []Key{here}
	for i := range 2 * maxKeptMissing {
		many = append(many, key("fill:{%d}:absent %d", i%50, i))
	}
	x.Lock(many, true)
	covers("many that do not exist", true, many...)
	x.Unlock()

	x.LockAll()
	covers("everything", true, here, there, absent)
	x.Unlock()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCommitsBesideAWriterOfOne: who locks several slots to write one of them keeps nobody else's commit waiting, and what else he might write
// is not covered.
func TestCommitsBesideAWriterOfOne(t *testing.T) {
	e := openTest(t, vfs.NewMem())
	key := func(name string) Key { return e.Key(0, []byte(name)) }
	x, y := e.NewTxn(), e.NewTxn()
	x.LockToWriteOne([]Key{key("{1}"), key("{2}")})
	if !x.Covers(key("{1}")) || x.Covers(key("{1}"), key("{2}")) {
		t.Error("each slot is covered, but not both together")
	}
	y.Lock([]Key{key("{3}")}, true)
	if _, err := y.IncrBy(key("{3}"), 1); err != nil {
		t.Fatal(err)
	}
	y.Unlock()
	if err := e.Wait(y.Need()); err != nil { // it would wait for ever
		t.Error(err)
	}
	x.Unlock()
	x.Lock([]Key{key("{1}"), key("{2}")}, true)
	if !x.Covers(key("{1}"), key("{2}")) {
		t.Error("who locks both to write them has them covered")
	}
	x.Unlock()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
