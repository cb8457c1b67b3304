package persist

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// boundaries are the lengths at which decoders go wrong.
var boundaries = []uint64{
	0, 1, 127, 128, 255, 256, math.MaxUint16, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32,
	math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64,
}

func FuzzOpReader(f *testing.F) {
	for _, n := range boundaries {
		f.Add(binary.AppendUvarint([]byte{byte(KindSet)}, n))
		f.Add(binary.AppendUvarint([]byte{byte(KindSet), 1, 'k'}, n))
		f.Add(binary.AppendUvarint([]byte{byte(KindDeleteRange), 0}, n))
	}
	f.Add(AppendDeleteRange(AppendDelete(AppendSet(nil, []byte("a"), []byte("b")), []byte("c")), []byte("d"), []byte("e")))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := NewOpReader(body)
		var op Op
		var again []byte
		for r.Next(&op) {
			switch op.Kind {
			case KindSet:
				again = AppendSet(again, op.Key, op.Value)
			case KindDelete:
				again = AppendDelete(again, op.Key)
			case KindDeleteRange:
				again = AppendDeleteRange(again, op.Key, op.Value)
			}
		}
		if len(again) > len(body) {
			t.Fatalf("%d bytes were read out of %d", len(again), len(body))
		}
		if r.Next(&op) {
			t.Fatal("an operation after the end")
		}
	})
}

func FuzzHeader(f *testing.F) {
	for _, n := range boundaries {
		h := header{kind: recordCommit, segment: n, seq: n, index: n, term: n, durable: n, bodyLen: uint32(n)}
		f.Add(h.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok, err := decodeHeader(b)
		if ok && (err != nil || !bytes.Equal(h.append(nil), b[:headerBytes])) {
			// The two reserved bytes are sealed by the checksum, but not looked at.
			if b[6] == 0 && b[7] == 0 {
				t.Fatalf("%+v does not encode to what it was read from", h)
			}
		}
		decodeSegmentInfo(b)
		var ev evidence
		if err := ev.search(b, h.segment); err == nil && ev.headers > len(b)/headerBytes+1 {
			t.Fatal(ev)
		}
	})
}

func FuzzWitness(f *testing.F) {
	for _, n := range boundaries {
		w := testimony{generation: n, ready: true, covered: n, firstSegment: n, firstSeq: n, lastSegment: n, durableSeq: n, durableIndex: n}
		f.Add(w.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w, ok, err := decodeTestimony(b)
		if again, same, _ := decodeTestimony(w.append(nil)); ok && (err != nil || !same || again != w) {
			t.Fatalf("%+v", w)
		}
	})
}

// FuzzSegment reads a segment file of arbitrary bytes.
func FuzzSegment(f *testing.F) {
	fs := vfs.NewMem()
	s, err := createSegment(fs, "", "", 3, 2, 1<<10)
	if err != nil {
		f.Fatal(err)
	}
	if err := s.write(&header{kind: recordCommit, seq: 1, index: 1}, []byte("body")); err != nil {
		f.Fatal(err)
	}
	good, err := fs.UnsafeGetFileDataBuffer(segmentName(3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Clone(good))
	f.Add(bytes.Clone(good[:200]))
	f.Add([]byte{})
	for i, kind := range []recordKind{recordBegin, recordMore, recordEnd} {
		if err := s.write(&header{kind: kind, piece: uint16(i), seq: 2, index: 2}, []byte("piece")); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(bytes.Clone(good))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := vfs.NewMem()
		file, err := fs.Create(segmentName(3), categoryLog)
		must(t, err)
		_, err = file.Write(b)
		must(t, err)
		r, err := openSegmentReader(fs, "", 3)
		if err != nil {
			return
		}
		for {
			h, ok, err := r.next()
			if !ok || err != nil {
				break
			}
			if h.segment != 3 {
				t.Fatalf("%+v", h)
			}
		}
		if _, err := r.findEvidence(r.end); err != nil {
			return
		}
	})
}
