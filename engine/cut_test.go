package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

func withoutLog(o *Options) { o.AppendOnly, o.Databases = false, 4 }

// cutNames returns names whose slots ascend.
func cutNames(e *Engine, n int) []string {
	names := make([]string, 0, n)
	for slot, i := -1, 0; len(names) < n; i++ {
		name := fmt.Sprintf("place:%d", i)
		if at := int(e.Key(0, []byte(name)).Slot); at > slot && at < (len(names)+1)*16384/n {
			names, slot = append(names, name), at
		}
	}
	return names
}

// setTogether sets keys as one.
func (e *Engine) setTogether(t *testing.T, value int64, keys ...Key) {
	t.Helper()
	x := e.NewTxn()
	x.Lock(keys, true)
	for _, k := range keys {
		if err := x.SetInt(k, value, 0); err != nil {
			t.Fatal(err)
		}
	}
	x.Unlock()
}

// TestTransactionsCrossACut stops a checkpoint without a log at every fourth of the slots, and writes then: to slots before,
// behind and on both sides of where it is, and to a database that comes into being. Nobody waits for it, and what it holds in
// the end is each transaction whole or not at all.
func TestTransactionsCrossACut(t *testing.T) {
	fs := memdisk.New()
	e := openTest(t, fs, withoutLog)
	names := cutNames(e, 4)
	keys := make([]Key, len(names))
	for i := range names {
		keys[i] = e.Key(0, []byte(names[i]))
	}
	e.setTogether(t, 1, keys...)
	w := checkpointWriter{e: e}
	cp, err := e.store.NewCheckpoint(0)
	if err != nil {
		t.Fatal(err)
	}
	w.cp = cp
	if !e.claimCheckpoint() {
		t.Fatal("closing")
	}
	databases := e.beginCut()
	for i := range databases[0].slots {
		if err := w.takeSlot(&databases[0].slots[i]); err != nil {
			t.Fatal(err)
		}
		switch uint16(i) {
		case keys[0].Slot:
			e.setTogether(t, 2, keys[2], keys[3]) // before the line: in the checkpoint
		case keys[1].Slot:
			e.setTogether(t, 3, keys[0], keys[3])                // crosses it, and takes keys[3] as it was: 2
			e.setTogether(t, 4, keys[2], e.Key(3, keys[2].Name)) // with a new database, which lies behind it
		case keys[2].Slot:
			e.setTogether(t, 5, keys[1], keys[2], keys[3])
		}
	}
	if err := errors.Join(w.writeCounts(), cp.Commit()); err != nil {
		t.Fatal(err)
	}
	e.endCut()
	w.finish(databases, true)
	e.releaseCheckpoint()
	checkEngine(t, e)
	wantCut(t, fs, names, []int64{1, 1, 2, 2}, 0)
	if err := e.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantCut(t, fs, names, []int64{3, 5, 5, 5}, 1)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// wantCut looks at what a power cut leaves.
func wantCut(t *testing.T, fs *memdisk.FS, names []string, want []int64, elsewhere int64) {
	t.Helper()
	e := openTest(t, fs.CrashClone(vfs.CrashCloneCfg{}), withoutLog)
	x := e.NewTxn()
	for i, name := range names {
		if got := e.incrForTest(t, x, name, 0); got != want[i] {
			t.Errorf("%s = %d, want %d", name, got, want[i])
		}
	}
	if n := x.Len(3); n != elsewhere {
		t.Errorf("the new database has %d keys, want %d", n, elsewhere)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSnapshotsHoldWholeTransactions moves amounts between accounts, alone and as part of pipelines, empties and exchanges
// databases, while checkpoints without a log follow each other. Whenever the power fails, the accounts that come back add up.
func TestSnapshotsHoldWholeTransactions(t *testing.T) {
	const accounts, clients = 60, 3
	fs := memdisk.New()
	e := openTest(t, fs, withoutLog)
	var stop atomic.Bool
	var load sync.WaitGroup
	exchanges := make(chan struct{})
	for c := range clients {
		load.Go(func() {
			x, rnd := e.NewTxn(), rand.New(rand.NewPCG(5, uint64(c)))
			for !stop.Load() {
				moveForTest(t, e, x, rnd, accounts)
			}
		})
	}
	load.Go(func() {
		x, n := e.NewTxn(), int64(0)
		for range exchanges {
			n++
			x.LockAll()
			x.FlushDB(1)
			x.SwapDB(1, 2)
			for _, db := range []int{1, 2} {
				if err := x.SetInt(e.Key(db, []byte("generation")), n, 0); err != nil {
					t.Error(err)
				}
			}
			x.Unlock()
		}
	})
	rnd := rand.New(rand.NewPCG(6, 6))
	cuts := torture(6)
	if testing.Short() {
		cuts = 2
	}
	for range cuts {
		exchanges <- struct{}{}
		if err := e.cleanUp(); err != nil { // a checkpoint that does not pause
			t.Fatal(err)
		}
		sumsUp(t, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rnd}), accounts)
	}
	stop.Store(true)
	close(exchanges)
	load.Wait()
	checkEngine(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func account(n int) []byte { return fmt.Appendf(nil, "account:%d", n) }

// moveForTest moves an amount between two accounts of database 0, or of two databases, as one, and writes something else too.
func moveForTest(t *testing.T, e *Engine, x *Txn, rnd *rand.Rand, accounts int) {
	keys := []Key{e.Key(0, account(rnd.IntN(accounts))), e.Key(3*rnd.IntN(2), account(rnd.IntN(accounts))), e.Key(0, account(1000+rnd.IntN(2000)))}
	n, ends := 2, []int{2, 3}
	if rnd.IntN(2) == 0 {
		n = x.LockBatch(keys, ends, true) + 1
	} else {
		x.Lock(keys[:2], true)
	}
	amount := rnd.Int64N(100)
	for i, delta := range []int64{amount, -amount, 1}[:n] {
		if _, err := x.IncrBy(keys[i], delta); err != nil {
			t.Error(err)
		}
	}
	x.Unlock()
}

func sumsUp(t *testing.T, fs vfs.FS, accounts int) {
	t.Helper()
	e := openTest(t, fs, withoutLog)
	x := e.NewTxn()
	sum := int64(0)
	get := func(db int, name []byte) int64 {
		k := []Key{e.Key(db, name)}
		x.Lock(k, false)
		defer x.Unlock()
		v, _ := x.Get(k[0])
		return v.Int
	}
	for i := range accounts {
		sum += get(0, account(i)) + get(3, account(i))
	}
	if sum != 0 {
		t.Errorf("half of a transaction came back: the accounts add up to %d", sum)
	}
	if a, b := get(1, []byte("generation")), get(2, []byte("generation")); a != b {
		t.Errorf("half of an exchange came back: generations %d and %d", a, b)
	}
	checkEngine(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
