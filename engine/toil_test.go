package engine

import (
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestLongCommandsPause: a command on a large collection pauses while others wait, but neither on an idle server nor while a commit may be
// waiting for its slot.
func TestLongCommandsPause(t *testing.T) {
	e := openTest(t, vfs.NewMem(), withoutLog)
	defer closed(t, e)
	e.pacer.toilers.Add(int32(runtime.GOMAXPROCS(0))) // no processor is left to others
	k := []Key{e.Key(0, []byte("big"))}
	x := e.NewTxn()
	x.Lock(k, false)
	if x.pausesWithin(10 * time.Millisecond) {
		t.Error("it pauses although nobody waits")
	}
	e.stats.held.Add(1)
	e.commits.walk.RLock()
	if x.pausesWithin(10 * time.Millisecond) {
		t.Error("it pauses although commits may wait for it")
	}
	e.commits.walk.RUnlock()
	if !x.pausesWithin(time.Minute) {
		t.Error("it never pauses although somebody waits")
	}
	e.stats.held.Add(-1)
	x.Unlock()
	if n := e.pacer.toilers.Load(); n != int32(runtime.GOMAXPROCS(0)) {
		t.Errorf("%d long commands, all of them pretended but for one that is over", n)
	}
}

// pausesWithin toils until there was a pause, or for as long as told.
func (t *Txn) pausesWithin(d time.Duration) bool {
	for began := time.Now(); t.toil.pauses == 0 || t.toil.pauses == toilPauses; t.Toil(toilStep) {
		if time.Since(began) > d {
			return false
		}
	}
	return true
}
