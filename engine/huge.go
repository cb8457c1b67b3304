package engine

// Slabs are to be huge pages: a lookup touches half a dozen places all over memory, and with pages of 4 KiB each of them also costs a walk
// of the page tables. But all of a huge page is resident from the first touch of any of it, and while there are few counters, the pages that
// are only begun weigh more than those in use. Hence the first regions of pages, and of blobs, become huge when most of them is in use.

const (
	// regionSize is a huge page of the common processors. Where huge pages are larger, there are none; nothing else is lost.
	regionSize     = 2 << 20
	regionsPerSlab = slabSize / regionSize
	// thickRegion is how much of a region is in use when it becomes huge.
	thickRegion = regionSize / 4 * 3
	// thinSlabs is how many slabs have regions that begin small. Making a region huge afterwards takes half a millisecond to one, about
	// twice as long as the first touch of a huge one: cheap, but a large population need not pay for it.
	thinSlabs = 4
)

// hugeRegions tells which regions of a slab are huge, or will be from their first touch on.
type hugeRegions [regionsPerSlab]bool

// grow is called before more of a region is used, at a place in its slab; used is how many of its bytes are in use by then, and slabs how
// many slabs there are.
func (h *hugeRegions) grow(mem []byte, at, used, slabs int) {
	n := at / regionSize
	if h[n] || used < thickRegion && slabs <= thinSlabs {
		return
	}
	h[n] = true
	region := mem[n*regionSize : (n+1)*regionSize]
	adviseHuge(region)
	if used > 0 {
		collapse(region)
	}
}
