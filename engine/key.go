package engine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"quipu/cluster/hashslot"
)

// Key is a name in a database, hashed once. Name aliases the caller's bytes.
type Key struct {
	Name  []byte
	hash  uint64
	order uint16
	Slot  uint16
	DB    uint8
	// again: in a batch, the key before has the same name, so most of what there is to do for this one has just been done.
	again bool

	_ [8]byte // keys are copied by 16 bytes, and what overlaps with the copy before would have to wait for it
}

// Key hashes a name. db is in [0, Options.Databases).
func (e *Engine) Key(db int, name []byte) Key {
	return Key{
		Name:  name,
		hash:  e.space.hash(name),
		order: orderOf(name),
		Slot:  hashslot.Of(name),
		DB:    uint8(db),
	}
}

// AppendKey appends the Key of a name to those of a batch. Clients often name one key many times in a row: the name is not hashed again
// then, and not looked for again, as long as the batch's locks are held.
func (e *Engine) AppendKey(keys []Key, db int, name []byte) []Key {
	if last := len(keys) - 1; last >= 0 && string(keys[last].Name) == string(name) && keys[last].DB == uint8(db) {
		if keys = append(keys, keys[last]); !keys[last].again {
			keys[last+1].again = true
		}
		return keys
	}
	return append(keys, e.Key(db, name))
}

// Row keys. Every row that the engine keeps in the log and the store starts with one of these bytes (0x00 and 0xff are persist's own):
//
//	rowDatabases                                           which physical database each logical one is (SWAPDB)
//	rowData  db(1) slot(2) order(2) uvarint(len) name      one entry
//	rowSlot  db(1) slot(2)                                 what a slot holds in all
//	rowElement db(1) slot(2) number(8) ...                 an element of a spread collection
//
// Integers are big endian, so that rows sort by database, slot and order: a SCAN and the loading of part of a slot read the
// store forwards. Slot rows sort behind data rows so that a checkpoint can write them after the entries that they count.
const (
	rowDatabases = 0x01
	rowData      = 0x02
	rowSlot      = 0x03
	rowElement   = 0x04

	dataPrefix = 1 + 1 + 2
	dataHeader = dataPrefix + 2
)

func appendDataKey(dst []byte, db uint8, slot, order uint16, name []byte) []byte {
	dst = append(dst, rowData, db, byte(slot>>8), byte(slot), byte(order>>8), byte(order))
	dst = binary.AppendUvarint(dst, uint64(len(name)))
	return append(dst, name...)
}

// dataRange returns the bounds of the rows of a slot with order in [from, to]; to is inclusive, because 65536 does not fit.
func dataRange(db uint8, slot, from, to uint16) (lo, hi []byte) {
	lo = []byte{rowData, db, byte(slot >> 8), byte(slot), byte(from >> 8), byte(from)}
	hi = successor([]byte{rowData, db, byte(slot >> 8), byte(slot), byte(to >> 8), byte(to)})
	return lo, hi
}

// successor returns the smallest key above every key with the given prefix.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; ; i-- {
		if prefix[i]++; prefix[i] != 0 {
			return prefix[:i+1]
		}
	}
}

func appendSlotKey(dst []byte, db uint8, slot uint16) []byte {
	return append(dst, rowSlot, db, byte(slot>>8), byte(slot))
}

// errRow reports a row that a store or log with good checksums should not hold: the files were written by something else.
var errRow = errors.New("engine: malformed row")

type dataKey struct {
	db    uint8
	slot  uint16
	order uint16
	name  []byte
}

func parseDataKey(key []byte) (dataKey, error) {
	if len(key) < dataHeader+1 || key[0] != rowData {
		return dataKey{}, fmt.Errorf("%w: key %x", errRow, key)
	}
	k := dataKey{db: key[1], slot: binary.BigEndian.Uint16(key[2:]), order: binary.BigEndian.Uint16(key[4:])}
	size, n := binary.Uvarint(key[dataHeader:])
	if n <= 0 || size != uint64(len(key)-dataHeader-n) || k.slot >= hashslot.Count {
		return dataKey{}, fmt.Errorf("%w: key %x", errRow, key)
	}
	k.name = key[dataHeader+n:]
	return k, nil
}

func parseSlotKey(key []byte) (db uint8, slot uint16, err error) {
	if len(key) != 4 || key[0] != rowSlot || binary.BigEndian.Uint16(key[2:]) >= hashslot.Count {
		return 0, 0, fmt.Errorf("%w: key %x", errRow, key)
	}
	return key[1], binary.BigEndian.Uint16(key[2:]), nil
}

// Row values of entries: a type byte, the expiry where the type byte says so (8 bytes, unix milliseconds, big endian), and
// the content: a zigzag varint for an integer, the bytes of a string or of a packed collection (packed.go), what there is to say of a
// spread one (spread.go).
const (
	rowInt     = 0x01
	rowString  = 0x02
	rowPacked  = 0x03
	rowSpread  = 0x04
	rowExpires = 0x80
)

func appendRow(dst []byte, c cell) []byte {
	dst = appendRowHead(dst, c)
	switch {
	case c.isInt:
		return binary.AppendVarint(dst, c.num)
	case c.obj != nil:
		return appendSpreadRow(dst, c.obj)
	}
	return append(dst, c.str...)
}

// appendRowHead appends what a row has before its payload.
func appendRowHead(dst []byte, c cell) []byte {
	kind := byte(rowString)
	switch {
	case c.isInt:
		kind = rowInt
	case c.packed:
		kind = rowPacked
	case c.obj != nil:
		kind = rowSpread
	}
	if c.expireAt == 0 {
		return append(dst, kind)
	}
	dst = append(dst, kind|rowExpires)
	return binary.BigEndian.AppendUint64(dst, uint64(c.expireAt))
}

// parseRow decodes a row's value; the cell's string aliases it.
func parseRow(value []byte) (cell, error) {
	if len(value) == 0 {
		return cell{}, fmt.Errorf("%w: empty value", errRow)
	}
	var c cell
	kind, rest := value[0], value[1:]
	if kind&rowExpires != 0 {
		if len(rest) < 8 {
			return cell{}, fmt.Errorf("%w: value %x", errRow, value)
		}
		c.expireAt, rest = int64(binary.BigEndian.Uint64(rest)), rest[8:]
	}
	switch kind &^ rowExpires {
	case rowInt:
		n, size := binary.Varint(rest)
		if size <= 0 || size != len(rest) {
			return cell{}, fmt.Errorf("%w: value %x", errRow, value)
		}
		c.isInt, c.num = true, n
	case rowString:
		c.str = rest
	case rowPacked:
		if err := checkPacked(rest); err != nil {
			return cell{}, err
		}
		c.packed, c.str = true, rest
	case rowSpread:
		var err error
		if c.obj, err = parseSpreadRow(rest); err != nil {
			return cell{}, err
		}
	default:
		return cell{}, fmt.Errorf("%w: type %d", errRow, kind)
	}
	return c, nil
}

// slotCounts is the value of a slot row.
type slotCounts struct {
	keys, expiries uint64
	nextExpiry     int64 // unix milliseconds; no expiry of the slot is earlier; 0 when there is none
	// lastSpread is the highest number that a spread collection of the slot was given; rows of slots that never had one end before it.
	lastSpread uint64
}

func appendSlotCounts(dst []byte, c slotCounts) []byte {
	dst = binary.AppendUvarint(dst, c.keys)
	dst = binary.AppendUvarint(dst, c.expiries)
	dst = binary.AppendVarint(dst, c.nextExpiry)
	if c.lastSpread != 0 {
		dst = binary.AppendUvarint(dst, c.lastSpread)
	}
	return dst
}

func parseSlotCounts(value []byte) (slotCounts, error) {
	var c slotCounts
	keys, n := binary.Uvarint(value)
	if n <= 0 {
		return c, fmt.Errorf("%w: slot counts %x", errRow, value)
	}
	expiries, m := binary.Uvarint(value[n:])
	if m <= 0 {
		return c, fmt.Errorf("%w: slot counts %x", errRow, value)
	}
	next, l := binary.Varint(value[n+m:])
	if l <= 0 || expiries > keys {
		return c, fmt.Errorf("%w: slot counts %x", errRow, value)
	}
	c = slotCounts{keys: keys, expiries: expiries, nextExpiry: next}
	if rest := value[n+m+l:]; len(rest) > 0 {
		if c.lastSpread, n = binary.Uvarint(rest); n != len(rest) || c.lastSpread == 0 || c.lastSpread > maxSpreadID {
			return slotCounts{}, fmt.Errorf("%w: slot counts %x", errRow, value)
		}
	}
	return c, nil
}
