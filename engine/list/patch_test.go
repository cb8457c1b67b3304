package list

import (
	"slices"
	"testing"
)

// TestPatchLoadedDuringACheckpoint: a checkpoint that began with what the log says of a list goes on with the list, when that is loaded
// meanwhile. It tells the store of the nodes that are no more, those behind the place where it was, too.
func TestPatchLoadedDuringACheckpoint(t *testing.T) {
	store := map[int64][]byte{}
	for id := range int64(10) {
		store[id] = entryOf("stored")
	}
	patch := NewPatch(newHeap(t))
	for _, r := range []Row{{ID: 5, Last: 7}, {ID: 1, Last: 1, Data: entryOf("new")}, {ID: 2, Last: 2, Data: entryOf("new")}} {
		if err := patch.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	var rows []Row
	take := func(r Row) { rows = append(rows, own(r)) }
	next, more := patch.TakeDirty(FirstRow, 1, take)
	if !more || len(rows) != 1 {
		t.Fatalf("the first chunk has %d rows, and there is more: %v", len(rows), more)
	}
	for id := range int64(10) {
		if err := patch.Load(id, store[id]); err != nil {
			t.Fatal(err)
		}
	}
	l := patch.List()
	want := content(l)
	for more {
		next, more = l.TakeDirty(next, 1, take)
	}
	apply(store, rows)
	l.Settle(true, FirstRow, 1<<30)
	again := NewPatch(newHeap(t))
	for id, data := range store {
		if err := again.Load(id, data); err != nil {
			t.Fatal(err)
		}
	}
	if got := content(again.List()); !slices.Equal(got, want) {
		t.Errorf("the store has %q, the list %q", got, want)
	}
}
