package engine

import (
	"encoding/binary"
)

// A packed collection is one byte string, one row in log and store:
//
//	size  field
//	1     kind, and the bits below
//	n     uvarint: the number of items
//	8     with packedTimed: no item expires before this time, unix milliseconds, little endian
//	      the items, one behind the other
//
// An item is a name and, except in a set, a value. A name says how many bytes it shares with the name before it, since fields and
// members mostly come in families (views:2024-01-01, views:2024-01-02): one byte for both lengths, the shared one in the high half, or
// uvarints behind it for what is 15 and more. Items keep the order that they were added in, except where a kind sorts them.
//
// A set of integers has items of its own kind (intset.go).
const (
	packedKindMask byte = 0x07
	// packedWide: by Redis's limits the collection has left the compact encoding, which OBJECT ENCODING tells and which is for good.
	packedWide byte = 0x08
	// packedTimed: an item has an expiry, or had one.
	packedTimed byte = 0x10
	// packedInts: a set of integers only.
	packedInts byte = 0x20
)

// The first byte of an item's value. Values in between are lengths or small integers.
const (
	valueSmall   byte = 0x00 // to 0x7f: the integer itself
	valueShort   byte = 0x80 // to 0x9f: a string of 0 to 31 bytes
	valueMiddle  byte = 0xa0 // to 0xbf: an integer from 128 on, the high bits of what it is above that; the low byte follows
	valueLong    byte = 0xc0 // a string, its length as uvarint before it
	valueInt     byte = 0xc0 // plus 2, 4, 6 or 8: a little-endian integer of so many bytes
	valueFloat   byte = 0xd0 // 8 bytes of a float64
	valueExpires byte = 0xe0 // 8 bytes of unix milliseconds, then the value

	maxSmall      = 0x7f
	maxMiddle     = maxSmall + 1<<13
	maxShortValue = 31
	nibble        = 15
)

// packed is the byte string of a collection.
type packed []byte

func (p packed) kind() Kind { return Kind(p[0] & packedKindMask) }

func (p packed) has(bits byte) bool { return p[0]&bits != 0 }

// count returns the number of items; not for packedInts.
func (p packed) count() int {
	n, _ := binary.Uvarint(p[1:])
	return int(n)
}

// body returns where the items begin.
func (p packed) body() int {
	at := 2
	for p[at-1] >= 0x80 {
		at++
	}
	if p.has(packedTimed) {
		at += 8
	}
	return at
}

// nextExpiry returns a time before which no item expires, 0 when none does.
func (p packed) nextExpiry() int64 {
	if !p.has(packedTimed) || p.has(packedInts) {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(p[p.body()-8:]))
}

// appendPackedHead begins a packed collection. An expiry other than 0 is noted with packedTimed.
func appendPackedHead(dst []byte, head byte, count int, expiry int64) []byte {
	head &^= packedTimed
	if expiry != 0 {
		head |= packedTimed
	}
	dst = append(dst, head)
	dst = binary.AppendUvarint(dst, uint64(count))
	if expiry != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(expiry))
	}
	return dst
}

// item is where an item lies in a packed collection.
type item struct {
	start  int // of the name's length byte
	shared int // bytes of the name that lie in the item before
	suffix int // where the rest of the name begins
	value  int // where the name ends and the value begins
	end    int
	// matched is how many bytes the last name that was passed has in common with the name that was looked for.
	matched int
}

// valued: the items of the collection have values.
func (p packed) valued() bool { return p.kind() != SetKind }

// itemAt decodes the layout of the item at an offset.
func (p packed) itemAt(at int, valued bool) item {
	it := item{start: at}
	it.shared, it.suffix, it.value = p.nameAt(at)
	it.end = it.value
	if valued {
		it.end += valueSize(p[it.value:])
	}
	return it
}

// nameAt decodes the lengths of a name: the shared bytes, and where the others begin and end.
func (p packed) nameAt(at int) (shared, suffix, end int) {
	shared, size := int(p[at]>>4), int(p[at]&nibble)
	if shared == nibble || size == nibble {
		return p.longNameAt(at)
	}
	return shared, at + 1, at + 1 + size
}

// longNameAt is nameAt for a name of which a length does not fit into the first byte.
func (p packed) longNameAt(at int) (shared, suffix, end int) {
	b := p[at]
	shared, size := int(b>>4), int(b&nibble)
	at++
	if shared == nibble {
		n, w := binary.Uvarint(p[at:])
		shared, at = shared+int(n), at+w
	}
	if size == nibble {
		n, w := binary.Uvarint(p[at:])
		size, at = size+int(n), at+w
	}
	return shared, at, at + size
}

func appendName(dst []byte, shared int, suffix []byte) []byte {
	dst = append(dst, byte(min(shared, nibble)<<4|min(len(suffix), nibble)))
	if shared >= nibble {
		dst = binary.AppendUvarint(dst, uint64(shared-nibble))
	}
	if len(suffix) >= nibble {
		dst = binary.AppendUvarint(dst, uint64(len(suffix)-nibble))
	}
	return append(dst, suffix...)
}

// valueSize returns the length of the value that b begins with.
func valueSize(b []byte) int {
	size := 0
	if b[0] == valueExpires {
		size, b = 9, b[9:]
	}
	switch v := b[0]; {
	case v <= maxSmall:
		return size + 1
	case v < valueMiddle:
		return size + 1 + int(v-valueShort)
	case v < valueLong:
		return size + 2
	case v == valueLong:
		n, w := binary.Uvarint(b[1:])
		return size + 1 + w + int(n)
	case v == valueFloat:
		return size + 9
	default:
		return size + 1 + int(v-valueInt)
	}
}

// find looks a name up. Without it, the item is the end of the collection, and matched what the last name has in common with it.
//
// It compares no byte twice: a name that shares more with the one before it than that one does with the name looked for differs from
// it at the same place.
func (p packed) find(name []byte) (item, bool) {
	matched, valued := 0, p.valued()
	at := p.body()
	for at < len(p) {
		shared, suffix, value := p.nameAt(at)
		if shared <= matched {
			matched = shared + common(p[suffix:value], name[shared:])
			if matched == len(name) && shared+value-suffix == len(name) {
				it := p.itemAt(at, valued)
				it.matched = matched
				return it, true
			}
		}
		switch at = value; {
		case !valued:
		case p[at] <= maxSmall:
			at++
		default:
			at += valueSize(p[at:])
		}
	}
	return item{start: at, suffix: at, value: at, end: at, matched: matched}, false
}

// common returns the number of bytes that a and b begin with alike.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// decodeValue decodes the value that b begins with. A string aliases it.
func decodeValue(b []byte) (v Value) {
	if b[0] == valueExpires {
		v.ExpireAt, b = int64(binary.LittleEndian.Uint64(b[1:])), b[9:]
	}
	v.Kind = Int
	switch h := b[0]; {
	case h <= maxSmall:
		v.Int = int64(h)
	case h < valueMiddle:
		v.Kind, v.Str = String, b[1:1+int(h-valueShort)]
	case h < valueLong:
		v.Int = int64(h-valueMiddle)<<8 + int64(b[1]) + maxSmall + 1
	case h == valueLong:
		n, w := binary.Uvarint(b[1:])
		v.Kind, v.Str = String, b[1+w:1+w+int(n)]
	case h == valueFloat:
		v.Kind, v.Str, v.Int = packedFloat, b[1:9], int64(binary.LittleEndian.Uint64(b[1:]))
	default:
		v.Int = packedInt(b[1 : 1+int(h-valueInt)])
	}
	return v
}

// packedFloat is the kind of a value that is a float64, whose bits are its Int, and Str. It is seen inside the engine only.
const packedFloat Kind = 0xff

func packedInt(b []byte) int64 {
	switch len(b) {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	case 6:
		return int64(uint64(binary.LittleEndian.Uint32(b))|uint64(binary.LittleEndian.Uint16(b[4:]))<<32) << 16 >> 16
	default:
		return int64(binary.LittleEndian.Uint64(b))
	}
}

// appendValue encodes a value. A Str that is nil is the empty string.
func appendValue(dst []byte, v Value) []byte {
	if v.ExpireAt != 0 {
		dst = append(dst, valueExpires)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(v.ExpireAt))
	}
	switch {
	case v.Kind == Int && v.Int >= 0 && v.Int <= maxSmall:
		return append(dst, byte(v.Int))
	case v.Kind == Int && v.Int > maxSmall && v.Int <= maxMiddle:
		n := v.Int - maxSmall - 1
		return append(dst, valueMiddle+byte(n>>8), byte(n))
	case v.Kind == Int:
		width := intWidth(intKind(v.Int))
		dst = append(dst, valueInt+byte(width))
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(v.Int))
		return append(dst, b[:width]...)
	case v.Kind == packedFloat:
		dst = append(dst, valueFloat)
		return binary.LittleEndian.AppendUint64(dst, uint64(v.Int))
	case len(v.Str) <= maxShortValue:
		dst = append(dst, valueShort+byte(len(v.Str)))
	default:
		dst = append(dst, valueLong)
		dst = binary.AppendUvarint(dst, uint64(len(v.Str)))
	}
	return append(dst, v.Str...)
}

// storeInt writes n over the integer that b begins with, behind an expiry if there is one, and reports whether it could: in the same
// width, so that nothing moves.
func storeInt(b []byte, n int64) bool {
	if b[0] == valueExpires {
		b = b[9:]
	}
	switch h := b[0]; {
	case h <= maxSmall && n >= 0 && n <= maxSmall:
		b[0] = byte(n)
	case h >= valueMiddle && h < valueLong && n > maxSmall && n <= maxMiddle:
		n -= maxSmall + 1
		b[0], b[1] = valueMiddle+byte(n>>8), byte(n)
	case h > valueInt && h < valueFloat && intWidth(intKind(n)) <= int(h-valueInt) && (n < 0 || n > maxMiddle):
		var wide [8]byte
		binary.LittleEndian.PutUint64(wide[:], uint64(n))
		copy(b[1:1+int(h-valueInt)], wide[:])
	default:
		return false
	}
	return true
}

// appendWithValue appends p with another value at it, and with an expiry that is no later than that of any item.
func (p packed) appendWithValue(dst []byte, it item, v Value) []byte {
	dst = p.appendHead(dst, p.count(), v.ExpireAt)
	dst = append(dst, p[p.body():it.value]...)
	if p.valued() {
		dst = appendValue(dst, v)
	}
	return append(dst, p[it.end:]...)
}

// appendHead appends the head of p with another count and, where the new expiry is earlier, another bound of expiries.
func (p packed) appendHead(dst []byte, count int, expiry int64) []byte {
	return appendPackedHead(dst, p[0], count, earlier(p.nextExpiry(), expiry))
}

// appendWithItem appends p with a new item at its end. end is what find has returned for the name.
func (p packed) appendWithItem(dst []byte, end item, name []byte, v Value) []byte {
	dst = p.appendHead(dst, p.count()+1, v.ExpireAt)
	dst = append(dst, p[p.body():]...)
	dst = appendName(dst, end.matched, name[end.matched:])
	if p.valued() {
		dst = appendValue(dst, v)
	}
	return dst
}

// appendWithout appends p without an item. The name of the item behind it may have shared bytes with it that the one before has not.
func (p packed) appendWithout(dst []byte, it item) []byte {
	dst = p.appendHead(dst, p.count()-1, 0)
	dst = append(dst, p[p.body():it.start]...)
	if it.end == len(p) {
		return dst
	}
	shared, suffix, end := p.nameAt(it.end)
	if shared <= it.shared {
		return append(dst, p[it.end:]...)
	}
	borrowed := p[it.suffix : it.suffix+shared-it.shared]
	dst = appendJoinedName(dst, it.shared, borrowed, p[suffix:end])
	return append(dst, p[end:]...)
}

// appendJoinedName is appendName with the suffix in two parts.
func appendJoinedName(dst []byte, shared int, a, b []byte) []byte {
	size := len(a) + len(b)
	dst = append(dst, byte(min(shared, nibble)<<4|min(size, nibble)))
	if shared >= nibble {
		dst = binary.AppendUvarint(dst, uint64(shared-nibble))
	}
	if size >= nibble {
		dst = binary.AppendUvarint(dst, uint64(size-nibble))
	}
	return append(append(dst, a...), b...)
}

// encoding is Redis's name for what Redis would keep the collection in.
func (p packed) encoding() string {
	wide := p.has(packedWide)
	switch p.kind() {
	case HashKind:
		return pick(wide, "hashtable", "listpack")
	case ZSetKind:
		return pick(wide, "skiplist", "listpack")
	case SetKind:
		return pick(p.has(packedInts) && !wide, "intset", "hashtable")
	default:
		return "quicklist"
	}
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// packedWalk goes over the items of a packed collection and puts their names together.
type packedWalk struct {
	p      packed
	at     int
	valued bool
	it     item
	name   []byte // of the current item; overwritten by the next
}

func (p packed) walk(buf []byte) packedWalk {
	return packedWalk{p: p, at: p.body(), valued: p.valued(), name: buf[:0]}
}

// next goes to the next item and reports whether there is one.
func (w *packedWalk) next() bool {
	if w.at >= len(w.p) {
		return false
	}
	w.it = w.p.itemAt(w.at, w.valued)
	w.at = w.it.end
	w.name = append(w.name[:w.it.shared], w.p[w.it.suffix:w.it.value]...)
	return true
}

// value returns the current item's value, aliasing the collection.
func (w *packedWalk) value() Value {
	if !w.valued {
		return Value{Kind: String}
	}
	return decodeValue(w.p[w.it.value:])
}
