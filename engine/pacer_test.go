package engine

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestWorkGivesWayToWhoWaits: background work pauses as often while connections wait for the disk as while they are served.
func TestWorkGivesWayToWhoWaits(t *testing.T) {
	e := openTest(t, vfs.NewMem(), withoutLog)
	defer closed(t, e)
	p := pacer{e: e}
	p.seen.Store(p.served())
	if d := p.stretch(); d != breathIdle {
		t.Errorf("on an idle server, work goes on for %v", d)
	}
	e.stats.held.Add(1)
	if d := p.stretch(); d != breathCalm {
		t.Errorf("while one connection waits, work goes on for %v", d)
	}
	e.stats.held.Add(busy - 1)
	if d := p.stretch(); d != breathBusy {
		t.Errorf("while many connections wait, work goes on for %v", d)
	}
	e.stats.held.Add(-busy)
}
