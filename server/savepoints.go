package server

import (
	"errors"
	"time"

	"quipu/engine"
	"quipu/server/config"
)

// saveRetry is how long the save points wait after a checkpoint that failed, as in Redis.
const saveRetry = 5 * time.Second

// saveIfDue starts a checkpoint when a save point asks for one. Only without a log: with one, every change is on disk already, and the
// log's length decides when a checkpoint pays.
func (s *Server) saveIfDue(now time.Time) {
	v := s.cfg.Load()
	if v.AppendOnly || len(v.SavePoints) == 0 {
		return
	}
	point, due := dueSavePoint(v.SavePoints, s.engine.ChangesSinceCheckpoint(), s.engine.LastCheckpoint(), now)
	if !due {
		return
	}
	s.log.Info("a save point is reached: saving", "changes", point.Changes, "after", point.After)
	if err := s.engine.StartCheckpoint(); err != nil && !errors.Is(err, engine.ErrCheckpointRunning) {
		s.log.Error("cannot start a checkpoint", "error", err)
	}
}

// dueSavePoint returns the first save point that is reached, given the changes since the last checkpoint.
func dueSavePoint(points []config.SavePoint, changes int64, last engine.CheckpointInfo, now time.Time) (config.SavePoint, bool) {
	since := now.Sub(last.Started)
	if last.Err != nil && since < saveRetry {
		return config.SavePoint{}, false
	}
	for _, p := range points {
		if changes >= int64(p.Changes) && changes > 0 && since > p.After {
			return p, true
		}
	}
	return config.SavePoint{}, false
}
