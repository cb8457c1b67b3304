package rdb

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A ziplist, which listpacks replaced in Redis 7.0, is its length in bytes (four, as all its numbers little endian unless
// said otherwise), the offset of its last entry (four), the number of its entries (two; all ones: count them), the entries,
// and a byte of ones. An entry begins with the length of the one before it: a byte, or 254 and four bytes. Then:
//
//	00llllll                    a string shorter than 64
//	01llllll l                  a string shorter than 16384
//	10...... llll               a string, four bytes of length, big endian
//	11000000 11010000 11100000  an integer of 2, 4 or 8 bytes
//	11110000 11111110           an integer of 3 bytes, or of 1
//	11110001 .. 11111101        the integers 0 to 12
const (
	ziplistHeader  = 4 + 4 + 2
	ziplistEnd     = 0xff
	ziplistUncount = math.MaxUint16
	ziplistLong    = 254 // says that four bytes of length follow

	zipString14 = 0x40
	zipString32 = 0x80
	zipInt16    = 0xc0
	zipInt32    = 0xd0
	zipInt64    = 0xe0
	zipInt24    = 0xf0
	zipInt8     = 0xfe
	zipZero     = 0xf1
	zipTwelve   = 0xfd
)

// ziplist reads a string that is a ziplist, and returns all entries.
func (d *decoder) ziplist() ([][]byte, error) {
	blob, err := d.str()
	if err != nil {
		return nil, err
	}
	entries, err := d.ziplistEntries(blob)
	if err != nil {
		return nil, fmt.Errorf("%w: ziplist of %d bytes: %s", ErrFormat, len(blob), err)
	}
	return entries, nil
}

// ziplistEntries returns the entries of a ziplist, of which it checks every byte. Integers come as their text.
func (d *decoder) ziplistEntries(blob []byte) ([][]byte, error) {
	if len(blob) < ziplistHeader+1 || uint64(binary.LittleEndian.Uint32(blob)) != uint64(len(blob)) {
		return nil, errPackedSize
	}
	declared := int(binary.LittleEndian.Uint16(blob[8:]))
	entries := make([][]byte, 0, min(declared, len(blob)/2, startCapacity))
	at, last := ziplistHeader, ziplistHeader
	for blob[at] != ziplistEnd {
		entry, size, err := d.ziplistEntry(blob[at:], at-last)
		if err != nil {
			return nil, err
		}
		if err := d.spend(stringCost); err != nil {
			return nil, err
		}
		entries = append(entries, entry)
		if last, at = at, at+size; at == len(blob) {
			return nil, errPackedEnd
		}
	}
	switch {
	case at != len(blob)-1:
		return nil, errPackedEnd
	case uint64(binary.LittleEndian.Uint32(blob[4:])) != uint64(last):
		return nil, errPackedBack
	case declared != ziplistUncount && declared != len(entries):
		return nil, errPackedCount
	}
	return entries, nil
}

// ziplistEntry returns the first entry of b, which is not empty, and how many bytes it takes. The entry before it takes
// previous bytes.
func (d *decoder) ziplistEntry(b []byte, previous int) (entry []byte, size int, err error) {
	lead := 1
	before := uint64(b[0])
	if b[0] == ziplistLong {
		if lead = 1 + 4; len(b) < lead {
			return nil, 0, errPackedEntry
		}
		before = uint64(binary.LittleEndian.Uint32(b[1:]))
	}
	if before != uint64(previous) {
		return nil, 0, errPackedBack
	}
	entry, size, err = d.ziplistValue(b[lead:])
	return entry, lead + size, err
}

// ziplistValue returns what the entry holds whose other bytes are the first of b, and how many those are.
func (d *decoder) ziplistValue(b []byte) (value []byte, size int, err error) {
	if len(b) == 0 {
		return nil, 0, errPackedEntry
	}
	head, body := ziplistHead(b)
	if head == 0 || uint64(len(b)) < uint64(head)+body {
		return nil, 0, errPackedEntry
	}
	size = head + int(body)
	switch {
	case b[0] < zipInt16:
		return b[head:size:size], size, nil
	case body == 0:
		return d.text(int64(b[0]) - zipZero), size, nil
	}
	return d.text(littleEndianInt(b[head:size])), size, nil
}

// ziplistHead returns how many of the first bytes of b are before those of a string or number, and how many those are. A
// head of 0 says that there is no such entry, or not all of its head.
func ziplistHead(b []byte) (head int, body uint64) {
	switch first := b[0]; {
	case first < zipString14:
		return 1, uint64(first)
	case first < zipString32 && len(b) >= 2:
		return 2, uint64(first&0x3f)<<8 | uint64(b[1])
	case first < zipInt16 && len(b) >= 5:
		return 5, uint64(binary.BigEndian.Uint32(b[1:]))
	case first == zipInt16:
		return 1, 2
	case first == zipInt32:
		return 1, 4
	case first == zipInt64:
		return 1, 8
	case first == zipInt24:
		return 1, 3
	case first == zipInt8:
		return 1, 1
	case zipZero <= first && first <= zipTwelve:
		return 1, 0
	}
	return 0, 0
}
