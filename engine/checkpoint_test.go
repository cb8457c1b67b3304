package engine

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/cluster/hashslot"
)

// TestCheckpointsWaitForTheLog: a checkpoint takes what is newer than the commit that it covers, too. That does not reach the store before
// the log has it on the disk, be it that its commit is under way or that, under everysec, only the kernel has it: a power cut would leave
// the half of a transaction that the checkpoint happened to take.
func TestCheckpointsWaitForTheLog(t *testing.T) {
	for name, policy := range map[string]FsyncPolicy{"always": FsyncAlways, "everysec": FsyncEverySec} {
		t.Run(name, func(t *testing.T) { checkpointAheadOfTheLog(t, policy) })
	}
}

func checkpointAheadOfTheLog(t *testing.T, policy FsyncPolicy) {
	g := newGate()
	e := openTest(t, gatedFS{vfs.NewMem(), g}, func(o *Options) { o.Fsync = policy })
	first, last := e.keyIn(0, hashslot.Count/4), e.keyIn(hashslot.Count*3/4, hashslot.Count)
	e.incrForTest(t, e.NewTxn(), string(first.Name), 1)
	if err := e.store.Sync(); err != nil {
		t.Fatal(err)
	}

	x := e.NewTxn()
	x.Lock([]Key{last}, true)
	ended := make(chan error, 1)
	go func() { ended <- e.Checkpoint(context.Background()) }()
	for !e.isTaken(&first) { // it covers what there is, and waits for the slot that x holds
		runtime.Gosched()
	}
	g.set(true, nil)
	must(x.IncrBy(last, 1))
	x.Unlock()
	written := make(chan error, 1)
	go func() { written <- e.Wait(x.Need()) }()
	if policy == FsyncAlways {
		<-g.arrived // the commit is under way
	} else if err := <-written; err != nil {
		t.Fatal(err)
	}
	for !e.waitsForTheDisk(g, policy) && len(ended) == 0 {
		runtime.Gosched()
	}
	if len(ended) > 0 {
		t.Errorf("the checkpoint ended (%v) before the log was on the disk", <-ended)
		ended <- nil
	}
	g.set(false, nil)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// keyIn returns a key of a slot from one to below another.
func (e *Engine) keyIn(from, to uint16) Key {
	for i := 0; ; i++ {
		if k := e.Key(0, fmt.Appendf(nil, "%d", i)); k.Slot >= from && k.Slot < to {
			return k
		}
	}
}

// isTaken reports whether a checkpoint that is under way has taken a key's table.
func (e *Engine) isTaken(k *Key) bool {
	s := e.slot(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table(k.order).taken
}

// waitsForTheDisk reports whether somebody waits for a commit beside its writer, or for an fsync that no commit asks for.
func (e *Engine) waitsForTheDisk(g *gate, policy FsyncPolicy) bool {
	if policy == FsyncAlways {
		return e.stats.held.Load() > 1
	}
	return len(g.arrived) > 0
}
