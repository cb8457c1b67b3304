package persist

import "time"

// Metrics are counters since Open and sizes at the moment of the call.
type Metrics struct {
	// Records and RecordBytes count what was appended, framing included; Syncs and SyncTime the fsyncs.
	Records, RecordBytes, Syncs int64
	SyncTime                    time.Duration
	// Segments counts live segments of the log; LogBytes is what the store does not cover yet.
	Segments, LogBytes int64
	// Covered and Durable are indexes.
	Covered, Durable uint64
	// Checkpoints, StoreRows and StoreRowBytes count what checkpoints gave the store, keys and values.
	Checkpoints, StoreRows, StoreRowBytes int64
	// StoreBytes is the size of the store's tables on disk; StoreTables how many there are.
	StoreBytes, StoreTables int64
	// CompactionRead and CompactionWritten are bytes that the store moved to keep itself in shape.
	CompactionRead, CompactionWritten int64
	// CacheBytes, CacheHits and CacheMisses are of the store's block cache.
	CacheBytes, CacheHits, CacheMisses int64
}

// Metrics returns the figures of now. It never waits for the disk, except that Durable waits for a write
// that is under way.
func (db *DB) Metrics() Metrics {
	m := Metrics{
		Covered: db.Covered(), Durable: db.Durable(), LogBytes: db.LogBytes(),
		Checkpoints: db.stats.checkpoints.Load(), StoreRows: db.stats.rows.Load(), StoreRowBytes: db.stats.rowBytes.Load(),
	}
	if db.writable() == nil {
		s := &db.log.stats
		m.Records, m.RecordBytes, m.Syncs = s.records.Load(), s.bytes.Load(), s.syncs.Load()
		m.SyncTime, m.Segments = time.Duration(s.syncNanos.Load()), s.segments.Load()
	}
	db.swap.RLock()
	defer db.swap.RUnlock()
	if db.store == nil {
		return m
	}
	p := db.store.db.Metrics()
	total := p.Total()
	m.StoreBytes, m.StoreTables = int64(total.TablesSize), total.TablesCount
	for i := range p.Levels {
		m.CompactionRead += int64(p.Levels[i].TableBytesRead)
		m.CompactionWritten += int64(p.Levels[i].TableBytesCompacted)
	}
	m.CacheBytes, m.CacheHits, m.CacheMisses = p.BlockCache.Size, p.BlockCache.Hits, p.BlockCache.Misses
	return m
}
