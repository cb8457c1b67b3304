package engine

import (
	"runtime"
	"sync"
)

// freer gives the memory of large collections back, a table at a time: freeing a million elements takes longer than anybody should wait.
type freer struct {
	mu      sync.Mutex
	pending []content
	// working is held by who frees.
	working sync.Mutex
	wake    chan struct{}
}

func (f *freer) init() { f.wake = make(chan struct{}, 1) }

// add has a content freed, which nobody uses any more.
func (f *freer) add(c content) {
	f.mu.Lock()
	f.pending = append(f.pending, c)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *freer) take() content {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := len(f.pending) - 1
	if last < 0 {
		return nil
	}
	c := f.pending[last]
	f.pending[last] = nil
	f.pending = f.pending[:last]
	return c
}

// drain frees everything that is to be freed, and lets others run in between.
func (f *freer) drain() {
	f.working.Lock()
	defer f.working.Unlock()
	for c := f.take(); c != nil; c = f.take() {
		for c.release() {
			runtime.Gosched()
		}
	}
}

func (e *Engine) freeLoop() {
	for {
		select {
		case <-e.stop:
			return
		case <-e.space.freer.wake:
			e.space.freer.drain()
		}
	}
}
