package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"quipu/persist"
)

var (
	// ErrCheckpointRunning is returned by a checkpoint that finds one running.
	ErrCheckpointRunning = errors.New("engine: a checkpoint is already running")
	// ErrClosing is returned by what is not begun any more, because the engine is being closed.
	ErrClosing = errors.New("engine: closing")
)

// CheckpointInfo describes a checkpoint that ended.
type CheckpointInfo struct {
	Rows    int64
	Started time.Time
	Took    time.Duration
	Err     error
}

// checkpoints is the state of writing what is dirty to the store.
type checkpoints struct {
	// claim is full while a checkpoint is running, or must not. A channel hands it on in order: however often checkpoints are
	// asked for, whoever waits for one to end gets its turn.
	claim  chan struct{}
	wanted chan struct{}

	// logBytes and interval are Options.CheckpointLogBytes and CheckpointInterval, as they are now.
	logBytes, interval atomic.Int64

	// databasesDirty: the order of the databases has changed since the last checkpoint took it. Guarded by Engine.mu.
	databasesDirty bool

	mu struct {
		sync.Mutex
		since   time.Time // when the running one began; zero: none is running
		last    CheckpointInfo
		saved   time.Time // when the last successful one was complete; zero: none yet
		changes int64     // of stats.changes when the last checkpoint began
		count   int64
		rows    int64
	}
}

func (c *checkpoints) init(*Engine) {
	c.claim = make(chan struct{}, 1)
	c.wanted = make(chan struct{}, 1)
	c.mu.last.Started = time.Now()
}

func (c *checkpoints) running() bool { return len(c.claim) > 0 }

// Checkpoint writes everything that is dirty to the store and returns when it is safe there.
func (e *Engine) Checkpoint(ctx context.Context) error {
	select {
	case e.checkpoints.claim <- struct{}{}:
	default:
		return ErrCheckpointRunning
	}
	defer e.releaseCheckpoint()
	return e.runCheckpoint(ctx)
}

// claimCheckpoint waits until no checkpoint is running, and keeps others from starting until releaseCheckpoint. It returns
// false when the engine stops.
func (e *Engine) claimCheckpoint() bool {
	select {
	case e.checkpoints.claim <- struct{}{}:
		return true
	case <-e.stop:
		return false
	}
}

func (e *Engine) releaseCheckpoint() { <-e.checkpoints.claim }

// StartCheckpoint asks the background for a checkpoint.
func (e *Engine) StartCheckpoint() error {
	if e.checkpoints.running() {
		return ErrCheckpointRunning
	}
	e.wantCheckpoint()
	return nil
}

// ScheduleCheckpoint asks the background for a checkpoint that begins after this call, and reports whether another is still running.
func (e *Engine) ScheduleCheckpoint() (running bool) {
	running = e.checkpoints.running()
	e.wantCheckpoint()
	return running
}

func (e *Engine) wantCheckpoint() {
	select {
	case e.checkpoints.wanted <- struct{}{}:
	default:
	}
}

// checkpointPoll is how often the length of the log is looked at. The log can outgrow its bound by what is written meanwhile.
const checkpointPoll = 100 * time.Millisecond

func (e *Engine) checkpointLoop() {
	ticker := time.NewTicker(checkpointPoll)
	defer ticker.Stop()
	for {
		wanted := false
		select {
		case <-e.stop:
			return
		case <-e.checkpoints.wanted:
			wanted = true
		case <-ticker.C:
			if !e.checkpointDue() {
				continue
			}
		}
		err := e.Checkpoint(context.Background())
		switch {
		case err == nil:
		case !errors.Is(err, ErrCheckpointRunning):
			e.log.Error("The checkpoint failed; the log keeps everything, the next checkpoint tries again", "error", err)
			e.pause(time.Second)
		case wanted: // somebody else's may have begun too early
			e.wantCheckpoint()
			e.pause(checkpointPoll)
		}
	}
}

func (e *Engine) pause(d time.Duration) {
	select {
	case <-e.stop:
	case <-time.After(d):
	}
}

// SetCheckpointLimits changes Options.CheckpointLogBytes, which must be positive, and Options.CheckpointInterval.
func (e *Engine) SetCheckpointLimits(logBytes int64, interval time.Duration) {
	e.checkpoints.logBytes.Store(logBytes)
	e.checkpoints.interval.Store(int64(interval))
}

func (e *Engine) checkpointDue() bool {
	if !e.logging.Load() || e.Limited() {
		return false
	}
	if e.store.LogBytes() >= e.checkpoints.logBytes.Load() {
		return true
	}
	interval := time.Duration(e.checkpoints.interval.Load())
	return interval > 0 && e.ChangesSinceCheckpoint() > 0 && time.Since(e.LastCheckpoint().Started) >= interval
}

// ChangesSinceCheckpoint counts the writes since the last successful checkpoint began.
func (e *Engine) ChangesSinceCheckpoint() int64 {
	e.checkpoints.mu.Lock()
	defer e.checkpoints.mu.Unlock()
	return e.stats.changes.Load() - e.checkpoints.mu.changes
}

// LastCheckpoint describes the last checkpoint; before the first one, Started is when the engine was opened.
func (e *Engine) LastCheckpoint() CheckpointInfo {
	e.checkpoints.mu.Lock()
	defer e.checkpoints.mu.Unlock()
	return e.checkpoints.mu.last
}

// LastSaved returns when the last successful checkpoint of this process was complete; zero if there was none.
func (e *Engine) LastSaved() time.Time {
	e.checkpoints.mu.Lock()
	defer e.checkpoints.mu.Unlock()
	return e.checkpoints.mu.saved
}

func (e *Engine) runCheckpoint(ctx context.Context) error {
	info := CheckpointInfo{Started: time.Now()}
	c := &e.checkpoints
	c.mu.Lock()
	c.mu.since = info.Started
	c.mu.Unlock()
	changes := e.stats.changes.Load()
	w := checkpointWriter{e: e}
	info.Err = w.run(ctx)
	info.Rows, info.Took = w.rows, time.Since(info.Started)
	c.mu.Lock()
	c.mu.since, c.mu.last = time.Time{}, info
	if info.Err == nil {
		c.mu.saved = info.Started.Add(info.Took)
		c.mu.changes = changes
		c.mu.count++
		c.mu.rows += info.Rows
	}
	c.mu.Unlock()
	if e.opts.Observe.Checkpoint != nil {
		e.opts.Observe.Checkpoint(info)
	}
	if info.Err == nil && info.Rows > 0 {
		e.log.Info("Checkpoint written", "rows", info.Rows, "took", info.Took.Round(time.Millisecond))
	}
	return info.Err
}

// checkpointWriter writes one checkpoint. It goes through the slots in the order of the store's keys and holds one slot's
// lock at a time; what changes behind it is in the log, from the covered commit on.
type checkpointWriter struct {
	e    *Engine
	cp   *persist.Checkpoint
	rows int64
	// databasesTaken: the checkpoint holds the order of the databases.
	databasesTaken bool

	counts []byte // slot rows, which sort behind the entries: length-prefixed keys and values
	taken  takenSlot
	// elements are rows of a spread collection.
	elements takenRows
	since    int
}

// takenSlot is what a checkpoint has copied of one slot.
type takenSlot struct {
	takenRows
	counts  []byte // the slot's row, empty when it has not changed: key, length of the value, value
	flushed bool
	// spreads are the collections whose elements are still to be taken, forgotten the numbers of those that are no more.
	spreads   []*spread
	forgotten []uint64
	// elements are those that were taken with the slot.
	elements takenRows
}

// takenRows are rows in an arena.
type takenRows struct {
	arena []byte
	rows  []takenRow
}

// takenRow is a row. Of a range, the value is its end.
type takenRow struct {
	kind       persist.Kind
	key, value []byte
}

func (w *checkpointWriter) run(ctx context.Context) error {
	e := w.e
	covered := e.commits.durable.Load()
	cp, err := e.store.NewCheckpoint(covered)
	if err != nil {
		return fmt.Errorf("begin a checkpoint: %w", err)
	}
	w.cp = cp
	databases, err := w.takeWhole(ctx)
	if err == nil {
		err = w.settle()
	}
	if err == nil {
		err = cp.Commit()
	} else {
		err = errors.Join(err, cp.Abort())
	}
	w.finish(databases, err == nil)
	if err != nil {
		// It may have been the log that failed, which is the end, and not only the store's disk.
		if lost := e.store.Sync(); lost != nil {
			e.fail(lost)
		}
	}
	return err
}

// finish settles what the checkpoint took.
func (w *checkpointWriter) finish(databases []*database, ok bool) {
	if w.databasesTaken && !ok {
		w.e.mu.Lock()
		w.e.checkpoints.databasesDirty = true
		w.e.mu.Unlock()
	}
	for _, db := range databases {
		for i := range db.slots {
			w.finishSpreads(&db.slots[i], ok)
			w.yield(yieldPerSlot + w.e.finishSlot(&db.slots[i], ok))
		}
	}
}

// settle waits until everything that was taken is on the disk in the log: no value may reach the store before its commit is
// durable, or a power cut would leave half of a transaction. Under everysec and no, a durable commit is only in the kernel, so
// the log is synced here; without a log there is nothing to wait for.
func (w *checkpointWriter) settle() error {
	if !w.e.logging.Load() {
		return nil
	}
	if err := w.e.Wait(w.e.commits.newest()); err != nil {
		return err
	}
	return w.e.store.Sync()
}

// takeWhole takes no half of a transaction. With a log, the log completes what was taken before or in the middle of one;
// without, a cut sees to it. It returns the databases that it has taken something of.
func (w *checkpointWriter) takeWhole(ctx context.Context) ([]*database, error) {
	if w.e.logging.Load() {
		databases := w.e.physical()
		return databases, w.take(ctx, databases)
	}
	databases := w.e.beginCut()
	defer w.e.endCut()
	return databases, w.take(ctx, databases)
}

func (w *checkpointWriter) take(ctx context.Context, databases []*database) error {
	if err := w.takeDatabases(); err != nil {
		return err
	}
	for _, db := range databases {
		for i := range db.slots {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := w.takeSlot(&db.slots[i]); err != nil {
				return err
			}
		}
	}
	return w.writeCounts()
}

// takeDatabases writes which physical database each logical one is.
func (w *checkpointWriter) takeDatabases() error {
	w.e.mu.Lock()
	dirty, ids := w.e.checkpoints.databasesDirty, slices.Clone(w.e.ids)
	w.e.checkpoints.databasesDirty = false
	w.e.mu.Unlock()
	if !dirty {
		return nil
	}
	w.databasesTaken = true
	w.rows++
	return w.cp.Set([]byte{rowDatabases}, ids)
}

func (w *checkpointWriter) takeSlot(s *slot) error {
	s.mu.Lock()
	taken := w.e.cut.takenEarly(s)
	if taken == nil {
		taken = &w.taken
		taken.copy(w.e.space, s)
		w.freeze(s, taken.spreads)
	}
	s.mu.Unlock()
	err := w.writeSlot(s, taken)
	if len(taken.spreads) > 0 {
		w.thaw(s, taken.spreads)
	}
	return err
}

// writeSlot writes what was taken of a slot, and the elements that are still to be taken.
func (w *checkpointWriter) writeSlot(s *slot, taken *takenSlot) error {
	w.counts = append(w.counts, taken.counts...)
	if taken.flushed {
		lo, hi := dataRange(s.db.id, s.number, 0, 0xffff)
		if err := w.cp.DeleteRange(lo, hi); err != nil {
			return err
		}
		lo, hi = slotElementRange(s.db.id, s.number)
		if err := w.cp.Upper().DeleteRange(lo, hi); err != nil {
			return err
		}
	}
	if err := w.writeRows(&w.cp.Rows, &taken.takenRows); err != nil {
		return err
	}
	if len(taken.elements.rows) > 0 {
		return w.writeRows(w.cp.Upper(), &taken.elements)
	}
	return w.takeSpreads(s, taken)
}

// copy copies what is dirty of a locked slot.
func (w *takenSlot) copy(sp *space, s *slot) {
	w.reset()
	w.counts, w.forgotten = w.counts[:0], w.forgotten[:0]
	clear(w.spreads)
	w.spreads = w.spreads[:0]
	w.flushed = s.flushed
	if s.flushed {
		s.flushed, s.flushTaken = false, true
	}
	s.tables(func(t *table) {
		if t.dirty {
			w.takeTable(sp, s, t)
		}
	})
	if s.countsDirty {
		s.countsDirty, s.countsTaken = false, true
		w.takeCounts(s)
	}
	if s.objects != nil {
		w.markSpreads(s)
	}
}

// takeTable copies the dirty entries of a table. They count as taken until the checkpoint has ended.
func (w *takenSlot) takeTable(sp *space, s *slot, t *table) {
	t.dirty, t.taken = false, true
	t.each(func(e entry, _ uint32, f flags) {
		if f&flagDirty == 0 {
			return
		}
		e.setFlags(f&^flagDirty | flagTaken)
		name := t.name(e, f)
		from := len(w.arena)
		w.arena = appendDataKey(w.arena, s.db.id, s.number, orderOf(name), name)
		if f&flagDeleted != 0 {
			w.addRow(persist.KindDelete, from, len(w.arena))
			return
		}
		c, mid := t.cell(sp, e, f), len(w.arena)
		w.arena = appendRow(w.arena, c)
		w.addRow(persist.KindSet, from, mid)
		if c.obj != nil {
			w.spreads = append(w.spreads, c.obj)
		}
	})
}

// addRow adds the row at the end of the arena, whose key and value begin at these places. When the arena grows, earlier rows stay in the
// old one, which they keep alive.
func (w *takenRows) addRow(kind persist.Kind, key, value int) {
	end := len(w.arena)
	w.rows = append(w.rows, takenRow{kind, w.arena[key:value:value], w.arena[value:end:end]})
}

func (w *takenSlot) takeCounts(s *slot) {
	w.counts = appendSlotKey(w.counts, s.db.id, s.number)
	value := appendSlotCounts(nil, s.counts())
	w.counts = append(w.counts, byte(len(value)))
	w.counts = append(w.counts, value...)
}

func (w *checkpointWriter) writeRows(to *persist.Rows, taken *takenRows) error {
	slices.SortFunc(taken.rows, func(a, b takenRow) int { return bytes.Compare(a.key, b.key) })
	for _, row := range taken.rows {
		var err error
		switch row.kind {
		case persist.KindSet:
			err = to.Set(row.key, row.value)
		case persist.KindDelete:
			err = to.Delete(row.key)
		case persist.KindDeleteRange:
			err = to.DeleteRange(row.key, row.value)
		}
		if err != nil {
			return err
		}
		w.yield(yieldPerRow)
	}
	w.rows += int64(len(taken.rows))
	w.yield(yieldPerSlot)
	return nil
}

func (w *checkpointWriter) writeCounts() error {
	const keySize = 4
	for rest := w.counts; len(rest) > 0; {
		size := int(rest[keySize])
		if err := w.cp.Set(rest[:keySize], rest[keySize+1:keySize+1+size]); err != nil {
			return err
		}
		rest = rest[keySize+1+size:]
		w.yield(yieldPerRow)
	}
	return nil
}

// A checkpoint looks at the clock every yieldAfter units of work, some 30 us.
const (
	yieldAfter   = 256
	yieldPerSlot = 4
	yieldPerRow  = 8
)

func (w *checkpointWriter) yield(work int) {
	if w.since += work; w.since >= yieldAfter {
		w.since = 0
		w.e.pacer.breathe()
	}
}

// finishSlot settles the entries that a checkpoint took: they are in the store now, or, when it failed, as dirty as before. It
// returns how many entries it looked at.
func (e *Engine) finishSlot(s *slot, ok bool) (entries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables(func(t *table) {
		if t.taken {
			entries += int(t.entries)
			e.finishTable(s, t, ok)
		}
	})
	if s.countsTaken {
		s.countsTaken = false
		s.countsDirty = s.countsDirty || !ok
	}
	if s.flushTaken {
		s.flushTaken = false
		s.flushed = s.flushed || !ok
	}
	if k := s.objects; k != nil && k.forgetTaken != nil {
		if !ok {
			k.forgetStore = append(k.forgetStore, k.forgetTaken...)
		}
		k.forgetTaken = nil
	}
	return entries
}

func (e *Engine) finishTable(s *slot, t *table, ok bool) {
	if gone := t.settle(ok); len(gone) > 0 {
		e.bury(s, t, gone)
	}
}
