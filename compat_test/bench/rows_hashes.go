package main

import (
	"context"
	"fmt"
)

// hashPopulation is hashes of ten counters: with the default options, a hundred thousand.
func hashPopulation() population {
	const what = "HINCRBY"
	requests := func(o options, seed uint64) request { return hashIncrBy(hashes(o.keys), seed) }
	return population{
		name: "hashes",
		about: func(o options) string {
			return fmt.Sprintf("HINCRBY: %s hashes of %d counters.", short(hashes(o.keys)), fieldsPerHash)
		},
		fill: func(o options, addr string) error {
			return fill(addr, hashes(o.keys), hashSet(scattered(hashes(o.keys))))
		},
		loads: []closedLoad{
			{name: "hincrby/none/p16", what: what, mode: modeNone, requests: requests, pipeline: 16, cpu: 0.8},
			{name: "hincrby/always/p16", what: what, mode: modeAlways, requests: requests, pipeline: 16, cpu: 0.8},
		},
	}
}

// hashMemoryScenario measures the memory of the hashes of the closed load, and of ten times as many, where the noise of the process
// matters less.
func hashMemoryScenario(o options) scenario {
	title := func(n int) string {
		return fmt.Sprintf("memory per hash, %s hashes", short(n))
	}
	return scenario{
		name:  "memory of hashes",
		about: fmt.Sprintf("Hashes hold %d counters and have a 16-byte name and fields of 7 bytes.", fieldsPerHash),
		rows: []row{
			figure("hashes/memory", title(hashes(o.keys)), unitBytes, atMostTimes(0.6)),
			figure("hashes/memory-many", title(o.keys), unitBytes),
		},
		run: measureHashMemory,
	}
}

func measureHashMemory(ctx context.Context, b *bench, turn subject, into readings) error {
	made := 0
	grow := func(to int) func(addr string) error {
		return func(addr string) error {
			from := made
			made = to
			return fill(addr, to-from, hashSet(func(i int) int { return from + i }))
		}
	}
	few, many := hashes(b.opts.keys), b.opts.keys
	return b.measureGrowth(ctx, turn, into, growth{"hashes/memory", few, grow(few)}, growth{"hashes/memory-many", many, grow(many)})
}
