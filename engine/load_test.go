package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// What is read from the store without a lock may be outdated when it has been read: meanwhile a key was changed, the store was told, and the
// key left memory again. It is then read once more; entered as it is, it would undo what was acknowledged. The tests hold a read up until
// all of that has happened.

// slowReads is a file system of which one read of the store's tables can be held up.
type slowReads struct {
	// until counts down to the read that is held.
	until            atomic.Int64
	arrived, release chan struct{}
}

func newSlowReads() *slowReads {
	return &slowReads{arrived: make(chan struct{}), release: make(chan struct{})}
}

func (r *slowReads) wrap(fs vfs.FS) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst") && r.until.Add(-1) == 0 {
			close(r.arrived)
			<-r.release
		}
		return nil
	}))
}

// longNames returns names of one slot, in the order of the store. They are so long that a few dozen fill a block.
func longNames(e *Engine, n int) []Key {
	var keys []Key
	for i := range n {
		keys = append(keys, e.Key(0, fmt.Appendf(nil, "{one}%0200d", i)))
	}
	slices.SortFunc(keys, func(a, b Key) int { return int(a.order) - int(b.order) })
	return keys
}

// incrementAndDrop adds to a key and has the store alone know of it.
func (e *Engine) incrementAndDrop(t *testing.T, k Key, delta int64) {
	t.Helper()
	e.incrForTest(t, e.NewTxn(), string(k.Name), delta)
	e.dropAll(t)
}

// TestOutdatedRowsAreReadAgain: a table is loaded, and one of the names that were read first is changed while the others are read.
func TestOutdatedRowsAreReadAgain(t *testing.T) {
	reads := newSlowReads()
	e := openTest(t, reads.wrap(vfs.NewMem()))
	keys := longNames(e, 400)
	for _, k := range keys {
		e.incrForTest(t, e.NewTxn(), string(k.Name), 1)
	}
	e.dropAll(t)
	reads.until.Store(6)
	loaded := make(chan error)
	go func() { loaded <- e.loadSlot(e.slot(&keys[0])) }()
	<-reads.arrived
	e.incrementAndDrop(t, keys[0], 10)
	close(reads.release)
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	if got := e.incrForTest(t, e.NewTxn(), string(keys[0].Name), 0); got != 11 {
		t.Errorf("the counter is %d, want 11", got)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOutdatedRowIsReadAgain: a key is read, and its database emptied and the key made anew meanwhile.
func TestOutdatedRowIsReadAgain(t *testing.T) {
	reads := newSlowReads()
	e := openTest(t, reads.wrap(vfs.NewMem()))
	keys := longNames(e, 400)
	for _, k := range keys {
		e.incrForTest(t, e.NewTxn(), string(k.Name), 1)
	}
	e.dropAll(t)
	e.incrementAndDrop(t, keys[0], 0) // now the table's index is in the cache
	last := keys[len(keys)-1]
	reads.until.Store(1)
	got := make(chan int64)
	go func() { got <- e.incrForTest(t, e.NewTxn(), string(last.Name), 0) }()
	<-reads.arrived
	x := e.NewTxn()
	x.LockAll()
	x.FlushDB(0)
	must(x.IncrBy(last, 10))
	x.Unlock()
	if err := e.Wait(x.Need()); err != nil {
		t.Fatal(err)
	}
	e.dropAll(t)
	close(reads.release)
	if n := <-got; n != 10 {
		t.Errorf("the counter is %d, want 10", n)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
