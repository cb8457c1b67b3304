package server

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
)

// trackTable remembers which clients have read which keys. As in Redis it knows names, not databases: a change of a name in one
// database is told to those who have read it in another. Clients are known by their identifiers, and stay in the table after
// they have left; they go when the key changes, or when room is needed for another client.
type trackTable struct {
	seed   maphash.Seed
	shards [trackShards]trackShard
	keys   atomic.Int64
	items  atomic.Int64 // clients, summed over the keys
}

// trackShards keeps readers and writers of different keys out of each other's way.
const trackShards = 64

// trackShard is a part of the table.
type trackShard struct {
	mu      sync.Mutex
	readers map[string][]int64
}

func (t *trackTable) shard(name []byte) *trackShard {
	return &t.shards[maphash.Bytes(t.seed, name)%trackShards]
}

// add notes that a client has read a key. Before the list of a key's readers grows, those who have left, which is what connected denies,
// are struck off it.
func (t *trackTable) add(id int64, name []byte, connected func(id int64) bool) {
	s := t.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, known := s.readers[string(name)]
	if slices.Contains(ids, id) {
		return
	}
	if n := len(ids); n > 0 && n == cap(ids) {
		ids = slices.DeleteFunc(ids, func(id int64) bool { return !connected(id) })
		t.items.Add(int64(len(ids) - n))
	}
	if s.readers == nil {
		s.readers = make(map[string][]int64)
	}
	s.readers[string(name)] = append(ids, id)
	t.items.Add(1)
	if !known {
		t.keys.Add(1)
	}
}

// take forgets a key and returns the clients that have read it.
func (t *trackTable) take(name []byte) []int64 {
	s := t.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, known := s.readers[string(name)]
	if known {
		t.removeLocked(s, string(name))
	}
	return ids
}

// takeAny forgets some key, but not the given one, and returns it with the clients that have read it.
func (t *trackTable) takeAny(except string) (name string, ids []int64, ok bool) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for name, ids := range s.readers { // in random order
			if name != except {
				t.removeLocked(s, name)
				s.mu.Unlock()
				return name, ids, true
			}
		}
		s.mu.Unlock()
	}
	return "", nil, false
}

func (t *trackTable) removeLocked(s *trackShard, name string) {
	t.keys.Add(-1)
	t.items.Add(-int64(len(s.readers[name])))
	delete(s.readers, name)
}

// clear forgets all keys.
func (t *trackTable) clear() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for name := range s.readers {
			t.removeLocked(s, name)
		}
		s.readers = nil
		s.mu.Unlock()
	}
}
