package persist

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// pieceReader returns body in pieces that are cut by rng, each in the memory of the one before.
func pieceReader(rng *rand.Rand, body []byte) OpReader {
	buf := make([]byte, 0, len(body))
	ops := OpReader{}
	ops.more = func() ([]byte, error) {
		if len(body) == 0 {
			return nil, nil
		}
		for i := range buf {
			buf[i] = 0xff // whoever still uses it gets what it deserves
		}
		n := 1 + rng.IntN(min(len(body), 1+rng.IntN(40)))
		buf = append(buf[:0], body[:n]...)
		body = body[n:]
		return buf, nil
	}
	return ops
}

// opStrings renders what ops gives, and its error.
func opStrings(ops OpReader) []string {
	var out []string
	var op Op
	for ops.Next(&op) {
		out = append(out, fmt.Sprintf("%d %q %q", op.Kind, op.Key, op.Value))
	}
	return append(out, fmt.Sprint(ops.Err()))
}

// However a body is cut, sound, torn or damaged, it reads as it does in one.
func TestOpsAcrossPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 3000 {
		body := randomBody(rng, i)
		if i%3 == 1 {
			body = body[:rng.IntN(len(body))]
		}
		if i%3 == 2 {
			body[rng.IntN(len(body))] ^= 1 << rng.IntN(8)
		}
		want, got := opStrings(NewOpReader(body)), opStrings(pieceReader(rng, body))
		if !slices.Equal(want, got) {
			t.Fatalf("body %d:\nin one    %.300q\nin pieces %.300q", i, want, got)
		}
	}
	failure := errors.New("failure")
	ops := OpReader{more: func() ([]byte, error) { return nil, failure }}
	if ops.Next(new(Op)) || !errors.Is(ops.Err(), failure) {
		t.Error(ops.Err())
	}
}

// The head of an operation and its value, written one after the other, are what AppendSet writes.
func TestSetHead(t *testing.T) {
	key, value := []byte("key"), bytes.Repeat([]byte("v"), 300)
	if got := append(AppendSetHead(nil, key, len(value)), value...); !bytes.Equal(got, AppendSet(nil, key, value)) {
		t.Errorf("%q", got)
	}
}

// noPause is for what happens between pieces: nothing.
func noPause() error { return nil }

func TestRecordsInPieces(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	var want []string
	for i := range uint64(30) {
		body := AppendSet(nil, fmt.Appendf(nil, "a%d", i), bytes.Repeat([]byte("x"), int(i)*3000))
		body = AppendSet(body, fmt.Appendf(nil, "b%d", i), nil)
		must(t, appendInPieces(db, write{i + 1, body}, max(1, len(body)/7), noPause))
		must(t, db.log.keep())
		want = append(want, fmt.Sprintf("%d:a%d %[1]d:b%[2]d", i+1, i))
	}
	must(t, db.Close())
	if got := replayed(t, fs); got != strings.Join(want, " ") {
		t.Fatal(got)
	}
	if sum, found := checkFindings(t, fs); sum.Records != 30 || len(found) != 0 {
		t.Fatal(sum, found)
	}
}

// A record that is not complete keeps others out.
func TestPiecesOfOneRecordOnly(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	appendKeys(t, db, 1, "a")
	must(t, db.AppendPiece(2, 1, []byte{byte(KindDelete), 1}))
	for _, err := range []error{db.Append(3, 1, nil), db.Append(1, 1, nil), db.Append(2, 2, nil), db.AppendPiece(3, 1, nil)} {
		if !errors.Is(err, ErrIndex) {
			t.Fatal(err)
		}
	}
	must(t, db.Sync())
	if got := db.Durable(); got != 1 {
		t.Fatal(got)
	}
	must(t, db.Append(2, 1, []byte("b")))
	must(t, db.AppendPiece(3, 1, AppendDelete(nil, []byte("c"))))
	must(t, db.Close()) // record 3 never was
	if got := replayed(t, fs); got != "1:a 2:b" {
		t.Fatal(got)
	}
}

// pieceHistory writes some records, then one of six pieces, and returns where in the file each of these ends. Nothing of the last record
// was synced.
func pieceHistory(t *testing.T, fs *memdisk.FS) (h history, ends []int64) {
	t.Helper()
	db, err := Open(Options{FS: fs, Dir: "data", SegmentBytes: MinSegmentBytes, manual: true}) // less than the record takes
	must(t, err)
	for i := range uint64(5) {
		h = append(h, write{i + 1, AppendSet(nil, testKey(int(i)), []byte("small"))})
		must(t, db.Append(i+1, 7, h[i].body))
	}
	must(t, db.Sync())
	w := write{index: 6}
	for i := range 60 {
		w.body = AppendSet(w.body, testKey(i), bytes.Repeat([]byte{'x'}, 100))
	}
	place := func() error {
		ends = append(ends, db.log.mu.cur.rec.Size())
		return nil
	}
	must(t, place())
	must(t, appendInPieces(db, w, len(w.body)/6+1, place))
	must(t, place())
	return append(h, w), ends // the DB stays open: the process dies here
}

// TestPiecesCutEverywhere cuts a record in pieces at, before and behind the end of every piece, and damages every piece: before the last
// byte of the last one, nothing of it may come back, and the log goes on as if it had never been begun.
func TestPiecesCutEverywhere(t *testing.T) {
	disk := memdisk.New()
	h, ends := pieceHistory(t, disk)
	if len(ends) != 7 {
		t.Fatal(len(ends), "places")
	}
	last := ends[len(ends)-1]
	const path = "data/log/00000001.log"
	try := func(name string, whole bool, harm func(b []byte)) {
		fs := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
		b := readAll(t, fs, path)
		harm(b)
		replaceFile(t, fs, path, b)
		want := h
		if !whole {
			want = h[:len(h)-1]
		}
		if err := goesOn(t, fs, want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	try("whole", true, func([]byte) {})
	for i, end := range ends {
		for _, at := range []int64{end - 1, end, end + 1, end + chunkHeaderBytes + headerBytes + 1} {
			if i == 0 && at < end {
				continue
			}
			try(fmt.Sprintf("cut at %d, by the end of piece %d", at, i), at >= last, func(b []byte) { clear(b[min(at, int64(len(b))):]) })
		}
		if i > 0 {
			try(fmt.Sprintf("piece %d never arrived", i), false, func(b []byte) { clear(b[ends[i-1]:end]) })
			try(fmt.Sprintf("a bit of piece %d flipped", i), false, func(b []byte) { b[(ends[i-1]+end)/2] ^= 4 })
		}
	}
}

// TestPiecesCatchHalfARecord is the control: a log that takes what is there of a record for the whole is found out.
func TestPiecesCatchHalfARecord(t *testing.T) {
	disk := memdisk.New()
	h, ends := pieceHistory(t, disk)
	const path = "data/log/00000001.log"
	for i := 1; i < len(ends)-1; i++ {
		fs := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
		b := readAll(t, fs, path)
		clear(b[ends[i]:])
		// The last piece that is left says that it is the last. The checksum of its chunk is made anew as the framing does it.
		at := ends[i-1] + int64(bytes.Index(b[ends[i-1]:], []byte(headerMagic)))
		p, ok, err := decodeHeader(b[at:])
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if p.kind = recordEnd; i == 1 {
			p.kind = recordCommit
		}
		copy(b[at:], p.append(nil))
		replaceFile(t, fs, path, reframe(b, at-chunkHeaderBytes))
		if err := goesOn(t, fs, h[:len(h)-1]); err == nil {
			t.Errorf("half a record was taken, with %d pieces, and no check noticed", i)
		}
	}
}

// reframe makes the checksum right of the chunk that begins at an offset, as Pebble's framing has it.
func reframe(b []byte, at int64) []byte {
	end := at + chunkHeaderBytes + int64(binary.LittleEndian.Uint16(b[at+4:]))
	sum := crc32.Checksum(b[at+6:end], castagnoli)
	binary.LittleEndian.PutUint32(b[at:], (sum>>15|sum<<17)+0xa282ead8)
	return b
}

// goesOn opens what is there, compares it with h, writes on in the place of what is not there, and looks again. Check must find nothing.
func goesOn(t *testing.T, fs *memdisk.FS, h history) error {
	t.Helper()
	if sum, found := checkFindings(t, fs); len(found) != 0 || sum.Records != int64(len(h)) {
		return fmt.Errorf("check: %+v, %v", sum, found)
	}
	for range 2 {
		db, err := Open(Options{FS: fs, Dir: "data", SegmentBytes: MinSegmentBytes, manual: true})
		if err != nil {
			return err
		}
		rows, last, err := contents(db)
		if err == nil && last != uint64(len(h)) {
			err = fmt.Errorf("the log ends at %d, not at %d", last, len(h))
		}
		if err = errors.Join(err, sameRows(rows, h.state(last))); err != nil {
			return errors.Join(err, db.Close())
		}
		w := write{last + 1, AppendSet(nil, []byte("\x02after"), fmt.Append(nil, last))}
		h = append(slices.Clip(h), w)
		if err := errors.Join(appendInPieces(db, w, 4, noPause), db.Close()); err != nil {
			return err
		}
	}
	return nil
}

// TestPiecesDurableAreMissed: of a record that was synced, no piece may be missing.
func TestPiecesDurableAreMissed(t *testing.T) {
	fs := memdisk.New()
	db, err := Open(Options{FS: fs, Dir: "data", manual: true})
	must(t, err)
	body := AppendSet(nil, []byte("key"), bytes.Repeat([]byte("x"), 30_000))
	before := db.log.mu.cur.rec.Size()
	must(t, appendInPieces(db, write{1, body}, 3_000, noPause))
	after := db.log.mu.cur.rec.Size()
	must(t, db.Close())
	for at := before; at < after; at += 2_700 {
		clone := fs.CrashClone(vfs.CrashCloneCfg{})
		b := readAll(t, clone, "data/log/00000001.log")
		clear(b[at:min(at+100, after)])
		replaceFile(t, clone, "data/log/00000001.log", b)
		if _, err := Open(Options{FS: clone, Dir: "data"}); !errors.Is(err, ErrDamaged) {
			t.Fatalf("zeros at %d: %v", at, err)
		}
		if sum, _ := checkFindings(t, clone); sum.Damaged == 0 {
			t.Fatalf("zeros at %d: check finds nothing", at)
		}
	}
}

// A file that a large record has made long is not used again.
func TestLongSegmentsAreNotRecycled(t *testing.T) {
	fs := vfs.NewMem()
	db := openMem(t, fs)
	index := uint64(0)
	add := func(bytes int) {
		index++
		must(t, appendInPieces(db, write{index, AppendSet(nil, testKey(0), make([]byte, bytes))}, 1000, noPause))
		must(t, db.log.keep())
	}
	for range 5 {
		add(MinSegmentBytes)
		add(20 * MinSegmentBytes)
	}
	c, err := db.NewCheckpoint(index)
	must(t, err)
	must(t, c.Set(testKey(0), make([]byte, 20*MinSegmentBytes)))
	must(t, c.Commit())
	names, err := fs.List("data/log")
	must(t, err)
	for _, name := range names {
		if stat, err := fs.Stat("data/log/" + name); err != nil || stat.Size() > 3*MinSegmentBytes && !strings.HasPrefix(name, fmt.Sprintf("%08d", db.log.mu.cur.number)) {
			t.Errorf("%s is kept with %d bytes, %v", name, stat.Size(), err)
		}
	}
	must(t, db.Close())
}

// A program from before there were pieces says that it does not know them, rather than take the log to end there.
func TestPiecesHaveAVersion(t *testing.T) {
	for kind, version := range map[recordKind]byte{recordSegment: 1, recordCommit: 1, recordBegin: 2, recordMore: 2, recordEnd: 2} {
		h := header{kind: kind, segment: 1, seq: 1, index: 1}
		b := h.append(nil)
		if _, ok, err := decodeHeader(b); b[4] != version || !ok || err != nil {
			t.Error(kind, b[4], ok, err)
		}
		for _, other := range []byte{0, 3 - version, 3} {
			b[4] = other - 1
			if _, ok, err := decodeHeader(reseal(b, 4, headerBytes-4)); ok || !errors.Is(err, ErrFormat) {
				t.Error(kind, other, ok, err)
			}
		}
	}
}
