package main

import (
	"context"
	"fmt"
)

// hashPopulation is hashes of ten counters: with the default options, a hundred thousand.
func hashPopulation() population {
	const what = "HINCRBY over hashes of 10 counters"
	requests := func(o options, seed uint64) request { return hashIncrBy(hashes(o.keys), seed) }
	return population{
		name: "hashes",
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
		return fmt.Sprintf("resident memory per hash of 10 counters, 16-byte name, 7-byte fields, %d hashes", n)
	}
	return scenario{
		name: "memory of hashes",
		rows: []row{
			figure("hashes/memory", title(hashes(o.keys)), unitBytes, atMostTimes(0.6)),
			figure("hashes/memory-many", title(o.keys), unitBytes),
		},
		run: measureHashMemory,
	}
}

func measureHashMemory(ctx context.Context, b *bench, turn subject, into readings) error {
	srv, err := b.startServer(ctx, turn, modeAlways)
	if err != nil {
		return err
	}
	defer srv.discard()
	empty, err := b.settledMemory(ctx, srv)
	if err != nil {
		return err
	}
	made := 0
	for _, step := range []struct {
		name   string
		hashes int
	}{{"hashes/memory", hashes(b.opts.keys)}, {"hashes/memory-many", b.opts.keys}} {
		from := made
		if err := fill(srv.addr, step.hashes-from, hashSet(func(i int) int { return from + i })); err != nil {
			return fmt.Errorf("making the hashes: %w", err)
		}
		made = step.hashes
		full, err := b.settledMemory(ctx, srv)
		if err != nil {
			return err
		}
		into.add(step.name, (full-empty)/float64(made))
	}
	return nil
}
