package rdb

import (
	"encoding/binary"
	"math"
	"strconv"

	"quipu/server/number"
)

// The first byte of a length has its form in the two highest bits, or in all of them.
const (
	form6       = 0 << 6 // the length is in the other bits
	form14      = 1 << 6 // and in the next byte
	form32      = 0x80   // in the next four bytes, big endian
	form64      = 0x81   // in the next eight bytes, big endian
	formEncoded = 3 << 6 // no length: the other bits say how the string is encoded
)

// The encodings of a string that has no plain length.
const (
	encodingInt8 = iota
	encodingInt16
	encodingInt32
	encodingLZF
)

const (
	// maxIntText is the longest text that can be one of the integer encodings: "-2147483648".
	maxIntText = 11
	// minCompressed is the shortest string that Redis tries to compress.
	minCompressed = 21
	// minSaved is how many bytes compression must save.
	minSaved = 4
)

// appendLength appends n in the shortest form.
func appendLength(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(dst, form6|byte(n))
	case n < 1<<14:
		return append(dst, form14|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, form32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, form64), n)
}

// appendInt appends the string that n is written as.
func appendInt(dst []byte, n int64) []byte {
	switch {
	case n == int64(int8(n)):
		return append(dst, formEncoded+encodingInt8, byte(n))
	case n == int64(int16(n)):
		return binary.LittleEndian.AppendUint16(append(dst, formEncoded+encodingInt16), uint16(n))
	case n == int64(int32(n)):
		return binary.LittleEndian.AppendUint32(append(dst, formEncoded+encodingInt32), uint32(n))
	}
	var digits [len("-9223372036854775808")]byte
	return appendPlain(dst, strconv.AppendInt(digits[:0], n, 10))
}

// appendString appends s in the encoding that Redis chooses.
func appendString(dst, s []byte) []byte {
	if len(s) <= maxIntText {
		if n, ok := number.ParseInt(s); ok {
			return appendInt(dst, n)
		}
	}
	if len(s) >= minCompressed {
		if with, ok := appendCompressed(dst, s); ok {
			return with
		}
	}
	return appendPlain(dst, s)
}

// appendPlain appends s as it is.
func appendPlain(dst, s []byte) []byte {
	return append(appendLength(dst, uint64(len(s))), s...)
}

// appendCompressed appends s compressed, or returns false if that is not worth it.
func appendCompressed(dst, s []byte) ([]byte, bool) {
	packed := make([]byte, len(s)-minSaved)
	size := compress(packed, s)
	if size == 0 {
		return nil, false
	}
	dst = append(dst, formEncoded+encodingLZF)
	dst = appendLength(dst, uint64(size))
	dst = appendLength(dst, uint64(len(s)))
	return append(dst, packed[:size]...), true
}
