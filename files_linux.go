package main

import (
	"math"
	"syscall"
)

// raiseFileLimit has the process open need files, if it may, and returns how many it may open now.
func raiseFileLimit(need int) (limit int, known bool) {
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) != nil {
		return 0, false
	}
	for _, try := range []uint64{uint64(need), r.Max} { // beyond r.Max only with the privilege to
		raised := syscall.Rlimit{Cur: try, Max: max(try, r.Max)}
		if r.Cur < uint64(need) && syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			r = raised
		}
	}
	return int(min(r.Cur, math.MaxInt32)), true
}
