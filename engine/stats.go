package engine

import (
	"time"

	"quipu/persist"
)

// Stats is what the engine tells of itself, for INFO and metrics. Counters run from the start of the process.
type Stats struct {
	UsedMemory int64 // bytes of entries: pages, and what lies beside them
	PageBytes  int64
	BlobBytes  int64
	SideBytes  int64
	MaxMemory  int64

	Hits, Misses  int64 // of reads
	Expired       int64 // keys removed because their time had come
	ExpiredFields int64 // fields of hashes removed because their time had come, while their key's had not
	Evicted       int64 // clean entries dropped from memory
	EvictedKeys   int64 // keys deleted because memory was full
	Loads         int64 // entries read back from the store, or looked for there
	Changes       int64 // writes
	// ChangesSinceCheckpoint counts the writes since the last successful checkpoint began.
	ChangesSinceCheckpoint int64

	Loading      bool // counters are being loaded in the background
	LoadedKeys   int64
	LoadableKeys int64

	Commits, CommitRows, CommitBytes int64
	HeldReplies                      int64 // connections that wait for a commit now

	CheckpointRunning bool
	CheckpointSince   time.Time // when the running one began; zero: none is running, or it has not begun yet
	Checkpoints       int64
	CheckpointRows    int64
	LastCheckpoint    CheckpointInfo

	AppendOnly bool
	Fsync      FsyncPolicy
	Persist    persist.Metrics
}

// Stats returns a snapshot. Its numbers are read one after the other.
func (e *Engine) Stats() Stats {
	c := &e.stats
	s := Stats{
		UsedMemory: e.UsedMemory(), PageBytes: e.space.pages.bytes(), BlobBytes: e.space.blobs.used.Load(), SideBytes: e.space.sideBytes.Load(),
		MaxMemory: e.maxMemory.Load(),
		Hits:      c.hits.Load(), Misses: c.misses.Load(), Expired: c.expired.Load(), ExpiredFields: c.expiredFields.Load(),
		Loads: c.loads.Load(), Evicted: c.evictions.Load(), EvictedKeys: c.evictedKeys.Load(),
		Changes: c.changes.Load(), ChangesSinceCheckpoint: e.ChangesSinceCheckpoint(),
		Loading: e.warmer.running.Load(), LoadedKeys: e.warmer.loaded.Load(), LoadableKeys: e.warmer.total.Load(),
		Commits: c.commits.Load(), CommitRows: c.commitRows.Load(), CommitBytes: c.commitBytes.Load(), HeldReplies: c.held.Load(),
		CheckpointRunning: e.checkpoints.running(),
		AppendOnly:        e.logging.Load(), Fsync: FsyncPolicy(e.fsync.Load()),
		Persist: e.store.Metrics(),
	}
	e.checkpoints.mu.Lock()
	defer e.checkpoints.mu.Unlock()
	s.Checkpoints, s.CheckpointRows, s.LastCheckpoint = e.checkpoints.mu.count, e.checkpoints.mu.rows, e.checkpoints.mu.last
	s.CheckpointSince = e.checkpoints.mu.since
	return s
}

// ResetStats sets the counters of reads, expirations and evictions to zero (CONFIG RESETSTAT).
func (e *Engine) ResetStats() {
	c := &e.stats
	c.hits.Store(0)
	c.misses.Store(0)
	c.expired.Store(0)
	c.expiredFields.Store(0)
	c.evictions.Store(0)
	c.evictedKeys.Store(0)
	c.loads.Store(0)
}

// progress passes on what persist tells while it opens and replays; it tells no more than once a second.
func (e *Engine) progress(p persist.Progress) {
	now := time.Now()
	if e.progressFrom.IsZero() {
		e.progressFrom, e.progressTold = now, now
	}
	if now.Sub(e.progressTold) < progressInterval {
		return
	}
	e.progressTold = now
	e.tellProgress("Reading the log: "+p.Stage, p.Done, p.Total, now.Sub(e.progressFrom))
}
