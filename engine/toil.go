package engine

import (
	"runtime"
	"time"
)

// toil is the work of one command on a large collection. It goes on for as long as there are elements, and its slots stay locked, but the
// keys of all others need not wait: where nobody else is left to serve them (pacer.go says why), such a command pauses now and then.
type toil struct {
	elements int   // since the clock was last looked at
	since    int64 // when work went on after the last pause, in nanoseconds since the pacer began; 0: the command is not a long one yet
	seen     int64 // what the commands had done when that was last looked at
	pauses   int   // how many more there are to be before anybody is served
}

const (
	// toilStep is after how many elements a command looks at the clock: some 50 to 300 us. Shorter ones are not slowed down.
	toilStep = 1024
	// toilStretch is how long it works between two pauses. It leaves nearly half of the processor to others, and they wait this long for it.
	toilStretch = 500 * time.Microsecond
	// toilPauses is how many pauses in a row may be in vain: others may be waiting for the disk. On an idle server each lasts a millisecond,
	// and there are none.
	toilPauses = 16
)

// Toil is told of elements that a command has dealt with, wherever it deals with many. It may pause, with everything locked that is locked.
func (t *Txn) Toil(elements int) {
	if t.toil.elements += elements; t.toil.elements >= toilStep {
		t.toil.elements = 0
		t.e.pacer.relieve(&t.toil)
	}
}

// endToil notes that a long command is done.
func (t *Txn) endToil() {
	if t.toil.since != 0 {
		t.e.pacer.toilers.Add(-1)
	}
	t.toil = toil{}
}

// relieve pauses a command that has worked for long enough and is in the way of others.
func (p *pacer) relieve(w *toil) {
	now := int64(time.Since(p.began))
	if w.since == 0 {
		p.toilers.Add(1)
		w.since, w.seen = now, p.served()
		return
	}
	if now-w.since < int64(toilStretch) {
		return
	}
	if served := p.served(); served != w.seen || p.e.stats.held.Load() > 0 {
		w.seen, w.pauses = served, toilPauses
	}
	if w.pauses > 0 && p.toilers.Load() >= int32(runtime.GOMAXPROCS(0)) && !p.e.commits.stuck() {
		w.pauses--
		p.mu.Lock()
		if p.since.Load() < w.since {
			p.sleep()
		}
		p.mu.Unlock()
	}
	w.since = int64(time.Since(p.began))
}

// stuck reports whether a commit, or somebody whom commits wait for, is at work and so may wait for a slot: whoever holds it then had better
// be done soon.
func (c *commits) stuck() bool {
	if !c.walk.TryLock() {
		return true
	}
	c.walk.Unlock()
	return false
}
