package rdb

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"quipu/server/number"
)

// timedVersion is the first RDB version with times in the fields of a hash.
const timedVersion = 12

func (h Hash) version() uint16 {
	if h.firstExpiry() != 0 {
		return timedVersion
	}
	return baseVersion
}

// firstExpiry returns the time at which the first field expires, 0 if none does.
func (h Hash) firstExpiry() int64 {
	first := int64(math.MaxInt64)
	for i := range h.Fields {
		if at := h.Fields[i].ExpireAt; at != 0 {
			first = min(first, at)
		}
	}
	if first == math.MaxInt64 {
		return 0
	}
	return first
}

// appendTo appends a listpack, if that is wanted and possible, or a table.
func (h Hash) appendTo(dst []byte, dealt func(elements int)) []byte {
	first := h.firstExpiry()
	switch packed := h.Compact && h.packable(); {
	case packed && first != 0:
		return appendString(appendFirstExpiry(dst, typeHashListpackEx, first), h.timedPack())
	case packed:
		return appendString(append(dst, byte(typeHashListpack)), h.pack())
	case first != 0:
		return h.appendTable(appendFirstExpiry(dst, typeHashMetadata, first), first, dealt)
	}
	return h.appendTable(append(dst, byte(typeHash)), 0, dealt)
}

// packable reports whether a listpack can hold all fields.
func (h Hash) packable() bool {
	const overhead = 4 * 10 // of three entries and a time
	size := listpackHeader + 1
	for i := range h.Fields {
		size += len(h.Fields[i].Name) + len(h.Fields[i].Value) + overhead
	}
	return size < maxListpack
}

func appendFirstExpiry(dst []byte, kind valueType, first int64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, byte(kind)), uint64(first))
}

// appendTable appends the fields behind their number. If first is not 0, each begins with its time, as its distance from
// first and one; 0 is none.
func (h Hash) appendTable(dst []byte, first int64, dealt func(elements int)) []byte {
	dst = appendLength(dst, uint64(len(h.Fields)))
	for _, f := range h.Fields {
		if first != 0 {
			distance := uint64(0)
			if f.ExpireAt != 0 {
				distance = uint64(f.ExpireAt-first) + 1
			}
			dst = appendLength(dst, distance)
		}
		dst = appendString(appendString(dst, f.Name), f.Value)
		dealt(1)
	}
	return dst
}

// pack returns a listpack of names and values.
func (h Hash) pack() []byte {
	var w listpackWriter
	for _, f := range h.Fields {
		w.add(f.Name)
		w.add(f.Value)
	}
	return w.finish()
}

// timedPack returns a listpack of names, values and times. The field that expires first comes first, as Redis needs it, and
// those that never do come last.
func (h Hash) timedPack() []byte {
	fields := slices.Clone(h.Fields)
	slices.SortStableFunc(fields, func(a, b Field) int {
		return cmp.Compare(uint64(a.ExpireAt)-1, uint64(b.ExpireAt)-1) // 0 becomes the highest
	})
	var w listpackWriter
	for _, f := range fields {
		w.add(f.Name)
		w.add(f.Value)
		w.addInt(f.ExpireAt)
	}
	return w.finish()
}

// hash reads the body of a hash whose fields have no times.
func (d *decoder) hash(kind valueType) (Value, error) {
	var (
		entries [][]byte
		err     error
	)
	switch kind {
	case typeHash:
		entries, err = d.table(2)
	case typeHashZipmap:
		entries, err = d.zipmap()
	case typeHashZiplist:
		entries, err = d.ziplist()
	default:
		entries, err = d.listpack()
	}
	if err == nil && len(entries)%2 != 0 {
		err = fmt.Errorf("%w: a field without a value", ErrFormat)
	}
	if err != nil {
		return nil, fmt.Errorf("read a hash: %w", err)
	}
	fields := make([]Field, len(entries)/2)
	for i := range fields {
		fields[i] = Field{Name: entries[2*i], Value: entries[2*i+1]}
	}
	return newHash(fields, kind != typeHash)
}

// newHash returns the hash of the fields, if they make one.
func newHash(fields []Field, compact bool) (Value, error) {
	switch {
	case len(fields) == 0:
		return nil, errEmpty
	case !distinct(len(fields), func(i int) []byte { return fields[i].Name }):
		return nil, fmt.Errorf("%w: a field twice", ErrFormat)
	}
	return Hash{Fields: fields, Compact: compact}, nil
}

// timedHash reads the body of a hash whose fields have times. What the release candidates of Redis 7.4 wrote lacks the first
// time, and has all others as they are.
func (d *decoder) timedHash(kind valueType) (Value, error) {
	first := uint64(1)
	if kind == typeHashMetadata || kind == typeHashListpackEx {
		var err error
		if first, err = d.littleEndian64(); err != nil {
			return nil, fmt.Errorf("read the first time of a hash: %w", err)
		}
	}
	var (
		fields []Field
		err    error
	)
	compact := kind == typeHashListpackEx || kind == typeHashListpackExRC
	if compact {
		fields, err = timedFields(d.listpack())
	} else {
		fields, err = d.timedTable(first)
	}
	if err != nil {
		return nil, fmt.Errorf("read a hash with times: %w", err)
	}
	return newHash(fields, compact)
}

// timedFields makes fields of the entries of a listpack, which are a name, a value and a time in turn. Times ascend, behind
// them are the fields that have none.
func timedFields(entries [][]byte, err error) ([]Field, error) {
	if err != nil {
		return nil, err
	}
	if len(entries)%3 != 0 {
		return nil, fmt.Errorf("%w: a field without a value or time", ErrFormat)
	}
	fields := make([]Field, len(entries)/3)
	last := int64(1)
	for i := range fields {
		at, ok := number.ParseInt(entries[3*i+2])
		if !ok || at < 0 || at > MaxFieldExpiry || at != 0 && (at < last || last == 0) {
			return nil, errFieldTime
		}
		last = at
		fields[i] = Field{Name: entries[3*i], Value: entries[3*i+1], ExpireAt: at}
	}
	return fields, nil
}

// errFieldTime says that a field's time is not one, or not where it should be.
var errFieldTime = fmt.Errorf("%w: time of a field", ErrFormat)

// timedTable reads fields behind their number. Their times are distances from first, and one.
func (d *decoder) timedTable(first uint64) ([]Field, error) {
	n, err := d.count(3)
	if err != nil {
		return nil, err
	}
	fields := make([]Field, 0, min(n, startCapacity))
	for range n {
		var f Field
		if f.ExpireAt, err = d.fieldTime(first); err != nil {
			return nil, err
		}
		if f.Name, err = d.str(); err != nil {
			return nil, err
		}
		if f.Value, err = d.str(); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// fieldTime reads a time that is a distance from first, and one, or 0 for none.
func (d *decoder) fieldTime(first uint64) (int64, error) {
	distance, err := d.plainLength()
	switch {
	case err != nil:
		return 0, err
	case distance == 0:
		return 0, nil
	case first > MaxFieldExpiry || distance > MaxFieldExpiry || first+distance-1 > MaxFieldExpiry:
		return 0, errFieldTime
	}
	return int64(first + distance - 1), nil
}
