package engine

import (
	"errors"
	"sync/atomic"
	"time"

	"quipu/persist"
)

// A disk that is full must not keep anybody from reading. At run time a commit that finds no room ends the process, because memory has by
// then what the log has not, and nothing that saw it may be acknowledged; so writes are refused before it comes to that, while nothing of
// them has been applied. And a start on a disk without room opens the directory to be read, and goes on with writing when there is some.
type room struct {
	// full: writes are to be refused.
	full atomic.Bool
	// limited: the directory can only be read. No commit is begun until resumed is closed.
	limited atomic.Bool
	resumed chan struct{}
	looked  int
}

// The room on the disk is looked at every roomInterval; whether a limited directory can be written, which costs a write, every so many times.
const (
	roomInterval  = 250 * time.Millisecond
	resumeEvery   = 4
	roomAgain     = 2 // times what is needed have to be free for writes to be taken again
	roomHeadlines = "Every write is answered with MISCONF until there is; make room, and it goes on by itself"
)

// Full reports whether writes have to be refused because the disk is full or nearly so. It changes by itself.
func (e *Engine) Full() bool { return e.room.full.Load() }

// Limited reports whether the directory was opened on a full disk, and there has been no room since: nothing can be written at all.
func (e *Engine) Limited() bool { return e.room.limited.Load() }

// initRoom notes what the directory was opened for.
func (e *Engine) initRoom() {
	e.room.resumed = make(chan struct{})
	if !e.store.Limited() {
		close(e.room.resumed)
		e.lookAtRoom()
		return
	}
	e.room.limited.Store(true)
	e.room.full.Store(true)
	free, _ := e.store.Room()
	e.log.Error("THE DISK IS FULL: all data is there and can be read, but nothing can be written. "+roomHeadlines,
		"dir", e.opts.Dir, "free", free, "needed", e.store.RoomNeeded())
}

func (e *Engine) roomLoop() { e.every(roomInterval, e.lookAtRoom) }

// lookAtRoom takes note of how much room there is.
func (e *Engine) lookAtRoom() {
	r := &e.room
	if r.limited.Load() {
		if r.looked++; r.looked%resumeEvery == 0 {
			e.resume()
		}
		return
	}
	free, known := e.store.Room()
	needed := e.store.RoomNeeded()
	switch full := r.full.Load(); {
	case !known || !e.logging.Load():
		r.full.Store(false)
	case !full && free < needed:
		r.full.Store(true)
		e.log.Error("THE DISK IS NEARLY FULL. "+roomHeadlines, "dir", e.opts.Dir, "free", free, "needed", needed)
	case full && free >= roomAgain*needed:
		r.full.Store(false)
		e.log.Warn("There is room on the disk: writes are taken again", "dir", e.opts.Dir, "free", free)
	}
}

// resume goes on with a limited directory, if there is room.
func (e *Engine) resume() {
	err := e.store.Resume()
	switch {
	case err == nil:
		e.room.limited.Store(false)
		e.room.full.Store(false)
		close(e.room.resumed)
		e.log.Warn("There is room on the disk again: writes are taken", "dir", e.opts.Dir)
	case !errors.Is(err, persist.ErrNoSpace) || errors.Is(err, persist.ErrFailed):
		e.fail(err)
	}
}

// awaitRoom waits until commits can be written. It returns ErrClosing when the engine stops before.
func (e *Engine) awaitRoom() error {
	if !e.Limited() {
		return nil // also while the engine stops, and commits what there is
	}
	select {
	case <-e.room.resumed:
		return nil
	case <-e.stop:
		return ErrClosing
	}
}
