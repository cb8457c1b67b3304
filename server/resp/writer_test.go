package resp

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestWriter(t *testing.T) {
	for _, c := range []struct {
		write        func(w *Writer)
		resp2, resp3 string
	}{
		{(*Writer).OK, "+OK\r\n", "+OK\r\n"},
		{func(w *Writer) { w.Simple("a\r\nb") }, "+a  b\r\n", "+a  b\r\n"},
		{func(w *Writer) { w.Error("\nERR a\r\nb\r\n") }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
		{func(w *Writer) { w.Bulk([]byte("a\x00")) }, "$2\r\na\x00\r\n", "$2\r\na\x00\r\n"},
		{func(w *Writer) { w.BulkString("") }, "$0\r\n\r\n", "$0\r\n\r\n"},
		{func(w *Writer) { w.BulkInt(math.MinInt64) }, "$20\r\n-9223372036854775808\r\n", "$20\r\n-9223372036854775808\r\n"},
		{(*Writer).Null, "$-1\r\n", "_\r\n"},
		{(*Writer).NullArray, "*-1\r\n", "_\r\n"},
		{func(w *Writer) { w.Array(12) }, "*12\r\n", "*12\r\n"},
		{func(w *Writer) { w.Map(7) }, "*14\r\n", "%7\r\n"},
		{func(w *Writer) { w.Set(7) }, "*7\r\n", "~7\r\n"},
		{func(w *Writer) { w.Push(3) }, "*3\r\n", ">3\r\n"},
		{func(w *Writer) { w.Double(math.Inf(1)) }, "$3\r\ninf\r\n", ",inf\r\n"},
		{func(w *Writer) { w.Double(math.Inf(-1)) }, "$4\r\n-inf\r\n", ",-inf\r\n"},
		{func(w *Writer) { w.Double(0.1) }, "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"},
		{func(w *Writer) { w.Bool(true) }, ":1\r\n", "#t\r\n"},
		{func(w *Writer) { w.BigNumber("123") }, "$3\r\n123\r\n", "(123\r\n"},
		{func(w *Writer) { w.Verbatim("txt", "a\nb") }, "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"},
		{func(w *Writer) { w.Raw([]byte(":1\r\n")); w.Int(2); w.Truncate(4) }, ":1\r\n", ":1\r\n"},
		{func(w *Writer) { w.Int(1); w.Int(2); w.Int(3); w.InsertArray(4, 2) }, ":1\r\n*2\r\n:2\r\n:3\r\n", ":1\r\n*2\r\n:2\r\n:3\r\n"},
		{func(w *Writer) { w.Int(1); w.Int(2); w.Int(3); w.InsertSet(4, 2) }, ":1\r\n*2\r\n:2\r\n:3\r\n", ":1\r\n~2\r\n:2\r\n:3\r\n"},
	} {
		for version, want := range map[int]string{2: c.resp2, 3: c.resp3} {
			var w Writer
			w.SetProtocol(version)
			c.write(&w)
			if string(w.Bytes()) != want || w.Protocol() != version {
				t.Errorf("RESP%d: %q, want %q", w.Protocol(), w.Bytes(), want)
			}
		}
	}
}

func TestAppendInt(t *testing.T) {
	for _, n := range []int64{0, 9, 10, 9999, 10000, -1, math.MaxInt64, math.MinInt64} {
		if got := string(AppendInt(nil, n)); got != fmt.Sprintf(":%d\r\n", n) {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestWriterDoesNotAllocate(t *testing.T) {
	var w Writer
	w.SetProtocol(3)
	key := []byte("key")
	write := func() {
		w.Reset()
		w.OK()
		w.Simple("PONG")
		w.Int(123456789)
		w.Bulk(key)
		w.BulkInt(123456789)
		w.Null()
		w.Map(100)
		w.Double(3.14)
		w.InsertArray(5, 10)
	}
	write()
	if allocs := testing.AllocsPerRun(100, write); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestWriterShrinks(t *testing.T) {
	var w Writer
	w.BulkString(strings.Repeat("x", keepOutput))
	if w.Reset(); w.Size() != 0 {
		t.Errorf("%d bytes kept", w.Size())
	}
}

// TestWriterBorrows: whatever the sizes of the replies, they are what was written; after each Reset nothing but a small buffer is kept, and
// with a lender large replies cost no new memory.
func TestWriterBorrows(t *testing.T) {
	var lender Buffers
	var w Writer
	w.Borrow(&lender)
	for _, size := range []int{10, keepOutput, 60_000, lentOutput, 3 * lentOutput, 10} {
		for count := range 5 {
			text := strings.Repeat("x", size)
			want := ":1\r\n" + strings.Repeat(fmt.Sprintf("$%d\r\n%s\r\n", size, text), count)
			w.Int(1)
			for range count {
				w.BulkString(text)
			}
			if string(w.Bytes()) != want {
				t.Errorf("%d strings of %d bytes became %d bytes, want %d", count, size, w.Len(), len(want))
			}
			if w.Reset(); w.Len() != 0 || w.Size() > keepOutput {
				t.Errorf("%d bytes kept after %d strings of %d", w.Size(), count, size)
			}
		}
	}
}

// TestWriterInPieces: with a lender, replies of any length are what a Writer of a single buffer makes of them, whatever is taken back or
// put in between, and no buffer is larger than those that are lent.
func TestWriterInPieces(t *testing.T) {
	var lender Buffers
	for seed := range uint64(15) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var w, plain Writer
		w.Borrow(&lender)
		for range 3 {
			for range rng.IntN(60) {
				writeSomething(rng, &w, &plain)
			}
			var sent bytes.Buffer
			n, err := w.WriteTo(&sent)
			switch {
			case err != nil || n != int64(plain.Len()) || w.Len() != plain.Len():
				t.Fatalf("seed %d: %d of %d bytes written, want %d: %v", seed, n, w.Len(), plain.Len(), err)
			case !bytes.Equal(sent.Bytes(), plain.Bytes()), !bytes.Equal(w.Bytes(), plain.Bytes()):
				t.Fatalf("seed %d: other bytes", seed)
			}
			w.Reset()
			plain.Reset()
			if w.Len() != 0 || w.Size() > keepOutput {
				t.Fatalf("seed %d: %d bytes kept", seed, w.Size())
			}
		}
	}
}

// writeSomething has all Writers do the same.
func writeSomething(rng *rand.Rand, writers ...*Writer) {
	sizes := []int{0, 5, 300, 10_000, maxWholeString - 1, maxWholeString, maxWholeString + 1, lentOutput, 3 * lentOutput, rng.IntN(2 * lentOutput)}
	text := strings.Repeat("abcdefghijk", 3*lentOutput/11+1)[:sizes[rng.IntN(len(sizes))]]
	what, repeats, n := rng.IntN(8), rng.IntN(30_000), rng.Int64()
	at := rng.IntN(writers[0].Len() + 1)
	if rng.IntN(4) == 0 {
		at = 0
	}
	for _, w := range writers {
		switch what {
		case 0:
			w.Bulk([]byte(text))
		case 1:
			w.BulkString(text)
		case 2:
			w.Raw([]byte(text))
		case 3:
			w.SetProtocol(3)
			w.Verbatim("txt", text)
		case 4:
			for range repeats {
				w.Int(n)
				w.Null()
				w.BulkInt(n)
				w.Double(1.5)
			}
		case 5:
			w.InsertArray(at, int(n))
		case 6:
			w.Truncate(w.Len() - (w.Len()-at)/8)
		case 7:
			w.Map(3)
			w.OK()
		}
	}
}

func TestBorrowedBuffersDoNotAllocate(t *testing.T) {
	var lender Buffers
	var w Writer
	w.Borrow(&lender)
	value := make([]byte, 60_000)
	if allocs := testing.AllocsPerRun(100, func() {
		for range 3 {
			w.Bulk(value)
		}
		w.Reset()
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
