package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// manyScenario makes ten million counters once and takes from them the memory, the disk and the restart.
func manyScenario(counters int) scenario {
	n := short(counters) + " counters"
	return scenario{
		name: "many counters",
		about: "Memory is what is resident, less that of the empty server; counters have 16-byte names. Disk is the whole data directory after a checkpoint. " +
			"The restart is from kill -9 to the first right answer to a random GET. The counters are made by 8 connections at pipeline 512, `appendfsync always`.",
		rows: []row{
			figure("memory", "memory per counter, "+n, unitBytes, atMost(32)),
			figure("disk", "disk per counter", unitBytes, atMost(16)),
			figure("restart", "restart with "+n, unitSeconds,
				atMost(1), atMostTimes(0.2)),
			figure("load", "making "+n, unitRate),
		},
		run: measureMany,
	}
}

func measureMany(ctx context.Context, b *bench, turn subject, into readings) error {
	srv, err := b.startServer(ctx, turn, modeAlways)
	if err != nil {
		return err
	}
	defer srv.discard()
	if err := b.measureMemory(ctx, srv, into); err != nil {
		return err
	}
	if !b.selects("disk") && !b.selects("restart") {
		return nil
	}
	if err := b.measureDisk(ctx, srv, into); err != nil {
		return err
	}
	if !b.selects("restart") {
		return nil
	}
	return measureRestart(ctx, srv, b.opts.counters, into)
}

// settleAtMost is how long it is waited for a figure to hold still.
const settleAtMost = 30 * time.Second

// settled reads a figure until it holds still.
func settled(ctx context.Context, settleFor time.Duration, read func() (int64, error)) (float64, error) {
	tick := time.NewTicker(settleFor / 10)
	defer tick.Stop()
	deadline := time.Now().Add(settleAtMost)
	last, err := read()
	since := time.Now()
	for err == nil && time.Since(since) < settleFor && time.Now().Before(deadline) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		var now int64
		now, err = read()
		if moved := now - last; moved*100 > last || -moved*100 > last {
			last, since = now, time.Now()
		}
	}
	return float64(last), err
}

// settledMemory is the resident memory of a server once it holds still, in bytes.
func (b *bench) settledMemory(ctx context.Context, srv *server) (float64, error) {
	return settled(ctx, b.opts.settleFor, func() (int64, error) { return residentBytes(srv.pid()) })
}

// growth is a step of a population: how many there are after it.
type growth struct {
	row  string // of the resident memory per one of them
	many int
	grow func(addr string) error
}

// measureGrowth measures what a population adds to the resident memory of an empty server, after each step.
func (b *bench) measureGrowth(ctx context.Context, turn subject, into readings, steps ...growth) error {
	srv, err := b.startServer(ctx, turn, modeAlways)
	if err != nil {
		return err
	}
	defer srv.discard()
	empty, err := b.settledMemory(ctx, srv)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := step.grow(srv.addr); err != nil {
			return fmt.Errorf("%s: %w", step.row, err)
		}
		full, err := b.settledMemory(ctx, srv)
		if err != nil {
			return err
		}
		into.add(step.row, (full-empty)/float64(step.many))
	}
	return nil
}

func (b *bench) measureMemory(ctx context.Context, srv *server, into readings) error {
	counters := b.opts.counters
	empty, err := b.settledMemory(ctx, srv)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := fill(srv.addr, counters, incrBy(scattered(counters), nameValue)); err != nil {
		return fmt.Errorf("making the counters: %w", err)
	}
	into.add("load", float64(counters)/time.Since(began).Seconds())
	if err := srv.quiesce(ctx); err != nil {
		return err
	}
	full, err := b.settledMemory(ctx, srv)
	if err != nil {
		return err
	}
	into.add("memory", (full-empty)/float64(counters))
	return nil
}

func (b *bench) measureDisk(ctx context.Context, srv *server, into readings) error {
	if err := srv.background(ctx, srv.subject.compactCommand); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	used, err := settled(ctx, b.opts.settleFor, func() (int64, error) { return diskBytes(srv.dir) })
	if err != nil {
		return err
	}
	into.add("disk", used/float64(b.opts.counters))
	return b.readDiskParts(srv, into)
}

// readDiskParts keeps, for the raw numbers, what each part of the data directory takes: store and log here, the append-only
// directory there.
func (b *bench) readDiskParts(srv *server, into readings) error {
	parts, err := os.ReadDir(srv.dir)
	if err != nil {
		return fmt.Errorf("listing the data directory: %w", err)
	}
	for _, part := range parts {
		used, err := diskBytes(filepath.Join(srv.dir, part.Name()))
		if err != nil {
			return err
		}
		into.add("disk/"+part.Name(), float64(used)/float64(b.opts.counters))
	}
	return nil
}

// measureRestart adds a tail of changes that no checkpoint holds yet, pulls the server down and counts from the start of the process
// to the first right answer. Then it looks at more counters: a quick answer is worth nothing if others are lost.
func measureRestart(ctx context.Context, srv *server, counters int, into readings) error {
	tail := counters / 20
	if err := fill(srv.addr, tail, incrBy(func(i int) int { return i }, one)); err != nil {
		return fmt.Errorf("changing counters before the kill: %w", err)
	}
	expected := func(k int) int {
		if k < tail {
			return nameValue(k) + 1
		}
		return nameValue(k)
	}
	srv.kill()
	began := time.Now()
	if err := srv.start(ctx); err != nil {
		return err
	}
	right := func(c *conn) (bool, error) { return true, checkCounter(c, rand.IntN(counters), expected) }
	if err := srv.waitUntil(ctx, pollStart, right); err != nil {
		return fmt.Errorf("after the restart: %w", err)
	}
	into.add("restart", time.Since(began).Seconds())
	return checkSample(srv.addr, counters, expected)
}

var errWrongValue = errors.New("a counter has a wrong value")

func checkCounter(c *conn, k int, expected func(int) int) error {
	reply, err := c.do("GET", string(appendKey(nil, k)))
	if err != nil {
		return err
	}
	if reply != strconv.Itoa(expected(k)) {
		return fmt.Errorf("%w: counter %d is %v, not %d", errWrongValue, k, reply, expected(k))
	}
	return nil
}

// checkSample compares some counters, the first and the last among them.
func checkSample(addr string, counters int, expected func(int) int) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	for k := 0; k < counters; k += max(1, counters/10_000) {
		if err := checkCounter(c, k, expected); err != nil {
			return err
		}
	}
	return checkCounter(c, counters-1, expected)
}
