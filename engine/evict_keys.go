package engine

import (
	"math/rand/v2"
	"slices"

	"quipu/cluster/hashslot"
)

// Deleting keys to make space, under the policies that do. Redis deletes the best of five keys, again and again. Here a sample
// tells which score the worst eighth of the keys has, and a hand goes round and deletes what has it, until there is space: since
// names are spread over slots by a hash, any stretch of slots is a fair sample of all keys.
//
// A deleted key gives its memory back when the log knows of it and, if the store has it, when a checkpoint has told the store.

// sampleKeys times maxmemory-samples is how many keys are looked at before any is deleted: with Redis's 5, 640.
const sampleKeys = 128

// worstShare is the part of the keys under the hand that goes, unless more must go. A smaller one has the hand look at more keys for
// each that it deletes; a larger one deletes keys that are not so bad.
const worstShare = 1.0 / 8

// deleteKeys deletes keys by the policy until about so much memory is going to be in use, and sees to it that it is. It reports
// whether there were any to delete, or still are some to be told of.
func (e *Engine) deleteKeys(goal int64) (bool, error) {
	v := &e.evictor
	used := e.UsedMemory()
	x := keyEvictor{e: e, t: e.NewTxn(), policy: e.space.ages.rules(), need: used - goal - v.doomed, touched: map[*slot]bool{}}
	if x.need > 0 && x.sample(max(worstShare, float64(x.need)/float64(used))) {
		v.doomed += x.need
		x.sweep()
		v.doomed -= x.need
		e.stats.evictedKeys.Add(x.deleted)
	}
	if v.doomed <= 0 {
		v.doomed = 0
		return false, nil
	}
	defer v.announce()
	return true, x.reclaim(goal)
}

// keyEvictor is one round of deleting keys.
type keyEvictor struct {
	e      *Engine
	t      *Txn
	policy EvictionPolicy

	least   int64   // a key with a higher score goes
	ties    float64 // the part of the keys with just this score that goes, too
	need    int64   // bytes that are to be freed yet
	victims []Key   // of the table at hand
	// touched are the slots that have garbage now.
	touched map[*slot]bool
	deleted int64
}

const (
	// sampleTries is how many slots are looked into at random for a sample, before all are.
	sampleTries = 1024
	// samplePerTable is how many keys of a table a sample takes: the keys of one slot may have been treated alike before.
	samplePerTable = 16
)

// sample finds the score of the keys that make up a share of all. It reports false if no key may be deleted.
func (x *keyEvictor) sample(share float64) bool {
	want := sampleKeys * int(max(x.e.evictor.samples.Load(), 1))
	var scores []int64
	dbs := x.e.physical()
	for try := 0; try < sampleTries && len(scores) < want; try++ {
		db := dbs[rand.IntN(len(dbs))]
		scores = x.appendScores(scores, &db.slots[rand.IntN(hashslot.Count)], want)
	}
	for _, db := range dbs {
		for i := 0; i < hashslot.Count && len(scores) < want; i++ {
			scores = x.appendScores(scores, &db.slots[i], want)
		}
	}
	if len(scores) == 0 {
		return false
	}
	x.setLimit(scores, share)
	return true
}

// setLimit has the share of the scores that is highest go.
func (x *keyEvictor) setLimit(scores []int64, share float64) {
	slices.Sort(scores)
	going := min(share, 1) * float64(len(scores))
	x.least = scores[max(len(scores)-int(going)-1, 0)]
	first, _ := slices.BinarySearch(scores, x.least)
	beyond, _ := slices.BinarySearch(scores, x.least+1)
	x.ties = (going - float64(len(scores)-beyond)) / float64(beyond-first)
}

// goes reports whether a key with that score goes.
func (x *keyEvictor) goes(score int64) bool {
	return score > x.least || score == x.least && rand.Float64() < x.ties
}

// appendScores appends the scores of some candidates of a slot, until there are about as many as wanted.
func (x *keyEvictor) appendScores(scores []int64, s *slot, want int) []int64 {
	now := x.e.clock()
	for at := 0; at <= 0xffff && len(scores) < want; {
		s.mu.Lock()
		t := s.table(uint16(at))
		at = int(t.last()) + 1
		first := len(scores)
		t.eachRef(func(off, age uint32) {
			if c, ok := x.candidate(t, off, age); ok {
				scores = append(scores, x.policy.score(&x.e.space.ages, c, now))
			}
		})
		s.mu.Unlock()
		if own := scores[first:]; len(own) > samplePerTable {
			rand.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
			scores = scores[:first+samplePerTable]
		}
	}
	return scores
}

// candidate returns what the policy looks at in an entry, and whether it may be deleted.
func (x *keyEvictor) candidate(t *table, off, age uint32) (candidate, bool) {
	en := t.at(off)
	f := en.flags()
	if f&flagDeleted != 0 || x.policy.volatileOnly() && f&flagExpires == 0 {
		return candidate{}, false
	}
	if o := t.spread(en, f); o != nil && o.thawed != nil {
		return candidate{}, false // a checkpoint is at it, which writers wait for
	}
	if t.ages == nil {
		age = x.e.space.ages.unknown()
	}
	return candidate{age, en.expiry(f)}, true
}

// sweep moves the hand on, once round at most, until enough is deleted.
func (x *keyEvictor) sweep() {
	v := &x.e.evictor
	for left := len(x.e.physical()) * hashslot.Count; left > 0 && x.need > 0 && !x.e.stopping(); {
		db := x.e.dbs[v.db%len(x.e.dbs)].Load()
		if db == nil || v.hand == hashslot.Count {
			v.hand, v.db = 0, (v.db+1)%len(x.e.dbs)
			continue
		}
		if db.keys.Load() > 0 {
			x.sweepSlot(&db.slots[v.hand])
		}
		v.hand++
		left--
	}
}

// sweepSlot deletes from a slot, a table under each hold of its lock.
func (x *keyEvictor) sweepSlot(s *slot) {
	t := x.t
	for at := 0; at <= 0xffff && x.need > 0; {
		t.begin()
		s.mu.Lock()
		t.hold(s)
		t.locked()
		tb := s.table(uint16(at))
		at = int(tb.last()) + 1
		x.choose(tb)
		for i := range x.victims {
			x.deleteKey(s, &x.victims[i])
		}
		t.Unlock()
		t.ClearNeed()
		if len(x.victims) > 0 {
			x.touched[s] = true
		}
	}
}

// choose picks the keys of a table that go.
func (x *keyEvictor) choose(tb *table) {
	x.victims = x.victims[:0]
	tb.eachRef(func(off, age uint32) {
		if x.need <= 0 {
			return
		}
		c, ok := x.candidate(tb, off, age)
		if !ok || !x.goes(x.policy.score(&x.e.space.ages, c, x.t.now)) {
			return
		}
		en := tb.at(off)
		f := en.flags()
		name := append([]byte(nil), tb.name(en, f)...)
		x.victims = append(x.victims, Key{Name: name, hash: x.e.space.hash(name), order: orderOf(name)})
		x.need -= tb.weight(x.e.space, en, f)
	})
}

func (x *keyEvictor) deleteKey(s *slot, k *Key) {
	tb := s.table(k.order)
	en, off := tb.find(k.hash, k.Name)
	if en.flags()&(flagStored|flagTaken) != 0 {
		x.e.evictor.untold = true
	}
	x.t.mark(k, spot{s, tb, en, off})
	x.deleted++
}

// reclaim gets back the memory of what was deleted: when the log knows of it and, if that is not enough, the store too, where it
// has something of it.
func (x *keyEvictor) reclaim(goal int64) error {
	if x.e.logging.Load() {
		if err := x.e.Wait(x.e.commits.newest()); err != nil {
			return err
		}
	}
	v := &x.e.evictor
	if x.squeeze(); v.untold && x.e.UsedMemory() > goal {
		if err := x.e.cleanUp(); err != nil {
			return err
		}
		v.untold = false
		x.squeeze()
	}
	v.doomed = 0
	return nil
}

// squeeze gives the garbage of the slots in which keys were deleted back.
func (x *keyEvictor) squeeze() {
	x.e.space.freer.drain()
	for s := range x.touched {
		s.mu.Lock()
		s.tables(func(t *table) {
			if t.dead > 0 {
				t.compact(x.e.space, nil)
			}
		})
		s.mu.Unlock()
	}
}
