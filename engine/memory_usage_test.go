package engine

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
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
