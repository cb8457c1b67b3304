package engine

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist"
)

// A row with a good checksum may hold anything. What is taken for a collection must then stand every operation: the fuzz targets below
// bring rows into an engine, packed ones and those of elements, and use what comes of it.

// collectionFuzz is an engine without a log and the key that is tried.
type collectionFuzz struct {
	e *Engine
	x *Txn
	k Key
	// other is for a copy.
	other Key
}

func newCollectionFuzz(f *testing.F) *collectionFuzz {
	e := openTest(f, vfs.NewMem(), func(o *Options) { o.AppendOnly, o.Databases = false, 1 })
	f.Cleanup(func() { _ = e.Close() })
	return &collectionFuzz{e, e.NewTxn(), e.Key(0, []byte("key")), e.Key(0, []byte("other"))}
}

// live puts a cell under the key, uses it as its kind's commands would, copies and deletes it. script says what is done.
func (c *collectionFuzz) live(t *testing.T, put func(x *Txn) error, kind Kind, script []byte) {
	c.x.Lock([]Key{c.k, c.other}, true)
	if err := put(c.x); err != nil {
		c.x.Unlock()
		return
	}
	uses := map[Kind]func(x *Txn, k Key, step byte, name []byte) error{
		HashKind: useHash, SetKind: useSet, ZSetKind: useSortedSet, ListKind: useList,
	}
	for i, step := range script[:min(len(script), 100)] {
		if err := uses[kind](c.x, c.k, step, pickName(c.x, c.k, kind, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.x.Copy(c.k, c.other); err != nil {
		t.Fatal(err)
	}
	pickName(c.x, c.other, kind, 1)
	c.x.MemoryUsage(c.k)
	c.x.Encoding(c.k)
	c.x.Delete(c.k)
	c.x.Delete(c.other)
	c.x.Unlock()
	c.x.ClearNeed()
}

// pickName returns the name of an element that is there, or another one.
func pickName(x *Txn, k Key, kind Kind, i int) []byte {
	var names [][]byte
	eachName(x, k, kind, func(name []byte) {
		if len(names) < 64 {
			names = append(names, bytes.Clone(name))
		}
	})
	if len(names) == 0 || i%3 == 0 {
		return fmt.Appendf(nil, "%d is a new name", i)
	}
	return names[i%len(names)]
}

func eachName(x *Txn, k Key, kind Kind, see func(name []byte)) {
	switch kind {
	case HashKind:
		h, _ := x.Hash(k)
		h.Each(func(name []byte, _ Value) bool { see(name); return true })
		h.Scan(0, 1000, func(name []byte, _ Value) { see(name) })
		h.Random()
	case SetKind:
		s, _ := x.Set(k)
		s.Each(func(name []byte) bool { see(name); return true })
		s.Scan(0, 1000, see)
		s.Random()
	case ZSetKind:
		z, _ := x.SortedSet(k)
		z.Walk(0, z.Len(), false, func(name []byte, _ float64) { see(name) })
		z.Scan(0, 1000, func(name []byte, _ float64) { see(name) })
	case ListKind:
		l, _ := x.List(k)
		l.Each(0, func(v Value) bool { see(v.Str); return true })
		l.EachBack(l.Len()-1, func(v Value) bool { see(v.Str); return true })
	}
}

func useHash(x *Txn, k Key, step byte, name []byte) error {
	h, err := x.Hash(k)
	if err != nil {
		return err
	}
	switch step % 6 {
	case 0:
		_, err = h.IncrBy(name, int64(step)-100)
		if err == ErrNotInteger || err == ErrOverflow {
			err = nil
		}
	case 1:
		_, err = h.Set(name, bytes.Repeat([]byte("v"), int(step)*3))
	case 2:
		h.Delete(name)
	case 3:
		h.SetExpiry(name, int64(step%4)*math.MaxInt64/4)
	case 4:
		_, err = h.SetKeepTTL(name, []byte("77"))
	default:
		h.Get(name)
		for i := range 20 {
			if _, err := h.SetInt(fmt.Appendf(nil, "%d of many %d", i, step), int64(i)); err != nil {
				return err
			}
		}
	}
	return err
}

func useSet(x *Txn, k Key, step byte, name []byte) error {
	s, err := x.Set(k)
	if err != nil {
		return err
	}
	switch step % 4 {
	case 0:
		_, err = s.Add(name)
	case 1:
		s.Remove(name)
	case 2:
		_, err = s.Add(fmt.Append(nil, int64(step)<<(step%60)))
	default:
		s.Has(name)
		for i := range 20 {
			if _, err := s.Add(fmt.Appendf(nil, "%d of many %d", i, step)); err != nil {
				return err
			}
		}
	}
	return err
}

func useSortedSet(x *Txn, k Key, step byte, name []byte) error {
	z, err := x.SortedSet(k)
	if err != nil {
		return err
	}
	switch step % 5 {
	case 0:
		_, err = z.Add(name, float64(step)/3)
	case 1:
		z.Remove(name)
	case 2:
		if n := z.Len(); n > 0 {
			from := int(step) % n
			err = z.RemoveRange(from, min(n-from, 3))
		}
	case 3:
		z.Rank(name)
		z.ByScore(ScoreRange{Min: -float64(step), Max: math.Inf(1)})
		z.ByLex(LexRange{Min: LexBound{Member: name}, Max: LexBound{Infinity: 1}}, step%2 == 0)
	default:
		for i := range 20 {
			if _, err := z.Add(fmt.Appendf(nil, "%d of many %d", i, step), float64(i)-float64(step)); err != nil {
				return err
			}
		}
	}
	return err
}

func useList(x *Txn, k Key, step byte, name []byte) error {
	l, err := x.List(k)
	if err != nil {
		return err
	}
	n := l.Len()
	switch {
	case step%7 == 0 || n == 0:
		return l.PushHead(name, []byte("1"))
	case step%7 == 1:
		return l.PushTail(name, bytes.Repeat([]byte("e"), int(step)*3))
	case step%7 == 2:
		return l.Set(int(step)%n, name)
	case step%7 == 3:
		return l.Insert(int(step)%n, name)
	case step%7 == 4:
		_, err = l.Remove(name, step%2 == 0, 3)
		return err
	case step%7 == 5:
		return l.DropHead(1)
	}
	l.Index(int(step) % n)
	return l.DropTail(min(n, 2))
}

// sagaCells calls fn with what is kept of every saga of collections after some steps.
func sagaCells(f *testing.F, fn func(c cell)) {
	f.Helper()
	fuzz := newCollectionFuzz(f)
	for _, s := range allSagas(1000) {
		for n := range int64(40) {
			fuzz.x.Lock([]Key{fuzz.k}, true)
			must(0, s.step(fuzz.x, fuzz.k, n+1))
			at, fl := fuzz.x.find(&fuzz.k)
			if n == 3 || n == 39 {
				fn(at.t.cell(fuzz.e.space, at.e, fl))
			}
			fuzz.x.Unlock()
		}
		fuzz.x.Lock([]Key{fuzz.k}, true)
		fuzz.x.Delete(fuzz.k)
		fuzz.x.Unlock()
	}
}

// FuzzPackedCollection uses whatever is taken for a packed collection.
func FuzzPackedCollection(f *testing.F) {
	sagaCells(f, func(c cell) {
		if c.packed {
			f.Add(bytes.Clone(c.str), []byte("\x00\x01\x02\x03\x04\x05\x06"))
		}
	})
	fuzz := newCollectionFuzz(f)
	f.Fuzz(func(t *testing.T, row, script []byte) {
		if checkPacked(row) != nil || len(row) > 1<<20 {
			return
		}
		put := func(x *Txn) error { return x.put(&fuzz.k, cell{packed: true, str: bytes.Clone(row)}) }
		fuzz.live(t, put, packed(row).kind(), script)
	})
}

// FuzzElementRows loads a spread collection from rows as a start does, those of the log first, and uses it. Of hashes and sets, what
// stands for a row's key is the element's name.
func FuzzElementRows(f *testing.F) {
	sagaCells(f, func(c cell) {
		if c.obj == nil {
			return
		}
		var body []byte
		c.obj.content.queueDirty()
		c.obj.content.takeQueued(1, func(r elementRow) {
			key := r.key
			if c.obj.kind() != ListKind {
				_, key, _ = parseMemberKey(r.key) // the engine's own
			}
			if r.kind == persist.KindSet && len(body) < 4<<10 {
				body = persist.AppendSet(body, key, r.value)
			}
		})
		f.Add(byte(c.obj.kind()), body[:len(body)/2], body, []byte("\x00\x01\x02\x03\x04\x05\x06"))
	})
	fuzz := newCollectionFuzz(f)
	f.Fuzz(func(t *testing.T, head byte, log, store, script []byte) {
		kind := packed{head & packedKindMask}.kind()
		if kind < HashKind || kind > ZSetKind {
			return
		}
		put := func(x *Txn) error {
			at, _ := x.find(&fuzz.k)
			o := at.s.newSpread(byte(kind), fuzz.e.space.newContent(kind))
			err := enterRows(o, log, store)
			if err == nil {
				err = x.set(&fuzz.k, at, cell{obj: o})
			}
			if err != nil {
				o.detach(fuzz.e.space)
			}
			return err
		}
		fuzz.live(t, put, kind, script)
	})
}

// enterRows has a collection take rows of a log and of a store. The latter come in order, each once.
func enterRows(o *spread, log, store []byte) error {
	for _, r := range fuzzRows(o.kind(), log) {
		if err := o.content.replay(r); err != nil {
			return err
		}
	}
	rows := slices.DeleteFunc(fuzzRows(o.kind(), store), func(r elementRow) bool { return r.kind != persist.KindSet })
	slices.SortStableFunc(rows, func(a, b elementRow) int { return cmp.Compare(string(a.key), string(b.key)) })
	rows = slices.CompactFunc(rows, func(a, b elementRow) bool { return bytes.Equal(a.key, b.key) })
	if err := o.enter(rows); err != nil {
		return err
	}
	if o.count = o.content.len(); o.count == 0 {
		return errRow
	}
	return o.content.loaded()
}

func fuzzRows(kind Kind, body []byte) (rows []elementRow) {
	var op persist.Op
	for r := persist.NewOpReader(body); r.Next(&op); {
		row := elementRow{kind: op.Kind, key: bytes.Clone(op.Key), value: bytes.Clone(op.Value)}
		if kind != ListKind {
			row.key = appendMemberKey(nil, op.Key)
		}
		rows = append(rows, row)
	}
	return rows
}

func FuzzParseMemberKey(f *testing.F) {
	f.Add(appendMemberKey(nil, []byte("name")))
	f.Add(appendMemberKey(nil, bytes.Repeat([]byte("n"), 300)))
	f.Fuzz(func(t *testing.T, key []byte) {
		if _, name, err := parseMemberKey(key); err == nil && !bytes.Equal(appendMemberKey(nil, name), key) {
			t.Fatalf("%x is read as %q", key, name)
		}
	})
}
