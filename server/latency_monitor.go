package server

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// The events that the latency monitor knows, under the names that dashboards know from Redis. Most of Redis's have no counterpart here:
// there is no fork, and eviction works in steps that are too short to be felt.
const (
	latencyCommand     = "command"          // a command that is not O(1) or O(log n)
	latencyFastCommand = "fast-command"     // one that is
	latencyCommit      = "aof-fsync-always" // the replies of one batch waited for their commit
	latencyExpiry      = "expire-cycle"     // a round of the background removal of expired keys, which no client waits for
)

// latencySamples is how many samples an event keeps. As in Redis: two bands of LATENCY GRAPH.
const latencySamples = 2 * graphColumns

// latencySample is the worst of one second.
type latencySample struct {
	unixTime int64 // seconds; 0 in a place that was never filled
	millis   int64
}

// latencyEvent is the history of one event: a ring of the newest samples, and the worst ever.
type latencyEvent struct {
	ring      [latencySamples]latencySample
	next      int // where the next sample goes
	maxMillis int64
}

// add notes a spike. Samples within one second become one, the worst of them.
func (e *latencyEvent) add(unixTime, millis int64) {
	e.maxMillis = max(e.maxMillis, millis)
	last := &e.ring[(e.next+latencySamples-1)%latencySamples]
	if last.unixTime == unixTime {
		last.millis = max(last.millis, millis)
		return
	}
	e.ring[e.next] = latencySample{unixTime: unixTime, millis: millis}
	e.next = (e.next + 1) % latencySamples
}

// history returns a copy under the given name.
func (e *latencyEvent) history(name string) latencyHistory {
	h := latencyHistory{name: name, maxMillis: e.maxMillis}
	for i := range e.ring {
		if s := e.ring[(e.next+i)%latencySamples]; s.unixTime != 0 {
			h.samples = append(h.samples, s)
		}
	}
	return h
}

// latencyMonitor keeps the spikes of every event. The zero value is ready. It is safe for concurrent use; the lock is taken only
// for a spike, that is for what took at least latency-monitor-threshold.
type latencyMonitor struct {
	mu struct {
		sync.Mutex
		events map[string]*latencyEvent
	}
}

// add notes that event took so long, if that reaches the threshold. A threshold of 0 turns the monitor off.
func (m *latencyMonitor) add(event string, now time.Time, took, threshold time.Duration) {
	if threshold <= 0 || took < threshold {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.mu.events[event]
	if e == nil {
		if m.mu.events == nil {
			m.mu.events = make(map[string]*latencyEvent)
		}
		e = new(latencyEvent)
		m.mu.events[event] = e
	}
	e.add(now.Unix(), took.Milliseconds())
}

// reset forgets the named events, or all of them when none is named, and returns how many it forgot.
func (m *latencyMonitor) reset(names ...string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.mu.events)
	if len(names) == 0 {
		clear(m.mu.events)
	}
	for _, name := range names {
		delete(m.mu.events, name)
	}
	return before - len(m.mu.events)
}

// history returns a copy of the event of that name; ok is false where it never spiked.
func (m *latencyMonitor) history(name string) (h latencyHistory, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.mu.events[name]
	if e == nil {
		return latencyHistory{}, false
	}
	return e.history(name), true
}

// histories returns copies of all events, by name.
func (m *latencyMonitor) histories() []latencyHistory {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]latencyHistory, 0, len(m.mu.events))
	for _, name := range slices.Sorted(maps.Keys(m.mu.events)) {
		all = append(all, m.mu.events[name].history(name))
	}
	return all
}

// latencyHistory is a copy of one event, to be read without the lock.
type latencyHistory struct {
	name      string
	samples   []latencySample // oldest first, never empty
	maxMillis int64           // since the event was first seen or reset
}

// lowHigh returns the smallest and the greatest sample that h still holds, in milliseconds.
func (h latencyHistory) lowHigh() (low, high int64) {
	low, high = h.samples[0].millis, h.samples[0].millis
	for _, s := range h.samples {
		low, high = min(low, s.millis), max(high, s.millis)
	}
	return low, high
}

// latencySummary is what LATENCY DOCTOR says about one event.
type latencySummary struct {
	spikes          int
	averageMillis   int64
	deviationMillis int64   // mean absolute deviation from the average
	periodSeconds   float64 // mean time between two spikes; 0 when there was only one
}

// summary condenses the samples of h.
func (h latencyHistory) summary() latencySummary {
	n := int64(len(h.samples))
	s := latencySummary{spikes: len(h.samples)}
	for _, x := range h.samples {
		s.averageMillis += x.millis
	}
	s.averageMillis /= n
	for _, x := range h.samples {
		s.deviationMillis += max(x.millis-s.averageMillis, s.averageMillis-x.millis)
	}
	s.deviationMillis /= n
	if n > 1 {
		span := h.samples[n-1].unixTime - h.samples[0].unixTime
		s.periodSeconds = float64(span) / float64(n-1)
	}
	return s
}
