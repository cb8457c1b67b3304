package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// closedLoad is a closed load in one persistence mode, and the figures wanted of it.
type closedLoad struct {
	name     string // incrby/always/p16
	what     string // its short title
	mode     mode
	pipeline int
	cpu      float64 // CPU per request, at most this many times Redis's
	rate     float64 // requests per second, at least this many times Redis's; 0: nothing wanted

	// One of these two: command is for either generator, requests only for our own, where redis-benchmark can not send it.
	command  string
	requests func(o options, seed uint64) request
}

// population is what there is before the loads on it start, and those loads.
type population struct {
	name  string
	about func(o options) string // what the short titles of the loads leave out: a sentence
	fill  func(o options, addr string) error
	loads []closedLoad
}

// populations are all that there are, in the order of the tables.
func populations() []population {
	return []population{counterPopulation(), hashPopulation(), setPopulation(), listPopulation(), boardPopulation(), distinctPopulation()}
}

// counterPopulation is many counters.
func counterPopulation() population {
	return population{
		name: "counters",
		about: func(o options) string {
			return fmt.Sprintf("INCRBY, GET and MGET take uniformly random ones of %s counters.", short(o.keys))
		},
		fill: func(o options, addr string) error { return fill(addr, o.keys, incrBy(scattered(o.keys), one)) },
		loads: []closedLoad{
			{name: "incrby/none/p1", what: "INCRBY", mode: modeNone, command: incrAny, pipeline: 1, cpu: 1.0, rate: 1.0},
			{name: "incrby/none/p16", what: "INCRBY", mode: modeNone, command: incrAny, pipeline: 16, cpu: 0.6, rate: 1.5},
			{name: "incrby/none/p64", what: "INCRBY", mode: modeNone, command: incrAny, pipeline: 64, cpu: 0.5, rate: 2.0},
			{name: "get/none/p16", what: "GET", mode: modeNone, command: "GET key:__rand_int__", pipeline: 16, cpu: 0.6, rate: 1.5},
			{name: "mget/none/p16", what: "MGET of 10", mode: modeNone, command: mgetAny, pipeline: 16, cpu: 0.6, rate: 1.5},
			{name: "incrby/always/p1", what: "INCRBY", mode: modeAlways, command: incrAny, pipeline: 1, cpu: 1.0, rate: 2.0},
			{name: "incrby/always/p16", what: "INCRBY", mode: modeAlways, command: incrAny, pipeline: 16, cpu: 0.6, rate: 1.5},
			{name: "incrby/always/p64", what: "INCRBY", mode: modeAlways, command: incrAny, pipeline: 64, cpu: 0.5, rate: 2.0},
			{name: "hot/always/p16", what: "INCRBY, one counter", mode: modeAlways, command: "INCRBY hot 1", pipeline: 16, cpu: 0.5, rate: 2.0},
			{name: "incrby/everysec/p1", what: "INCRBY", mode: modeEverysec, command: incrAny, pipeline: 1, cpu: 1.0, rate: 1.0},
			{name: "incrby/everysec/p16", what: "INCRBY", mode: modeEverysec, command: incrAny, pipeline: 16, cpu: 0.6, rate: 1.5},
			{name: "incrby/everysec/p64", what: "INCRBY", mode: modeEverysec, command: incrAny, pipeline: 64, cpu: 0.5, rate: 2.0},
		},
	}
}

const incrAny = "INCRBY key:__rand_int__ 1"

var mgetAny = "MGET" + strings.Repeat(" key:__rand_int__", 10)

// short is what tells a load from the others of its mode.
func (l closedLoad) short() string { return fmt.Sprintf("%s, P%d", l.what, l.pipeline) }

// rows are what is measured of a load.
func (l closedLoad) rows() []row {
	title := fmt.Sprintf("%s, %s, pipeline %d", l.what, l.mode.title, l.pipeline)
	rate := figure(l.name+"/rate", title+": throughput", unitRate)
	if l.rate > 0 {
		rate.bounds = []bound{atLeastTimes(l.rate)}
	}
	return []row{
		figure(l.name+"/cpu", title+": CPU per op", unitNanos, atMostTimes(l.cpu)),
		rate,
		latencies(l.name+"/latency", title),
	}
}

// closedScenarios are those of all populations, in every mode in which there are loads on them.
func closedScenarios() []scenario {
	var all []scenario
	for _, p := range populations() {
		for _, m := range modes() {
			if s := closedScenario(p, m); len(s.rows) > 0 {
				all = append(all, s)
			}
		}
	}
	return all
}

// closedScenario runs the chosen loads of one mode one after the other on one server: so the
// population is made once for all of them.
func closedScenario(p population, m mode) scenario {
	s := scenario{name: "closed loads on " + p.name + ", " + m.title}
	for _, l := range p.loads {
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
		if err := p.fill(b.opts, srv.addr); err != nil {
			return fmt.Errorf("making the %s: %w", p.name, err)
		}
		for _, l := range p.loads {
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
	t := traffic{command: strings.Fields(l.command), keys: b.opts.keys, pipeline: l.pipeline, requests: requests}
	if l.requests != nil {
		t.next = func(seed uint64) request { return l.requests(b.opts, seed) }
	}
	return t
}

// addLatencies adds to the parts of a latencies row.
func (r readings) addLatencies(name string, p50, p99, p999 time.Duration) {
	r.add(name+"/p50", p50.Seconds())
	r.add(name+"/p99", p99.Seconds())
	r.add(name+"/p99.9", p999.Seconds())
}
