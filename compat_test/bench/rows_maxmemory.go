package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxmemoryFor is the limit under which ten million counters must live: 64 MiB, and for other numbers in proportion, but not
// so little that an empty server exceeds it.
func maxmemoryFor(counters int) int {
	return max(8<<20, counters*64/10_000_000<<20)
}

// maxmemoryScenario makes more counters than fit into memory. Redis is expected to refuse early: without a policy that
// deletes, it has no way to keep them.
func maxmemoryScenario(counters int) scenario {
	limit := fmt.Sprintf("`maxmemory %dmb`", maxmemoryFor(counters)>>20)
	title := limit + ": "
	return scenario{
		name: "maxmemory",
		about: fmt.Sprintf("Under %s %s counters are made until the first error, then uniformly random ones incremented at pipeline 16, then all are read and added up.",
			limit, short(counters)),
		rows: []row{
			figure("maxmemory/accepted", title+"counters made", unitCount, atLeast(float64(counters))),
			figure("maxmemory/lost", title+"lost of them and their increments", unitCount, atMost(0)),
			figure("maxmemory/rate", title+"INCRBY", unitRate),
			figure("maxmemory/cpu", title+"CPU per INCRBY", unitNanos),
			figure("maxmemory/rss", title+"resident memory", unitBytes),
		},
		run: measureMaxmemory,
	}
}

func measureMaxmemory(ctx context.Context, b *bench, turn subject, into readings) error {
	counters := b.opts.counters
	srv, err := b.startServer(ctx, turn, modeAlways, "--maxmemory", strconv.Itoa(maxmemoryFor(counters)))
	if err != nil {
		return err
	}
	defer srv.discard()
	err = fill(srv.addr, counters, incrBy(scattered(counters), nameValue))
	var refused refusal
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("making the counters: %w", err)
	}
	if err := srv.countAccepted(into); err != nil || refused != "" {
		return err
	}
	if err := b.measureEvicting(ctx, srv, into); err != nil {
		return err
	}
	resident, err := residentBytes(srv.pid())
	if err != nil {
		return err
	}
	into.add("maxmemory/rss", float64(resident))
	return nil
}

func (s *server) countAccepted(into readings) error {
	size, err := s.call("DBSIZE")
	if err != nil {
		return err
	}
	accepted, ok := size.(int64)
	if !ok {
		return fmt.Errorf("DBSIZE answered %v", size)
	}
	into.add("maxmemory/accepted", float64(accepted))
	return nil
}

// measureEvicting increments counters of which most are not in memory, and then adds up all of them.
func (b *bench) measureEvicting(ctx context.Context, srv *server, into readings) error {
	counters := b.opts.counters
	before, err := cpuTime(srv.pid())
	if err != nil {
		return err
	}
	load := traffic{command: strings.Fields(incrAny), keys: counters, pipeline: 16, requests: b.opts.requests}
	seen, err := b.runClosed(ctx, srv.addr, load)
	if err != nil {
		return err
	}
	after, err := cpuTime(srv.pid())
	if err != nil {
		return err
	}
	into.add("maxmemory/rate", seen.perSecond)
	into.add("maxmemory/cpu", float64(after-before)/float64(seen.requests))
	found, err := addUp(srv.addr, counters)
	if err != nil {
		return fmt.Errorf("adding up the counters: %w", err)
	}
	wanted := seen.requests
	for k := range counters {
		wanted += nameValue(k)
	}
	into.add("maxmemory/lost", float64(max(found.sum-wanted, wanted-found.sum)+counters-found.counters))
	return nil
}

// total is what a walk over all counters found.
type total struct{ counters, sum int }

// addUp walks the whole key space, in the server's own order, which is the one that it can read fastest. SCAN
// may show a name twice; it counts once.
func addUp(addr string, counters int) (total, error) {
	c, err := dial(addr)
	if err != nil {
		return total{}, err
	}
	defer c.close()
	var found total
	seen := make([]bool, counters)
	for cursor := "0"; ; {
		var page []string
		if cursor, page, err = c.scan(cursor); err != nil {
			return total{}, err
		}
		if page, err = unseen(page, seen); err != nil {
			return total{}, err
		}
		sum, err := c.sum(page)
		if err != nil {
			return total{}, err
		}
		found.counters += len(page)
		found.sum += sum
		if cursor == "0" {
			return found, nil
		}
	}
}

// scan returns the next cursor and a page of names.
func (c *conn) scan(cursor string) (string, []string, error) {
	reply, err := c.do("SCAN", cursor, "COUNT", "1000")
	if err != nil {
		return "", nil, err
	}
	halves, ok := reply.([]any)
	if !ok || len(halves) != 2 {
		return "", nil, fmt.Errorf("SCAN answered %v", reply)
	}
	next, ok1 := halves[0].(string)
	names, ok2 := halves[1].([]any)
	if !ok1 || !ok2 {
		return "", nil, fmt.Errorf("SCAN answered %v", reply)
	}
	page := make([]string, 0, len(names))
	for _, name := range names {
		text, ok := name.(string)
		if !ok {
			return "", nil, fmt.Errorf("SCAN named %v", name)
		}
		page = append(page, text)
	}
	return next, page, nil
}

// unseen keeps the names that come for the first time, and marks them.
func unseen(page []string, seen []bool) ([]string, error) {
	fresh := page[:0]
	for _, name := range page {
		k, err := keyNumber(name)
		if err != nil {
			return nil, err
		}
		if k >= len(seen) {
			return nil, fmt.Errorf("counter %d was never made", k)
		}
		if !seen[k] {
			seen[k] = true
			fresh = append(fresh, name)
		}
	}
	return fresh, nil
}

// sum adds up the values of the names; one that is gone adds nothing.
func (c *conn) sum(names []string) (int, error) {
	if len(names) == 0 {
		return 0, nil
	}
	reply, err := c.do(append([]string{"MGET"}, names...)...)
	if err != nil {
		return 0, err
	}
	values, ok := reply.([]any)
	if !ok {
		return 0, fmt.Errorf("MGET answered %v", reply)
	}
	sum := 0
	for _, value := range values {
		text, ok := value.(string)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
