package rdb

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"quipu/server/number"
	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// shown returns a value as text that is equal for equal values, whatever the order of members and fields.
func shown(v Value) string {
	var lines []string
	switch v := v.(type) {
	case String:
		return fmt.Sprintf("string %q", v)
	case Int:
		return fmt.Sprintf("string %q", v.Text())
	case List:
		for _, e := range v {
			lines = append(lines, fmt.Sprintf("%q", e))
		}
		return "list " + strings.Join(lines, " ")
	case Set:
		for _, m := range v.Members {
			lines = append(lines, fmt.Sprintf("%q", m))
		}
	case SortedSet:
		for _, m := range v.Members {
			lines = append(lines, fmt.Sprintf("%q=%s", m.Name, number.AppendDouble(nil, m.Score+0)))
		}
	case Hash:
		for _, f := range v.Fields {
			lines = append(lines, fmt.Sprintf("%q=%q@%d", f.Name, f.Value, f.ExpireAt))
		}
	}
	slices.Sort(lines)
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "rdb.") + " " + strings.Join(lines, " ")
}

// isCompact says whether a value is marked so.
func isCompact(v Value) bool {
	switch v := v.(type) {
	case Set:
		return v.Compact
	case SortedSet:
		return v.Compact
	case Hash:
		return v.Compact
	}
	return false
}

// inRedis returns the value of a key of redis-server, compact as OBJECT ENCODING says.
func inRedis(t testing.TB, redis *resptest.Client, key string) Value {
	t.Helper()
	compact := slices.Contains([]string{"intset", "listpack"}, string(redis.Do("OBJECT", "ENCODING", key).Text))
	switch kind := string(redis.Do("TYPE", key).Text); kind {
	case "string":
		return String(redis.Do("GET", key).Text)
	case "list":
		return List(texts(redis.Do("LRANGE", key, 0, -1)))
	case "set":
		return Set{texts(redis.Do("SMEMBERS", key)), compact}
	case "zset":
		z, err := members(texts(redis.Do("ZRANGE", key, 0, -1, "WITHSCORES")), nil)
		if err != nil {
			t.Fatal(err)
		}
		return SortedSet{z, compact}
	case "hash":
		h := Hash{Compact: compact}
		for pair := range slices.Chunk(texts(redis.Do("HGETALL", key)), 2) {
			h.Fields = append(h.Fields, Field{Name: pair[0], Value: pair[1]})
		}
		return h
	default:
		t.Fatalf("%s is a %s", key, kind)
		return nil
	}
}

func texts(r resp.Reply) [][]byte {
	list := make([][]byte, len(r.Elems))
	for i, e := range r.Elems {
		list[i] = e.Text
	}
	return list
}

// put stores a value in redis-server by its ordinary commands.
func put(redis *resptest.Client, key string, v Value) {
	args := []any{}
	switch v := v.(type) {
	case String:
		args = append(args, "SET", key, []byte(v))
	case List:
		args = append(args, "RPUSH", key)
		for _, e := range v {
			args = append(args, e)
		}
	case Set:
		args = append(args, "SADD", key)
		for _, m := range v.Members {
			args = append(args, m)
		}
	case SortedSet:
		args = append(args, "ZADD", key)
		for _, m := range v.Members {
			args = append(args, number.AppendDouble(nil, m.Score), m.Name)
		}
	case Hash:
		args = append(args, "HSET", key)
		for _, f := range v.Fields {
			args = append(args, f.Name, f.Value)
		}
	}
	redis.Do("DEL", key)
	redis.Do(args...)
}

// randomValue returns a value of any type with at most size elements.
func randomValue(rng *rand.Rand, size int) Value {
	names := randomNames(rng, 1+rng.IntN(size))
	switch rng.IntN(5) {
	case 0:
		return String(names[0])
	case 1:
		return List(slices.Concat(names, names[:rng.IntN(len(names))]))
	case 2:
		return Set{Members: names}
	case 3:
		z := SortedSet{}
		for _, n := range names {
			z.Members = append(z.Members, Member{n, randomScore(rng)})
		}
		return z
	}
	h := Hash{}
	for _, n := range names {
		h.Fields = append(h.Fields, Field{Name: n, Value: randomElement(rng)})
	}
	return h
}

// randomNames returns up to n different strings: one time in three, integers alone.
func randomNames(rng *rand.Rand, n int) [][]byte {
	names := make([][]byte, n)
	integers := rng.IntN(3) == 0
	width := rng.IntN(64)
	for i := range names {
		names[i] = randomElement(rng)
		if integers {
			names[i] = Int(int64(rng.Uint64()) >> width).Text()
		}
	}
	slices.SortFunc(names, bytes.Compare)
	names = slices.CompactFunc(names, bytes.Equal)
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// edgeLengths are lengths at which one of the encodings changes.
var edgeLengths = []int{0, 1, 5, 20, 21, 62, 63, 64, 65, 126, 127, 128, 253, 254, 255, 4093, 4095, 4096, 8192, 16381, 16383, 16384, 20000}

// randomElement returns a string whose length or number is often at the edge of an encoding.
func randomElement(rng *rand.Rand) []byte {
	switch rng.IntN(8) {
	case 0, 1:
		edge := int64(1) << rng.IntN(64)
		return Int(edge*(1-2*rng.Int64N(2)) + rng.Int64N(3) - 1).Text()
	case 2:
		return Int(rng.Int64N(300) - 150).Text()
	case 3:
		if n := edgeLengths[rng.IntN(len(edgeLengths))]; n < 300 || rng.IntN(20) == 0 {
			return bytes.Repeat([]byte{'a' + byte(rng.IntN(26))}, n)
		}
	case 4:
		return randomBytes(rng, 90)
	case 5:
		return fmt.Appendf(nil, "%d", rng.Uint64())
	}
	return fmt.Appendf(nil, "field:%d", rng.IntN(10000))
}

func randomScore(rng *rand.Rand) float64 {
	switch rng.IntN(6) {
	case 0:
		return float64(rng.Int64() >> rng.IntN(64))
	case 1:
		return -float64(rng.Int64() >> rng.IntN(64))
	case 2:
		return cmp.Or(rng.NormFloat64()*1e10, 1)
	case 3:
		return rng.ExpFloat64() * 1e-10
	case 4:
		return []float64{0, 1, -1, 0.1, 1e300, -1e-300, 5e-324, math.Inf(1), math.Inf(-1), 1 << 53, 1 << 62, 1 << 63}[rng.IntN(12)]
	}
	return float64(rng.IntN(20)) / 2
}
