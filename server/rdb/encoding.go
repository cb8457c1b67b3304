package rdb

import (
	"encoding/binary"
	"fmt"
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

// decoder takes a payload's body apart from the front.
type decoder struct {
	rest      []byte
	maxString int
}

// take returns the next n bytes, which alias the payload.
func (d *decoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.rest)) {
		return nil, fmt.Errorf("%w: %d bytes wanted, %d left", ErrFormat, n, len(d.rest))
	}
	taken := d.rest[:n:n]
	d.rest = d.rest[n:]
	return taken, nil
}

// byte returns the next byte.
func (d *decoder) byte() (byte, error) {
	b, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// length reads a length, or the number of an encoding. Like Redis, it takes a length in any form that holds it.
func (d *decoder) length() (n uint64, encoded bool, err error) {
	first, err := d.byte()
	if err != nil {
		return 0, false, err
	}
	low := uint64(first & 0x3f)
	switch {
	case first&0xc0 == form6:
		return low, false, nil
	case first&0xc0 == form14:
		next, err := d.byte()
		return low<<8 | uint64(next), false, err
	case first&0xc0 == formEncoded:
		return low, true, nil
	case first == form32:
		n, err = d.bigEndian(4)
		return n, false, err
	case first == form64:
		n, err = d.bigEndian(8)
		return n, false, err
	}
	return 0, false, fmt.Errorf("%w: length form %#02x", ErrFormat, first)
}

// plainLength reads a length that must be one.
func (d *decoder) plainLength() (uint64, error) {
	n, encoded, err := d.length()
	if err == nil && encoded {
		err = fmt.Errorf("%w: encoding %d instead of a length", ErrFormat, n)
	}
	return n, err
}

// bigEndian reads a number of size bytes.
func (d *decoder) bigEndian(size uint64) (n uint64, err error) {
	bytes, err := d.take(size)
	for _, b := range bytes {
		n = n<<8 | uint64(b)
	}
	return n, err
}

// str reads a string in any encoding. The result is the caller's.
func (d *decoder) str() ([]byte, error) {
	n, encoded, err := d.length()
	switch {
	case err != nil:
		return nil, err
	case !encoded:
		return d.plain(n)
	case n == encodingLZF:
		return d.compressed()
	case n <= encodingInt32:
		return d.integer(1 << n)
	}
	return nil, fmt.Errorf("%w: string encoding %d", ErrFormat, n)
}

// plain reads a string of n bytes.
func (d *decoder) plain(n uint64) ([]byte, error) {
	if err := d.checkString(n); err != nil {
		return nil, err
	}
	s, err := d.take(n)
	if err != nil {
		return nil, err
	}
	return append(make([]byte, 0, n), s...), nil
}

// integer reads a little endian number of size bytes, and returns its text.
func (d *decoder) integer(size uint64) ([]byte, error) {
	b, err := d.take(size)
	if err != nil {
		return nil, err
	}
	var n int64
	switch size {
	case 1:
		n = int64(int8(b[0]))
	case 2:
		n = int64(int16(binary.LittleEndian.Uint16(b)))
	default:
		n = int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return strconv.AppendInt(nil, n, 10), nil
}

// compressed reads a compressed string.
func (d *decoder) compressed() ([]byte, error) {
	size, err := d.plainLength()
	if err != nil {
		return nil, err
	}
	unpacked, err := d.plainLength()
	if err != nil {
		return nil, err
	}
	if err := d.checkString(unpacked); err != nil {
		return nil, err
	}
	packed, err := d.take(size)
	if err != nil {
		return nil, err
	}
	return decompress(packed, int(unpacked))
}

// checkString refuses a string that is longer than the caller allows.
func (d *decoder) checkString(n uint64) error {
	if n > uint64(max(d.maxString, 0)) {
		return fmt.Errorf("%w: string of %d bytes, %d allowed", ErrFormat, n, d.maxString)
	}
	return nil
}
