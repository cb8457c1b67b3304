package persist

import "github.com/cockroachdb/pebble/v2/sstable/block"

// The shape of the store's tables. The measurements behind these figures stand in doc.go. There are no Bloom
// filters: read through a cache that does not hold them all, a filter costs more than the block that it saves.
const (
	// tableBytes is the size at which a checkpoint begins the next table, and that of compactions.
	tableBytes = 8 << 20
	// storeBlockBytes is the size of a block before compression: what a point read decompresses. 8 KiB save 2.5 % of the disk
	// and cost a point read 15 us instead of 12.
	storeBlockBytes = 4 << 10
	// filterBits is the size of a filter per row: one false alarm in fifty.
	filterBits = 8
	// bottomLevel has no filters: Pebble's Get does not look at them there.
	bottomLevel = 6
	// indexBlockBytes lets the index of a table be one block.
	indexBlockBytes = 256 << 10
)

// storeCompression is that of every level: a first load is ingested straight into the bottom one, and never
// compacted.
var storeCompression = block.ZstdCompression
