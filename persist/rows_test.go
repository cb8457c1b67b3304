package persist

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Two sequences of one checkpoint are written side by side and arrive together.
func TestUpperRows(t *testing.T) {
	db := openMem(t, vfs.NewMem())
	for round := range 3 {
		c, err := db.NewCheckpoint(uint64(round))
		must(t, err)
		if round == 1 {
			must(t, c.Upper().DeleteRange([]byte("y1"), []byte("y3")))
		}
		for i := range 4 {
			if round != 1 || i == 2 {
				must(t, c.Upper().Set(fmt.Appendf(nil, "y%d", i), fmt.Append(nil, round)))
			}
			must(t, c.Set(fmt.Appendf(nil, "x%d", i), fmt.Append(nil, round)))
		}
		if round == 2 {
			must(t, c.Abort())
			continue
		}
		must(t, c.Commit())
	}
	if got := storeRows(t, db); got != "x0=1 x1=1 x2=1 x3=1 y0=0 y2=1 y3=0" {
		t.Fatal(got)
	}
	must(t, db.Close())
}

// A range may be all that there is in the upper sequence.
func TestUpperRangeAlone(t *testing.T) {
	db := openMem(t, vfs.NewMem())
	for round := range 2 {
		c, err := db.NewCheckpoint(uint64(round))
		must(t, err)
		if round == 0 {
			must(t, c.Upper().Set([]byte("y"), nil))
		} else {
			must(t, c.Upper().DeleteRange([]byte("x"), []byte("z")))
		}
		must(t, c.Commit())
	}
	if got := storeRows(t, db); got != "" {
		t.Fatal(got)
	}
	must(t, db.Close())
}

func TestUpperRowsMustBeAbove(t *testing.T) {
	db := openMem(t, vfs.NewMem())
	for i, write := range []func(c *Checkpoint) error{
		func(c *Checkpoint) error { return c.Set([]byte("y"), nil) },
		func(c *Checkpoint) error { return c.DeleteRange([]byte("a"), []byte("z")) },
	} {
		c, err := db.NewCheckpoint(0)
		must(t, err)
		must(t, c.Upper().Set([]byte("y"), nil))
		must(t, write(c))
		if err := c.Commit(); !errors.Is(err, ErrOrder) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	must(t, db.Close())
}
