package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// version is the RDB version of Redis 7.0.
	version = 10
	// footerSize is the length of the version and the checksum.
	footerSize = 2 + 8
)

var (
	// ErrPayload says that the version is newer than Redis 7.0's, or the checksum is wrong: Redis answers "DUMP
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

// The numbers of Redis's rdb.h.
const (
	typeString valueType = 0
)

// Value is what a payload holds: a String.
type Value interface {
	// appendTo appends the type byte and the body.
	appendTo(dst []byte) []byte
}

// Append appends the payload of v, which DUMP answers, to dst.
func Append(dst []byte, v Value) []byte {
	start := len(dst)
	dst = v.appendTo(dst)
	dst = binary.LittleEndian.AppendUint16(dst, version)
	return binary.LittleEndian.AppendUint64(dst, checksum(0, dst[start:]))
}

// Decode returns the value of a payload, as RESTORE takes it, in memory of its own. No string in it may be longer
// than maxString bytes. The error wraps ErrPayload or ErrFormat.
func Decode(payload []byte, maxString int) (Value, error) {
	body, err := unseal(payload)
	if err != nil {
		return nil, err
	}
	d := decoder{rest: body, maxString: maxString}
	kind, err := d.byte()
	if err != nil {
		return nil, fmt.Errorf("read the type: %w", err)
	}
	switch valueType(kind) {
	case typeString:
		return d.stringValue()
	}
	return nil, fmt.Errorf("%w %d", ErrUnsupported, kind)
}

// unseal checks the footer and returns what is before it.
func unseal(payload []byte) ([]byte, error) {
	if len(payload) < footerSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrPayload, len(payload))
	}
	body := payload[:len(payload)-footerSize]
	footer := payload[len(body):]
	if v := binary.LittleEndian.Uint16(footer); v > version {
		return nil, fmt.Errorf("%w: version %d", ErrPayload, v)
	}
	if sum := checksum(0, payload[:len(body)+2]); sum != binary.LittleEndian.Uint64(footer[2:]) {
		return nil, fmt.Errorf("%w: checksum is %016x", ErrPayload, sum)
	}
	return body, nil
}
