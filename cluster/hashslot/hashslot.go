// Package hashslot maps key names to the 16384 hash slots of Redis Cluster. It is pure arithmetic: every other package may
// import it, and it imports nothing.
//
// The rule is that of the Redis Cluster specification ("Key distribution model" and "Hash tags"): the slot of a name is the
// CRC16 (XMODEM: polynomial 0x1021, initial value 0) of the name, modulo 16384; where the name holds a "{...}" with at least
// one byte between the first '{' and the next '}', only those bytes are hashed.
package hashslot

import "bytes"

// Count is the number of hash slots.
const Count = 16384

// Of returns the slot of name, in [0, Count).
func Of(name []byte) uint16 {
	return crc16(tag(name)) & (Count - 1)
}

// tag returns the part of name that is hashed: the first non-empty {tag}, or all of it.
func tag(name []byte) []byte {
	open := bytes.IndexByte(name, '{')
	if open < 0 {
		return name
	}
	size := bytes.IndexByte(name[open+1:], '}')
	if size <= 0 {
		return name
	}
	return name[open+1 : open+1+size]
}

// crc16 takes two bytes a step through two tables: on 16-byte names that measured twice as fast as one byte a step.
func crc16(b []byte) uint16 {
	var crc uint16
	for len(b) >= 2 {
		crc = tables.far[b[0]^byte(crc>>8)] ^ tables.near[b[1]^byte(crc)]
		b = b[2:]
	}
	if len(b) == 1 {
		crc = crc<<8 ^ tables.near[b[0]^byte(crc>>8)]
	}
	return crc
}

// tables hold the CRC of a byte that is followed by nothing (near) and by one zero byte (far).
var tables = makeTables()

type crcTables struct{ near, far [256]uint16 }

func makeTables() *crcTables {
	var t crcTables
	for i := range t.near {
		crc := uint16(i) << 8
		for range 8 {
			crc = crc<<1 ^ (crc>>15)*0x1021
		}
		t.near[i] = crc
	}
	for i := range t.far {
		crc := t.near[i]
		t.far[i] = crc<<8 ^ t.near[crc>>8]
	}
	return &t
}
