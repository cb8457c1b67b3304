package rdb

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// decoder takes a payload's body apart from the front. It takes no memory on the word of the payload alone: what is read
// as it is stays where it is, and what unpacks to more has a budget. The budget pays stringCost for each string, which
// covers all that holds it, and its length for one that was compressed. It starts at payloadFactor times the payload and
// maxString, so a payload can only run out of it through compression, and only in a value that would need more than
// maxString.
type decoder struct {
	rest      []byte
	maxString int
	budget    uint64
	texts     []byte // of integers: a result is a part of it, or of a predecessor that it outgrew
}

const (
	// stringCost is what a string costs beside its bytes: a slice, and its share of what else a field or a member has.
	stringCost = 32
	// payloadFactor lets the shortest string, which is one byte, pay for itself.
	payloadFactor = stringCost
)

func newDecoder(body []byte, maxString int) *decoder {
	maxString = max(maxString, 0)
	return &decoder{rest: body, maxString: maxString, budget: uint64(maxString) + payloadFactor*uint64(len(body))}
}

// spend takes n bytes from the budget.
func (d *decoder) spend(n uint64) error {
	if n > d.budget {
		return fmt.Errorf("%w: unpacks to too much", ErrFormat)
	}
	d.budget -= n
	return nil
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

// count reads how many elements follow, of which each takes at least size bytes. None at all is refused: Redis keeps no
// empty collections.
func (d *decoder) count(size int) (int, error) {
	n, err := d.plainLength()
	switch {
	case err != nil:
		return 0, fmt.Errorf("read the number of elements: %w", err)
	case n == 0:
		return 0, errEmpty
	case n > uint64(len(d.rest)/size):
		return 0, fmt.Errorf("%w: %d elements declared in %d bytes", ErrFormat, n, len(d.rest))
	}
	return int(n), nil
}

// errEmpty says that a collection has no elements.
var errEmpty = fmt.Errorf("%w: empty collection", ErrFormat)

// bigEndian reads a number of size bytes.
func (d *decoder) bigEndian(size uint64) (n uint64, err error) {
	bytes, err := d.take(size)
	for _, b := range bytes {
		n = n<<8 | uint64(b)
	}
	return n, err
}

// littleEndian64 reads a number of eight bytes.
func (d *decoder) littleEndian64() (uint64, error) {
	b, err := d.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// str reads a string in any encoding.
func (d *decoder) str() ([]byte, error) {
	n, encoded, err := d.length()
	if err != nil {
		return nil, err
	}
	if err := d.spend(stringCost); err != nil {
		return nil, err
	}
	switch {
	case !encoded:
		return d.plain(n)
	case n == encodingLZF:
		return d.compressed()
	case n <= encodingInt32:
		return d.integer(1 << n)
	}
	return nil, fmt.Errorf("%w: string encoding %d", ErrFormat, n)
}

// strs reads n strings.
func (d *decoder) strs(n int) ([][]byte, error) {
	list := make([][]byte, 0, min(n, startCapacity))
	for range n {
		s, err := d.str()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// startCapacity is how many elements are believed in before they are seen.
const startCapacity = 1 << 10

// plain reads a string of n bytes.
func (d *decoder) plain(n uint64) ([]byte, error) {
	if err := d.checkString(n); err != nil {
		return nil, err
	}
	return d.take(n)
}

// integer reads a little endian number of size bytes, and returns its text.
func (d *decoder) integer(size uint64) ([]byte, error) {
	b, err := d.take(size)
	if err != nil {
		return nil, err
	}
	return d.text(littleEndianInt(b)), nil
}

// text returns the text of n.
func (d *decoder) text(n int64) []byte {
	const chunk = 1 << 10
	if cap(d.texts)-len(d.texts) < number64Digits {
		d.texts = make([]byte, 0, min(chunk, max(number64Digits, 2*cap(d.texts))))
	}
	start := len(d.texts)
	d.texts = strconv.AppendInt(d.texts, n, 10)
	return d.texts[start:len(d.texts):len(d.texts)]
}

// number64Digits is the length of the longest text of 64 bits.
const number64Digits = len("-9223372036854775808")

// littleEndianInt returns the signed number that b holds, which has at most eight bytes.
func littleEndianInt(b []byte) int64 {
	var n uint64
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	unused := 64 - 8*len(b)
	return int64(n<<unused) >> unused
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
	if err := d.spend(unpacked); err != nil {
		return nil, err
	}
	return decompress(packed, int(unpacked))
}

// checkString refuses a string that is longer than the caller allows.
func (d *decoder) checkString(n uint64) error {
	if n > uint64(d.maxString) {
		return fmt.Errorf("%w: string of %d bytes, %d allowed", ErrFormat, n, d.maxString)
	}
	return nil
}
