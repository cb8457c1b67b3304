package engine

import "golang.org/x/sys/unix"

// adviseHuge asks for huge pages: a lookup touches half a dozen places all over memory, and with 4 KiB pages each of them also
// costs a walk of the page tables. Where there are none, nothing is lost.
func adviseHuge(slab []byte) { _ = unix.Madvise(slab, unix.MADV_HUGEPAGE) }
