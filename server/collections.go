package server

import (
	"quipu/engine"
	"quipu/server/config"
)

// collectionParameters are those that collectionLimits reads.
var collectionParameters = []string{
	"hash-max-listpack-entries", "hash-max-listpack-value", "set-max-intset-entries", "zset-max-listpack-entries", "zset-max-listpack-value",
}

// collectionLimits are the sizes up to which OBJECT ENCODING shows a collection as a small one.
func collectionLimits(v *config.Values) engine.Limits {
	return engine.Limits{
		HashEntries: v.HashMaxListpackEntries, HashValue: int(v.HashMaxListpackValue),
		SetInts:     v.SetMaxIntsetEntries,
		ZSetEntries: v.ZSetMaxListpackEntries, ZSetValue: int(v.ZSetMaxListpackValue),
	}
}
