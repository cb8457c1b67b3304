package main

import (
	"context"
	"fmt"
	"strings"
)

// checkpointsPerRound are taken one after the other, so that the 99.9th percentile rests on enough requests: one checkpoint lasts
// about a second.
const checkpointsPerRound = 3

// checkpointScenario compares the latency under an open load before and while the server saves everything: a
// checkpoint here, a forked child in Redis.
func checkpointScenario() scenario {
	return scenario{
		name:  "checkpoint",
		about: "Checkpoint: latency of INCRBY at half of the maximal load, sent at fixed times, whether or not earlier ones were answered, `appendfsync always`.",
		rows: []row{
			figure("checkpoint/ratio", "checkpoint: p99.9 meanwhile over without", unitFactor, atMost(3)),
			{
				name: "checkpoint/p99.9", title: "checkpoint: p99.9 without / meanwhile", unit: unitSeconds,
				parts: []string{"checkpoint/without", "checkpoint/with"},
			},
			figure("checkpoint/offered", "checkpoint: load offered", unitRate),
			figure("checkpoint/length", "checkpoint: length", unitSeconds),
		},
		run: measureCheckpoint,
	}
}

func measureCheckpoint(ctx context.Context, b *bench, turn subject, into readings) error {
	srv, err := b.startServer(ctx, turn, modeAlways)
	if err != nil {
		return err
	}
	defer srv.discard()
	if err := fill(srv.addr, b.opts.keys, incrBy(scattered(b.opts.keys), one)); err != nil {
		return fmt.Errorf("making the counters: %w", err)
	}
	perSecond, err := b.halfOfMaximum(ctx, srv, b.opts.keys)
	if err != nil {
		return err
	}
	into.add("checkpoint/offered", perSecond)
	var seen latenciesAcross
	for range checkpointsPerRound {
		if err := b.loadAcrossCheckpoint(ctx, srv, perSecond, &seen); err != nil {
			return err
		}
	}
	seen.report("checkpoint", into)
	return nil
}

// halfOfMaximum finds the load to offer on so many counters: half of what as many connections reach when they wait for their answers.
func (b *bench) halfOfMaximum(ctx context.Context, srv *server, counters int) (float64, error) {
	if err := srv.quiesce(ctx); err != nil {
		return 0, err
	}
	load := traffic{command: strings.Fields(incrAny), keys: counters, pipeline: 1, requests: b.opts.requests / 5}
	seen, err := b.runClosed(ctx, srv.addr, load)
	return seen.perSecond / 2, err
}

// loadAcrossCheckpoint changes every counter, so that there is much to save, and saves while the open load runs.
func (b *bench) loadAcrossCheckpoint(ctx context.Context, srv *server, perSecond float64, seen *latenciesAcross) error {
	if err := fill(srv.addr, b.opts.keys, incrBy(scattered(b.opts.keys), one)); err != nil {
		return fmt.Errorf("changing the counters: %w", err)
	}
	save := func() error { return srv.background(ctx, "BGSAVE") }
	return b.loadAcross(ctx, srv, perSecond, incrBy(uniform(b.opts.keys, 1), one), save, seen)
}
