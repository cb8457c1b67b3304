package engine

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/cluster/hashslot"
)

// TestMemoryUsage: a key's cost does not depend on how many others share its slot, and what lies beside the table counts.
func TestMemoryUsage(t *testing.T) {
	e := openTest(t, vfs.NewMem())
	x := e.NewTxn()
	usage := func(name string, value []byte) int64 {
		keys := []Key{e.Key(0, []byte(name))}
		x.Lock(keys, true)
		defer x.Unlock()
		if value != nil {
			if err := x.SetString(keys[0], value, 0); err != nil {
				t.Fatal(err)
			}
		}
		n, ok := x.MemoryUsage(keys[0])
		if !ok {
			t.Fatalf("%s is absent", name)
		}
		return n
	}
	alone := usage("counter:{alone}12", []byte("7"))
	if alone != entryHeader+17+2+referenceBytes {
		t.Errorf("the only counter of a slot takes %d bytes", alone)
	}
	for i := range 3000 {
		usage(fmt.Sprintf("filler:{crowd}%d", i), []byte("1"))
	}
	if crowd := usage("counter:{crowd}12", []byte("7")); crowd != alone {
		t.Errorf("a counter takes %d bytes among thousands, %d alone", crowd, alone)
	}
	if long := usage("long", make([]byte, 10_000)); long < 10_000 || long > 11_000 {
		t.Errorf("a string of 10,000 bytes takes %d", long)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMemoryOfSmallSlots holds what a key takes when there are six to a slot, where half-empty pages and sizes of pieces that went out of use
// weigh most: what entries have, and what is taken from the operating system for them.
func TestMemoryOfSmallSlots(t *testing.T) {
	const keys = 6 * hashslot.Count
	packed := bytes.Repeat([]byte{'h'}, 85) // as long as a hash of ten counters
	for _, c := range []struct {
		name        string
		set         func(x *Txn, k Key) error
		used, taken int64 // bytes of a key, at most
	}{
		{"counters", func(x *Txn, k Key) error { return x.SetInt(k, 1, 0) }, 36, 43},
		{"strings", func(x *Txn, k Key) error { return x.SetString(k, packed, 0) }, 128, 140},
	} {
		e := openTest(t, vfs.NewMem(), func(o *Options) { o.AppendOnly = false })
		x := e.NewTxn()
		for n := range keys {
			k := []Key{e.Key(0, fmt.Appendf(nil, "key:%012d", n))}
			x.Lock(k, true)
			if err := c.set(x, k[0]); err != nil {
				t.Fatal(err)
			}
			x.Unlock()
		}
		used, taken := e.Stats().UsedMemory, e.space.takenForTest()
		t.Logf("%s: %d bytes each, %d taken", c.name, used/keys, taken/keys)
		if used > c.used*keys || taken > c.taken*keys {
			t.Errorf("%s: %d bytes each, %d taken, want at most %d and %d", c.name, used/keys, taken/keys, c.used, c.taken)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// takenForTest returns the memory that pages and spans of blobs lie in.
func (sp *space) takenForTest() int64 {
	taken := 0
	for _, s := range sp.pages.mu.slabs {
		taken += s.fresh * pageSize
	}
	for _, s := range sp.blobs.slabs {
		if s != nil {
			for _, used := range s.used {
				taken += used * spanSize
			}
		}
	}
	return int64(taken)
}
