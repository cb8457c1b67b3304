package server

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"quipu/engine"
)

// broadcasts knows the prefixes that clients want to hear of, whether or not they have read a key with them (CLIENT TRACKING ... BCAST).
type broadcasts struct {
	any atomic.Bool // there are prefixes
	mu  struct {
		sync.Mutex
		clients map[string]map[*Conn]struct{}       // by prefix
		changed map[*engine.Txn]map[string]struct{} // keys that the prefixes cover, until their locks are given back
	}
}

// broadcast is a message to be sent.
type broadcast struct {
	names   []string // sorted
	clients []*Conn
}

func (b *broadcasts) subscribe(c *Conn, prefix string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.clients == nil {
		b.mu.clients = make(map[string]map[*Conn]struct{})
	}
	if b.mu.clients[prefix] == nil {
		b.mu.clients[prefix] = make(map[*Conn]struct{})
	}
	b.mu.clients[prefix][c] = struct{}{}
	b.any.Store(true)
}

func (b *broadcasts) unsubscribe(c *Conn, prefix string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.mu.clients[prefix], c)
	if len(b.mu.clients[prefix]) == 0 {
		delete(b.mu.clients, prefix)
	}
	if len(b.mu.clients) == 0 {
		b.any.Store(false)
		b.mu.changed = nil
	}
}

// note remembers that by changes a key, if somebody wants to hear of it.
func (b *broadcasts) note(by *engine.Txn, name []byte) {
	if !b.any.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for prefix := range b.mu.clients {
		if len(prefix) > len(name) || prefix != string(name[:len(prefix)]) {
			continue
		}
		if b.mu.changed == nil {
			b.mu.changed = make(map[*engine.Txn]map[string]struct{})
		}
		if b.mu.changed[by] == nil {
			b.mu.changed[by] = make(map[string]struct{})
		}
		b.mu.changed[by][string(name)] = struct{}{}
		return
	}
}

// take returns the messages that by's changes are worth, a prefix each, and forgets the changes.
func (b *broadcasts) take(by *engine.Txn) []broadcast {
	if !b.any.Load() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := b.mu.changed[by]
	if len(changed) == 0 {
		return nil
	}
	delete(b.mu.changed, by)
	names := slices.Sorted(maps.Keys(changed))
	var news []broadcast
	for _, prefix := range slices.Sorted(maps.Keys(b.mu.clients)) {
		if covered := withPrefix(names, prefix); len(covered) > 0 {
			news = append(news, broadcast{covered, slices.Collect(maps.Keys(b.mu.clients[prefix]))})
		}
	}
	return news
}

// withPrefix returns the part of names, which are sorted, that begin with prefix.
func withPrefix(names []string, prefix string) []string {
	from, _ := slices.BinarySearch(names, prefix)
	to := from
	for to < len(names) && strings.HasPrefix(names[to], prefix) {
		to++
	}
	return names[from:to]
}

// prefixes returns the number of prefixes that clients listen to.
func (b *broadcasts) prefixes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.mu.clients)
}
