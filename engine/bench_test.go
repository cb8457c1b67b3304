package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// BenchmarkIncrBatch is the engine's part of a pipelined INCRBY of random keys out of a million.
func BenchmarkIncrBatch(b *testing.B) {
	for _, logging := range []bool{false, true} {
		for _, depth := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("log=%v/depth=%d", logging, depth), func(b *testing.B) {
				benchmarkIncr(b, logging, depth)
			})
		}
	}
}

func benchmarkIncr(b *testing.B, logging bool, depth int) {
	e := openTest(b, vfs.NewMem(), func(o *Options) { o.AppendOnly = logging; o.Fsync = FsyncNo; o.CheckpointLogBytes = 1 << 40 })
	defer e.Close()
	const population = 1 << 20
	names := make([][]byte, population)
	for i := range names {
		names[i] = fmt.Appendf(nil, "key:%012d", i)
	}
	x := e.NewTxn()
	keys, ends := make([]Key, depth), make([]int, depth)
	run := func(next func() int) {
		for i := range keys {
			keys[i], ends[i] = e.Key(0, names[next()]), i+1
		}
		for rest, from := keys, 0; len(rest) > 0; {
			n := x.LockBatch(rest, ends[:len(rest)], true)
			for _, k := range rest[:n] {
				_, _ = x.IncrBy(k, 1)
			}
			x.Unlock()
			rest, from = rest[n:], from+n
		}
		_ = e.Wait(x.Need())
		x.ClearNeed()
	}
	i := -1
	for i < population-depth {
		run(func() int { i++; return i })
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	before := cpuTime()
	b.ResetTimer()
	for range b.N/depth + 1 {
		run(func() int { return rnd.IntN(population) })
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime returns the processor time of the process in nanoseconds: unlike the clock, it does not count what others do.
func cpuTime() int64 {
	var ru unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &ru)
	return ru.Utime.Nano() + ru.Stime.Nano()
}
