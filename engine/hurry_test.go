package engine

import (
	"flag"
	"testing"
	"time"
)

// hurried reports whether more than half of the time that the run of all tests may take is over, as on a machine that is ten times slower than
// others. Long tests are then shorter, rather than cut off: of everything that they vary they do something, but less of it.
func hurried(t *testing.T) bool {
	t.Helper()
	deadline, limited := t.Deadline()
	if !limited {
		return false
	}
	whole, ok := flag.Lookup("test.timeout").Value.(flag.Getter).Get().(time.Duration)
	if !ok || time.Until(deadline) > whole/2 {
		return false
	}
	t.Log("half of the time is over: this test is shortened")
	return true
}
