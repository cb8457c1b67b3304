package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"
)

// connections is how many clients a closed load has: redis-benchmark's default, and that of the figures wanted.
const connections = 50

// traffic is a closed load: each connection sends pipeline requests and sends again when all are answered.
type traffic struct {
	command  []string                  // __rand_int__ stands for twelve random digits below keys
	next     func(seed uint64) request // in place of command, for what redis-benchmark can not send
	keys     int
	pipeline int
	requests int
}

// outcome is what a closed load saw.
type outcome struct {
	requests       int
	perSecond      float64       // requests
	p50, p99, p999 time.Duration // of a pipeline, from its first byte sent to its last reply
	generatorBusy  float64       // share of one core that the generator used; near 1 it was the limit
}

const randomDigits = "__rand_int__"

// runClosed sends the traffic, in whole pipelines, and fails on the first error reply.
func (b *bench) runClosed(ctx context.Context, addr string, t traffic) (outcome, error) {
	t.requests -= t.requests % t.pipeline
	if b.opts.generator == "native" || t.next != nil {
		return runNative(addr, t)
	}
	return b.runRedisBenchmark(ctx, addr, t)
}

// requestsOf is what one connection sends.
func (t traffic) requestsOf(conn int) request {
	if t.next != nil {
		return t.next(uint64(conn))
	}
	return pattern(t.command, t.keys, uint64(conn))
}

func runNative(addr string, t traffic) (outcome, error) {
	perConn := max(t.requests/connections, t.pipeline)
	batches := make([][]time.Duration, connections)
	before := ownTime()
	began := time.Now()
	err := eachConn(addr, connections, func(c *conn, id int) error {
		batches[id] = make([]time.Duration, 0, perConn/t.pipeline+1)
		return c.drive(perConn, t.pipeline, t.requestsOf(id), func(_ int, took time.Duration) bool {
			batches[id] = append(batches[id], took)
			return true
		})
	})
	took := time.Since(began)
	if err != nil {
		return outcome{}, err
	}
	all := slices.Concat(batches...)
	slices.Sort(all)
	return outcome{
		requests:      perConn * connections,
		perSecond:     float64(perConn*connections) / took.Seconds(),
		p50:           quantile(all, 0.5),
		p99:           quantile(all, 0.99),
		p999:          quantile(all, 0.999),
		generatorBusy: (ownTime() - before).Seconds() / took.Seconds(),
	}, nil
}

// eachConn runs work over count connections at once and waits for all of them.
func eachConn(addr string, count int, work func(c *conn, id int) error) error {
	results := make(chan error, count)
	for id := range count {
		go func() {
			c, err := dial(addr)
			if err != nil {
				results <- err
				return
			}
			defer c.close()
			results <- work(c, id)
		}()
	}
	var failed []error
	for range count {
		failed = append(failed, <-results)
	}
	return errors.Join(failed...)
}

// drive sends count requests in pipelines of depth and reads their replies. After each pipeline it reports how many
// requests that was and how long it took; it ends early when the report answers false.
func (c *conn) drive(count, depth int, next request, report func(requests int, took time.Duration) bool) error {
	for sent := 0; sent < count; {
		size := min(depth, count-sent)
		for i := range size {
			c.out = next(c.out, sent+i)
		}
		began := time.Now()
		if err := c.flush(); err != nil {
			return err
		}
		if err := c.skipReplies(size); err != nil {
			return err
		}
		sent += size
		if !report(size, time.Since(began)) {
			return nil
		}
	}
	return nil
}

const (
	fillConns = 8
	fillDepth = 512
)

// fill sends count requests as fast as the server takes them, by few connections with deep pipelines. next
// is called by several goroutines at once.
func fill(addr string, count int, next request) error {
	return eachConn(addr, fillConns, func(c *conn, id int) error {
		first, last := count*id/fillConns, count*(id+1)/fillConns
		mine := func(dst []byte, i int) []byte { return next(dst, first+i) }
		return c.drive(last-first, fillDepth, mine, func(int, time.Duration) bool { return true })
	})
}

// pattern is the request that redis-benchmark would make of a command: its bytes are made once, and
// only the random digits change.
func pattern(command []string, keys int, seed uint64) request {
	template := appendCommand(nil, command...)
	var at []int
	for from := 0; ; {
		i := bytes.Index(template[from:], []byte(randomDigits))
		if i < 0 {
			break
		}
		at = append(at, from+i)
		from += i + len(randomDigits)
	}
	source := rand.New(rand.NewPCG(seed, uint64(keys)))
	return func(dst []byte, _ int) []byte {
		start := len(dst)
		dst = append(dst, template...)
		for _, offset := range at {
			digits := dst[start+offset:][:keyDigits]
			k := source.IntN(keys)
			for i := range digits {
				digits[keyDigits-1-i] = byte('0' + k%10)
				k /= 10
			}
		}
		return dst
	}
}

// quantile of sorted durations, by the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// ownTime is the CPU time of this process.
func ownTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0 // only an invalid argument could fail
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
