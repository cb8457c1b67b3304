//go:build !amd64 && !arm64

package engine

import "unsafe"

// prefetchLines is a hint to the processor, which can do without.
func prefetchLines(unsafe.Pointer) {}
