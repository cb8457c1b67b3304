package server

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc64"
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

// afterwards are commands on a value of any type, whatever is in it: those of other types are refused.
var afterwards = []string{
	"TYPE k", "OBJECT ENCODING k", "MEMORY USAGE k", "COPY k copy", "DEBUG DIGEST-VALUE k",
	"APPEND k x", "INCR k", "SETRANGE k 3 x", "BITCOUNT k", "PFADD k x", "PFCOUNT k",
	"HSET k new 1", "HINCRBY k new 1", "HSCAN k 0 COUNT 1000", "HRANDFIELD k -3 WITHVALUES", "HDEL k new", "HGETALL k",
	"SADD k new", "SSCAN k 0 COUNT 1000", "SRANDMEMBER k 2", "SUNION k copy", "SINTERSTORE other k copy", "SREM k new", "SPOP k",
	"ZADD k 1 new", "ZINCRBY k 0.5 new", "ZRANK k new", "ZRANGE k 0 -1 REV", "ZUNIONSTORE other 2 k copy", "ZREM k new", "ZPOPMIN k",
	"LPUSH k new", "RPUSH k new", "LINSERT k AFTER new x", "LRANGE k 0 -1", "LREM k 0 new", "LTRIM k 1 -2", "RPOPLPUSH k k", "LPOP k",
	"SORT k ALPHA", "EXPIRE k 1000", "RENAME k moved", "DUMP moved", "DEL moved",
}

// Whoever sends a payload can compute its checksum, so RESTORE accepts what no server has ever written. It must be a value like any other.
func FuzzRestore(f *testing.F) {
	redis := resptest.Start(f).Dial(f)
	rng := rand.New(rand.NewPCG(10, 10))
	for _, sample := range dumpSamples(redis) {
		f.Add([]byte(sample[:len(sample)-10]))
	}
	for range 30 {
		redis.Do("DEL", "there")
		redis.Do(randomCollection(rng)...)
		payload := redis.Do("DUMP", "there").Text
		f.Add(payload[:len(payload)-10])
	}
	client := startServer(f, "--appendonly", "no", "--enable-debug-command", "yes", "--proto-max-bulk-len", "1mb").dial()
	f.Fuzz(func(t *testing.T, body []byte) {
		ask := (&testClient{t, client.sock, client.in}).ask
		ask("FLUSHALL")
		if ask("RESTORE", "k", 0, sealed(body)).Kind == resp.KindError {
			return
		}
		payload := ask("DUMP", "k").Text
		if reply := ask("RESTORE", "again", 0, payload); reply.Kind == resp.KindError {
			t.Fatalf("DUMP of %q is %q: %s", body, payload, reply)
		}
		again := ask("DUMP", "again").Text
		if !bytes.Equal(again, payload) && !sameDump(again, payload) {
			t.Fatalf("%q: DUMP is %q, restored and dumped again %q", body, payload, again)
		}
		for _, line := range afterwards {
			ask(lineArgs(line)...)
		}
		if reply := ask("PING"); string(reply.Text) != "PONG" {
			t.Fatalf("%q: %s", body, reply)
		}
	})
}

// sealed returns the payload of a body, as a server of the newest known version would write it.
func sealed(body []byte) []byte {
	const version, jones = 12, 0x95ac9329ac4bc9b5
	payload := append(bytes.Clone(body), version, 0)
	sum := ^crc64.Update(^uint64(0), crc64.MakeTable(jones), payload)
	return binary.LittleEndian.AppendUint64(payload, sum)
}

// DEBUG DIGEST-VALUE and DEBUG DIGEST are those of Redis, whatever the type.
func TestDigestsAgreeWithRedis(t *testing.T) {
	redis := resptest.Start(t, "--enable-debug-command", "yes").Dial(t)
	ask := startServer(t, "--appendonly", "no", "--enable-debug-command", "yes").dial().ask
	rng := rand.New(rand.NewPCG(11, 11))
	for i := range 100 {
		command := randomCollection(rng)
		command[1] = fmt.Sprint("key:", i)
		for _, to := range []asker{redis.Do, ask} {
			to(command...)
			if i%3 == 0 {
				to("EXPIRE", command[1], 1000)
			}
		}
		want, got := redis.Do("DEBUG", "DIGEST-VALUE", command[1]), ask("DEBUG", "DIGEST-VALUE", command[1])
		if !same(want, got) {
			t.Fatalf("%.1000q has the digest %s, not %s", command, got, want)
		}
	}
	for _, to := range []asker{redis.Do, ask} {
		to("SET", "string", "x")
		to("SET", "counter", "7")
	}
	if want, got := redis.Do("DEBUG", "DIGEST"), ask("DEBUG", "DIGEST"); !same(want, got) {
		t.Errorf("the digest of all is %s, not %s", got, want)
	}
}
