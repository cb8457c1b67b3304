package engine

import "math/rand/v2"

// EvictionPolicy says which keys may be deleted when memory is full: Redis's maxmemory-policy.
type EvictionPolicy uint32

// The policies of Redis. Under NoEviction clean entries leave memory for the store; the others delete keys: the best candidates
// of all keys, or of those with an expiry.
const (
	NoEviction EvictionPolicy = iota
	AllKeysLRU
	AllKeysLFU
	AllKeysRandom
	VolatileLRU
	VolatileLFU
	VolatileRandom
	VolatileTTL
)

// policyNames are Redis's.
var policyNames = [...]string{
	NoEviction: "noeviction", AllKeysLRU: "allkeys-lru", AllKeysLFU: "allkeys-lfu", AllKeysRandom: "allkeys-random",
	VolatileLRU: "volatile-lru", VolatileLFU: "volatile-lfu", VolatileRandom: "volatile-random", VolatileTTL: "volatile-ttl",
}

// ParseEvictionPolicy returns the policy of that name, NoEviction if there is none.
func ParseEvictionPolicy(name string) EvictionPolicy {
	for p, n := range policyNames {
		if n == name {
			return EvictionPolicy(p)
		}
	}
	return NoEviction
}

func (p EvictionPolicy) lfu() bool { return p == AllKeysLFU || p == VolatileLFU }

// volatileOnly reports whether only keys with an expiry may be deleted.
func (p EvictionPolicy) volatileOnly() bool { return p >= VolatileLRU }

// candidate is what a policy looks at.
type candidate struct {
	age      uint32
	expireAt int64 // unix milliseconds, 0 for none
}

// score says how much a candidate ought to go: the highest goes first.
func (p EvictionPolicy) score(k *ageKeeper, c candidate, now int64) int64 {
	switch p {
	case AllKeysLRU, VolatileLRU:
		return idle(c.age, now)
	case AllKeysLFU, VolatileLFU:
		return lfuMax - k.frequency(c.age, now)
	case VolatileTTL:
		return -c.expireAt
	}
	return rand.Int64()
}
