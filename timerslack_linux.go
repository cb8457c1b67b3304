package main

import (
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// timerSlackVariable holds the timer slack of the process in microseconds, instead of defaultTimerSlack; 0: as the system has it.
const timerSlackVariable = "QUIPU_TIMER_SLACK"

// defaultTimerSlack is by how much the kernel may delay the end of a sleep, in microseconds.
//
// A process that waits for an fsync is idle for a moment, and after every such moment the monitor of Go's runtime (sysmon in
// runtime/proc.go) begins anew to look around every 20 us. With the kernel's own slack of 50 us that makes 6,000 wakeups a
// second under appendfsync always: a tenth of all CPU, measured on one core. With a millisecond of slack the monitor wakes up
// a tenth as often, an INCRBY at pipeline 1 costs 8.2 us instead of 9.7 us, and one at pipeline 16 1.1 us instead of 1.27 us. Nothing
// here needs a timer that is more precise: keys expire by the clock.
const defaultTimerSlack = 1000

// setTimerSlack gives the whole process its timer slack. A thread inherits the slack of the one that starts it, and the runtime's threads
// are there before main is; so the process executes itself once more, with a variable that keeps it from doing so again.
// Where that is not possible it goes on as it is: slower, not worse.
func setTimerSlack() {
	slack, err := strconv.Atoi(os.Getenv(timerSlackVariable))
	if err != nil {
		slack = defaultTimerSlack
	}
	if slack <= 0 || os.Setenv(timerSlackVariable, "0") != nil {
		return
	}
	runtime.LockOSThread() // what executes the program anew hands its slack on
	defer runtime.UnlockOSThread()
	if unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack)*1000, 0, 0, 0) == nil {
		syscall.Exec("/proc/self/exe", os.Args, os.Environ()) //nolint:errcheck // it returns only when it failed
	}
}
