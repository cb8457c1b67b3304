package hashslot

import (
	"math/rand/v2"
	"testing"
)

// The expected slots were printed by CLUSTER KEYSLOT of a real Redis 7.0.
func TestOfMatchesRedis(t *testing.T) {
	for name, want := range map[string]uint16{
		"":                     0,
		"foo":                  12182,
		"123456789":            12739,
		"{user1000}.following": 3443,
		"{user1000}.followers": 3443,
		"foo{}{bar}":           8363,
		"foo{{bar}}zap":        4015,
		"foo{bar}{zap}":        5061,
	} {
		if got := Of([]byte(name)); got != want {
			t.Errorf("Of(%q) = %d, want %d", name, got, want)
		}
	}
}

func TestCRCMatchesBitwiseDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		b := make([]byte, rnd.IntN(40))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		var want uint16
		for _, c := range b {
			want ^= uint16(c) << 8
			for range 8 {
				want = want<<1 ^ (want>>15)*0x1021
			}
		}
		if got := crc16(b); got != want {
			t.Fatalf("crc16(%x) = %04x, want %04x", b, got, want)
		}
	}
}

func BenchmarkOf16Bytes(b *testing.B) {
	name := []byte("key:000000123456")
	for b.Loop() {
		Of(name)
	}
}
