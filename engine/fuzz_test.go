package engine

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist"
)

// boundaries are the integers that decoders get wrong.
var boundaries = []int64{0, 1, -1, 127, 128, 1<<15 - 1, 1 << 15, 1<<31 - 1, 1 << 31, 1<<47 - 1, 1 << 47, -1 << 47, math.MaxInt64, math.MinInt64}

func FuzzParseRow(f *testing.F) {
	for _, n := range boundaries {
		f.Add(appendRow(nil, cell{isInt: true, num: n}))
		f.Add(appendRow(nil, cell{isInt: true, num: n, expireAt: max(n, 1)}))
	}
	f.Add(appendRow(nil, cell{str: []byte("text"), expireAt: 5}))
	b := packedBuilder{}
	for i, n := range boundaries {
		b.add(fmt.Appendf(nil, "field:%d", n), Value{Kind: Int, Int: n, ExpireAt: int64(i % 3)}, true)
	}
	f.Add(appendRow(nil, cell{packed: true, str: b.appendTo(nil, byte(HashKind))}))
	f.Add(appendRow(nil, cell{packed: true, str: appendSetInt(appendIntsHead(nil, byte(SetKind), 4), 4, -5)}))
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := parseRow(value)
		if err != nil {
			return
		}
		again, err := parseRow(appendRow(nil, c))
		if err != nil || !equalCells(c, again) {
			t.Fatalf("%x: %+v, encoded and read again %+v, %v", value, c, again, err)
		}
	})
}

func FuzzParseDataKey(f *testing.F) {
	f.Add(appendDataKey(nil, 0, 0, 0, nil))
	f.Add(appendDataKey(nil, 15, 16383, 65535, bytes.Repeat([]byte("n"), 300)))
	f.Fuzz(func(t *testing.T, key []byte) {
		k, err := parseDataKey(key)
		if err != nil {
			return
		}
		again, err := parseDataKey(appendDataKey(nil, k.db, k.slot, k.order, k.name))
		if err != nil || again.db != k.db || again.slot != k.slot || again.order != k.order || !bytes.Equal(again.name, k.name) {
			t.Fatalf("%x: %+v, encoded and read again %+v, %v", key, k, again, err)
		}
	})
}

func FuzzParseSlotCounts(f *testing.F) {
	for _, n := range boundaries {
		f.Add(appendSlotCounts(nil, slotCounts{keys: uint64(n), expiries: uint64(n), nextExpiry: n}))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := parseSlotCounts(value)
		if err != nil {
			return
		}
		if again, err := parseSlotCounts(appendSlotCounts(nil, c)); err != nil || again != c {
			t.Fatalf("%x: %+v, encoded and read again %+v, %v", value, c, again, err)
		}
	})
}

// FuzzReplay applies whatever a log record with a good checksum may hold: an error, or a sound engine.
func FuzzReplay(f *testing.F) {
	set := persist.AppendSet(nil, appendDataKey(nil, 0, 5, 7, []byte("name")), appendRow(nil, cell{isInt: true, num: 5, expireAt: 9}))
	f.Add(set)
	f.Add(persist.AppendDelete(set, appendDataKey(nil, 0, 5, 7, []byte("name"))))
	f.Add(persist.AppendSet(set, appendSlotKey(nil, 0, 5), appendSlotCounts(nil, slotCounts{keys: 1})))
	lo, hi := databaseRange(rowData, 0)
	f.Add(persist.AppendDeleteRange(set, lo, hi))
	f.Add(persist.AppendSet(nil, []byte{rowDatabases}, []byte{1, 0}))
	for kind, element := range map[Kind][]byte{
		HashKind: appendMemberKey(nil, []byte("field")), ZSetKind: appendMemberKey(nil, []byte("member")), ListKind: appendNodeKey(nil, placeOf(0)),
	} {
		row := appendRow(nil, cell{obj: &spread{head: byte(kind), id: 3, count: 1}})
		body := persist.AppendSet(nil, appendDataKey(nil, 0, 5, 7, []byte("name")), row)
		key := append(appendElementPrefix(nil, 0, 5, 3), element...)
		body = persist.AppendSet(body, key, appendRow(nil, cell{isInt: true, num: 5}))
		f.Add(persist.AppendDelete(body, key))
		lo, hi := elementRange(0, 5, 3)
		f.Add(persist.AppendDeleteRange(body, lo, hi))
	}
	shared := openTest(f, vfs.NewMem())
	f.Cleanup(func() { _ = shared.Close() })
	f.Fuzz(func(t *testing.T, body []byte) {
		e := shared
		if namesDatabases(body) { // the locks of those that there are would not be those that there will be
			e = openTest(t, vfs.NewMem())
			defer e.Close() //nolint:errcheck // an error is an answer
		}
		e.database(0)
		r := replayer{e: e}
		x := e.NewTxn()
		if e == shared {
			x.LockAll()
			defer x.Unlock()
		}
		_ = r.apply(1, persist.NewOpReader(body)) // an error is an answer; a panic is not
	})
}

// namesDatabases reports whether a record says which databases there are, or that there are others than the first.
func namesDatabases(body []byte) bool {
	var op persist.Op
	for r := persist.NewOpReader(body); r.Next(&op); {
		if len(op.Key) > 0 && op.Key[0] == rowDatabases || len(op.Key) > 1 && op.Key[1] != 0 {
			return true
		}
	}
	return false
}
