package engine

import (
	"slices"
	"unsafe"
)

// toucher brings the memory of a batch's keys into the cache. Each of its passes does one step of every lookup, so that the
// processor has many independent loads under way: at a million keys nearly each step is a miss of the cache, and waiting for
// them one after the other cost more than everything else in an INCRBY.
type toucher struct {
	at      []place
	touched int // for so many of at entries has been called, and their locks are held
	members []memberLookup
	partial bool   // a key's table may lack rows that the store has, or elements of a collection
	sink    uint32 // keeps the loads from being optimised away
}

// place is how far the lookup of one key has come.
type place struct {
	s      *slot
	t      *table
	bucket *[bucketRefs]uint32
	entry  uint32 // offset; of a table that has blobs
}

// slots finds the keys' slots and begins to load them. It holds no lock.
func (tr *toucher) slots(e *Engine, keys []Key) {
	tr.at, tr.touched = slices.Grow(tr.at[:0], len(keys))[:len(keys)], 0
	at := tr.at
	for i := range at {
		if at[i].bucket = nil; keys[i].again && i > 0 {
			at[i].s = at[i-1].s
			continue
		}
		at[i].s = e.slot(&keys[i])
	}
	for i := range at {
		at[i].s.prefetch()
	}
}

// ahead begins to load the slot of a single key, while there is other work to do before it is needed.
func (tr *toucher) ahead(e *Engine, keys []Key) {
	if len(keys) == 1 {
		e.slot(&keys[0]).prefetch()
	}
}

// pages begins to load the list of a table's arena pages, which a single key's lookup needs last, beside the bucket.
func (tr *toucher) pages(t *table) {
	if len(t.arena) > 0 {
		tr.sink += uint32(uintptr(unsafe.Pointer(t.arena[0])))
	}
}

// entries loads the buckets and entries of keys, whose slots are locked.
func (tr *toucher) entries(sp *space, keys []Key) {
	at := tr.at[:len(keys)]
	tr.touched, tr.partial = len(keys), false
	for i := range at {
		if keys[i].again && i > 0 {
			continue
		}
		t := at[i].s.table(keys[i].order)
		at[i].t = t
		tr.partial = tr.partial || t.partial || t.hollow
		if len(t.index) > 0 {
			at[i].bucket = t.bucket(t.bucketOf(keys[i].hash))
		}
	}
	for i := range at {
		if at[i].bucket != nil {
			tr.sink += at[i].bucket[0]
		}
	}
	blobs := uint32(0)
	for i := range at {
		if p := &at[i]; keys[i].again && i > 0 {
			*p = at[i-1]
		} else if p.bucket != nil {
			p.entry = tr.touchEntry(p.t, p.bucket, tagOf(keys[i].hash))
			blobs += p.t.blobs
		}
	}
	if blobs == 0 {
		return
	}
	for i := range at {
		if p := &at[i]; p.bucket != nil && p.entry != noEntry && p.t.blobs > 0 && (i == 0 || !keys[i].again) {
			tr.touchBlob(sp, p.t.at(p.entry))
		}
	}
}

// touchEntry loads both ends of the entry that a bucket has for a tag, and returns its offset; noEntry if there is none.
func (tr *toucher) touchEntry(t *table, bucket *[bucketRefs]uint32, tag uint32) uint32 {
	for _, ref := range bucket {
		if ref>>24 == tag {
			off := ref & (maxArenaBytes - 1)
			pg, at := t.arena[off/pageSize], off%pageSize
			end := min(at+counterBytes, pageSize, at+t.tail-off)
			tr.sink += uint32(pg[at]) + uint32(pg[end-1])
			return off
		}
	}
	return noEntry
}

// touchBlob loads the first two lines of what an entry has beside the arena: mostly a small collection, which is about as long.
func (tr *toucher) touchBlob(sp *space, e entry) {
	f := e.flags()
	if f&kindMask != kindBlob {
		return
	}
	mem := sp.blobs.at(e.sideNumber(f))
	tr.sink += uint32(mem[0]) + uint32(mem[cacheLine])
}

// counterBytes is about the length of a counter's entry. Every other one lies in two lines of the cache, and its number, at the end, in
// the second. Of a longer entry more of the name comes along.
const counterBytes = 30

// noEntry is no offset in an arena.
const noEntry = ^uint32(0)

// cacheLine is no longer than the smallest blob, and usual for processors.
const cacheLine = 64
