package engine

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// TestCommitsHoldWholeTransactions: a commit begins to take its slots while somebody holds two of them, of which one is to be taken because
// of another's change already. What he then writes to both is in that commit, or none of it is: a power cut right behind it leaves all or
// nothing. Without the walk being kept out, it would take one slot as he left it, and the other would be listed for the next commit.
func TestCommitsHoldWholeTransactions(t *testing.T) {
	for name, lock := range map[string]func(*Txn, []Key){
		"Lock":      func(x *Txn, keys []Key) { x.Lock(keys, true) },
		"LockBatch": func(x *Txn, keys []Key) { x.LockBatch(append(keys, keys[0]), []int{2, 3}, true) },
		"LockAll":   func(x *Txn, _ []Key) { x.LockAll() },
	} {
		t.Run(name, func(t *testing.T) { commitInTheMiddle(t, lock) })
	}
}

func commitInTheMiddle(t *testing.T, lock func(*Txn, []Key)) {
	disk := memdisk.New()
	e := openTest(t, disk)
	company, x := e.NewTxn(), e.NewTxn()
	beside := []Key{e.Key(0, []byte("{left}beside"))}
	pair := []Key{e.Key(0, []byte("{left}")), e.Key(0, []byte("{right}"))}
	company.Lock(beside, true)
	must(company.IncrBy(beside[0], 1))
	company.Unlock()

	lock(x, pair)
	landed := make(chan error)
	go func() { landed <- e.Wait(company.Need()) }()
	for e.commits.walk.TryRLock() { // until the walk has begun, or waits to
		e.commits.walk.RUnlock()
		runtime.Gosched()
	}
	for _, k := range pair {
		must(x.IncrBy(k, 1))
	}
	x.Unlock()
	if err := <-landed; err != nil {
		t.Fatal(err)
	}
	clone := disk.CrashClone(vfs.CrashCloneCfg{RNG: rand.New(rand.NewPCG(1, 1))})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, clone, pair)
}

// wantEqual fails the test when two counters of what a power cut has left are not equal.
func wantEqual(t *testing.T, disk vfs.FS, pair []Key) {
	t.Helper()
	e := openTest(t, disk)
	x := e.NewTxn()
	var got [2]int64
	for i, k := range pair {
		got[i] = e.incrForTest(t, x, string(k.Name), 0)
	}
	if got[0] != got[1] {
		t.Errorf("half a transaction: %s is %d, %s is %d", pair[0].Name, got[0], pair[1].Name, got[1])
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
