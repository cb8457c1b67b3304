//go:build unix

package engine

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapSlab maps one aligned slab of zeroed memory. It maps twice the size and gives the ends back, because mmap promises no
// alignment beyond a hardware page. Running out of address space is not something a caller could mend, hence the panic.
func mapSlab() []byte {
	start, err := unix.MmapPtr(-1, 0, nil, 2*slabSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic(fmt.Errorf("engine: map %d bytes for counters: %w", 2*slabSize, err))
	}
	lead := (slabSize - uintptr(start)%slabSize) % slabSize
	slabStart := unsafe.Add(start, lead)
	if lead > 0 {
		_ = unix.MunmapPtr(start, lead)
	}
	_ = unix.MunmapPtr(unsafe.Add(slabStart, slabSize), slabSize-lead)
	return unsafe.Slice((*byte)(slabStart), slabSize)
}

func unmapSlab(mem []byte) {
	_ = unix.MunmapPtr(unsafe.Pointer(&mem[0]), slabSize)
}
