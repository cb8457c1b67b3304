//go:build !unix

package engine

import "unsafe"

// mapSlab takes the slab from the Go heap where there is no mmap: it is pointer-free, so it is still never walked.
func mapSlab() []byte {
	mem := make([]byte, 2*slabSize)
	lead := (slabSize - uintptr(unsafe.Pointer(&mem[0]))%slabSize) % slabSize
	return mem[lead : lead+slabSize]
}

func unmapSlab([]byte) {}

func adviseHuge([]byte) {}

func collapse([]byte) {}
