package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"quipu/cluster/hashslot"
)

// When memory is full and the policy deletes nothing, clean entries that were not used lately are dropped: the store has them, and who misses one reads it
// back. A clock hand goes over the tables; an access heats an entry, the hand cools it, and what is cold goes. What is dirty
// must stay until a checkpoint has taken it, so when nothing clean is left the evictor writes one.
type evictor struct {
	wake chan struct{}
	// starved: nothing could be dropped, because nothing is clean and can be made so; only then is a write refused.
	starved atomic.Bool
	retry   time.Duration
	samples atomic.Int64 // maxmemory-samples
	doomed  int64        // bytes of deleted keys that are not yet free, about
	untold  bool         // the store has rows of deleted keys
	hand    int
	db      int

	mu    sync.Mutex
	freed *sync.Cond
	round uint64
}

func (v *evictor) init() {
	v.wake = make(chan struct{}, 1)
	v.freed = sync.NewCond(&v.mu)
	v.retry = retryMin
}

// UsedMemory returns the bytes that entries take, in pages and beside them.
func (e *Engine) UsedMemory() int64 { return e.space.bytes() }

// OutOfMemory reports that memory is over its limit and that nothing more can be dropped. The evictor tries again by itself.
func (e *Engine) OutOfMemory() bool {
	return e.evicting() && e.evictor.starved.Load() && e.UsedMemory() > e.maxMemory.Load()
}

func (e *Engine) evicting() bool { return e.maxMemory.Load() > 0 }

// admit makes a write wait while memory is over its limit and something can still be dropped: for one round of the evictor,
// be it a sweep that dropped something or the checkpoint that makes entries clean and the sweep after it. Then the write goes
// on, over the limit if need be, so a working set larger than memory slows writers down to the pace of checkpoints, and none
// waits twice while others pass. Reads never wait.
func (e *Engine) admit(write bool) {
	limit := e.maxMemory.Load()
	if limit == 0 || e.UsedMemory() <= limit {
		return
	}
	v := &e.evictor
	v.poke()
	if !write {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for round := v.round; round == v.round && e.UsedMemory() > limit && !v.starved.Load() && !e.stopping(); {
		v.poke() // under the lock: the round that this brings about can not be announced before Wait listens
		v.freed.Wait()
	}
}

func (e *Engine) stopping() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

func (v *evictor) poke() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// announce lets those that wait for memory look again.
func (v *evictor) announce() {
	v.mu.Lock()
	v.round++
	v.freed.Broadcast()
	v.mu.Unlock()
}

func (e *Engine) evictLoop() {
	defer e.evictor.announce()
	for {
		select {
		case <-e.stop:
			return
		case <-e.evictor.wake:
			e.makeSpace()
			e.retryStarved()
		}
	}
}

// A starved evictor tries again after retryMin, and after twice the time each time, up to retryMax: the disk may have room
// again, and whoever is refused does not wake it.
const (
	retryMin = 10 * time.Millisecond
	retryMax = time.Second
)

func (e *Engine) retryStarved() {
	v := &e.evictor
	if !v.starved.Load() {
		v.retry = retryMin
		return
	}
	e.pause(v.retry)
	v.retry = min(2*v.retry, retryMax)
	v.poke()
}

// slack is the part of the limit that is freed beyond need, so that the hand is not woken for every entry.
const slack = 32

// makeSpace frees memory until it is some way below its limit.
func (e *Engine) makeSpace() {
	v := &e.evictor
	for !e.stopping() {
		limit := e.maxMemory.Load()
		goal := limit - limit/slack
		if limit == 0 || e.UsedMemory() <= goal {
			break
		}
		if !e.freeSome(goal) {
			v.starved.Store(true)
			v.announce()
			return
		}
	}
	v.starved.Store(false)
	v.announce()
}

// freeSome frees memory as the policy says, and reports false when there is nothing that it could free. Where no key may be
// deleted, because none has an expiry, clean entries leave memory as they do under noeviction.
func (e *Engine) freeSome(goal int64) bool {
	if e.Limited() {
		return e.dropClean(goal)
	}
	if e.space.ages.keeps() {
		freed, err := e.deleteKeys(goal)
		if err != nil {
			e.log.Error("Keys were deleted to make space, but the store can not be told", "error", err)
			return false
		}
		if freed {
			return true
		}
	}
	return e.dropSome(goal)
}

// dropSome drops clean entries. When they do not suffice, a checkpoint makes more of them: at once, as going on to look for the
// few that are left would take as long for each as for all.
func (e *Engine) dropSome(goal int64) bool {
	dropped := e.dropClean(goal)
	if e.UsedMemory() <= goal {
		return true
	}
	if err := e.cleanUp(); err != nil {
		e.log.Error("Memory is full of changes that can not be written to the store", "error", err)
		e.pause(retryMin)
	}
	return e.dropClean(goal) || dropped
}

// dropClean drops clean entries, those first that were not used lately, and reports whether there were any.
func (e *Engine) dropClean(goal int64) bool {
	dropped := e.sweep(goal, rounds, flags.cold)
	if e.UsedMemory() > goal {
		dropped = e.sweep(goal, 1, flags.clean) || dropped // readers may keep everything warm
	}
	if dropped {
		e.evictor.announce()
	}
	return dropped
}

// cleanUp makes dirty entries clean.
func (e *Engine) cleanUp() error {
	if !e.claimCheckpoint() {
		return nil
	}
	defer e.releaseCheckpoint()
	defer e.pacer.hurry()()
	return e.runCheckpoint(context.Background())
}

// rounds of the hand cool the hottest entry down.
const rounds = int(heatMask>>heatShift) + 1

// sweep moves the hand until the goal is reached or it has been everywhere so many times, and reports whether it dropped
// anything.
func (e *Engine) sweep(goal int64, rounds int, may func(flags) bool) bool {
	v := &e.evictor
	dropped := false
	for left := rounds * len(e.physical()) * hashslot.Count; left > 0; {
		db := e.dbs[v.db%len(e.dbs)].Load()
		if db == nil || v.hand == hashslot.Count {
			v.hand, v.db = 0, v.db+1
			if v.db >= len(e.dbs) {
				v.db = 0
			}
			continue
		}
		if e.sweepSlot(&db.slots[v.hand], may) {
			dropped = true
			e.space.freer.drain()
		}
		v.hand++
		left--
		if e.UsedMemory() <= goal {
			return true
		}
	}
	return dropped
}

func (e *Engine) sweepSlot(s *slot, may func(flags) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped := 0
	s.tables(func(t *table) {
		dropped += t.drop(e.space, may)
		t.cool()
	})
	s.evicted(dropped)
	e.stats.evictions.Add(int64(dropped))
	return dropped > 0
}

// evicted notes that entries which the store has were dropped.
func (s *slot) evicted(dropped int) {
	if dropped > 0 {
		s.departures++
		s.evictions++
	}
}

// clean: the store has what the entry has.
func (f flags) clean() bool { return f&(flagsBusy|flagDeleted) == 0 && f&flagStored != 0 }

func (f flags) cold() bool { return f.clean() && f&heatMask == 0 }

// drop drops the entries that may go, all of them clean, and returns how many went.
func (t *table) drop(sp *space, may func(flags) bool) int {
	n := 0
	t.each(func(_ entry, _ uint32, f flags) {
		if may(f) {
			n++
		}
	})
	if n > 0 {
		t.partial = true
		t.compact(sp, func(_ entry, f flags) bool { return may(f) })
	}
	return n
}

// cool takes one access from the heat of every entry.
func (t *table) cool() {
	t.each(func(e entry, _ uint32, f flags) {
		if f&heatMask != 0 {
			e.setFlags(f - 1<<heatShift)
		}
	})
}

// SetMaxMemory changes the limit for entries, in bytes; 0 lifts it.
func (e *Engine) SetMaxMemory(limit int64) {
	e.maxMemory.Store(limit)
	e.evictor.poke()
}
