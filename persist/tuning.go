package persist

import "github.com/cockroachdb/pebble/v2/sstable/block"

// The shape of the store's tables. The measurements behind these figures stand in doc.go.
const (
	// tableBytes is the size at which a checkpoint begins the next table, and that of compactions. Filter and
	// index of a table are one block each; at 8 MiB they are small against the cache.
	tableBytes = 8 << 20
	// storeBlockBytes is the size of a block before compression: what a point read decompresses.
	storeBlockBytes = 8 << 10
	// indexBlockBytes lets the index of a table be one block.
	indexBlockBytes = 64 << 10
	// bloomBits is the size of the filter per key above the bottom level: 1 % of misses read a block.
	bloomBits = 10
	// bottomLevel is the last level of Pebble's tree.
	bottomLevel = 6
)

// storeCompression is that of every level: a first load is ingested straight into the bottom one, and never
// compacted.
var storeCompression = block.ZstdCompression
