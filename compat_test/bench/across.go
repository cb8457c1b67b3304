package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// latenciesAcross gathers the samples of open loads across which something happens: those from before, and those from while it lasts.
type latenciesAcross struct {
	without, with []time.Duration
	lateness      []time.Duration
	lengths       []time.Duration
}

// report adds the readings NAME/ratio (of the 99.9th percentiles), NAME/without, NAME/with, NAME/length and what tells how far to believe
// them.
func (s *latenciesAcross) report(name string, into readings) {
	for _, list := range [][]time.Duration{s.without, s.with, s.lateness, s.lengths} {
		slices.Sort(list)
	}
	without, with := quantile(s.without, 0.999), quantile(s.with, 0.999)
	into.add(name+"/ratio", with.Seconds()/without.Seconds())
	into.add(name+"/without", without.Seconds())
	into.add(name+"/with", with.Seconds())
	into.add(name+"/longest", quantile(s.with, 1).Seconds())
	into.add(name+"/length", quantile(s.lengths, 0.5).Seconds())
	into.add(name+"/generator-late-p99.9", quantile(s.lateness, 0.999).Seconds())
	into.add(name+"/samples", float64(len(s.with)))
}

// loadAcross runs an open load of next, and lets something happen while it runs.
func (b *bench) loadAcross(ctx context.Context, srv *server, perSecond float64, next request, happen func() error, seen *latenciesAcross) error {
	if err := srv.quiesce(ctx); err != nil {
		return err
	}
	unix.Sync() // else what the kernel still has to write of what came before decides how long an fsync takes
	load, err := newOpenLoad(srv.addr, perSecond, next)
	if err != nil {
		return err
	}
	defer load.close()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- load.run() }()
	from, to, happened := b.happenUnderLoad(ctx, began, happen)
	load.stop.Store(true)
	if err := errors.Join(happened, <-ended); err != nil {
		return err
	}
	seen.sort(load, from, to)
	return nil
}

// happenUnderLoad waits for the quiet part of the load to pass, and returns from when to when it happened.
func (b *bench) happenUnderLoad(ctx context.Context, began time.Time, happen func() error) (from, to time.Duration, err error) {
	select {
	case <-time.After(b.opts.quietFor):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	from = time.Since(began)
	err = happen()
	return from, time.Since(began), err
}

// sort adds a load's samples to those without and with what happened. The first tenth of the quiet part is left out:
// connections and caches are cold.
func (s *latenciesAcross) sort(load *openLoad, from, to time.Duration) {
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
