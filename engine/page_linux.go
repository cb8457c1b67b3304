package engine

import "golang.org/x/sys/unix"

// adviseHuge has memory that is not yet touched become huge pages. Where there are none, nothing is lost.
func adviseHuge(region []byte) { _ = unix.Madvise(region, unix.MADV_HUGEPAGE) }

// collapse makes a huge page of one that is advised and partly touched. A kernel that can not, before 6.1, does it in its own time.
func collapse(region []byte) { _ = unix.Madvise(region, unix.MADV_COLLAPSE) }
