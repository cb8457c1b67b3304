package engine

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestAverageTTL: keys that live forever, or no longer, do not count, and who holds locks may ask, too.
func TestAverageTTL(t *testing.T) {
	var clock atomic.Int64
	clock.Store(1_700_000_000_000)
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.Clock = clock.Load })
	defer e.Close()
	e.SetActiveExpire(false)
	x := e.NewTxn()
	set := func(name string, left int64) {
		t.Helper()
		k := []Key{e.Key(0, []byte(name))}
		x.Lock(k, true)
		defer x.Unlock()
		at := int64(0)
		if left != 0 {
			at = clock.Load() + left
		}
		if err := x.SetInt(k[0], 1, at); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when string, keys, expires, least, most int64) {
		t.Helper()
		gotKeys, gotExpires, average := x.Keyspace(0)
		if gotKeys != keys || gotExpires != expires || average < least || average > most {
			t.Errorf("%s: %d keys, %d that expire, in %d ms on average; want %d, %d, %d to %d", when, gotKeys, gotExpires, average, keys, expires, least, most)
		}
	}
	want("nothing", 0, 0, 0, 0)
	set("stays", 0)
	want("nothing expires", 1, 0, 0, 0)
	set("soon", 1000)
	set("later", 3000)
	want("all are looked at", 3, 2, 2000, 2000)

	clock.Add(1001)
	want("one is due", 3, 2, 1999, 1999)

	x.LockAll()
	want("all slots are held", 3, 2, 1999, 1999)
	x.Unlock()
	x.Lock([]Key{e.Key(0, []byte("later"))}, false)
	want("its slot is held", 3, 2, 0, 0)
	x.Unlock()

	const n = 10_000
	for i := range int64(n) {
		set(fmt.Sprint("key ", i), 1+i)
	}
	want("a sample is looked at", n+3, n+2, n/4, 3*n/4)
}
