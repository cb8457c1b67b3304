package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const (
	// bigKey is the name of the one big collection.
	bigKey = "big"
	// bigNeighbours is how many counters there are beside it, on which the open load works.
	bigNeighbours = 1000
	// bigRepeats is how often each thing happens in a round: some last a tenth of a second only, and the 99.9th percentile should rest
	// on more requests.
	bigRepeats = 2
	// bigFreedWithin is how long the collection's memory may take to come back.
	bigFreedWithin = time.Minute
)

// bigKind is a type of collection.
type bigKind struct {
	name, title string
	make        func(name, number string) []string // adds one element
	read        func(name, number string) []string // needs the collection in memory
}

// bigKinds are the types of which a big collection is made.
func bigKinds() []bigKind {
	return []bigKind{
		{
			name: "hash", title: "hash",
			make: func(name, number string) []string { return []string{"HSET", bigKey, name, number} },
			read: func(name, _ string) []string { return []string{"HGET", bigKey, name} },
		},
		{
			name: "zset", title: "sorted set",
			make: func(name, number string) []string { return []string{"ZADD", bigKey, number, name} },
			read: func(name, _ string) []string { return []string{"ZSCORE", bigKey, name} },
		},
		{
			name: "set", title: "set",
			make: func(name, _ string) []string { return []string{"SADD", bigKey, name} },
			read: func(name, _ string) []string { return []string{"SISMEMBER", bigKey, name} },
		},
		{
			name: "list", title: "list",
			make: func(name, _ string) []string { return []string{"RPUSH", bigKey, name} },
			read: func(_, number string) []string { return []string{"LINDEX", bigKey, number} },
		},
	}
}

// bigEvent is something that happens to a big collection.
type bigEvent struct {
	name, title string
	// quipuOnly: Redis deletes what it evicts, and never has to read anything back.
	quipuOnly bool
	happen    func(ctx context.Context, s *bigSubject) error
}

// bigEvents are in an order in which each finds what it needs: every element changed, none changed, not in memory, in memory.
func bigEvents() []bigEvent {
	return []bigEvent{
		{name: "checkpoint", title: "written by a checkpoint", happen: bigCheckpoint},
		{name: "evict", title: "evicted", quipuOnly: true, happen: bigEvict},
		{name: "load", title: "read back", quipuOnly: true, happen: bigLoad},
		{name: "delete", title: "deleted", happen: bigRemove},
		{name: "expire", title: "expiring", happen: bigExpire},
	}
}

// bigScenarios compare the latency of increments of other keys, under an open load, before and while something happens to a big collection.
func bigScenarios(o options) []scenario {
	var all []scenario
	for _, k := range bigKinds() {
		s := scenario{name: "big " + k.name}
		for _, e := range bigEvents() {
			title := fmt.Sprintf("p99.9 of INCRBY of other keys while a %s of %s is %s, over without", k.title, short(o.bigElements), e.title)
			s.rows = append(s.rows, figure(k.row(e)+"/ratio", title, unitFactor, atMost(3)))
		}
		s.run = func(ctx context.Context, b *bench, turn subject, into readings) error {
			return b.measureBig(ctx, turn, k, into)
		}
		all = append(all, s)
	}
	return all
}

// row is the name of the row of an event, without the name of the figure.
func (k bigKind) row(e bigEvent) string { return "big/" + k.name + "/" + e.name }

// bigSubject is a server with one big collection.
type bigSubject struct {
	srv      *server
	kind     bigKind
	elements int
	// made: the collection is there. Whoever asks the server has it read back.
	made bool
	// without and full are what the server counts against maxmemory without the collection and with it, in bytes.
	without, full int64
}

func (b *bench) measureBig(ctx context.Context, turn subject, k bigKind, into readings) error {
	srv, err := b.startServer(ctx, turn, modeAlways)
	if err != nil {
		return err
	}
	defer srv.discard()
	if err := fill(srv.addr, bigNeighbours, incrBy(scattered(bigNeighbours), one)); err != nil {
		return fmt.Errorf("making the counters: %w", err)
	}
	perSecond, err := b.halfOfMaximum(ctx, srv, bigNeighbours)
	if err != nil {
		return err
	}
	s := &bigSubject{srv: srv, kind: k, elements: b.opts.bigElements}
	seen := map[string]*latenciesAcross{}
	for range bigRepeats {
		if err := b.bigRound(ctx, s, perSecond, seen); err != nil {
			return err
		}
	}
	for name, latencies := range seen {
		latencies.report(name, into)
	}
	return nil
}

// bigRound lets everything happen once.
func (b *bench) bigRound(ctx context.Context, s *bigSubject, perSecond float64, seen map[string]*latenciesAcross) error {
	for _, e := range bigEvents() {
		name := s.kind.row(e)
		if e.quipuOnly && s.srv.subject.name == b.redis.name || !b.selects(name+"/ratio") {
			continue
		}
		if err := s.ensure(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if seen[name] == nil {
			seen[name] = new(latenciesAcross)
		}
		next := incrBy(uniform(bigNeighbours, 1), one)
		happen := func() error { return e.happen(ctx, s) }
		if err := b.loadAcross(ctx, s.srv, perSecond, next, happen, seen[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// ensure makes the collection if it is not there.
func (s *bigSubject) ensure() (err error) {
	if s.made {
		return nil
	}
	if s.without, err = s.limitedMemory(); err != nil {
		return err
	}
	add := func(dst []byte, i int) []byte { return appendCommand(dst, s.kind.make(s.element(i))...) }
	if err := fill(s.srv.addr, s.elements, add); err != nil {
		return fmt.Errorf("making %s: %w", bigKey, err)
	}
	s.made = true
	s.full, err = s.limitedMemory()
	return err
}

// element is the name and the number of an element.
func (s *bigSubject) element(i int) (name, number string) {
	return string(appendKey(nil, i)), strconv.Itoa(i)
}

// limitedMemory is what maxmemory limits.
func (s *bigSubject) limitedMemory() (int64, error) {
	c, err := dial(s.srv.addr)
	if err != nil {
		return 0, err
	}
	defer c.close()
	info, err := c.info("memory")
	if err != nil {
		return 0, err
	}
	used, errUsed := strconv.ParseInt(info["used_memory"], 10, 64)
	beside, errBeside := strconv.ParseInt(info["mem_not_counted_for_evict"], 10, 64)
	if err := errors.Join(errUsed, errBeside); err != nil {
		return 0, fmt.Errorf("INFO memory: %w", err)
	}
	return used - beside, nil
}

// half is between the memory without the collection and with it.
func (s *bigSubject) half() int64 { return s.without + (s.full-s.without)/2 }

// waitFreed returns when most of the collection's memory has come back.
func (s *bigSubject) waitFreed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bigFreedWithin)
	defer cancel()
	return s.srv.waitUntil(ctx, pollWork, func(*conn) (bool, error) {
		used, err := s.limitedMemory()
		return used < s.half(), err
	})
}

func bigCheckpoint(ctx context.Context, s *bigSubject) error { return s.srv.background(ctx, "BGSAVE") }

// bigEvict leaves less memory than the collection needs until it is gone.
func bigEvict(ctx context.Context, s *bigSubject) error {
	if _, err := s.srv.call("CONFIG", "SET", "maxmemory", strconv.FormatInt(s.half(), 10)); err != nil {
		return err
	}
	freed := s.waitFreed(ctx)
	_, err := s.srv.call("CONFIG", "SET", "maxmemory", "0")
	return errors.Join(freed, err)
}

// bigLoad reads an element, for which the whole collection has to be read back.
func bigLoad(_ context.Context, s *bigSubject) error {
	reply, err := s.srv.call(s.kind.read(s.element(s.elements / 2))...)
	if err == nil && (reply == nil || reply == int64(0)) {
		return errors.New("an element is lost")
	}
	return err
}

func bigRemove(ctx context.Context, s *bigSubject) error {
	s.made = false
	if _, err := s.srv.call("DEL", bigKey); err != nil {
		return err
	}
	return s.waitFreed(ctx)
}

func bigExpire(ctx context.Context, s *bigSubject) error {
	s.made = false
	if _, err := s.srv.call("PEXPIRE", bigKey, "1"); err != nil {
		return err
	}
	return s.waitFreed(ctx)
}
