package engine

import "time"

// Listener is told of changes as they happen, for CLIENT TRACKING. Its functions are called by whoever changes something, from many
// goroutines at once.
type Listener interface {
	// KeyChanged tells that by changes, creates or removes a key, also because its time had come. The key's slot is locked, so no
	// other call for the key happens before this one returns; it may not use the engine. name is valid until it returns.
	KeyChanged(by *Txn, name []byte)
	// Settled tells that by, which has changed keys since it was last told, holds no locks any more.
	Settled(by *Txn)
}

// Listen has l told of changes from now on, nil nobody. Whoever reads a key after Listen has returned can rely on l being told of
// every later change of it.
func (e *Engine) Listen(l Listener) {
	if l == nil {
		e.listener.Store(nil)
		return
	}
	e.listener.Store(&l)
}

// hearing takes note of the listener for as long as the locks are held.
func (t *Txn) hearing() {
	t.listener = nil
	if l := t.e.listener.Load(); l != nil {
		t.listener = *l
	}
}

// settle tells the listener, once, that the locks are given back.
func (t *Txn) settle() {
	t.told = false
	t.listener.Settled(t)
}

// OnExpireCycle has fn called with the time that each round of the background removal of expired keys took, if it removed anything.
// fn is called by one goroutine at a time.
func (e *Engine) OnExpireCycle(fn func(took time.Duration)) { e.expireObserver.Store(&fn) }
