package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// baseVersion is the RDB version of Redis 7.0.
	baseVersion = 10
	// maxVersion is that of Redis 7.4, which brought hashes with times in their fields.
	maxVersion = 12
	// footerSize is the length of the version and the checksum.
	footerSize = 2 + 8
)

var (
	// ErrPayload says that the version is newer than Redis 7.4's, or the checksum is wrong: Redis answers "DUMP
	// payload version or checksum are wrong".
	ErrPayload = errors.New("payload version or checksum are wrong")
	// ErrFormat says that what is in a good envelope is no value: Redis answers "Bad data format".
	ErrFormat = errors.New("bad data format")
	// ErrUnsupported says that the value is of a type or encoding that this package does not know. It wraps
	// ErrFormat.
	ErrUnsupported = fmt.Errorf("%w: unsupported type", ErrFormat)
)

// valueType is the byte that says what follows.
type valueType byte

// The numbers of Redis's rdb.h. Those that are left out are streams and values of modules.
const (
	typeString           valueType = 0
	typeList             valueType = 1
	typeSet              valueType = 2
	typeZSet             valueType = 3 // scores as text
	typeHash             valueType = 4
	typeZSet2            valueType = 5 // scores in binary
	typeHashZipmap       valueType = 9
	typeListZiplist      valueType = 10
	typeSetIntset        valueType = 11
	typeZSetZiplist      valueType = 12
	typeHashZiplist      valueType = 13
	typeListQuicklist    valueType = 14 // of ziplists
	typeHashListpack     valueType = 16
	typeZSetListpack     valueType = 17
	typeListQuicklist2   valueType = 18 // of listpacks and plain nodes
	typeSetListpack      valueType = 20
	typeHashMetadataRC   valueType = 22 // as the release candidates of 7.4 wrote it
	typeHashListpackExRC valueType = 23
	typeHashMetadata     valueType = 24 // a hash table with times in its fields
	typeHashListpackEx   valueType = 25 // a listpack with them
)

// Append appends the payload of v, which DUMP answers, to dst.
func Append(dst []byte, v Value) []byte { return AppendPaced(dst, v, func(int) {}) }

// AppendPaced is Append for a value that may be large: dealt is called with the number of elements that were dealt with since the last call,
// and may take its time.
func AppendPaced(dst []byte, v Value, dealt func(elements int)) []byte {
	start := len(dst)
	dst = v.appendTo(dst, dealt)
	dst = binary.LittleEndian.AppendUint16(dst, v.version())
	return binary.LittleEndian.AppendUint64(dst, checksum(0, dst[start:]))
}

// Decode returns the value of a payload, as RESTORE takes it. Its strings may be parts of the payload, and end with it.
// None of them may be longer than maxString bytes, and all together may not need much more memory than that unless the
// payload is long itself (see decoder). The error wraps ErrPayload or ErrFormat.
func Decode(payload []byte, maxString int) (Value, error) {
	body, err := unseal(payload)
	if err != nil {
		return nil, err
	}
	d := newDecoder(body, maxString)
	kind, err := d.byte()
	if err != nil {
		return nil, fmt.Errorf("read the type: %w", err)
	}
	return d.value(valueType(kind))
}

// unseal checks the footer and returns what is before it.
func unseal(payload []byte) ([]byte, error) {
	if len(payload) < footerSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrPayload, len(payload))
	}
	body := payload[:len(payload)-footerSize]
	footer := payload[len(body):]
	if v := binary.LittleEndian.Uint16(footer); v > maxVersion {
		return nil, fmt.Errorf("%w: version %d", ErrPayload, v)
	}
	if sum := checksum(0, payload[:len(body)+2]); sum != binary.LittleEndian.Uint64(footer[2:]) {
		return nil, fmt.Errorf("%w: checksum is %016x", ErrPayload, sum)
	}
	return body, nil
}

// value reads the body of a value.
func (d *decoder) value(kind valueType) (Value, error) {
	switch kind {
	case typeString:
		return d.stringValue()
	case typeList, typeListZiplist, typeListQuicklist, typeListQuicklist2:
		return d.list(kind)
	case typeSet, typeSetIntset, typeSetListpack:
		return d.set(kind)
	case typeZSet, typeZSet2, typeZSetZiplist, typeZSetListpack:
		return d.sortedSet(kind)
	case typeHash, typeHashZipmap, typeHashZiplist, typeHashListpack:
		return d.hash(kind)
	case typeHashMetadata, typeHashMetadataRC, typeHashListpackEx, typeHashListpackExRC:
		return d.timedHash(kind)
	}
	return nil, fmt.Errorf("%w %d", ErrUnsupported, kind)
}
