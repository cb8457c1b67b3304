package rdb

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// timed returns a random hash of which some fields have times.
func timed(rng *rand.Rand, size int) Hash {
	h := Hash{Compact: rng.IntN(2) == 0}
	for _, n := range randomNames(rng, 1+rng.IntN(size)) {
		f := Field{Name: n, Value: randomElement(rng)}
		if rng.IntN(2) == 0 {
			f.ExpireAt = 1 + rng.Int64N(1<<(1+rng.IntN(47)))
		}
		h.Fields = append(h.Fields, f)
	}
	return h
}

func TestCollectionRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 2000 {
		v := randomValue(rng, 50)
		switch rng.IntN(3) {
		case 0:
			v = timed(rng, 50)
		case 1:
			v = compacted(v)
		}
		got, err := Decode(Append(nil, v), maxTestString)
		if err != nil || shown(got) != shown(v) {
			t.Fatalf("%s became %s, %v", shown(v), shown(got), err)
		}
		if _, isSet := v.(Set); !isSet && isCompact(got) != isCompact(v) {
			t.Fatalf("%s is compact %v", shown(v), isCompact(got))
		}
	}
}

// compacted returns a value with the wish to be compact.
func compacted(v Value) Value {
	switch v := v.(type) {
	case Set:
		v.Compact = true
		return v
	case SortedSet:
		v.Compact = true
		return v
	case Hash:
		v.Compact = true
		return v
	}
	return v
}

// Only hashes with times need more than Redis 7.0.
func TestVersions(t *testing.T) {
	field := Field{Name: []byte("f"), Value: []byte("v")}
	lasting := Hash{Fields: []Field{field}}
	field.ExpireAt = 1 << 41
	timed := Hash{Fields: []Field{field}}
	for _, c := range []struct {
		v    Value
		want byte
	}{
		{String("x"), 10}, {Int(1), 10}, {List{[]byte("x")}, 10}, {lasting, 10}, {timed, 12},
	} {
		payload := Append(nil, c.v)
		if got := payload[len(payload)-footerSize]; got != c.want {
			t.Errorf("%s has version %d", shown(c.v), got)
		}
	}
}

func TestDecodeRefusesCollections(t *testing.T) {
	lp := listpackOf
	edit := func(blob string, at int, b byte) string {
		return blob[:at] + string(b) + blob[at+1:]
	}
	nan := binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.NaN()))
	for name, body := range map[string]string{
		"empty list":                  "\x01\x00",
		"empty set":                   "\x02\x00",
		"empty hash":                  "\x04\x00",
		"empty zset":                  "\x05\x00",
		"empty listpack":              blobBody(typeHashListpack, lp()),
		"empty zset listpack":         blobBody(typeZSetListpack, lp()),
		"empty ziplist":               blobBody(typeListZiplist, oldZiplist()),
		"empty intset":                blobBody(typeSetIntset, "\x02\x00\x00\x00\x00\x00\x00\x00"),
		"empty zipmap":                blobBody(typeHashZipmap, oldZipmap()),
		"quicklist of nothing":        oldQuicklist(oldZiplist(), oldZiplist()),
		"empty plain node":            "\x12\x01\x01\x00",
		"node of no kind":             "\x12\x01\x03\x01a",
		"member twice":                "\x02\x02\x01a\x01a",
		"member twice, as an integer": "\x02\x02\x011\xc0\x01",
		"field twice":                 "\x04\x02\x01a\x01b\x01a\x01c",
		"listpack with a field twice": blobBody(typeHashListpack, lp("a", "1", "a", "2")),
		"listpack with a twin":        blobBody(typeSetListpack, lp("a", "b", "a")),
		"zset with a member twice":    blobBody(typeZSetListpack, lp("a", "1", "a", "2")),
		"field without value":         blobBody(typeHashListpack, lp("a", "1", "b")),
		"member without score":        blobBody(typeZSetZiplist, oldZiplist("a", "1", "b")),
		"score NaN":                   "\x05\x01\x01a" + string(nan),
		"old score NaN":               "\x03\x01\x01a\xfd",
		"score that is none":          "\x03\x01\x01a\x031.x",
		"packed score NaN":            blobBody(typeZSetListpack, lp("a", "nan")),
		"packed score that is none":   blobBody(typeZSetListpack, lp("a", "b")),
		"too many elements":           "\x01\x80\xff\xff\xff\xff\x00",
		"far too many":                "\x02\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00",
		"intset unsorted":             blobBody(typeSetIntset, "\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x01\x00"),
		"intset with twins":           blobBody(typeSetIntset, "\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x01\x00"),
		"intset width":                blobBody(typeSetIntset, "\x03\x00\x00\x00\x01\x00\x00\x00\x01\x00\x01"),
		"intset count":                blobBody(typeSetIntset, "\x02\x00\x00\x00\x03\x00\x00\x00\x01\x00\x02\x00"),
		"intset cut":                  blobBody(typeSetIntset, "\x02\x00\x00\x00\x01\x00\x00"),
		"listpack length":             blobBody(typeHashListpack, edit(lp("a", "b"), 0, 9)),
		"listpack count":              blobBody(typeHashListpack, edit(lp("a", "b"), 4, 3)),
		"listpack end":                blobBody(typeHashListpack, edit(lp("a", "b"), 6+3, 0xff)),
		"listpack without end":        blobBody(typeHashListpack, edit(lp("a", "b"), 6+6, 1)),
		"listpack entry":              blobBody(typeHashListpack, edit(lp("a", "b"), 6, 0xf5)),
		"listpack entry too long":     blobBody(typeHashListpack, edit(lp("a", "b"), 6, 0xbf)),
		"listpack back length":        blobBody(typeHashListpack, edit(lp("a", "b"), 6+2, 3)),
		"ziplist length":              blobBody(typeListZiplist, edit(oldZiplist("a"), 0, 9)),
		"ziplist tail":                blobBody(typeListZiplist, edit(oldZiplist("a", "b"), 4, 10)),
		"ziplist count":               blobBody(typeListZiplist, edit(oldZiplist("a", "b"), 8, 3)),
		"ziplist entry before":        blobBody(typeListZiplist, edit(oldZiplist("a", "b"), 13, 2)),
		"ziplist encoding":            blobBody(typeListZiplist, edit(oldZiplist("1"), 11, 0xc1)),
		"ziplist entry too long":      blobBody(typeListZiplist, edit(oldZiplist("a"), 11, 0x3f)),
		"zipmap count":                blobBody(typeHashZipmap, edit(oldZipmap("a", "b"), 0, 2)),
		"zipmap with a field twice":   blobBody(typeHashZipmap, oldZipmap("a", "b", "a", "c")),
		"zipmap without end":          blobBody(typeHashZipmap, "\x01\x01a\x01\x00b"),
		"zipmap without value":        blobBody(typeHashZipmap, "\x01\x01a\xff"),
		"time of a field":             "\x19" + strings.Repeat("\x00", 8) + blobBody(typeHashListpackEx, lp("f", "v", "x"))[1:],
		"negative time":               blobBody(typeHashListpackExRC, lp("f", "v", "-1")),
		"time too late":               blobBody(typeHashListpackExRC, lp("f", "v", "281474976710655")),
		"times in disorder":           blobBody(typeHashListpackExRC, lp("f", "v", "2", "g", "v", "1")),
		"time behind none":            blobBody(typeHashListpackExRC, lp("f", "v", "0", "g", "v", "1")),
		"field without time":          blobBody(typeHashListpackExRC, lp("f", "v")),
		"first time too late":         "\x18" + strings.Repeat("\xff", 8) + "\x01\x01\x01f\x01v",
		"first time cut":              "\x18\x00\x00",
	} {
		if v, err := Decode(sealAs(body, maxVersion), maxTestString); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

// A payload that unpacks to very much more than its length is refused before the memory is taken.
func TestDecodeBoundsCollections(t *testing.T) {
	node := appendString([]byte{nodePacked}, []byte(listpackOf(strings.Split(strings.Repeat("1 ", 100_000)[:199_999], " ")...)))
	const nodes = 100
	body := append(appendLength([]byte{byte(typeListQuicklist2)}, nodes), bytes.Repeat(node, nodes)...)
	table := []byte("\x02\x80\x00\x0f\xff\xff" + strings.Repeat("\x00", 1<<20-1))
	for name, payload := range map[string][]byte{"nodes": seal(string(body)), "cut short": seal("\x04\x80\x00\xff\xff\xff\x00"), "set": seal(string(table))} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode(payload, maxTestString); !errors.Is(err, ErrFormat) {
			t.Fatalf("%s: decoded, with error %v", name, err)
		}
		runtime.ReadMemStats(&after)
		most := uint64(8*maxTestString + 200*len(payload)) // slices grow by copying
		if used := after.TotalAlloc - before.TotalAlloc; used > most {
			t.Errorf("%s: %d bytes allocated for a payload of %d", name, used, len(payload))
		}
	}
}

// goldenPayloads returns the payloads of testdata.
func goldenPayloads(t testing.TB) [][]byte {
	files, err := filepath.Glob("testdata/payloads/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no payloads", err)
	}
	input := regexp.MustCompile(`(?m)^decode.*\n([0-9a-f\n]+)\n----$`)
	var payloads [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range input.FindAllSubmatch(text, -1) {
			payload, err := hex.DecodeString(strings.ReplaceAll(string(found[1]), "\n", ""))
			if err != nil {
				t.Fatal(err)
			}
			payloads = append(payloads, payload)
		}
	}
	return payloads
}

// What is accepted can be written, and is then the same.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		"\x00\x05hello", "\x00\xc0\xff", "\x00\xc1\x00\x80", "\x00\xc2\xff\xff\xff\x7f", "\x00\x41\x00" + strings.Repeat("x", 256),
		"\x00\xc3\x05\x40\x64\x00a\xe0\x5a\x00", "\x00\x80\xff\xff\xff\xff", "\x00\x81\x7f\xff\xff\xff\xff\xff\xff\xff",
		"\x00\xc3\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00", "\x00\xc3\x00\x00", "\x0e\x01",
	} {
		f.Add([]byte(body))
	}
	for _, body := range oldBodies() {
		f.Add([]byte(body))
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for _, payload := range goldenPayloads(f) {
		body := payload[:len(payload)-footerSize]
		f.Add(body)
		for range 3 {
			f.Add(damage(rng, string(body)))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := Decode(sealAs(string(body), maxVersion), maxTestString)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		again, err := Decode(Append(nil, v), 2*maxTestString)
		if err != nil || shown(again) != shown(v) {
			t.Fatalf("%s became %s, %v", shown(v), shown(again), err)
		}
	})
}
