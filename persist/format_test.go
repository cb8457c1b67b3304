package persist

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	fixtureDir = "testdata/format-1"
	piecesDir  = "testdata/pieces-2" // with records in pieces, which have a version of their own
)

// TestFixture opens a directory that was written when the format was fixed. When a new format comes, this one
// must still open, or be refused with ErrFormat by decision. QUIPU_WRITE_FIXTURE=1 writes it anew.
func TestFixture(t *testing.T) {
	if os.Getenv("QUIPU_WRITE_FIXTURE") != "" {
		writeFixture(t)
	}
	fs := vfs.NewMem()
	_, err := vfs.Clone(vfs.Default, fs, fixtureDir, "data")
	must(t, err)
	sum, err := Check(Options{FS: fs, Dir: "data"}, func(f Finding) { t.Error(f) })
	if err != nil || sum.Rows != 3 || sum.Covered != 3 || sum.Last != 5 {
		t.Fatalf("%+v %v", sum, err)
	}
	db := openMem(t, fs)
	rows, last, err := contents(db)
	if err != nil || last != 5 || db.LastTerm() != 2 {
		t.Fatal(last, err)
	}
	must(t, sameRows(rows, map[string]string{"a": "1", "b": "2", "d": "4"}))
	must(t, db.Close())
}

// TestFixtureOfPieces is TestFixture for a log with a record in pieces, and the beginning of another.
func TestFixtureOfPieces(t *testing.T) {
	if os.Getenv("QUIPU_WRITE_FIXTURE") != "" {
		writeFixtureOfPieces(t)
	}
	fs := vfs.NewMem()
	_, err := vfs.Clone(vfs.Default, fs, piecesDir, "data")
	must(t, err)
	sum, err := Check(Options{FS: fs, Dir: "data"}, func(f Finding) { t.Error(f) })
	if err != nil || sum.Records != 2 || sum.Last != 2 {
		t.Fatalf("%+v %v", sum, err)
	}
	db := openMem(t, fs)
	rows, last, err := contents(db)
	if err != nil || last != 2 {
		t.Fatal(last, err)
	}
	must(t, sameRows(rows, map[string]string{"a": "1", "b": "in pieces"}))
	must(t, db.Close())
}

func writeFixtureOfPieces(t *testing.T) {
	must(t, os.RemoveAll(piecesDir))
	db, err := Open(Options{Dir: piecesDir, SegmentBytes: MinSegmentBytes, manual: true})
	must(t, err)
	must(t, db.Append(1, 1, AppendSet(nil, []byte("a"), []byte("1"))))
	must(t, appendInPieces(db, write{2, AppendSet(nil, []byte("b"), []byte("in pieces"))}, 5, noPause))
	must(t, db.AppendPiece(3, 7, AppendSet(nil, []byte("c"), []byte("never was"))))
	must(t, db.Close())
}

func writeFixture(t *testing.T) {
	must(t, os.RemoveAll(fixtureDir))
	db, err := Open(Options{Dir: fixtureDir, SegmentBytes: MinSegmentBytes, manual: true})
	must(t, err)
	for i, k := range []string{"a", "b", "c"} {
		must(t, db.Append(uint64(i+1), 1, AppendSet(nil, []byte(k), []byte{byte('1' + i)})))
	}
	c, err := db.NewCheckpoint(3)
	must(t, err)
	for i, k := range []string{"a", "b", "c"} {
		must(t, c.Set([]byte(k), []byte{byte('1' + i)}))
	}
	must(t, c.Commit())
	must(t, db.Append(4, 2, AppendDeleteRange(AppendDelete(nil, []byte("c")), []byte("x"), []byte("y"))))
	must(t, db.Append(5, 2, AppendSet(nil, []byte("d"), []byte("4"))))
	must(t, db.Close())
}

// reseal sets a version byte and makes the checksum right again.
func reseal(b []byte, at, sum int) []byte {
	b[at]++
	binary.LittleEndian.PutUint32(b[sum:], crc32.Checksum(b[:sum], castagnoli))
	return b
}

func TestUnknownVersionsAreRefused(t *testing.T) {
	h := header{kind: recordCommit, segment: 1, seq: 1, index: 1}
	if _, ok, err := decodeHeader(reseal(h.append(nil), 4, headerBytes-4)); ok || !errors.Is(err, ErrFormat) {
		t.Fatal(ok, err)
	}
	fs := vfs.NewMem()
	db := openMem(t, fs)
	must(t, db.Append(1, 0, nil))
	must(t, db.Close())
	for _, c := range []struct {
		file             string
		start, at, after int
	}{
		{"data/WITNESS", 0, 16, witnessPayload},
		{"data/log/00000001.log", chunkHeaderBytes, 4, headerBytes - 4},
	} {
		clone := vfs.NewMem()
		_, err := vfs.Clone(fs, clone, "data", "data")
		must(t, err)
		b := readAll(t, clone, c.file)
		reseal(b[c.start:], c.at, c.after)
		replaceFile(t, clone, c.file, b)
		_, err = Open(Options{FS: clone, Dir: "data"})
		if c.file == "data/WITNESS" && !errors.Is(err, ErrFormat) || err == nil {
			t.Fatal(c.file, err)
		}
	}
	db = openMem(t, fs)
	must(t, db.store.db.Set(formatKey, []byte{formatVersion + 1}, nil))
	must(t, db.Close())
	if _, err := Open(Options{FS: fs, Dir: "data"}); !errors.Is(err, ErrFormat) {
		t.Fatal(err)
	}
}
