package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// runRedisBenchmark lets redis-benchmark send the traffic.
func (b *bench) runRedisBenchmark(ctx context.Context, addr string, t traffic) (outcome, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return outcome{}, fmt.Errorf("address %q: %w", addr, err)
	}
	command := append([]string{
		"redis-benchmark", "-p", port, "-c", strconv.Itoa(connections), "-n", strconv.Itoa(t.requests),
		"-r", strconv.Itoa(t.keys), "-P", strconv.Itoa(t.pipeline), "--precision", "3",
	}, t.command...)
	command = pinned(b.opts.loadCPUs, command)
	process := exec.CommandContext(ctx, command[0], command[1:]...)
	var stderr bytes.Buffer
	process.Stderr = &stderr
	began := time.Now()
	output, err := process.Output()
	took := time.Since(began)
	if err != nil {
		return outcome{}, fmt.Errorf("redis-benchmark: %w: %s", err, stderr.Bytes())
	}
	if bytes.Contains(output, []byte("Error from server")) || bytes.Contains(stderr.Bytes(), []byte("Error from server")) {
		return outcome{}, fmt.Errorf("redis-benchmark got an error reply: %s%s", lastLines(output), stderr.Bytes())
	}
	result, err := parseRedisBenchmark(output)
	if err != nil {
		return outcome{}, err
	}
	used := process.ProcessState.UserTime() + process.ProcessState.SystemTime()
	result.requests = t.requests
	result.generatorBusy = used.Seconds() / took.Seconds()
	return result, nil
}

var (
	// A load that takes less than a millisecond, as a warm-up may, has a throughput of inf.
	throughputLine = regexp.MustCompile(`throughput summary: ([0-9.]+|inf) requests per second`)
	// avg, min, p50, p95, p99, max
	latencyLine    = regexp.MustCompile(`p99 +max\n +[0-9.]+ +[0-9.]+ +([0-9.]+) +[0-9.]+ +([0-9.]+) +[0-9.]+`)
	percentileLine = regexp.MustCompile(`(?m)^([0-9.]+)% <= ([0-9.]+) milliseconds`)
)

// parseRedisBenchmark reads the report that redis-benchmark 7 prints without -q and --csv: neither of those has the
// 99.9th percentile.
func parseRedisBenchmark(output []byte) (outcome, error) {
	throughput := throughputLine.FindSubmatch(output)
	latency := latencyLine.FindSubmatch(output)
	if throughput == nil || latency == nil {
		return outcome{}, fmt.Errorf("redis-benchmark printed no summary: %s", lastLines(output))
	}
	var result outcome
	var err1, err2, err3, err4 error
	result.perSecond, err1 = strconv.ParseFloat(string(throughput[1]), 64)
	result.p50, err2 = parseMillis(latency[1])
	result.p99, err3 = parseMillis(latency[2])
	result.p999, err4 = parsePercentile(output, 99.9)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return outcome{}, fmt.Errorf("reading redis-benchmark's summary: %w", err)
	}
	return result, nil
}

// parsePercentile takes a percentile from the distribution, whose steps halve what is left: 50 %, 75 %, ... 99.902 %.
// It is the first step that reaches the percentile.
func parsePercentile(output []byte, wanted float64) (time.Duration, error) {
	for _, step := range percentileLine.FindAllSubmatch(output, -1) {
		percent, err := strconv.ParseFloat(string(step[1]), 64)
		if err != nil {
			return 0, err
		}
		if percent >= wanted {
			return parseMillis(step[2])
		}
	}
	return 0, fmt.Errorf("no percentile of %v or more: %s", wanted, lastLines(output))
}

func parseMillis(digits []byte) (time.Duration, error) {
	millis, err := strconv.ParseFloat(string(digits), 64)
	return time.Duration(millis * float64(time.Millisecond)), err
}

func lastLines(output []byte) []byte { return output[max(0, len(output)-500):] }
