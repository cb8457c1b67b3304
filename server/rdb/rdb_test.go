package rdb

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// maxTestString is the limit that tests decode with.
const maxTestString = 1 << 20

// randomString returns a string of the kinds that have encodings of their own.
func randomString(rng *rand.Rand) []byte {
	switch rng.IntN(5) {
	case 0:
		return Int(rng.Int64() >> rng.IntN(64)).Text()
	case 1:
		return bytes.Repeat([]byte{byte(rng.IntN(256))}, rng.IntN(20000))
	case 2: // words of few letters, at all distances
		s := make([]byte, rng.IntN(1<<rng.IntN(16)+1))
		for i := range s {
			s[i] = 'a' + byte(rng.IntN(3))
		}
		return s
	case 3:
		word := randomBytes(rng, 40)
		var s []byte
		for range rng.IntN(30) {
			s = append(append(s, word...), randomBytes(rng, 9)...)
		}
		return s
	}
	return randomBytes(rng, 100)
}

func randomBytes(rng *rand.Rand, size int) []byte {
	s := make([]byte, rng.IntN(size+1))
	for i := range s {
		s[i] = byte(rng.Uint32())
	}
	return s
}

func TestChecksum(t *testing.T) {
	// The check value that Redis's own test of crc64.c has.
	if got := checksum(0, []byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("checksum = %#x", got)
	}
	if got := checksum(checksum(0, []byte("1234")), []byte("56789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("continued checksum = %#x", got)
	}
}

func TestStringRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		want := randomString(rng)
		got, err := Decode(Append(nil, String(want)), maxTestString)
		if err != nil {
			t.Fatalf("%q: %v", want, err)
		}
		if !bytes.Equal(got.(String), want) {
			t.Fatalf("%q became %q", want, got)
		}
	}
}

func TestIntIsItsText(t *testing.T) {
	for _, n := range []int64{
		0, -1, math.MaxInt8, math.MinInt8, math.MaxInt8 + 1, math.MaxInt16, math.MinInt16, math.MaxInt16 + 1,
		math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MinInt32 - 1, math.MaxInt64, math.MinInt64,
	} {
		if got, want := Append(nil, Int(n)), Append(nil, Int(n).Text()); !bytes.Equal(got, want) {
			t.Errorf("Int(%d) is %q, its text is %q", n, got, want)
		}
	}
}

// seal returns the payload of a body.
func seal(body string) []byte {
	return sealAs(body, baseVersion)
}

// sealAs returns the payload of a body that is of another RDB version.
func sealAs(body string, version byte) []byte {
	s := append([]byte(body), version, 0)
	sum := checksum(0, s)
	for range 8 {
		s = append(s, byte(sum))
		sum >>= 8
	}
	return s
}

func TestDecodeRefuses(t *testing.T) {
	newer := Append(nil, String("x"))
	newer[len(newer)-footerSize] = maxVersion + 1
	flipped := Append(nil, String("x"))
	flipped[2] ^= 1
	for _, c := range []struct {
		name    string
		payload []byte
		want    error
	}{
		{"empty", nil, ErrPayload},
		{"short", make([]byte, footerSize-1), ErrPayload},
		{"newer", newer, ErrPayload},
		{"flipped", flipped, ErrPayload},
		{"no type", seal(""), ErrFormat},
		{"no body", seal("\x00"), ErrFormat},
		{"a stream", seal("\x0f\x00"), ErrUnsupported},
		{"a module's value", seal("\x07\x00"), ErrUnsupported},
		{"no type of Redis's", seal("\x63\x00"), ErrUnsupported},
		{"cut", seal("\x00\x05abcd"), ErrFormat},
		{"too long", seal("\x00\x80\x7f\xff\xff\xff"), ErrFormat},
		{"far too long", seal("\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff"), ErrFormat},
		{"length form", seal("\x00\x82\x00"), ErrFormat},
		{"encoding", seal("\x00\xc4\x00"), ErrFormat},
		{"cut integer", seal("\x00\xc2\x00\x00\x00"), ErrFormat},
		{"encoded length", seal("\x00\xc3\xc0\x05"), ErrFormat},
		{"declared too long", seal("\x00\xc3\x02\x80\x7f\xff\xff\xff\x00a"), ErrFormat},
		{"unpacks to less", seal("\x00\xc3\x02\x02\x00a"), ErrFormat},
		{"unpacks to more", seal("\x00\xc3\x05\x02\x00a\xe0\xff\x00"), ErrFormat},
		{"copies from nowhere", seal("\x00\xc3\x02\x03\x20\x00"), ErrFormat},
		{"cut run", seal("\x00\xc3\x02\x05\x04a"), ErrFormat},
		{"cut copy", seal("\x00\xc3\x04\x05\x00a\xe0\x00"), ErrFormat},
	} {
		if v, err := Decode(c.payload, maxTestString); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", c.name, v, err)
		}
	}
	if !errors.Is(ErrUnsupported, ErrFormat) {
		t.Error("an unsupported type must be bad data to callers who do not care")
	}
}

func TestDecodeBoundsMemory(t *testing.T) {
	const decodes = 100
	// 512 MiB, as eight bytes declare them.
	payload := seal("\x00\xc3\x02\x80\x20\x00\x00\x00\x00a")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range decodes {
		if _, err := Decode(payload, 1<<30); !errors.Is(err, ErrFormat) {
			t.Fatalf("decoded, with error %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / decodes; each > 10000 {
		t.Errorf("%d bytes allocated for a payload of %d", each, len(payload))
	}
}

func FuzzCompress(f *testing.F) {
	f.Add([]byte(strings.Repeat("abc", 100)), 200)
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaa"), 21)
	f.Add(bytes.Repeat([]byte{0}, 9000), 8996)
	f.Fuzz(func(t *testing.T, src []byte, room int) {
		dst := make([]byte, min(max(room, 0), 1<<16))
		size := compress(dst, src)
		if size == 0 {
			return
		}
		got, err := decompress(dst[:size], len(src))
		if err != nil || !bytes.Equal(got, src) {
			t.Fatalf("%q became %q, %v", src, got, err)
		}
	})
}

func BenchmarkAppendInt(b *testing.B) {
	var buf [64]byte
	b.ReportAllocs()
	for b.Loop() {
		Append(buf[:0], Int(1234567))
	}
}

func BenchmarkAppendCompressed(b *testing.B) {
	s := String(strings.Repeat("abcdefg ", 16))
	b.ReportAllocs()
	for b.Loop() {
		Append(nil, s)
	}
}
