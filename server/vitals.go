package server

import (
	"sync"
	"time"

	"quipu/engine"
)

// vitals are what INFO tells that nobody counts: rates, and the highest memory so far. The janitor takes a sample each second. The zero
// value is ready.
type vitals struct {
	mu struct {
		sync.Mutex
		at    time.Time // of the last sample
		last  Traffic
		rates trafficRates
		peak  int64 // bytes
		first int64 // bytes, of the first look, within a second of the start
	}
}

// trafficRates are means over the second before the last sample, per second.
type trafficRates struct{ commands, inputBytes, outputBytes float64 }

// tick takes a sample of the traffic since the start.
func (v *vitals) tick(now time.Time, t Traffic) {
	v.mu.Lock()
	defer v.mu.Unlock()
	last := v.mu.last
	if t.Commands < last.Commands || t.NetInput < last.NetInput || t.NetOutput < last.NetOutput {
		last = Traffic{} // CONFIG RESETSTAT came between
	}
	if span := now.Sub(v.mu.at).Seconds(); !v.mu.at.IsZero() && span > 0 {
		v.mu.rates = trafficRates{
			commands:    float64(t.Commands-last.Commands) / span,
			inputBytes:  float64(t.NetInput-last.NetInput) / span,
			outputBytes: float64(t.NetOutput-last.NetOutput) / span,
		}
	}
	v.mu.at, v.mu.last = now, t
}

// current returns the rates of the last sample.
func (v *vitals) current() trafficRates {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.mu.rates
}

// noteMemory notes how much memory is in use, and returns the highest and the first figure so far.
func (v *vitals) noteMemory(used int64) (peak, first int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mu.peak = max(v.mu.peak, used)
	if v.mu.first == 0 {
		v.mu.first = used
	}
	return v.mu.peak, v.mu.first
}

// memoryFigures say where the memory of the process is, in bytes.
//
// Entries lie in pages outside the Go heap, all else inside it. So that Redis's rule holds, by which used_memory less
// mem_not_counted_for_evict is what maxmemory limits, "used" is all that is in use, and "overhead" what of it is not entries.
type memoryFigures struct {
	used     int64 // by entries and by the Go heap
	dataset  int64 // by entries
	overhead int64 // used less dataset
	active   int64 // used, and what the allocators keep ready
	rss      int64 // resident, as the operating system counts
	peak     int64 // highest used so far
	startup  int64 // used when the server started
	system   int64 // memory of the machine
	clients  int64 // of the buffers of connections
}

// readMemory reads the figures of now.
func (s *Server) readMemory(e engine.Stats, clients ClientTotals) memoryFigures {
	live, mapped := goMemory()
	m := memoryFigures{
		used: e.PageBytes + e.BlobBytes + live, active: e.PageBytes + e.BlobBytes + mapped, dataset: e.UsedMemory,
		system: systemMemory(), clients: clients.QueryBytes + clients.ReplyBytes,
	}
	m.overhead = max(m.used-m.dataset, 0)
	m.rss = residentMemory()
	if m.rss == 0 {
		m.rss = m.active // the operating system does not tell
	}
	m.peak, m.startup = s.vitals.noteMemory(m.used)
	return m
}

// sample is the janitor's part.
func (s *Server) sample(now time.Time) {
	s.vitals.tick(now, s.stats.Traffic())
	live, _ := goMemory()
	e := s.engine.Stats()
	s.vitals.noteMemory(e.PageBytes + e.BlobBytes + live)
}
