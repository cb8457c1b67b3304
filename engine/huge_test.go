package engine

import "testing"

// TestHugeRegions fills slabs page by page: the first ones have huge pages where most is in use, the others from the beginning.
func TestHugeRegions(t *testing.T) {
	mem := mapSlab()
	defer unmapSlab(mem)
	for _, c := range []struct{ slabs, used int }{{1, thickRegion}, {thinSlabs, thickRegion}, {thinSlabs + 1, 0}} {
		var h hugeRegions
		for at := 0; at < slabSize; at += pageSize {
			h.grow(mem, at, at%regionSize, c.slabs)
			if want := at%regionSize >= c.used; h[at/regionSize] != want {
				t.Fatalf("slab %d, %d bytes of a region in use: huge is %v", c.slabs, at%regionSize, !want)
			}
			mem[at]++
		}
		for n := range h {
			if !h[n] {
				t.Errorf("slab %d: region %d is full, but not huge", c.slabs, n)
			}
		}
	}
	for at := 0; at < slabSize; at += pageSize {
		if mem[at] != 3 {
			t.Fatalf("a huge page does not hold what was written: %d at %d", mem[at], at)
		}
	}
}
