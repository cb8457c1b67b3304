package engine

import "context"

// SetAppendOnly turns the commit log on or off. Turned on, the log and the store together hold everything that there is when
// it returns; after an error the log is still off. No checkpoint runs meanwhile: one that began with a log must end with it,
// or the log would bring back older values than the store then has.
func (e *Engine) SetAppendOnly(on bool) error {
	if !e.claimCheckpoint() {
		return ErrClosing
	}
	defer e.releaseCheckpoint()
	switch {
	case e.logging.Load() == on:
		return nil
	case on:
		return e.startLog()
	default:
		return e.stopLog()
	}
}

// stopLog lets what waits for a commit have it; nothing joins one afterwards. That commit takes values as they are now: later, some might
// be those of transactions of which no log has the rest.
func (e *Engine) stopLog() error {
	t := e.NewTxn()
	t.LockAll()
	e.logging.Store(false)
	e.takeGathering()
	t.Unlock()
	return e.Wait(e.commits.newest())
}

// startLog writes everything to the store, and what changes meanwhile into the first commit.
func (e *Engine) startLog() error {
	for {
		if err := e.runCheckpoint(context.Background()); err != nil {
			return err
		}
		if e.switchLogOn() {
			return e.Wait(e.commits.newest())
		}
	}
}

// switchLogOn queues for the first commit what is dirty. It gives up when a database was emptied or exchanged meanwhile, which
// another checkpoint has to tell the store.
func (e *Engine) switchLogOn() bool {
	t := e.NewTxn()
	t.LockAll()
	defer t.Unlock()
	if e.checkpoints.databasesDirty {
		return false
	}
	databases := e.physical()
	for _, db := range databases {
		for i := range db.slots {
			if db.slots[i].flushed {
				return false
			}
		}
	}
	e.logging.Store(true)
	t.wrote = true
	for _, db := range databases {
		for i := range db.slots {
			t.queueDirty(&db.slots[i])
		}
	}
	return true
}

// queueDirty queues what no log knows of a slot.
func (t *Txn) queueDirty(s *slot) {
	s.tables(func(tb *table) {
		if !tb.dirty {
			return
		}
		tb.each(func(e entry, off uint32, f flags) {
			if f&(flagDirty|flagQueued) == flagDirty {
				e.setFlags(f | flagQueued)
				if obj := tb.spread(e, f); obj != nil {
					obj.content.queueDirty()
				}
				s.enqueue(tb, off)
				t.list(s)
			}
		})
	})
	if k := s.objects; k != nil && len(k.forgetStore) > 0 {
		k.forgetLog = append(k.forgetLog[:0], k.forgetStore...)
		t.list(s)
	}
	if s.countsDirty {
		s.countsQueued = true
		t.list(s)
	}
}
