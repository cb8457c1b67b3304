package engine

import (
	"sync/atomic"
	"time"
)

// warmer loads what only the store has, after a start, so that later reads find everything in memory.
type warmer struct {
	running atomic.Bool
	loaded  atomic.Int64
	total   atomic.Int64
}

// progressInterval is how often something that takes long tells how far it is.
const progressInterval = time.Second

func (e *Engine) warmLoop() {
	w := &e.warmer
	for _, db := range e.physical() {
		w.total.Add(db.keys.Load())
	}
	if w.total.Load() == 0 {
		return
	}
	w.running.Store(true)
	defer w.running.Store(false)
	started, told := time.Now(), time.Now()
	for _, db := range e.physical() {
		for i := range db.slots {
			if e.stopping() || e.full() {
				return
			}
			if err := e.warmSlot(&db.slots[i]); err != nil {
				e.log.Error("Counters can not be loaded from the store", "error", err)
				return
			}
			if time.Since(told) > progressInterval {
				told = time.Now()
				e.tellProgress("Loading counters", w.loaded.Load(), w.total.Load(), time.Since(started))
			}
			e.pacer.breathe()
		}
	}
	if took := time.Since(started); took > progressInterval {
		e.log.Info("All counters are in memory", "keys", w.total.Load(), "took", took.Round(time.Millisecond))
	}
}

// full: what is loaded now would only push something else out.
func (e *Engine) full() bool {
	limit := e.maxMemory.Load()
	return limit > 0 && e.UsedMemory() > limit-limit/slack*2
}

func (e *Engine) warmSlot(s *slot) error {
	s.mu.Lock()
	keys := s.keys
	s.mu.Unlock()
	err := e.loadSlot(s)
	if err == nil && !e.full() {
		err = e.loadSpreads(s)
	}
	e.warmer.loaded.Add(int64(keys))
	return err
}

// tellProgress logs how far something is, its rate and the time it still needs.
func (e *Engine) tellProgress(what string, done, total int64, took time.Duration) {
	rate := float64(done) / took.Seconds()
	left := time.Duration(0)
	if rate > 0 {
		left = time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
	}
	e.log.Info(what, "done", done, "of", total, "per_second", int64(rate), "left", left)
}
