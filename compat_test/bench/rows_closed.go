package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// closedLoad is a closed load on many counters in one persistence mode, and the figures wanted of it.
type closedLoad struct {
	name     string // incrby/always/p16
	mode     mode
	command  string
	pipeline int
	cpu      float64 // CPU per request, at most this many times Redis's
	rate     float64 // requests per second, at least this many times Redis's
}

var closedLoads = []closedLoad{
	{"incrby/none/p1", modeNone, incrAny, 1, 1.0, 1.0},
	{"incrby/none/p16", modeNone, incrAny, 16, 0.6, 1.5},
	{"incrby/none/p64", modeNone, incrAny, 64, 0.5, 2.0},
	{"get/none/p16", modeNone, "GET key:__rand_int__", 16, 0.6, 1.5},
	{"mget/none/p16", modeNone, "MGET" + strings.Repeat(" key:__rand_int__", 10), 16, 0.6, 1.5},
	{"incrby/always/p1", modeAlways, incrAny, 1, 1.0, 2.0},
	{"incrby/always/p16", modeAlways, incrAny, 16, 0.6, 1.5},
	{"incrby/always/p64", modeAlways, incrAny, 64, 0.5, 2.0},
	{"hot/always/p16", modeAlways, "INCRBY hot 1", 16, 0.5, 2.0},
	{"incrby/everysec/p1", modeEverysec, incrAny, 1, 1.0, 1.0},
	{"incrby/everysec/p16", modeEverysec, incrAny, 16, 0.6, 1.5},
	{"incrby/everysec/p64", modeEverysec, incrAny, 64, 0.5, 2.0},
}

const incrAny = "INCRBY key:__rand_int__ 1"

// rows are the three lines of a load.
func (l closedLoad) rows() []row {
	verb, _, _ := strings.Cut(l.name, "/")
	what := map[string]string{
		"incrby": "INCRBY", "get": "GET", "mget": "MGET of 10", "hot": "INCRBY of one hot counter",
	}[verb]
	title := fmt.Sprintf("%s, %s, pipeline %d", what, l.mode.title, l.pipeline)
	return []row{
		figure(l.name+"/cpu", title+": CPU per op", unitNanos, atMostTimes(l.cpu)),
		figure(l.name+"/rate", title+": throughput", unitRate, atLeastTimes(l.rate)),
		latencies(l.name+"/latency", title),
	}
}

// closedScenario runs the chosen loads of one mode one after the other on one server: so the
// million counters are made once for all of them.
func closedScenario(m mode) scenario {
	s := scenario{name: "closed loads, " + m.title}
	for _, l := range closedLoads {
		if l.mode.name == m.name {
			s.rows = append(s.rows, l.rows()...)
		}
	}
	s.run = func(ctx context.Context, b *bench, turn subject, into readings) error {
		srv, err := b.startServer(ctx, turn, m)
		if err != nil {
			return err
		}
		defer srv.discard()
		if err := fill(srv.addr, b.opts.keys, incrBy(scattered(b.opts.keys), one)); err != nil {
			return fmt.Errorf("making the counters: %w", err)
		}
		for _, l := range closedLoads {
			if l.mode.name != m.name || !b.wants(l) {
				continue
			}
			if err := b.measureClosed(ctx, srv, l, into); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
		}
		return nil
	}
	return s
}

// wants tells whether -run selects any row of the load.
func (b *bench) wants(l closedLoad) bool {
	return slices.ContainsFunc(l.rows(), func(w row) bool { return b.selects(w.name) })
}

// measureClosed runs the load once unmeasured and short, to warm up connections and caches, and once measured.
func (b *bench) measureClosed(ctx context.Context, srv *server, l closedLoad, into readings) error {
	load := b.traffic(l)
	warmUp := load
	warmUp.requests /= 10
	if _, err := b.runClosed(ctx, srv.addr, warmUp); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	if err := srv.quiesce(ctx); err != nil {
		return err
	}
	before, err := cpuTime(srv.pid())
	if err != nil {
		return err
	}
	seen, err := b.runClosed(ctx, srv.addr, load)
	if err != nil {
		return err
	}
	after, err := cpuTime(srv.pid())
	if err != nil {
		return err
	}
	into.add(l.name+"/cpu", float64(after-before)/float64(seen.requests))
	into.add(l.name+"/rate", seen.perSecond)
	into.add(l.name+"/generator-busy", seen.generatorBusy)
	into.addLatencies(l.name+"/latency", seen.p50, seen.p99, seen.p999)
	return nil
}

// traffic sizes a load so that each takes a few seconds: requests alone are slow, and in deep pipelines fast.
func (b *bench) traffic(l closedLoad) traffic {
	requests := b.opts.requests
	switch l.pipeline {
	case 1:
		requests /= 4
	case 64:
		requests *= 2
	}
	if strings.HasPrefix(l.name, "mget") {
		requests /= 4
	}
	return traffic{command: strings.Fields(l.command), keys: b.opts.keys, pipeline: l.pipeline, requests: requests}
}

// addLatencies adds to the parts of a latencies row.
func (r readings) addLatencies(name string, p50, p99, p999 time.Duration) {
	r.add(name+"/p50", p50.Seconds())
	r.add(name+"/p99", p99.Seconds())
	r.add(name+"/p99.9", p999.Seconds())
}
