package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestManyClients lets clients increment the same counters in batches, alone and in transactions, while checkpoints, scans,
// evictions and exchanges of databases go on. No increment may be lost or made twice, and no scan may miss a counter that is
// always there.
func TestManyClients(t *testing.T) {
	const clients, counters, batches, depth = 6, 300, 60, 20
	e := openTest(t, vfs.NewMem(), func(o *Options) {
		o.CheckpointLogBytes = 64 << 10
		o.MaxMemory = 20 << 10
	})
	names := make([][]byte, counters)
	for i := range names {
		names[i] = fmt.Appendf(nil, "counter:%d", i)
		if i%3 == 0 {
			names[i] = fmt.Appendf(nil, "{crowd}%d", i)
		}
		e.incrForTest(t, e.NewTxn(), string(names[i]), 0)
	}
	var sent [counters]atomic.Int64
	var stop atomic.Bool
	var load, upkeep sync.WaitGroup
	for c := range clients {
		load.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(c), 1))
			x := e.NewTxn()
			for range batches {
				var keys []Key
				var ends []int
				for range depth {
					i := rnd.IntN(counters)
					sent[i].Add(1)
					keys = append(keys, e.Key(0, names[i]))
					ends = append(ends, len(keys))
				}
				incrAll(t, x, keys, ends, c%2 == 0)
				if err := e.Wait(x.Need()); err != nil {
					t.Error(err)
				}
				x.ClearNeed()
			}
		})
	}
	upkeep.Go(func() {
		for !stop.Load() {
			if err := e.Checkpoint(context.Background()); err != nil && !errors.Is(err, ErrCheckpointRunning) {
				t.Error(err)
			}
		}
	})
	upkeep.Go(func() {
		for x := e.NewTxn(); !stop.Load(); {
			scanAll(t, x, counters)
		}
	})
	load.Wait()
	stop.Store(true)
	upkeep.Wait()
	if e.Stats().Evicted == 0 {
		t.Error("nothing was evicted: the test does not show what it should")
	}
	x := e.NewTxn()
	for i, name := range names {
		if got := e.incrForTest(t, x, string(name), 0); got != sent[i].Load() {
			t.Errorf("%s = %d, want %d", name, got, sent[i].Load())
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// incrAll adds one to every key, as a pipeline or as one transaction.
func incrAll(t *testing.T, x *Txn, keys []Key, ends []int, transaction bool) {
	for len(keys) > 0 {
		n := len(keys)
		if transaction {
			x.Lock(keys, true)
		} else {
			n = x.LockBatch(keys, ends[:len(keys)], true)
		}
		for _, k := range keys[:n] {
			if _, err := x.IncrBy(k, 1); err != nil {
				t.Error(err)
			}
		}
		x.Unlock()
		keys = keys[n:]
	}
}

func scanAll(t *testing.T, x *Txn, want int) {
	met := map[string]bool{}
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		var err error
		if cursor, err = x.Scan(0, cursor, 10, func(name []byte, _ Kind) { met[string(name)] = true }); err != nil {
			t.Error(err)
			return
		}
	}
	if len(met) != want {
		t.Errorf("a scan met %d of %d counters", len(met), want)
	}
}
