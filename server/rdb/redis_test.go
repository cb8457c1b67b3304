package rdb

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// What Redis dumps is read here, what is written here Redis restores, and the bytes are the same.
func TestStringLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	rng := rand.New(rand.NewPCG(2, 2))
	other := 0
	const rounds = 3000
	for round := range rounds {
		want := randomString(rng)
		if round%1000 == 0 {
			want = bytes.Repeat(append(want, randomBytes(rng, 100)...), 20)
		}
		redis.Do("SET", "k", want)
		dump := redis.Do("DUMP", "k").Text
		got, err := Decode(dump, maxTestString)
		if err != nil || !bytes.Equal(got.(String), want) {
			t.Fatalf("DUMP of %q is %q, which decodes to %q, %v", want, dump, got, err)
		}
		ours := Append(nil, String(want))
		if !bytes.Equal(ours, dump) {
			other++
		}
		if reply := redis.Do("RESTORE", "r", 0, ours, "REPLACE"); string(reply.Text) != "OK" {
			t.Fatalf("RESTORE of %q, encoded as %q: %s", want, ours, reply)
		}
		if got := redis.Do("GET", "r").Text; !bytes.Equal(got, want) {
			t.Fatalf("%q was restored as %q", want, got)
		}
	}
	// liblzf's table is not cleared, so some of its matches cannot be foreseen.
	if other > rounds/100 {
		t.Errorf("%d of %d payloads differ from Redis's", other, rounds)
	}
	t.Logf("%d of %d payloads differ from Redis's", other, rounds)
}

// Bodies that Redis takes by accident, and we refuse.
var stricter = map[string]string{
	"\x00\x05a":             "the string goes on in the footer",
	"\x00\xc3\x02\x00\x00a": "liblzf's word for failure is the size 0, which is what was declared",
}

// Bodies that no Redis writes: both read the same, or neither does.
func TestDecodeLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	bodies := []string{
		"\x00\x00", "\x00\x01a", "\x00\x01atrailing", "\x00\x0ca", "\x00\x40\x01a", "\x00\x80\x00\x00\x00\x01a", "\x00\x81\x00\x00\x00\x00\x00\x00\x00\x01a",
		"\x00\x82\x00", "\x00\xc0\x80", "\x00\xc1\x05\x00", "\x00\xc2\x05\x00\x00\x00", "\x00\xc4\x00", "\x00\xff\x00",
		"\x00\xc3\x02\x01\x00a", "\x00\xc3\x05\x0b\x00a\xe0\x01\x00", "\x00\xc3\x02\x02\x00a", "\x00\xc3\x00\x00",
		"\x00\xc3\x05\x03\x00a\xe0\x01\x00", "\x00\xc3\x02\x03\x20\x00", "\x00\xc3\xc0\x02\x00a", "\xfe\x00", "\x00", "",
	}
	for body := range stricter {
		bodies = append(bodies, body)
	}
	for _, body := range bodies {
		payload := seal(body)
		reply := redis.Do("RESTORE", "k", 0, payload, "REPLACE")
		v, err := Decode(payload, maxTestString)
		accepted := reply.Kind == resp.KindSimple
		if reason := stricter[body]; reason != "" {
			if !accepted || err == nil {
				t.Errorf("%q: %q, %v; Redis says %s: no difference, though %s", body, v, err, reply, reason)
			}
			continue
		}
		if (err == nil) != accepted {
			t.Errorf("%q: %q, %v; Redis says %s", body, v, err, reply)
			continue
		}
		if err != nil {
			continue
		}
		if want := redis.Do("GET", "k").Text; !bytes.Equal(v.(String), want) {
			t.Errorf("%q: %q; Redis says %q", body, v, want)
		}
	}
}
