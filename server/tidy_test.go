package server

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestTidier tidies once when a load has ended, and once after the start.
func TestTidier(t *testing.T) {
	var tidier tidier
	for i, second := range []struct {
		commands float64
		due      bool
	}{{0, true}, {10, false}, {0, false}, {200_000, false}, {5000, false}, {900, true}, {0, false}, {1000, false}, {3, true}} {
		if got := tidier.due(second.commands); got != second.due {
			t.Errorf("second %d, %g commands: due is %v", i, second.commands, got)
		}
	}
}

// TestWastefulHeap is about when a collection is worth its time.
func TestWastefulHeap(t *testing.T) {
	const mega = 1 << 20
	for h, want := range map[goHeap]bool{
		{live: 8 * mega, objects: 8 * mega}:                      false,
		{live: 8 * mega, objects: 9 * mega}:                      true,
		{live: 8 * mega, objects: 7 * mega}:                      false,
		{live: 8 * mega, objects: 8*mega + mega/2, free: mega}:   true,
		{live: 800 * mega, objects: 820 * mega, free: 20 * mega}: false,
		{live: 800 * mega, objects: 890 * mega, free: 20 * mega}: true,
	} {
		if got := h.wasteful(); got != want {
			t.Errorf("%+v: %v", h, got)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC() // the last one before what follows, which would count as live for one in the middle of it
	garbage := make([]byte, 64*mega)
	runtime.KeepAlive(garbage)
	if h := readGoHeap(); !h.wasteful() {
		t.Errorf("64 MiB of garbage: %+v", h)
	}
	debug.FreeOSMemory()
	if h := readGoHeap(); h.live == 0 || h.objects < h.live/2 || h.free > 64*mega {
		t.Errorf("after a collection: %+v", h)
	}
}
