package persist

import (
	"fmt"
	"testing"
	"time"
)

// TestComplaints: what fails again and again is told once a minute, and what else fails at once.
func TestComplaints(t *testing.T) {
	var c complaints
	now := time.Now()
	if !c.allow("a", now) || !c.allow("b", now) {
		t.Error("news is not told")
	}
	if c.allow("a", now.Add(complaintPause-1)) {
		t.Error("told twice within a minute")
	}
	if !c.allow("a", now.Add(complaintPause)) {
		t.Error("not told again after a minute")
	}
	for i := range 10 * maxComplaints {
		if !c.allow(fmt.Sprint(i), now) {
			t.Fatal("news is not told")
		}
	}
	if n := len(c.mu.told); n > maxComplaints {
		t.Errorf("%d are remembered", n)
	}
}
