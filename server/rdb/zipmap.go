package rdb

import (
	"encoding/binary"
	"fmt"
)

// A zipmap, the small hash of Redis before 2.6, is the number of its fields (a byte; 254: count them), the fields,
// and a byte of ones. A field is a length and its name, a length, a byte that says how many bytes behind the value are
// unused, the value, and those. A length is a byte, or 254 and four bytes, little endian.
const (
	zipmapEnd     = 0xff
	zipmapLong    = 254
	zipmapUncount = 254
)

// zipmap reads a string that is a zipmap, and returns names and values in turn.
func (d *decoder) zipmap() ([][]byte, error) {
	blob, err := d.str()
	if err != nil {
		return nil, err
	}
	entries, err := d.zipmapEntries(blob)
	if err != nil {
		return nil, fmt.Errorf("%w: zipmap of %d bytes: %s", ErrFormat, len(blob), err)
	}
	return entries, nil
}

// zipmapEntries returns the names and values of a zipmap, of which it checks every byte but the unused ones.
func (d *decoder) zipmapEntries(blob []byte) ([][]byte, error) {
	if len(blob) < 2 {
		return nil, errPackedSize
	}
	declared, rest := int(blob[0]), blob[1:]
	var entries [][]byte
	for rest[0] != zipmapEnd {
		name, behind, err := zipmapString(rest, 0)
		if err != nil {
			return nil, err
		}
		value, behind, err := zipmapString(behind, 1)
		if err != nil {
			return nil, err
		}
		if err := d.spend(2 * stringCost); err != nil {
			return nil, err
		}
		entries, rest = append(entries, name, value), behind
	}
	switch {
	case len(rest) > 1:
		return nil, errPackedEnd
	case declared != zipmapUncount && declared != len(entries)/2:
		return nil, errPackedCount
	}
	return entries, nil
}

// zipmapString splits b behind its first string, between whose length and bytes are so many others, of which the first
// tells how many follow. Something is left behind it: at least the byte of ones.
func zipmapString(b []byte, others int) (s, rest []byte, err error) {
	head, size := 1, uint64(b[0])
	if b[0] == zipmapLong {
		if head = 1 + 4; len(b) < head {
			return nil, nil, errPackedEntry
		}
		size = uint64(binary.LittleEndian.Uint32(b[1:]))
	}
	if b[0] == zipmapEnd || len(b) <= head+others {
		return nil, nil, errPackedEntry
	}
	unused := uint64(0)
	if others > 0 {
		unused = uint64(b[head])
	}
	b = b[head+others:]
	if size+unused >= uint64(len(b)) {
		return nil, nil, errPackedEntry
	}
	return b[:size:size], b[size+unused:], nil
}
