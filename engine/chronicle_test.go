package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// chronicle is the story of one writer: all sagas, one after the other, again and again. Every step is a transaction that also counts the
// step, in another slot, so the counter tells what everything must be. In the middle of a life a key is renamed there and back, and its
// other name keeps what it held. From time to time, as one step, a database is emptied, gets a copy of everything, and is exchanged with
// another.
type chronicle struct {
	writer int
	sagas  []saga
	life   int64
	burst  int64 // steps of one saga before the next has its turn
	// every is the number of steps from one copy to the next, 0 for none. Only one writer of an engine may make copies.
	every int64
}

// chronicleDatabases is how many databases an engine with chronicles has: where they are written, and where copies are made and kept.
const chronicleDatabases = 3

func newChronicle(writer int, life, burst, every int64) *chronicle {
	if writer > 0 {
		every = 0
	}
	return &chronicle{writer, allSagas(life), life, burst, every}
}

// steps returns how many of a saga's steps the first n of the chronicle have made.
func (c *chronicle) steps(which int, n int64) int64 {
	round := c.burst * int64(len(c.sagas))
	return n/round*c.burst + min(max(n%round-int64(which)*c.burst, 0), c.burst)
}

// cycle is how many steps it takes until every saga has had its turn.
func (c *chronicle) cycle() int64 { return c.burst * int64(len(c.sagas)) }

func (c *chronicle) counter(e *Engine, db int) Key {
	return e.Key(db, fmt.Appendf(nil, "steps:%d", c.writer))
}

// keys are the two names of a saga.
func (c *chronicle) keys(e *Engine, db, which int) (key, other Key) {
	name := fmt.Sprintf("%s:%d", c.sagas[which].name, c.writer)
	return e.Key(db, []byte(name)), e.Key(db, []byte("other "+name))
}

func (c *chronicle) allKeys(e *Engine, db int) []Key {
	keys := []Key{c.counter(e, db)}
	for i := range c.sagas {
		key, other := c.keys(e, db, i)
		keys = append(keys, key, other)
	}
	return keys
}

// step makes step n, without waiting for its commit.
func (c *chronicle) step(x *Txn, n int64) error {
	e := x.e
	which := int((n - 1) / c.burst % int64(len(c.sagas)))
	counter := c.counter(e, 0)
	key, other := c.keys(e, 0, which)
	copying := c.every > 0 && n%c.every == 0
	if copying {
		x.LockAll()
	} else {
		x.Lock([]Key{counter, key, other}, true)
	}
	defer x.Unlock()
	own := c.steps(which, n)
	_, err := x.IncrBy(counter, 1)
	err = errors.Join(err, c.sagas[which].step(x, key, own))
	if own%c.life == c.life/2 {
		err = errors.Join(err, x.Copy(key, other))
		x.Delete(key)
		err = errors.Join(err, x.Copy(other, key))
	}
	if copying {
		err = errors.Join(err, c.copyAll(x))
	}
	return err
}

func (c *chronicle) copyAll(x *Txn) error {
	x.FlushDB(1)
	from, to := c.allKeys(x.e, 0), c.allKeys(x.e, 1)
	for i := range from {
		if err := x.Copy(from[i], to[i]); err != nil {
			return err
		}
	}
	x.SwapDB(1, 2)
	return nil
}

// renamed returns the last step up to n at which a saga was renamed, 0 for none.
func (c *chronicle) renamed(n int64) int64 {
	if n < c.life/2 {
		return 0
	}
	return (n-c.life/2)/c.life*c.life + c.life/2
}

// examine compares everything with what it must be, and returns how many steps have been made.
func (c *chronicle) examine(x *Txn) (n int64, err error) {
	n, err = c.examineDatabase(x, 0)
	if c.every == 0 || err != nil {
		return n, err
	}
	copied := n / c.every * c.every
	for db, want := range map[int]int64{1: max(copied-c.every, 0), 2: copied} {
		got, err := c.examineDatabase(x, db)
		if err != nil || got != want {
			return n, fmt.Errorf("database %d has the copy of step %d, want %d after step %d: %w", db, got, want, n, err)
		}
	}
	return n, nil
}

func (c *chronicle) examineDatabase(x *Txn, db int) (n int64, err error) {
	x.Lock(c.allKeys(x.e, db), false)
	defer x.Unlock()
	v, _ := x.Get(c.counter(x.e, db))
	n = v.Int
	for i := range c.sagas {
		key, other := c.keys(x.e, db, i)
		own := c.steps(i, n)
		err = errors.Join(c.sagas[i].compare(x, key, own), c.sagas[i].compare(x, other, c.renamed(own)))
		if err != nil {
			return n, fmt.Errorf("step %d: %w", n, err)
		}
	}
	return n, nil
}

func (s *saga) compare(x *Txn, k Key, n int64) error {
	got, err := s.read(x, k)
	if err != nil {
		return fmt.Errorf("%s: %w", k.Name, err)
	}
	want := s.after(n, x.Now())
	if slices.Equal(got, want) {
		return nil
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("%s after step %d: element %d of %d is %.100q, want %.100q of %d", k.Name, n, i, len(got), got[i], want[i], len(want))
		}
	}
	return fmt.Errorf("%s after step %d: %d elements, want %d", k.Name, n, len(got), len(want))
}

// sagaClock is a clock that goes by steps. Readers move it on first: what expires at its very time may have been removed or not.
type sagaClock struct{ ms atomic.Int64 }

func newSagaClock() *sagaClock {
	c := &sagaClock{}
	c.ms.Store(sagaEpoch)
	return c
}

func (c *sagaClock) now() int64 { return c.ms.Load() }

// wantForms: collections of many elements are spread, those of few are not.
func (c *chronicle) wantForms(t *testing.T, x *Txn) {
	t.Helper()
	for i := range c.sagas {
		form := c.sagas[i].name[strings.Index(c.sagas[i].name, ":")+1:]
		if key, _ := c.keys(x.e, 0, i); form == "few" || form == "many" {
			x.Lock([]Key{key}, false)
			at, f := x.find(&key)
			if spread := at.e != nil && at.t.spread(at.e, f) != nil; spread != (form == "many") {
				t.Errorf("%s is spread: %v", c.sagas[i].name, spread)
			}
			x.Unlock()
		}
	}
}

// TestChroniclesNoticeDefects is the control: whatever else a key holds than it should, is told.
func TestChroniclesNoticeDefects(t *testing.T) {
	clock := newSagaClock()
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.Clock, o.Databases = clock.now, chronicleDatabases })
	x, c := e.NewTxn(), newChronicle(0, 20, 5, 101)
	n := int64(0)
	advance := func() {
		for range c.cycle() {
			n++
			clock.ms.Add(3)
			if err := c.step(x, n); err != nil {
				t.Fatal(err)
			}
		}
		clock.ms.Add(1)
	}
	for range 5 {
		advance()
		c.wantForms(t, x)
		if got, err := c.examine(x); err != nil || got != n {
			t.Fatalf("after %d steps: %d, %v", n, got, err)
		}
		e.dropAll(t)
	}
	for i := range c.sagas {
		key, _ := c.keys(e, 0, i)
		want := c.sagas[i].after(c.steps(i, n), clock.now())
		x.Lock([]Key{key}, true)
		err := c.sagas[i].step(x, key, c.steps(i, n)+1)
		got := c.sagas[i].after(c.steps(i, n)+1, clock.now())
		x.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.examine(x); (err == nil) != slices.Equal(got, want) {
			t.Errorf("%s has made a step too many, and nobody noticed", c.sagas[i].name)
		}
		x.Lock([]Key{key}, true)
		x.Delete(key)
		x.Unlock()
		if _, err := c.examine(x); err == nil {
			t.Errorf("%s is gone, and nobody noticed", c.sagas[i].name)
		}
		c.sagas[i].name = "spoilt" // of this one nothing is known any more
		c.sagas[i].after = func(int64, int64) []string { return nil }
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
