package engine

import (
	"testing"
	"unsafe"
)

// TestSlotLayout holds what a command on a counter touches in the cache lines that slot.prefetch asks for. A field in the wrong place
// is found by no other test: it only costs.
func TestSlotLayout(t *testing.T) {
	var s slot
	if size := unsafe.Sizeof(s); size != 6*cacheLine {
		t.Errorf("a slot takes %d bytes, so slots do not begin where cache lines do", size)
	}
	one := unsafe.Offsetof(s.one)
	if one != cacheLine {
		t.Errorf("the table begins at %d, not with the second line", one)
	}
	for _, f := range []struct {
		name      string
		end, want uintptr
	}{
		{"number", unsafe.Offsetof(s.number) + unsafe.Sizeof(s.number), cacheLine},
		{"listed", unsafe.Offsetof(s.listed) + unsafe.Sizeof(s.listed), cacheLine},
		{"pending", unsafe.Offsetof(s.pending) + unsafe.Sizeof(s.pending), cacheLine},
		{"taken", unsafe.Offsetof(s.taken) + unsafe.Sizeof(s.taken), cacheLine},
		{"watches", unsafe.Offsetof(s.watches) + unsafe.Sizeof(s.watches), cacheLine},
		{"parts", unsafe.Offsetof(s.parts) + unsafe.Sizeof(s.parts), cacheLine},
		{"index", one + unsafe.Offsetof(s.one.index) + unsafe.Sizeof(s.one.index), 2 * cacheLine},
		{"arena", one + unsafe.Offsetof(s.one.arena) + unsafe.Sizeof(s.one.arena), 2 * cacheLine},
		{"buckets", one + unsafe.Offsetof(s.one.buckets) + unsafe.Sizeof(s.one.buckets), 2 * cacheLine},
		{"usedAt", one + unsafe.Offsetof(s.one.usedAt) + unsafe.Sizeof(s.one.usedAt), 2 * cacheLine},
		{"blobs", one + unsafe.Offsetof(s.one.blobs) + unsafe.Sizeof(s.one.blobs), 2 * cacheLine},
		{"partial", one + unsafe.Offsetof(s.one.partial) + unsafe.Sizeof(s.one.partial), 2 * cacheLine},
		{"hollow", one + unsafe.Offsetof(s.one.hollow) + unsafe.Sizeof(s.one.hollow), 2 * cacheLine},
		{"dirty", one + unsafe.Offsetof(s.one.dirty) + unsafe.Sizeof(s.one.dirty), 2 * cacheLine},
		{"fewPages", one + unsafe.Offsetof(s.one.fewPages) + unsafe.Sizeof(s.one.fewPages), 3 * cacheLine},
		{"fewIndexPages", one + unsafe.Offsetof(s.one.fewIndexPages) + unsafe.Sizeof(s.one.fewIndexPages), 3 * cacheLine},
	} {
		if f.end > f.want {
			t.Errorf("%s ends at %d, behind the %d bytes that it should lie in", f.name, f.end, f.want)
		}
	}
}
