package engine

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// TestLastCommitOfALogIsWhole: the commit that is written when the log is turned off has nothing of what was changed afterwards. It could
// only have the half of a transaction whose keys it waited for.
func TestLastCommitOfALogIsWhole(t *testing.T) {
	g, disk := newGate(), memdisk.New()
	e := openTest(t, gatedFS{disk, g})
	left, right := []Key{e.Key(0, []byte("left"))}, []Key{e.Key(0, []byte("right"))}
	g.set(true, nil)
	first, x := make(chan error), e.NewTxn()
	write := func(n int64, keys ...Key) {
		x.Lock(keys, true)
		for _, k := range keys {
			must(0, x.SetInt(k, n, 0))
		}
		x.Unlock()
	}
	write(1, left[0], right[0])
	go func() { first <- e.Wait(x.Need()) }()
	<-g.arrived // the first commit is on its way, and the next one gathers
	write(2, left[0])
	stopped := make(chan error)
	go func() { stopped <- e.SetAppendOnly(false) }()
	eventually(t, "the log is off", func() bool { return !e.logging.Load() })
	write(3, left[0], right[0])
	g.set(false, nil)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	again := openTest(t, disk.CrashClone(vfs.CrashCloneCfg{}))
	y := again.NewTxn()
	for name, want := range map[string]int64{"left": 2, "right": 1} {
		if got := again.incrForTest(t, y, name, 0); got != want {
			t.Errorf("after a power cut, %s is %d, want %d", name, got, want)
		}
	}
	for _, e := range []*Engine{e, again} {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAlwaysIncludesWhatWas: with the change to FsyncAlways, what was committed before is as durable as what comes.
func TestAlwaysIncludesWhatWas(t *testing.T) {
	disk := memdisk.New()
	e := openTest(t, disk, func(o *Options) { o.Fsync = FsyncNo })
	e.incrForTest(t, e.NewTxn(), "n", 5)
	e.SetFsync(FsyncAlways)
	again := openTest(t, disk.CrashClone(vfs.CrashCloneCfg{}))
	if got := again.incrForTest(t, again.NewTxn(), "n", 0); got != 5 {
		t.Errorf("after a power cut, n is %d", got)
	}
	for _, e := range []*Engine{e, again} {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}
