package server

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// dumpConfigurations bring about every encoding that Redis dumps.
var dumpConfigurations = [][]any{
	{"hash-max-listpack-entries", 512, "zset-max-listpack-entries", 128, "set-max-intset-entries", 512, "list-max-listpack-size", -2},
	{"hash-max-listpack-entries", 0, "zset-max-listpack-entries", 0, "set-max-intset-entries", 0, "list-max-listpack-size", 4},
	{"list-compress-depth", 1, "list-max-listpack-size", -1},
}

// Values of every type travel from Redis to Quipu and back, and are what they were. DEBUG DIGEST-VALUE compares them in Redis.
func TestDumpTravels(t *testing.T) {
	redis := resptest.Start(t, "--enable-debug-command", "yes").Dial(t)
	ask := startServer(t, "--appendonly", "no").dial().ask
	rng := rand.New(rand.NewPCG(9, 9))
	for _, parameters := range dumpConfigurations {
		redis.Do(append([]any{"CONFIG", "SET"}, parameters...)...)
		for range 150 {
			command := randomCollection(rng)
			redis.Do("DEL", "there", "back")
			redis.Do(command...)
			travel(t, command, redis.Do, ask, "there", "back")
		}
	}
}

// travel brings a value from redis to quipu and back, under another name.
func travel(t *testing.T, command []any, redis, quipu asker, from, to string) {
	t.Helper()
	steps := []struct {
		ask      asker
		from, to string
	}{{redis, from, ""}, {quipu, "", "here"}, {quipu, "here", ""}, {redis, "", to}}
	var payload []byte
	for _, s := range steps {
		if s.to == "" {
			payload = s.ask("DUMP", s.from).Text
			continue
		}
		if reply := s.ask("RESTORE", s.to, 0, payload, "REPLACE"); reply.Kind != resp.KindSimple {
			t.Fatalf("RESTORE of %.1000q, from %.1000q: %s", payload, command, reply)
		}
	}
	digests := redis("DEBUG", "DIGEST-VALUE", from, to)
	if !bytes.Equal(digests.Elems[0].Text, digests.Elems[1].Text) {
		t.Fatalf("%.1000q came back as another value", command)
	}
	if here, there := quipu("OBJECT", "ENCODING", "here"), redis("OBJECT", "ENCODING", to); !same(here, there) && dumpedByDefault(redis) {
		t.Fatalf("%.1000q is %s here and %s there", command, here, there)
	}
}

// dumpedByDefault reports whether Redis has its own limits of compact encodings, which are those that Quipu has in this test.
func dumpedByDefault(redis asker) bool {
	return string(redis("CONFIG", "GET", "set-max-intset-entries").Elems[1].Text) == "512"
}

// randomCollection returns a command that stores a collection.
func randomCollection(rng *rand.Rand) []any {
	n := 1 + rng.IntN(1<<(1+rng.IntN(10)))
	integers := rng.IntN(2) == 0
	element := func() any {
		if integers {
			return rng.Int64() >> rng.IntN(64)
		}
		return fmt.Sprintf("%.*s:%d", rng.IntN(100), "a name that is long enough to be too long for all that has to be short in a small collection", rng.IntN(2*n))
	}
	kinds := []string{"SADD", "HSET", "ZADD", "RPUSH"}
	kind := kinds[rng.IntN(len(kinds))]
	command := []any{kind, "there"}
	for range n {
		switch kind {
		case "HSET":
			command = append(command, element(), element())
		case "ZADD":
			command = append(command, float64(rng.Int64()>>rng.IntN(64))/4, element())
		default:
			command = append(command, element())
		}
	}
	return command
}
