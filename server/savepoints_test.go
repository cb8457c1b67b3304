package server

import (
	"errors"
	"testing"
	"time"

	"quipu/engine"
	"quipu/server/config"
)

func TestSavePoints(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	points := []config.SavePoint{{After: time.Hour, Changes: 1}, {After: time.Minute, Changes: 100}}
	for _, tc := range []struct {
		name    string
		changes int64
		ago     time.Duration
		err     error
		due     bool
	}{
		{"nothing changed", 0, 2 * time.Hour, nil, false},
		{"few changes, recent", 99, 30 * time.Minute, nil, false},
		{"few changes, long ago", 1, 61 * time.Minute, nil, true},
		{"many changes", 100, 61 * time.Second, nil, true},
		{"many changes, too recent", 100, 59 * time.Second, nil, false},
		{"failed just now", 1000, 4 * time.Second, errors.New("disk full"), false},
	} {
		_, due := dueSavePoint(points, tc.changes, engine.CheckpointInfo{Started: now.Add(-tc.ago), Err: tc.err}, now)
		if due != tc.due {
			t.Errorf("%s: due is %v", tc.name, due)
		}
	}
}

func TestSavePointStartsACheckpoint(t *testing.T) {
	ts := startServer(t, "--appendonly", "no", "--save", "3600 1")
	ts.dial().want("INCR a", "(integer) 1")
	ts.saveIfDue(time.Now())
	if ts.eng.ChangesSinceCheckpoint() != 1 {
		t.Error("it was saved too early")
	}
	ts.saveIfDue(time.Now().Add(2 * time.Hour))
	eventually(t, "it is saved", func() bool { return ts.eng.ChangesSinceCheckpoint() == 0 })
}
