package engine

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist"
)

// inPieces is engines whose commits are written in pieces of 1000 bytes.
func inPieces(o *Options) { o.PieceBytes = 1000 }

// TestCommitsAroundThePiece writes strings, hashes and transactions of all sizes around that of a piece, and reads them back after a start.
func TestCommitsAroundThePiece(t *testing.T) {
	fs := vfs.NewMem()
	e := openTest(t, fs, inPieces)
	x := e.NewTxn()
	want := map[string]string{}
	write := func(names ...string) {
		var keys []Key
		for _, name := range names {
			keys = append(keys, e.Key(0, []byte(name)))
		}
		x.Lock(keys, true)
		for i, name := range names {
			must(0, x.SetString(keys[i], []byte(want[name]), 0))
		}
		x.Unlock()
		must(0, e.Wait(x.Need()))
		x.ClearNeed()
	}
	for _, size := range []int{1, 900, 960, 975, 999, 1000, 1001, 1999, 2000, 2001, 65_535, 65_536, 70_001, 1_000_000} {
		for delta := range 20 {
			name := fmt.Sprintf("%d:%d", size, delta)
			want[name] = strings.Repeat(string(rune('a'+delta)), size+delta)
			write(name)
		}
	}
	var many []string
	for i := range 500 {
		name := fmt.Sprintf("many:%d", i)
		want[name] = strings.Repeat("v", i)
		many = append(many, name)
	}
	write(many...)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	sum, err := persist.Check(persist.Options{FS: fs, Dir: "data"}, func(f persist.Finding) { t.Error(f) })
	if err != nil || sum.Records == 0 {
		t.Fatal(sum, err)
	}
	e = openTest(t, fs, inPieces)
	x = e.NewTxn()
	for name, text := range want {
		keys := []Key{e.Key(0, []byte(name))}
		x.Lock(keys, false)
		v, _ := x.Get(keys[0])
		if v.Kind != String || string(v.Str) != text {
			t.Errorf("%s: %.40q of %d bytes, want %d bytes", name, v.Str, len(v.Str), len(text))
		}
		x.Unlock()
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLargeCommitsTakeNoMemory: what a commit allocates does not depend on how much it holds.
func TestLargeCommitsTakeNoMemory(t *testing.T) {
	e := openTest(t, vfs.Default, func(o *Options) { o.Dir = t.TempDir() })
	x := e.NewTxn()
	keys := []Key{e.Key(0, []byte("large")), e.Key(0, []byte("copy"))}
	text := bytes.Repeat([]byte("x"), 32<<20)
	x.Lock(keys, true)
	for _, k := range keys {
		must(0, x.SetString(k, text, 0))
	}
	x.Unlock()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	must(0, e.Wait(x.Need()))
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("a commit of %d bytes took %d bytes of memory", 2*len(text), took)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
