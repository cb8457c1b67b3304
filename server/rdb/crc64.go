package rdb

import (
	"hash/crc64"
	"math/bits"
)

// jones is the polynomial of Redis's checksum, from D. Jones's search for good ones of 64 bits, in the usual
// notation: the highest power first and left out.
const jones = 0xad93d23594c935a9

// jonesTable is for hash/crc64, which wants the lowest power first.
var jonesTable = crc64.MakeTable(bits.Reverse64(jones))

// checksum continues the CRC of what came before data. Unlike hash/crc64, Redis starts at 0 and does not invert.
func checksum(crc uint64, data []byte) uint64 {
	return ^crc64.Update(^crc, jonesTable, data)
}
