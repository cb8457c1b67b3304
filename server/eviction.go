package server

import (
	"quipu/engine"
	"quipu/server/config"
)

// evictionParameters are those that Eviction reads.
var evictionParameters = []string{"maxmemory-policy", "maxmemory-samples", "lfu-log-factor", "lfu-decay-time"}

// Eviction says what the engine may delete when memory is full.
func Eviction(v *config.Values) engine.Eviction {
	return engine.Eviction{
		Policy:  engine.ParseEvictionPolicy(v.MaxMemoryPolicy.String()),
		Samples: v.MaxMemorySamples, LogFactor: v.LFULogFactor, Decay: v.LFUDecayTime,
	}
}
