package engine

import "encoding/binary"

// An entry is one counter (or other value) in a table's arena:
//
//	offset  size  field
//	0       1     length of the name; farName says that the name is in the table's side list
//	1       2     flags, little endian
//	3       n     name
//	3+n     8     expiry in unix milliseconds, only with flagExpires
//	then          payload by kind: 2, 4, 6 or 8 bytes of a signed integer; a length byte and a short string; the 4-byte
//	              handle of a blob, or number of a side value
//
// Integers start as narrow as their value allows and are moved to a wider entry when they outgrow it: at most three moves in
// a counter's life, for 4 to 6 bytes saved on nearly every counter there is.
type entry []byte

type flags uint16

// The kinds of payload, in the low bits of the flags. Zero ends a page.
const (
	kindEnd flags = iota
	kindInt16
	kindInt32
	kindInt48
	kindInt64
	kindShort
	kindSide
	kindBlob
	kindMask flags = 7
)

const (
	flagExpires flags = 1 << (3 + iota)
	// flagQueued: changed since the last commit walk took it; stands in its table's queue.
	flagQueued
	// flagMark0 and flagMark1 hold the low bits of the number of the commit that last took the entry.
	flagMark0
	flagMark1
	// flagDirty: changed since the last checkpoint took it.
	flagDirty
	// flagTaken: taken by the checkpoint that is running, and not yet known to be in the store.
	flagTaken
	// flagStored: the store may hold a row of this name, so a deletion must reach it.
	flagStored
	// flagHeat0 and flagHeat1 count recent accesses, for the clock that drops cold entries.
	flagHeat0
	flagHeat1
	// flagDeleted: the name is absent, which the log or the store does not know yet.
	flagDeleted
	flagFarName
	// flagDead: garbage; the entry has moved or is gone.
	flagDead
	// flagCollection: the payload is a collection (collection.go), not a string.
	flagCollection

	markShift = 5
	markMask  = flagMark0 | flagMark1
	heatShift = 10
	heatMask  = flagHeat0 | flagHeat1
	// flagsBusy keeps an entry in memory: dropping it would lose something.
	flagsBusy = flagQueued | flagDirty | flagTaken
)

const (
	entryHeader = 3
	// maxNearName keeps the largest entry (header, name, expiry, short string) inside one page.
	maxNearName = 254
	// maxShort is the longest string kept in the arena. Longer ones are blobs, and those beyond maxBlob Go objects.
	maxShort = 64
)

func (e entry) flags() flags     { return flags(binary.LittleEndian.Uint16(e[1:])) }
func (e entry) setFlags(f flags) { binary.LittleEndian.PutUint16(e[1:], uint16(f)) }

// nearName returns the name that lies in the arena; empty when the name is far.
func (e entry) nearName() []byte { return e[entryHeader : entryHeader+int(e[0])] }

func (e entry) expiryAt() int { return entryHeader + int(e[0]) }

func (e entry) payloadAt(f flags) int {
	at := entryHeader + int(e[0])
	if f&flagExpires != 0 {
		at += 8
	}
	return at
}

// expiry returns the expiry in unix milliseconds, 0 when there is none.
func (e entry) expiry(f flags) int64 {
	if f&flagExpires == 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(e[e.expiryAt():]))
}

func (e entry) setExpiry(at int64) {
	binary.LittleEndian.PutUint64(e[e.expiryAt():], uint64(at))
}

// size returns the length of the whole entry.
func (e entry) size(f flags) int {
	at := e.payloadAt(f)
	switch f & kindMask {
	case kindShort:
		return at + 1 + int(e[at])
	case kindSide, kindBlob:
		return at + 4
	default:
		return at + intWidth(f)
	}
}

func isInt(f flags) bool { k := f & kindMask; return k >= kindInt16 && k <= kindInt64 }

// intWidth returns the payload bytes of an integer kind.
func intWidth(f flags) int { return int(f&kindMask) * 2 }

// intKind returns the narrowest kind that holds n.
func intKind(n int64) flags {
	switch {
	case n == int64(int16(n)):
		return kindInt16
	case n == int64(int32(n)):
		return kindInt32
	case n == n<<16>>16:
		return kindInt48
	default:
		return kindInt64
	}
}

func (e entry) int(f flags) int64 {
	p := e[e.payloadAt(f):]
	switch f & kindMask {
	case kindInt16:
		return int64(int16(binary.LittleEndian.Uint16(p)))
	case kindInt32:
		return int64(int32(binary.LittleEndian.Uint32(p)))
	case kindInt48:
		return int64(uint64(binary.LittleEndian.Uint32(p))|uint64(binary.LittleEndian.Uint16(p[4:]))<<32) << 16 >> 16
	default:
		return int64(binary.LittleEndian.Uint64(p))
	}
}

// setInt writes n, which must fit the entry's kind.
func (e entry) setInt(f flags, n int64) {
	p := e[e.payloadAt(f):]
	switch f & kindMask {
	case kindInt16:
		binary.LittleEndian.PutUint16(p, uint16(n))
	case kindInt32:
		binary.LittleEndian.PutUint32(p, uint32(n))
	case kindInt48:
		binary.LittleEndian.PutUint32(p, uint32(n))
		binary.LittleEndian.PutUint16(p[4:], uint16(n>>32))
	default:
		binary.LittleEndian.PutUint64(p, uint64(n))
	}
}

func (e entry) short(f flags) []byte {
	at := e.payloadAt(f)
	return e[at+1 : at+1+int(e[at])]
}

// sideNumber returns the number of a side value, or the handle of a blob.
func (e entry) sideNumber(f flags) uint32 { return binary.LittleEndian.Uint32(e[e.payloadAt(f):]) }

func (e entry) setSideNumber(f flags, n uint32) {
	binary.LittleEndian.PutUint32(e[e.payloadAt(f):], n)
}
