package engine

import (
	"fmt"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// evictElements make collections large enough to be spread, and lists of several nodes.
const evictElements = 3000

func evictElement(i int) []byte { return fmt.Appendf(nil, "an element of the collection: %d", i) }

// evictKind is a type of collection to evict and to read back.
type evictKind struct {
	name string
	// add appends element i, which is not there.
	add func(x *Txn, k Key, i int)
	// whole reports what is wrong with a collection of the first n elements.
	whole func(x *Txn, k Key, n int) error
}

func evictKinds() []evictKind {
	return []evictKind{
		{
			"hash", func(x *Txn, k Key, i int) { h := have(x.Hash(k)); have(h.Set(evictElement(i), evictElement(i+1))) },
			func(x *Txn, k Key, n int) error {
				h := have(x.Hash(k))
				return wholeIf(n, h.Len(), func(i int) bool {
					v, ok := h.Get(evictElement(i))
					return ok && string(v.Str) == string(evictElement(i+1))
				})
			},
		},
		{
			"set", func(x *Txn, k Key, i int) { s := have(x.Set(k)); have(s.Add(evictElement(i))) },
			func(x *Txn, k Key, n int) error {
				s := have(x.Set(k))
				return wholeIf(n, s.Len(), func(i int) bool { return s.Has(evictElement(i)) })
			},
		},
		{
			"sorted set", func(x *Txn, k Key, i int) { z := have(x.SortedSet(k)); have(z.Add(evictElement(i), float64(i))) },
			func(x *Txn, k Key, n int) error {
				z := have(x.SortedSet(k))
				return wholeIf(n, z.Len(), func(i int) bool {
					rank, score, ok := z.Rank(evictElement(i))
					return ok && rank == i && score == float64(i)
				})
			},
		},
		{
			"list", func(x *Txn, k Key, i int) { l := have(x.List(k)); have(0, l.PushTail(evictElement(i))) },
			func(x *Txn, k Key, n int) error {
				l := have(x.List(k))
				return wholeIf(n, l.Len(), func(i int) bool { return string(l.Index(i).Str) == string(evictElement(i)) })
			},
		},
	}
}

// have returns what must be without an error.
func have[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// wholeIf says what is wrong with a collection of n elements.
func wholeIf(n, length int, has func(i int) bool) error {
	if length != n {
		return fmt.Errorf("%d elements, want %d", length, n)
	}
	for i := range n {
		if !has(i) {
			return fmt.Errorf("element %d is not what it was", i)
		}
	}
	return nil
}

// evictMake makes a collection, or adds to it, and makes it durable.
func (e *Engine) evictMake(t *testing.T, kind evictKind, k Key, from, to int) {
	t.Helper()
	x := e.NewTxn()
	x.Lock([]Key{k}, true)
	for i := from; i < to; i++ {
		kind.add(x, k, i)
	}
	x.Unlock()
	if err := e.Wait(x.Need()); err != nil {
		t.Fatal(err)
	}
}

// TestLargeCollectionsLeaveMemory: under noeviction a collection that the store has leaves memory when there is too little of it, and comes
// back whole for all who read it at once; one that was changed is first written by a checkpoint.
func TestLargeCollectionsLeaveMemory(t *testing.T) {
	for _, kind := range evictKinds() {
		t.Run(kind.name, func(t *testing.T) {
			e := openTest(t, vfs.NewMem(), func(o *Options) { o.CheckpointLogBytes, o.Databases = 1<<40, 1 })
			defer closed(t, e)
			k := e.Key(0, []byte("big"))
			e.evictMake(t, kind, k, 0, evictElements)
			if err := e.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			evictAndReadBack(t, e, kind, k, evictElements)
			if n := e.Stats().Checkpoints; n != 1 {
				t.Errorf("%d checkpoints, although all was clean after the first", n)
			}
			e.evictMake(t, kind, k, evictElements, evictElements+1)
			evictAndReadBack(t, e, kind, k, evictElements+1)
			if n := e.Stats().Checkpoints; n != 2 {
				t.Errorf("%d checkpoints: an element was dirty", n)
			}
			checkEngine(t, e)
		})
	}
}

// evictAndReadBack leaves no memory for a collection of n elements until it is gone, and has several readers want it.
func evictAndReadBack(t *testing.T, e *Engine, kind evictKind, k Key, n int) {
	t.Helper()
	full, evicted := e.UsedMemory(), e.Stats().Evicted
	e.SetMaxMemory(1) // of what is full, some may be what is about to be freed anyway
	eventually(t, "the collection has left memory", func() bool { return e.UsedMemory() < full/10 })
	eventually(t, "it counts as evicted", func() bool { return e.Stats().Evicted > evicted }) // memory is given back first
	e.SetMaxMemory(0)
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			x := e.NewTxn()
			x.Lock([]Key{k}, false)
			defer x.Unlock()
			if err := kind.whole(x, k, n); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
}
