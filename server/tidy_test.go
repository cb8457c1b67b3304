package server

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestTidier tidies up little things once when a load has ended, and once after the start; large ones whenever there is no load.
func TestTidier(t *testing.T) {
	const never = 0
	var tidier tidier
	for i, second := range []struct {
		commands float64
		least    uint64
	}{
		{0, minWaste}, {10, lateWaste}, {0, lateWaste}, {200_000, never}, {5000, never}, {900, minWaste}, {0, lateWaste}, {1000, never}, {3, minWaste},
	} {
		least, ok := tidier.least(second.commands)
		if ok != (second.least != never) || ok && least != second.least {
			t.Errorf("second %d, %g commands: %d, %v", i, second.commands, least, ok)
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
		if got := h.wastes(minWaste); got != want {
			t.Errorf("%+v: %v", h, got)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC() // the last one before what follows, which would count as live for one in the middle of it
	garbage := make([]byte, 64*mega)
	runtime.KeepAlive(garbage)
	if h := readGoHeap(); !h.wastes(lateWaste) {
		t.Errorf("64 MiB of garbage: %+v", h)
	}
	debug.FreeOSMemory()
	if h := readGoHeap(); h.live == 0 || h.objects < h.live/2 || h.free > 64*mega {
		t.Errorf("after a collection: %+v", h)
	}
}
