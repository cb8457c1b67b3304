package rdb

import (
	"encoding/binary"
	"fmt"
	"slices"

	"quipu/server/number"
)

// An intset is the size of its integers (2, 4 or 8), how many they are (both four bytes, little endian), and the integers,
// little endian and in ascending order.
const intsetHeader = 4 + 4

// appendIntset appends an intset as a string. It sorts numbers.
func appendIntset(dst []byte, numbers []int64) []byte {
	slices.Sort(numbers)
	width := intWidth(numbers[0], numbers[len(numbers)-1])
	blob := make([]byte, 0, intsetHeader+width*len(numbers))
	blob = binary.LittleEndian.AppendUint32(blob, uint32(width))
	blob = binary.LittleEndian.AppendUint32(blob, uint32(len(numbers)))
	for _, n := range numbers {
		for i := range width {
			blob = append(blob, byte(n>>(8*i)))
		}
	}
	return appendString(dst, blob)
}

// intWidth returns how many bytes hold all integers from lowest to highest.
func intWidth(lowest, highest int64) int {
	switch {
	case lowest == int64(int16(lowest)) && highest == int64(int16(highest)):
		return 2
	case lowest == int64(int32(lowest)) && highest == int64(int32(highest)):
		return 4
	}
	return 8
}

// integers returns the integers that the texts stand for, if all do and there are few enough for an intset.
func integers(texts [][]byte) ([]int64, bool) {
	const most = 1 << 30 // of Redis, whatever set-max-intset-entries says
	if len(texts) == 0 || len(texts) > most {
		return nil, false
	}
	numbers := make([]int64, len(texts))
	for i, t := range texts {
		n, ok := number.ParseInt(t)
		if !ok {
			return nil, false
		}
		numbers[i] = n
	}
	return numbers, true
}

// intset reads a string that is an intset, and returns the texts of its integers.
func (d *decoder) intset() ([][]byte, error) {
	blob, err := d.str()
	if err != nil {
		return nil, err
	}
	members, err := d.intsetMembers(blob)
	if err != nil {
		return nil, fmt.Errorf("%w: intset of %d bytes: %w", ErrFormat, len(blob), err)
	}
	return members, nil
}

// intsetMembers returns the texts of an intset's integers.
func (d *decoder) intsetMembers(blob []byte) ([][]byte, error) {
	if len(blob) < intsetHeader {
		return nil, errPackedSize
	}
	width := uint64(binary.LittleEndian.Uint32(blob))
	count := uint64(binary.LittleEndian.Uint32(blob[4:]))
	blob = blob[intsetHeader:]
	switch {
	case width != 2 && width != 4 && width != 8:
		return nil, errPackedEntry
	case count*width != uint64(len(blob)):
		return nil, errPackedSize
	}
	if err := d.spend(count * stringCost); err != nil {
		return nil, err
	}
	members := make([][]byte, 0, count)
	last := int64(0)
	for ; len(blob) > 0; blob = blob[width:] {
		n := littleEndianInt(blob[:width])
		if len(members) > 0 && n <= last {
			return nil, errPackedOrder
		}
		members, last = append(members, d.text(n)), n
	}
	return members, nil
}
