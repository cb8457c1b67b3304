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

// BenchmarkHashIncrBatch is the engine's part of a pipelined HINCRBY: a hundred thousand hashes of ten counters.
func BenchmarkHashIncrBatch(b *testing.B) {
	for _, logging := range []bool{false, true} {
		for _, depth := range []int{1, 16} {
			b.Run(fmt.Sprintf("log=%v/depth=%d", logging, depth), func(b *testing.B) {
				benchmarkHashIncr(b, logging, depth)
			})
		}
	}
}

func benchmarkHashIncr(b *testing.B, logging bool, depth int) {
	e := openTest(b, vfs.NewMem(), func(o *Options) { o.AppendOnly = logging; o.Fsync = FsyncNo; o.CheckpointLogBytes = 1 << 40 })
	defer e.Close()
	const population, fields = 100_000, 10
	rnd := rand.New(rand.NewPCG(1, 1))
	field := make([][]byte, fields)
	for f := range field {
		field[f] = fmt.Appendf(nil, "field:%d", f)
	}
	x := e.NewTxn()
	run := batches(e, x, depth)
	all := make([]byte, 0, population*nameSize)
	for i := range population {
		all = fmt.Appendf(all, "key:%012d", i)
	}
	for at := 0; at+depth*nameSize <= len(all); at += depth * nameSize {
		run(all[at:], func(k Key) {
			h, _ := x.Hash(k)
			for f := range field {
				_, _ = h.IncrBy(field[f], int64(1+rnd.IntN(1000)))
			}
		})
	}
	names := make([]byte, 0, (b.N+depth)*nameSize)
	for range b.N + depth {
		i := rnd.IntN(population)
		names = append(names, all[i*nameSize:(i+1)*nameSize]...)
	}
	b.ReportAllocs()
	before := cpuTime()
	b.ResetTimer()
	at := 0
	for ; at < b.N; at += depth {
		run(names[at*nameSize:], func(k Key) {
			h, _ := x.Hash(k)
			_, _ = h.IncrBy(field[at%fields], 1)
		})
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// batches returns a function that executes incr on depth keys, whose names lie in a row, as a connection does with a pipeline.
func batches(e *Engine, x *Txn, depth int) func(names []byte, incr func(k Key)) {
	keys, ends := make([]Key, depth), make([]int, depth)
	return func(names []byte, incr func(k Key)) {
		for i := range keys {
			keys[i], ends[i] = e.Key(0, names[i*nameSize:(i+1)*nameSize]), i+1
		}
		for rest := keys; len(rest) > 0; {
			n := x.LockBatch(rest, ends[:len(rest)], true)
			for _, k := range rest[:n] {
				incr(k)
			}
			x.Unlock()
			rest = rest[n:]
		}
		_ = e.Wait(x.Need())
		x.ClearNeed()
	}
}

func benchmarkIncr(b *testing.B, logging bool, depth int) {
	e := openTest(b, vfs.NewMem(), func(o *Options) { o.AppendOnly = logging; o.Fsync = FsyncNo; o.CheckpointLogBytes = 1 << 40 })
	defer e.Close()
	const population = 1_000_000
	x := e.NewTxn()
	batch := batches(e, x, depth)
	run := func(names []byte) { batch(names, func(k Key) { _, _ = x.IncrBy(k, 1) }) }
	all := make([]byte, 0, population*nameSize)
	for i := range population {
		all = fmt.Appendf(all, "key:%012d", i)
	}
	for at := 0; at+depth*nameSize <= len(all); at += depth * nameSize {
		run(all[at:])
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	names := make([]byte, 0, (b.N+depth)*nameSize) // in a row, as they lie in a connection's buffer
	for range b.N + depth {
		i := rnd.IntN(population)
		names = append(names, all[i*nameSize:(i+1)*nameSize]...)
	}
	b.ReportAllocs()
	before := cpuTime()
	b.ResetTimer()
	for at := 0; at < b.N; at += depth {
		run(names[at*nameSize:])
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

const nameSize = 16

// cpuTime returns the processor time of the process in nanoseconds: unlike the clock, it does not count what others do.
func cpuTime() int64 {
	var ru unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &ru)
	return ru.Utime.Nano() + ru.Stime.Nano()
}
