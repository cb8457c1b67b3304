package engine

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// collidingNames returns names that share a slot and an order, as somebody may choose them who wants a table to be full.
func collidingNames(n int) [][]byte {
	var names [][]byte
	order := orderOf([]byte("{crowd}0"))
	for i := 0; len(names) < n; i++ {
		if name := strconv.AppendInt([]byte("{crowd}"), int64(i), 10); orderOf(name) == order {
			names = append(names, name)
		}
	}
	return names
}

// crowd fills the table of colliding names, which can not be split, up to some bytes below the half of its address space.
func (e *Engine) crowd(t *testing.T, below int) {
	t.Helper()
	x := e.NewTxn()
	k := e.Key(0, []byte("{crowd}0"))
	x.Lock([]Key{k}, true)
	defer x.Unlock()
	tb := &x.slot(&k).one
	tb.depth, tb.prefix = 16, k.order
	for i := 0; int(tb.tail) < maxArenaBytes/2-below; i++ {
		// Names of other orders have no business here; finding enough of the right one would take minutes.
		name := fmt.Appendf(bytes.Repeat([]byte{'f'}, 200), "%d", i)
		if _, _, ok := tb.insert(e.space, e.space.hash(name), name, cell{isInt: true}, 0); !ok {
			t.Fatal("the table is full too early")
		}
	}
}

// setAllForTest runs a SetAll of values of the longest short string, and returns how many of its keys there are afterwards.
func (e *Engine) setAllForTest(names [][]byte) (present int, err error) {
	var keys []Key
	var pairs [][]byte
	for _, name := range names {
		keys, pairs = append(keys, e.Key(0, name)), append(pairs, name, bytes.Repeat([]byte{'v'}, maxShort))
	}
	x := e.NewTxn()
	x.Lock(keys, true)
	defer x.Unlock()
	err = x.SetAll(keys, pairs, 0)
	for i := range keys {
		if _, ok := x.Peek(keys[i]); ok {
			present++
		}
	}
	return present, err
}

// TestSetAllIsAllOrNothing: what a table has no room for is refused before anything is written, at every distance from the
// edge, and what fits is not refused.
func TestSetAllIsAllOrNothing(t *testing.T) {
	names := collidingNames(30)
	for i := range 15 {
		names = append(names, fmt.Appendf(nil, "roomy:%d", i))
	}
	refused, accepted := 0, 0
	for below := 0; below < 16<<10; below += 2500 {
		e := openTest(t, vfs.NewMem(), func(o *Options) { o.Databases = 1 })
		e.crowd(t, below)
		switch present, err := e.setAllForTest(names); {
		case errors.Is(err, ErrOutOfMemory) && present == 0:
			refused++
		case err == nil && present == len(names):
			accepted++
		default:
			t.Errorf("%d bytes below the edge: %v, and %d of %d keys were written", below, err, present, len(names))
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 || accepted == 0 {
		t.Errorf("%d were refused, %d accepted: the edge was not crossed", refused, accepted)
	}
}

// TestSetAllOverwritesInACrowd: names that are there have the second half of the address space to themselves.
func TestSetAllOverwritesInACrowd(t *testing.T) {
	e := openTest(t, vfs.NewMem())
	names := collidingNames(30)
	if _, err := e.setAllForTest(names[:10]); err != nil {
		t.Fatal(err)
	}
	e.crowd(t, 0)
	if present, err := e.setAllForTest(names[:10]); err != nil || present != 10 {
		t.Errorf("over old names: %v, %d keys", err, present)
	}
	if present, err := e.setAllForTest(names); !errors.Is(err, ErrOutOfMemory) || present != 10 {
		t.Errorf("with new names: %v, %d keys", err, present)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
