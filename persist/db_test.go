package persist

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

func TestRoundTrip(t *testing.T) {
	for _, fs := range []vfs.FS{memdisk.New(), vfs.Default} {
		dir := "data"
		if fs == vfs.Default {
			dir = t.TempDir() + "/a/b"
		}
		o := Options{FS: fs, Dir: dir, SegmentBytes: 8 << 10}
		db, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		for i := uint64(1); i <= 1000; i++ {
			if err := db.Append(i, 1, AppendSet(nil, fmt.Appendf(nil, "\x02key%03d", i%100), fmt.Appendf(nil, "v%d", i))); err != nil {
				t.Fatal(err)
			}
			if i == 500 {
				c, err := db.NewCheckpoint(500)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.DeleteRange([]byte("\x02a"), []byte("\x02z")); err != nil {
					t.Fatal(err)
				}
				for k := range 100 {
					if err := c.Set(fmt.Appendf(nil, "\x02key%03d", k), []byte("cp")); err != nil {
						t.Fatal(err)
					}
				}
				if err := c.Commit(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := db.Sync(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", db.Metrics())
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db, err = Open(o)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		last, err := db.Replay(func(index uint64, ops OpReader) error {
			n++
			var op Op
			for ops.Next(&op) {
			}
			return ops.Err()
		})
		if err != nil || last != 1000 || n != 500 || db.Covered() != 500 {
			t.Fatal(last, n, err)
		}
		v, ok, err := db.Get([]byte("\x02key007"), nil)
		if string(v) != "cp" || !ok || err != nil {
			t.Fatal(v, ok, err)
		}
		rows := 0
		if err := db.Scan(nil, nil, func(k, v []byte) (bool, error) { rows++; return true, nil }); err != nil || rows != 100 {
			t.Fatal(rows, err)
		}
		if err := db.Append(1001, 1, nil); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
