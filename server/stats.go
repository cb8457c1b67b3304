package server

import (
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// statsShards is the number of copies of the per-command counters. Connections spread over them, so that two cores rarely
// write the same cache line. Readers add the copies up.
const statsShards = 4

// latencyBuckets is the number of buckets of a Histogram: 8 for each power of two nanoseconds, so that a percentile is at most
// 12.5 % too high, up to 2^40 ns (18 minutes).
const latencyBuckets = 40 * 8

// Histogram counts durations in fixed buckets. The zero value is empty. Its methods may be called from several goroutines.
type Histogram struct {
	buckets [latencyBuckets]atomic.Uint64
}

// bucketOf returns the index of the bucket that holds nanos.
func bucketOf(nanos uint64) int {
	if nanos < 8 {
		return int(nanos)
	}
	exp := bits.Len64(nanos) - 4 // the three bits below the highest one choose the bucket
	return min((exp+1)*8+int(nanos>>exp)&7, latencyBuckets-1)
}

// bucketEnd returns the largest duration in nanoseconds that bucket i holds.
func bucketEnd(i int) uint64 {
	if i < 8 {
		return uint64(i)
	}
	exp := i/8 - 1
	return (uint64(8+i%8)+1)<<exp - 1
}

// record counts n durations of nanos each.
func (h *Histogram) record(nanos, n uint64) { h.buckets[bucketOf(nanos)].Add(n) }

// reset sets all counts to zero.
func (h *Histogram) reset() {
	for i := range h.buckets {
		h.buckets[i].Store(0)
	}
}

// LatencyCounts is a copy of one or several histograms at one time.
type LatencyCounts struct {
	counts [latencyBuckets]uint64
	Total  uint64
}

// add adds what h holds.
func (l *LatencyCounts) add(h *Histogram) {
	for i := range h.buckets {
		n := h.buckets[i].Load()
		l.counts[i] += n
		l.Total += n
	}
}

// Percentile returns an upper bound, within 12.5 %, of the duration that percent (0 to 100) of the calls did not exceed.
func (l *LatencyCounts) Percentile(percent float64) time.Duration {
	rank := max(uint64(percent/100*float64(l.Total)+0.5), 1)
	var seen uint64
	for i, n := range l.counts {
		if seen += n; seen >= rank && n > 0 {
			return time.Duration(bucketEnd(i))
		}
	}
	return 0
}

// CountUpTo returns how many calls took at most d, at the precision of the buckets.
func (l *LatencyCounts) CountUpTo(d time.Duration) uint64 {
	var n uint64
	for i, c := range l.counts {
		if bucketEnd(i) > uint64(d) {
			break
		}
		n += c
	}
	return n
}

// CommandStats are the figures of one command since the start or the last CONFIG RESETSTAT.
type CommandStats struct {
	Calls    uint64
	Nanos    uint64 // time spent in the handler. Commands that ran as one batch share its time equally
	Rejected uint64 // refused before execution: arity, authentication, memory, ...
	Failed   uint64 // executed and answered with an error
	Latency  LatencyCounts
}

// commandCounters are one shard's counters of one command.
type commandCounters struct {
	calls, nanos, rejected, failed atomic.Uint64
	latency                        atomic.Pointer[Histogram] // nil until the first call: most commands are never called
}

// note counts n calls that took nanos together.
func (c *commandCounters) note(n, nanos uint64, latency bool) {
	c.calls.Add(n)
	c.nanos.Add(nanos)
	if !latency {
		return
	}
	h := c.latency.Load()
	if h == nil {
		h = new(Histogram)
		if !c.latency.CompareAndSwap(nil, h) {
			h = c.latency.Load()
		}
	}
	h.record(nanos/n, n)
}

// reset sets all counters to zero.
func (c *commandCounters) reset() {
	c.calls.Store(0)
	c.nanos.Store(0)
	c.rejected.Store(0)
	c.failed.Store(0)
	c.latency.Store(nil)
}

// statsShard holds a copy of everything that a connection counts.
type statsShard struct {
	commands []commandCounters // by Command.index
	netIn    atomic.Uint64
	netOut   atomic.Uint64
	reads    atomic.Uint64
	writes   atomic.Uint64
	// commitWait and commitWaitNanos are of batches of replies that waited for their commit.
	commitWait      Histogram
	commitWaitNanos atomic.Uint64
	_               [64]byte // keeps two shards' heads off one cache line
}

// Stats collects what INFO, LATENCY HISTOGRAM and /metrics tell about commands and traffic.
type Stats struct {
	shards [statsShards]statsShard

	connections atomic.Uint64 // accepted since the start
	rejected    atomic.Uint64 // refused because of maxclients
	errors      atomic.Uint64 // error replies
	unexpected  atomic.Uint64 // error replies that are our own fault
	queryPeak   atomic.Int64  // largest query buffer seen, bytes
	outputPeak  atomic.Int64  // largest output buffer seen, bytes

	prefixes struct {
		sync.Mutex
		counts map[string]uint64 // guarded
	}
}

// maxErrorPrefixes bounds the error codes that are told apart: a client chooses some of them.
const maxErrorPrefixes = 128

// newStats returns empty counters for a table of n commands.
func newStats(n int) *Stats {
	s := &Stats{}
	for i := range s.shards {
		s.shards[i].commands = make([]commandCounters, n)
	}
	s.prefixes.counts = make(map[string]uint64)
	return s
}

// shard returns the copy that connection id counts in.
func (s *Stats) shard(id int64) *statsShard { return &s.shards[uint64(id)%statsShards] }

// Command returns the figures of cmd.
func (s *Stats) Command(cmd *Command) CommandStats {
	var sum CommandStats
	for i := range s.shards {
		c := &s.shards[i].commands[cmd.index]
		sum.Calls += c.calls.Load()
		sum.Nanos += c.nanos.Load()
		sum.Rejected += c.rejected.Load()
		sum.Failed += c.failed.Load()
		if h := c.latency.Load(); h != nil {
			sum.Latency.add(h)
		}
	}
	return sum
}

// noteError counts an error reply by its first word.
func (s *Stats) noteError(text string) {
	s.errors.Add(1)
	code, _, _ := strings.Cut(text, " ")
	s.prefixes.Lock()
	defer s.prefixes.Unlock()
	if _, ok := s.prefixes.counts[code]; ok || len(s.prefixes.counts) < maxErrorPrefixes {
		s.prefixes.counts[code]++
	}
}

// ErrorCount is the number of error replies that began with Code.
type ErrorCount struct {
	Code  string
	Count uint64
}

// Errors returns the error replies by code, sorted.
func (s *Stats) Errors() []ErrorCount {
	s.prefixes.Lock()
	defer s.prefixes.Unlock()
	all := make([]ErrorCount, 0, len(s.prefixes.counts))
	for code, n := range s.prefixes.counts {
		all = append(all, ErrorCount{code, n})
	}
	slices.SortFunc(all, func(a, b ErrorCount) int { return strings.Compare(a.Code, b.Code) })
	return all
}

// Traffic are the totals over all connections.
type Traffic struct {
	Commands             uint64
	NetInput, NetOutput  uint64 // bytes
	Reads, Writes        uint64 // system calls that moved bytes
	Connections          uint64
	RejectedConnections  uint64
	ErrorReplies         uint64
	UnexpectedErrors     uint64
	QueryPeak, ReplyPeak int64 // bytes
}

// Traffic returns the totals since the start or the last Reset.
func (s *Stats) Traffic() Traffic {
	t := Traffic{
		Connections: s.connections.Load(), RejectedConnections: s.rejected.Load(),
		ErrorReplies: s.errors.Load(), UnexpectedErrors: s.unexpected.Load(),
		QueryPeak: s.queryPeak.Load(), ReplyPeak: s.outputPeak.Load(),
	}
	for i := range s.shards {
		sh := &s.shards[i]
		t.NetInput += sh.netIn.Load()
		t.NetOutput += sh.netOut.Load()
		t.Reads += sh.reads.Load()
		t.Writes += sh.writes.Load()
		for j := range sh.commands {
			t.Commands += sh.commands[j].calls.Load()
		}
	}
	return t
}

// CommitWaits returns for how long batches of replies waited for their commits, and the sum in nanoseconds.
func (s *Stats) CommitWaits() (waits LatencyCounts, nanos uint64) {
	for i := range s.shards {
		waits.add(&s.shards[i].commitWait)
		nanos += s.shards[i].commitWaitNanos.Load()
	}
	return waits, nanos
}

// noteCommitWait counts a batch of replies that waited for its commit.
func (sh *statsShard) noteCommitWait(took time.Duration) {
	sh.commitWait.record(uint64(took), 1)
	sh.commitWaitNanos.Add(uint64(took))
}

// ResetLatency forgets the latencies of the given commands.
func (s *Stats) ResetLatency(cmds ...*Command) {
	for i := range s.shards {
		for _, cmd := range cmds {
			s.shards[i].commands[cmd.index].latency.Store(nil)
		}
	}
}

// Reset sets everything to zero (CONFIG RESETSTAT).
func (s *Stats) Reset() {
	for i := range s.shards {
		sh := &s.shards[i]
		for _, n := range []*atomic.Uint64{&sh.netIn, &sh.netOut, &sh.reads, &sh.writes, &sh.commitWaitNanos} {
			n.Store(0)
		}
		sh.commitWait.reset()
		for j := range sh.commands {
			sh.commands[j].reset()
		}
	}
	for _, n := range []*atomic.Uint64{&s.connections, &s.rejected, &s.errors, &s.unexpected} {
		n.Store(0)
	}
	s.queryPeak.Store(0)
	s.outputPeak.Store(0)
	s.prefixes.Lock()
	defer s.prefixes.Unlock()
	clear(s.prefixes.counts)
}

// raise sets peak to n if n is larger. It is called seldom enough for a race between two connections to be settled by a loop.
func raise(peak *atomic.Int64, n int64) {
	for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); old = peak.Load() {
	}
}
