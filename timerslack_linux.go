package main

import (
	"fmt"
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
// runtime/proc.go) begins anew to look around every 20 us. With the kernel's own slack of 50 us that makes 5,400 wakeups a
// second under appendfsync always: a tenth of all CPU, measured on one core. With a millisecond of slack there are 1,500, an
// INCRBY at pipeline 1 costs 8.4 us instead of 10.2 us, and one at pipeline 16 1.13 us instead of 1.33 us. Nothing here needs a
// timer that is more precise: keys expire by the clock.
const defaultTimerSlack = 1000

// maxTimerSlack is a second.
const maxTimerSlack = 1_000_000

// setTimerSlack gives the whole process its timer slack. A thread inherits the slack of the one that starts it, and the runtime's threads
// are there before main is; so the process executes itself once more, with a variable that keeps it from doing so again.
// Where that is not possible it goes on as it is: slower, not worse. An error is about the variable.
func setTimerSlack() error {
	slack := defaultTimerSlack
	if text := os.Getenv(timerSlackVariable); text != "" {
		var err error
		if slack, err = strconv.Atoi(text); err != nil || slack < 0 || slack > maxTimerSlack {
			return fmt.Errorf("%s is %q, want microseconds between 0 and %d", timerSlackVariable, text, maxTimerSlack)
		}
	}
	if slack == 0 || os.Setenv(timerSlackVariable, "0") != nil {
		return nil
	}
	runtime.LockOSThread() // what executes the program anew hands its slack on
	defer runtime.UnlockOSThread()
	if unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack)*1000, 0, 0, 0) == nil {
		executeAgain()
	}
	return nil
}

// executeAgain has the process begin once more with the same program. By its path, since the kernel names a process after the path that was
// executed, and ps, top and pkill find it by that name; by /proc where the file has been moved meanwhile. It returns only when it failed.
func executeAgain() {
	if path, err := os.Executable(); err == nil {
		syscall.Exec(path, os.Args, os.Environ()) //nolint:errcheck // there is another way
	}
	syscall.Exec("/proc/self/exe", os.Args, os.Environ()) //nolint:errcheck // the caller goes on as it is
}
