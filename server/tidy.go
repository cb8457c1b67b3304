package server

import (
	"runtime/debug"
	"runtime/metrics"
)

// tidier gives the operating system back what a load leaves in the Go heap. Commands allocate next to nothing once their buffers are there,
// so after a load nothing would start the collector for minutes, and what it then finds would be kept for the next load: five megabytes
// beside the eight that are in use, more than a hundred thousand counters take. The zero value is ready.
type tidier struct {
	tidied bool // nothing has happened since
}

const (
	// quietCommands is how many commands a second leave a processor idle: what monitoring sends.
	quietCommands = 1000
	// minWaste is not worth a collection, which takes some 10 ms of one processor.
	minWaste = 1 << 20
	// lateWaste is worth one also when a load has ended long ago: a checkpoint goes on after the load that it belongs to, and compactions
	// after the checkpoint. Some 60 MB were left of those of ten million counters.
	lateWaste = 16 << 20
	// wastePart is the part of a large heap, whose collection takes longer, that it has to bring back.
	wastePart = 8
)

// goHeap is what the Go runtime tells of its heap, in bytes.
type goHeap struct {
	live    uint64 // objects in use, by the last collection
	objects uint64 // and those since
	free    uint64 // resident, of no use
}

func readGoHeap() goHeap {
	samples := [...]metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples[:])
	return goHeap{live: samples[0].Value.Uint64(), objects: samples[1].Value.Uint64(), free: samples[2].Value.Uint64()}
}

// wastes reports whether a collection would bring least bytes back, and enough for a heap of that size.
func (h goHeap) wastes(least uint64) bool {
	waste := h.free + h.objects - min(h.objects, h.live)
	return waste >= max(least, h.live/wastePart)
}

// least tells of the commands in the last second, and returns how much waste is worth a collection now: little once after each load, and
// once after the start; much later on. During a load ok is false: the collector's own pace costs less.
func (t *tidier) least(commands float64) (waste uint64, ok bool) {
	quiet, tidied := commands < quietCommands, t.tidied
	t.tidied = quiet
	if tidied {
		return lateWaste, quiet
	}
	return minWaste, quiet
}

// tidy is the janitor's part. It holds nobody up, but for the collector's share of the processor.
func (s *Server) tidy() {
	if least, ok := s.tidier.least(s.vitals.current().commands); ok && readGoHeap().wastes(least) {
		debug.FreeOSMemory()
	}
}
