package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// checkpointsPerRound are taken one after the other, so that the 99.9th percentile rests on enough requests: one checkpoint lasts
// about a second.
const checkpointsPerRound = 3

// checkpointScenario compares the latency under an open load before and while the server saves everything: a
// checkpoint here, a forked child in Redis.
func checkpointScenario() scenario {
	return scenario{
		name: "checkpoint",
		rows: []row{
			figure("checkpoint/ratio", "p99.9 of INCRBY at half of the maximal load, while a checkpoint runs over without, `appendfsync always`", unitFactor, atMost(3)),
			{
				name: "checkpoint/p99.9", title: "the same, open load: p99.9 without / with", unit: unitSeconds,
				parts: []string{"checkpoint/without", "checkpoint/with"},
			},
			figure("checkpoint/offered", "the same: requests per second offered", unitRate),
			figure("checkpoint/length", "the same: length of the checkpoint", unitSeconds),
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
	perSecond, err := b.halfOfMaximum(ctx, srv)
	if err != nil {
		return err
	}
	into.add("checkpoint/offered", perSecond)
	var seen checkpointLatencies
	for range checkpointsPerRound {
		if err := b.loadAcrossCheckpoint(ctx, srv, perSecond, &seen); err != nil {
			return err
		}
	}
	seen.report(into)
	return nil
}

// halfOfMaximum finds the load to offer: half of what as many connections reach when they wait for their answers.
func (b *bench) halfOfMaximum(ctx context.Context, srv *server) (float64, error) {
	if err := fill(srv.addr, b.opts.keys, incrBy(scattered(b.opts.keys), one)); err != nil {
		return 0, fmt.Errorf("making the counters: %w", err)
	}
	if err := srv.quiesce(ctx); err != nil {
		return 0, err
	}
	load := traffic{command: strings.Fields(incrAny), keys: b.opts.keys, pipeline: 1, requests: b.opts.requests / 5}
	seen, err := b.runClosed(ctx, srv.addr, load)
	return seen.perSecond / 2, err
}

// checkpointLatencies gathers the samples of several checkpoints.
type checkpointLatencies struct {
	without, with []time.Duration
	lateness      []time.Duration
	lengths       []time.Duration
}

func (s *checkpointLatencies) report(into readings) {
	for _, list := range [][]time.Duration{s.without, s.with, s.lateness, s.lengths} {
		slices.Sort(list)
	}
	without, with := quantile(s.without, 0.999), quantile(s.with, 0.999)
	into.add("checkpoint/ratio", with.Seconds()/without.Seconds())
	into.add("checkpoint/without", without.Seconds())
	into.add("checkpoint/with", with.Seconds())
	into.add("checkpoint/length", quantile(s.lengths, 0.5).Seconds())
	into.add("checkpoint/generator-late-p99.9", quantile(s.lateness, 0.999).Seconds())
	into.add("checkpoint/samples", float64(len(s.with)))
}

// loadAcrossCheckpoint changes every counter, so that there is much to save, runs the open load, and saves while it runs.
func (b *bench) loadAcrossCheckpoint(ctx context.Context, srv *server, perSecond float64, seen *checkpointLatencies) error {
	if err := fill(srv.addr, b.opts.keys, incrBy(scattered(b.opts.keys), one)); err != nil {
		return fmt.Errorf("changing the counters: %w", err)
	}
	if err := srv.quiesce(ctx); err != nil {
		return err
	}
	load, err := newOpenLoad(srv.addr, perSecond, incrBy(uniform(b.opts.keys, 1), one))
	if err != nil {
		return err
	}
	defer load.close()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- load.run() }()
	from, to, saved := b.saveUnderLoad(ctx, srv, began)
	load.stop.Store(true)
	if err := errors.Join(saved, <-ended); err != nil {
		return err
	}
	seen.sort(load, from, to)
	return nil
}

// saveUnderLoad waits for the quiet part of the load to pass, saves, and returns from when to when that took.
func (b *bench) saveUnderLoad(ctx context.Context, srv *server, began time.Time) (from, to time.Duration, err error) {
	select {
	case <-time.After(b.opts.quietFor):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	from = time.Since(began)
	err = srv.background(ctx, "BGSAVE")
	return from, time.Since(began), err
}

// sort adds a load's samples to those without and with a checkpoint. The first tenth of the quiet part is left out:
// connections and caches are cold.
func (s *checkpointLatencies) sort(load *openLoad, from, to time.Duration) {
	for _, one := range load.samples {
		switch {
		case one.due >= from && one.due < to:
			s.with = append(s.with, one.latency)
		case one.due >= from/10 && one.due < from:
			s.without = append(s.without, one.latency)
		}
	}
	s.lateness = append(s.lateness, load.lateness...)
	s.lengths = append(s.lengths, to-from)
}
