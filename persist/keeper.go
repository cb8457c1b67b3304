package persist

import (
	"errors"
	"sync/atomic"
	"time"
)

// hintInterval is how often the witness learns what is durable while commits go on, and how soon it
// learns of the last commit before the log falls idle.
const hintInterval = time.Second

// keeper does beside the commits what must not hold them up: it fsyncs full segments, lays out the next
// one, and tells the witness what is durable.
type keeper struct {
	log  *commitLog
	stop chan struct{}
	done chan struct{}
}

func startKeeper(l *commitLog) *keeper {
	k := &keeper{log: l, stop: make(chan struct{}), done: make(chan struct{})}
	go k.run()
	return k
}

func (k *keeper) run() {
	defer close(k.done)
	tick := time.NewTicker(hintInterval)
	defer tick.Stop()
	kick := k.log.kick
	for {
		select {
		case <-k.stop:
			return
		case <-tick.C:
			kick = k.log.kick
		case <-kick:
		}
		if err := k.log.keep(); err != nil {
			k.log.opts.Logger.Error("log upkeep failed", "error", err)
			kick = nil // every commit would have a full disk tried again
		}
	}
}

func (k *keeper) close() {
	close(k.stop)
	<-k.done
}

// keep does one round of upkeep. Failures that touch a promise are sticky through fail; a next segment
// that cannot be laid out (a full disk) is no failure yet: the append that needs it will say so.
func (l *commitLog) keep() error {
	if l.failure() != nil {
		return nil
	}
	var errs []error
	if l.backlog.Load() > 0 {
		errs = append(errs, l.sync())
	}
	errs = append(errs, l.prepareNext())
	if err := l.witness.hint(l.testify); err != nil {
		errs = append(errs, l.fail(err))
	}
	return errors.Join(errs...)
}

// prepareNext lays out the next segment once the current one is half full.
func (l *commitLog) prepareNext() error {
	l.mu.Lock()
	cur := l.mu.cur
	if l.mu.closed || l.mu.next != nil || cur.rec.Size() <= cur.size/2 {
		l.mu.Unlock()
		return nil
	}
	l.mu.lastNumber++
	number := l.mu.lastNumber
	size := min(2*cur.size, l.opts.SegmentBytes)
	recycle := ""
	if s := l.takeFreeLocked(size); s != nil {
		recycle, size = l.fs.PathJoin(l.dir, segmentName(s.number)), s.size
	}
	l.mu.Unlock()
	next, err := createSegment(l.fs, l.dir, recycle, number, cur.number, size)
	if err != nil {
		return err
	}
	l.mu.Lock()
	stale := l.mu.cur != cur || l.mu.closed
	if !stale {
		l.mu.next = next
	}
	l.mu.Unlock()
	if stale { // the append has made itself another one, with a higher number
		return next.remove(l.fs)
	}
	return nil
}

// takeFreeLocked takes an obsolete segment of at least size, if there is one.
func (l *commitLog) takeFreeLocked(size int64) *segment {
	for i, s := range l.mu.free {
		if s.size >= size {
			l.mu.free = append(l.mu.free[:i:i], l.mu.free[i+1:]...)
			return s
		}
	}
	return nil
}

// stallWatch tells of writes and fsyncs that take too long, from a goroutine that does no I/O itself.
type stallWatch struct {
	limit       time.Duration
	events      Events
	write, sync operation
	stop        chan struct{}
	done        chan struct{}
}

// operation is a kind of I/O of which at most one is under way at a time.
type operation struct {
	name  string
	watch *stallWatch
	// since is when the one that is under way began, in nanoseconds since epoch; 0 for none.
	since atomic.Int64
	// told is the since of the one that was reported, until its end.
	told atomic.Int64
}

// epoch makes monotonic readings of the clock fit an atomic integer.
var epoch = time.Now()

func startStallWatch(o Options) *stallWatch {
	w := &stallWatch{limit: o.StallTimeout, events: o.Events, stop: make(chan struct{}), done: make(chan struct{})}
	w.write.name, w.write.watch = "write", w
	w.sync.name, w.sync.watch = "fsync", w
	go w.run()
	return w
}

func (w *stallWatch) run() {
	defer close(w.done)
	tick := time.NewTicker(max(w.limit/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			w.write.look()
			w.sync.look()
		}
	}
}

func (w *stallWatch) close() {
	close(w.stop)
	<-w.done
}

func (o *operation) begin() { o.since.Store(int64(time.Since(epoch)) + 1) }

func (o *operation) end() {
	since := o.since.Swap(0)
	if o.told.CompareAndSwap(since, 0) && o.watch.events.StallEnded != nil {
		o.watch.events.StallEnded(o.name, time.Since(epoch)-time.Duration(since))
	}
}

// look reports the operation, once, if it is over the limit.
func (o *operation) look() {
	since := o.since.Load()
	if since == 0 || o.told.Load() == since {
		return
	}
	d := time.Since(epoch) - time.Duration(since)
	if d <= o.watch.limit {
		return
	}
	o.told.Store(since)
	if o.since.Load() != since && o.told.CompareAndSwap(since, 0) {
		return // it has ended just now, and will not tell
	}
	if o.watch.events.Stalled != nil {
		o.watch.events.Stalled(o.name, d)
	}
}
