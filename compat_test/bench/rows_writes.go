package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	zipfCounters = 100_000
	zipfExponent = 1.1
)

// writesScenario counts what a skewed load costs the disk: how often a counter's value is written to the store, and how
// long the log is.
func writesScenario(length time.Duration) scenario {
	return scenario{
		name: "writes",
		about: fmt.Sprintf("Skewed load: INCRBY, Zipf(%.1f) over %s counters, %v at full speed, `appendfsync always`. The values that the checkpoint at its end writes to the store are counted.",
			zipfExponent, short(zipfCounters), length),
		rows: []row{
			figure("writes/store", "skewed load: store writes per INCRBY", unitCount, atMost(0.01)),
			figure("writes/log", "skewed load: bytes of log per INCRBY", unitBytes),
			figure("writes/records", "skewed load: INCRBY per log record", unitCount),
			figure("writes/rate", "skewed load: throughput", unitRate),
		},
		run: measureWrites,
	}
}

func measureWrites(ctx context.Context, b *bench, turn subject, into readings) error {
	if turn == b.redis {
		return nil // it has no store; each command is a line of its append-only file
	}
	srv, err := b.startServer(ctx, turn, modeAlways)
	if err != nil {
		return err
	}
	defer srv.discard()
	began := time.Now()
	requests, err := driveZipf(srv.addr, b.opts.zipfFor)
	if err != nil {
		return err
	}
	into.add("writes/rate", float64(requests)/time.Since(began).Seconds())
	if err := srv.background(ctx, "BGSAVE"); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return srv.readWrites(requests, into)
}

// driveZipf runs the load for a time and returns how many requests were answered.
func driveZipf(addr string, length time.Duration) (int, error) {
	samples := zipf(zipfCounters, zipfExponent, 1)
	deadline := time.Now().Add(length)
	var answered atomic.Int64
	err := eachConn(addr, connections, func(c *conn, id int) error {
		first := id * len(samples) / connections
		next := incrBy(func(i int) int { return int(samples[(first+i)%len(samples)]) }, one)
		return c.drive(maxKeys, 16, next, func(requests int, _ time.Duration) bool {
			answered.Add(int64(requests))
			return time.Now().Before(deadline)
		})
	})
	return int(answered.Load()), err
}

// readWrites reads the server's own counts. It started empty for this load, so that they are all of it.
func (s *server) readWrites(requests int, into readings) error {
	c, err := dial(s.addr)
	if err != nil {
		return err
	}
	defer c.close()
	info, err := c.info("persistence")
	if err != nil {
		return err
	}
	rows, err1 := strconv.Atoi(info["store_rows_written"])
	bytes, err2 := strconv.Atoi(info["log_record_bytes"])
	records, err3 := strconv.Atoi(info["log_records"])
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("INFO persistence: store_rows_written, log_record_bytes, log_records: %w", err)
	}
	into.add("writes/store", float64(rows)/float64(requests))
	into.add("writes/log", float64(bytes)/float64(requests))
	into.add("writes/records", float64(requests)/float64(max(records, 1)))
	return nil
}
