package rdb

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// thresholds are configurations of redis-server that bring about all of the encodings.
var thresholds = [][]any{
	nil,
	{"hash-max-listpack-entries", 0, "zset-max-listpack-entries", 0, "set-max-intset-entries", 0},
	{"hash-max-listpack-value", 100000, "hash-max-listpack-entries", 100000, "zset-max-listpack-value", 100000, "zset-max-listpack-entries", 100000},
	{"set-max-intset-entries", 100000},
}

// What Redis dumps of any type and encoding is read here, what is written here Redis restores in the same encoding, and the bytes
// are the same but for the order of hash tables.
func TestCollectionsLikeRedis(t *testing.T) {
	for i, parameters := range thresholds {
		redis := resptest.Start(t).Dial(t)
		if len(parameters) > 0 {
			redis.Do(append([]any{"CONFIG", "SET"}, parameters...)...)
		}
		rng := rand.New(rand.NewPCG(3, uint64(i)))
		seen := map[byte]int{}
		other := 0
		const rounds = 600
		for round := range rounds {
			size := 40
			if round%50 == 0 {
				size = 2000
			}
			v := randomValue(rng, size)
			put(redis, "k", v)
			dump := redis.Do("DUMP", "k").Text
			seen[dump[0]]++
			if !checkRestore(t, redis, v, dump) && dump[0] != byte(typeHash) && dump[0] != byte(typeSet) {
				other++
			}
		}
		t.Logf("%v: payloads by type %v, %d differ from Redis's", parameters, seen, other)
		// liblzf's table is not cleared, so some of its matches cannot be foreseen.
		if other > rounds/50 {
			t.Errorf("%v: %d of %d payloads differ from Redis's", parameters, other, rounds)
		}
	}
}

// checkRestore checks both ways of a value that Redis dumps so, and reports whether the bytes are the same.
func checkRestore(t *testing.T, redis *resptest.Client, v Value, dump []byte) bool {
	t.Helper()
	got, err := Decode(dump, maxTestString)
	if err != nil || shown(got) != shown(v) {
		t.Fatalf("DUMP of %.1000s is %.1000q, which decodes to %.1000s, %v", shown(v), dump, shown(got), err)
	}
	stored := inRedis(t, redis, "k")
	if isCompact(got) != isCompact(stored) {
		t.Fatalf("DUMP of %.1000s: compact %v, in Redis %v", shown(v), isCompact(got), isCompact(stored))
	}
	ours := Append(nil, stored)
	if reply := redis.Do("RESTORE", "r", 0, ours, "REPLACE"); reply.Kind != resp.KindSimple {
		t.Fatalf("RESTORE of %.1000s, encoded as %.1000q: %s", shown(v), ours, reply)
	}
	restored := inRedis(t, redis, "r")
	if shown(restored) != shown(v) || isCompact(restored) != isCompact(stored) {
		t.Fatalf("%.1000s was restored as %.1000s", shown(v), shown(restored))
	}
	return bytes.Equal(ours, dump)
}

// Lists have large elements in nodes of their own, nodes of other sizes, and compressed ones.
func TestListsLikeRedis(t *testing.T) {
	for i, parameters := range [][]any{
		{"list-max-listpack-size", "3"},
		{"list-max-listpack-size", "-1", "list-compress-depth", "1"},
		{"list-max-listpack-size", "-5"},
	} {
		redis := resptest.Start(t, "--enable-debug-command", "yes").Dial(t)
		redis.Do(append([]any{"CONFIG", "SET"}, parameters...)...)
		if reply := redis.Do("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "60b"); string(reply.Text) != "OK" {
			t.Fatal(reply)
		}
		rng := rand.New(rand.NewPCG(4, uint64(i)))
		for range 100 {
			v := List(randomNames(rng, 1+rng.IntN(300)))
			put(redis, "k", v)
			checkRestore(t, redis, v, redis.Do("DUMP", "k").Text)
		}
	}
}

// oldBodies are values in every encoding that Redis 7.0 reads and does not write any more.
func oldBodies() map[string]string {
	long := string(bytes.Repeat([]byte("0123456789abcdef"), 30))
	numbers := []string{
		"0", "1", "12", "13", "-1", "127", "128", "-128", "-129", "32767", "32768", "-32768", "-32769", "8388607", "8388608", "-8388608",
		"-8388609", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807", "-9223372036854775808",
	}
	mixed := append([]string{"", "a", long, long + long, "0x1"}, numbers...)
	return map[string]string{
		"list":             oldList(mixed...),
		"list, ziplist":    blobBody(typeListZiplist, oldZiplist(mixed...)),
		"list, quicklist":  oldQuicklist(oldZiplist(mixed...), oldZiplist(), oldZiplist("x", "y"), oldZiplist(long)),
		"zset":             oldScores(Member{[]byte("a"), 1.5}, Member{[]byte("b"), -3}, Member{[]byte("c"), 1e300}, Member{[]byte("7"), 0.1}),
		"zset, ziplist":    blobBody(typeZSetZiplist, oldZiplist("b", "-inf", "a", "-3", "7", "0.10000000000000001", "c", "inf")),
		"hash, zipmap":     blobBody(typeHashZipmap, oldZipmap("a", "1", "", long, long+"x", "", "12", "b", "c", "c", "d", "d")),
		"hash, ziplist":    blobBody(typeHashZiplist, oldZiplist("a", "1", "", long, long+"x", "", "12", "b")),
		"hash, big":        blobBody(typeHashZiplist, oldZiplist(pairs(300)...)),
		"zset, big":        blobBody(typeZSetZiplist, oldZiplist(pairs(300)...)),
		"hash, big zipmap": blobBody(typeHashZipmap, oldZipmap(pairs(300)...)),
	}
}

// pairs returns n names, each followed by a number.
func pairs(n int) []string {
	var list []string
	for i := range n {
		list = append(list, "name:"+string(Int(i).Text()), string(Int(i).Text()))
	}
	return list
}

func TestOldEncodingsLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	redis.Do("CONFIG", "SET", "sanitize-dump-payload", "yes")
	for name, body := range oldBodies() {
		for _, version := range []byte{1, 6, 9, baseVersion} {
			payload := sealAs(body, version)
			if reply := redis.Do("RESTORE", "k", 0, payload, "REPLACE"); reply.Kind != resp.KindSimple {
				t.Fatalf("%s: Redis says %s", name, reply)
			}
			v, err := Decode(payload, maxTestString)
			if want := shown(inRedis(t, redis, "k")); err != nil || shown(v) != want {
				t.Errorf("%s: %v, %v; Redis has %v", name, shown(v), err, want)
			}
		}
	}
}

// Whatever is read here of damaged payloads, Redis reads alike.
func TestDamageLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	redis.Do("CONFIG", "SET", "sanitize-dump-payload", "yes")
	rng := rand.New(rand.NewPCG(5, 5))
	bodies := damageable(redis, rng)
	accepted, refused, stricter := 0, 0, 0
	for range 20000 {
		body := damage(rng, bodies[rng.IntN(len(bodies))])
		if !meantForRedis(body) {
			continue
		}
		payload := seal(string(body))
		v, err := Decode(payload, maxTestString)
		reply := redis.Do("RESTORE", "k", 0, payload, "REPLACE")
		switch {
		case err != nil && reply.Kind != resp.KindSimple:
			refused++
			continue
		case err != nil:
			stricter++
			continue
		case reply.Kind != resp.KindSimple:
			t.Fatalf("%q: %s; Redis says %s", body, shown(v), reply)
		}
		accepted++
		if want := shown(inRedis(t, redis, "k")); shown(v) != want {
			t.Fatalf("%q: %s; Redis has %s", body, shown(v), want)
		}
	}
	t.Logf("%d accepted, %d refused, %d refused here and accepted by Redis", accepted, refused, stricter)
}

// meantForRedis says whether a body is of a collection as Redis 7.0 knows them. It leaves out those that declare very many elements:
// Redis takes memory for a table of that size before it reads the first.
func meantForRedis(body []byte) bool {
	if len(body) == 0 || body[0] == byte(typeString) || body[0] > byte(typeListQuicklist2) {
		return false
	}
	n, _, err := newDecoder(body[1:], maxTestString).length()
	return err == nil && n < 1<<20
}

// damageable returns bodies of all encodings, with short elements so that damage often hits what is between them.
func damageable(redis *resptest.Client, rng *rand.Rand) []string {
	var bodies []string
	for _, body := range oldBodies() {
		if len(body) < 1000 {
			bodies = append(bodies, body)
		}
	}
	bodies = append(bodies,
		blobBody(typeListZiplist, oldZiplist("a", "b")), blobBody(typeHashZiplist, oldZiplist("a", "b", "c", "1")),
		blobBody(typeHashZipmap, oldZipmap("a", "b", "c", "1")), blobBody(typeZSetZiplist, oldZiplist("a", "1")),
		blobBody(typeSetIntset, "\x02\x00\x00\x00\x03\x00\x00\x00\x01\x00\x02\x00\x03\x00"))
	for _, entries := range []int{512, 0} {
		redis.Do("CONFIG", "SET", "hash-max-listpack-entries", entries, "zset-max-listpack-entries", entries, "set-max-intset-entries", entries)
		for range 100 {
			put(redis, "k", randomValue(rng, 5))
			dump := redis.Do("DUMP", "k").Text
			bodies = append(bodies, string(dump[:len(dump)-footerSize]))
		}
	}
	return bodies
}

// damage returns a body with a few bytes changed, taken out or put in.
func damage(rng *rand.Rand, body string) []byte {
	b := []byte(body)
	for range 1 + rng.IntN(2) {
		if len(b) == 0 {
			break
		}
		i := rng.IntN(len(b))
		switch rng.IntN(6) {
		case 0:
			b = append(b[:i], b[i+1:]...)
		case 1:
			b = append(b[:i+1], b[i:]...)
		case 2:
			b[i] ^= 1 << rng.IntN(8)
		case 3:
			b[i] += byte(rng.IntN(3)) - 1
		case 4:
			b[i] = []byte{0, 1, 2, 0x7f, 0x80, 0xc0, 0xe0, 0xf0, 0xf1, 0xfe, 0xff}[rng.IntN(11)]
		default:
			b[i] = byte(rng.Uint32())
		}
	}
	return b
}
