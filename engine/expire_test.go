package engine

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestHoldExpiry: while expiry stands still, what has expired is not there to readers and stays, whoever looks and however long the hand
// goes round; a writer removes it; and afterwards everything goes.
func TestHoldExpiry(t *testing.T) {
	var now atomic.Int64
	now.Store(1_700_000_000_000)
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.Clock = now.Load })
	e.SetActiveExpire(false) // the cycles below are the test's
	x := e.NewTxn()
	at := now.Load() + 100
	for n := range 10 {
		k := e.Key(0, fmt.Append(nil, "key:", n))
		x.Lock([]Key{k}, true)
		if err := x.SetInt(k, int64(n), at); err != nil {
			t.Fatal(err)
		}
		x.Unlock()
	}
	hashes := map[string]int{"small": 10, "large": 2 * maxPackedItems}
	for name, fields := range hashes {
		fillHash(t, e, x, name, fields, at)
	}
	e.HoldExpiry(time.Now().Add(time.Hour))
	now.Add(101)
	cycle := &expireCycle{e: e, t: e.NewTxn()}
	cycle.run()

	first := e.Key(0, []byte("key:0"))
	x.Lock([]Key{first}, false)
	if _, found := x.Look(first); found {
		t.Error("a reader finds what has expired")
	}
	x.Unlock()
	x.LockAllToRead()
	if _, found := x.Look(first); found {
		t.Error("a reader of everything finds what has expired")
	}
	x.Unlock()
	for name, fields := range hashes {
		wantHalf(t, e, x, name, fields)
	}
	if s := e.Stats(); x.Len(0) != 12 || s.Expired != 0 || s.ExpiredFields != 0 {
		t.Errorf("%d keys, %d expired, %d fields expired while expiry is held", x.Len(0), s.Expired, s.ExpiredFields)
	}

	x.Lock([]Key{first}, true)
	if sum, err := x.IncrBy(first, 5); err != nil || sum != 5 {
		t.Errorf("a writer counts on from what has expired: %d, %v", sum, err)
	}
	x.Unlock()
	if s := e.Stats(); x.Len(0) != 12 || s.Expired != 1 {
		t.Errorf("%d keys, %d expired after a write", x.Len(0), s.Expired)
	}

	e.HoldExpiry(time.Time{})
	cycle.run()
	cycle.run() // from where the first ran out of time
	want := int64(0)
	for _, fields := range hashes {
		want += int64(fields / 2)
	}
	if s := e.Stats(); x.Len(0) != 3 || s.Expired != 10 || s.ExpiredFields != want {
		t.Errorf("%d keys, %d expired, %d fields expired afterwards, want 3, 10, %d", x.Len(0), s.Expired, s.ExpiredFields, want)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// fillHash makes a hash of which every other field expires.
func fillHash(t *testing.T, e *Engine, x *Txn, name string, fields int, at int64) {
	t.Helper()
	k := e.Key(0, []byte(name))
	x.Lock([]Key{k}, true)
	defer x.Unlock()
	h, err := x.Hash(k)
	if err != nil {
		t.Fatal(err)
	}
	for n := range fields {
		field := fmt.Append(nil, "field:", n)
		if _, err := h.SetInt(field, int64(n)); err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			h.SetExpiry(field, at)
		}
	}
}

// wantHalf reads a hash in every way: the fields that have expired are not there.
func wantHalf(t *testing.T, e *Engine, x *Txn, name string, fields int) {
	t.Helper()
	k := e.Key(0, []byte(name))
	x.Lock([]Key{k}, false)
	defer x.Unlock()
	h, err := x.Hash(k)
	if err != nil {
		t.Fatal(err)
	}
	met := 0
	h.Each(func([]byte, Value) bool { met++; return true })
	if met != fields/2 || h.Len() != fields/2 {
		t.Errorf("%s: %d fields, Len %d, want %d", name, met, h.Len(), fields/2)
	}
	for range 200 {
		if _, v, ok := h.Random(); !ok || v.Int%2 == 0 {
			t.Fatalf("%s: Random picks %d, %v", name, v.Int, ok)
		}
	}
	for n := range 4 {
		if _, found := h.Get(fmt.Append(nil, "field:", n)); found != (n%2 == 1) {
			t.Errorf("%s: field %d is found: %v", name, n, found)
		}
	}
}
