package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// pacer has long background work (checkpoints, compactions of the store, loading) give way to connections. All of it shares one
// pacer, because all of it shares the processors.
//
// With a single processor, what computes without a pause leaves connections two chances: the scheduler's slice of 10 ms, and
// runtime.Gosched. Neither is enough, because the scheduler looks at the network only when nobody is ready to run: a request
// waits 10 ms to be noticed, its fsync another 10 ms. A sleep, however short, makes room for everybody who is ready and for the
// poll of the network. Measured with a checkpoint of a million rows beside 33,000 INCRBY/s on one core, appendfsync always:
// the slowest answers took 160 ms with Gosched every 30 us, 45 ms with sleeps of 20 us, of which two workers kept each other's
// poll away and which left too little time, and 20 ms like this, of which the disk's are most.
type pacer struct {
	e     *Engine
	began time.Time
	// mu is held during a pause, so that all the work pauses: one that computes while another sleeps leaves no room for the poll.
	mu sync.Mutex
	// since is when work last went on after a pause, in nanoseconds since began.
	since atomic.Int64
	// seen is what the commands had done by then.
	seen atomic.Int64
	// hurried counts those who wait for the work to end: writers for whom there is no memory until entries are clean.
	hurried atomic.Int32
	// toilers counts the commands that have become long ones.
	toilers atomic.Int32
}

// How long background work computes at a stretch follows from how many commands were served meanwhile. An idle processor
// polls the network for a millisecond at least, so sleeping often would make the checkpoint of an idle server several times
// slower. Who waits for the disk counts as served: that the disk is done is learned from the same poll, so while everybody waits, nobody
// is served however much there is to do. Measured with a sorted set of a million members that is read back beside 40,000 INCRBY/s: now and
// then each of three fsyncs in a row was noticed 4 ms late, and p99.9 was 26 ms instead of 19.
const (
	breathBusy = 200 * time.Microsecond // many
	breathCalm = time.Millisecond       // a few
	breathIdle = 4 * time.Millisecond   // none
	// busy is how many commands are many.
	busy = 16
	// breath leaves two thirds of a processor to the commands.
	breath = 400 * time.Microsecond
)

// breathe sleeps when it is time to.
func (p *pacer) breathe() {
	if !p.due() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.due() {
		return // somebody else has just slept
	}
	p.sleep()
}

// sleep leaves the processor to others. mu is held.
func (p *pacer) sleep() {
	p.seen.Store(p.served())
	time.Sleep(breath)
	runtime.Gosched() // who wakes up is first in line, but this work goes last
	p.since.Store(int64(time.Since(p.began)))
}

func (p *pacer) due() bool {
	worked := time.Since(p.began) - time.Duration(p.since.Load())
	if worked < breathBusy || p.e.stopping() {
		return false
	}
	return worked >= breathIdle || p.hurried.Load() == 0 && worked >= p.stretch()
}

// stretch is how long work may go on, by what the commands are doing.
func (p *pacer) stretch() time.Duration {
	switch served := p.served() - p.seen.Load() + int64(p.e.stats.held.Load()); {
	case served >= busy:
		return breathBusy
	case served != 0:
		return breathCalm
	default:
		return breathIdle
	}
}

// hurry has work go on without pauses, but for those of an idle server, until the returned function is called.
func (p *pacer) hurry() (done func()) {
	p.hurried.Add(1)
	return func() { p.hurried.Add(-1) }
}

// served grows with every batch of commands.
func (p *pacer) served() int64 {
	c := &p.e.stats
	return c.changes.Load() + c.hits.Load() + c.misses.Load()
}
