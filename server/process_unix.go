//go:build unix

package server

import (
	"syscall"
	"time"
)

// readCPU returns the times of now.
func readCPU() cpuTimes {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return cpuTimes{}
	}
	return cpuTimes{user: time.Duration(usage.Utime.Nano()), system: time.Duration(usage.Stime.Nano())}
}
