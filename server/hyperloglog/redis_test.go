package hyperloglog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// TestStringsLikeRedis adds the same random elements here and in Redis, and compares the strings byte for byte all the way from the
// empty one through the change of encoding, with several sizes at which it happens.
func TestStringsLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	rng := rand.New(rand.NewPCG(5, 5))
	for round, sparseMax := range []int{3000, 3000, 3000, 500, 40, 18, 0, 16000} {
		redis.Do("CONFIG", "SET", "hll-sparse-max-bytes", sparseMax)
		redis.Do("DEL", "k")
		redis.Do("PFADD", "k")
		b := New()
		MarkStale(b)
		for step := 0; step < 60; step++ {
			elements := randomElements(rng, 1<<rng.IntN(9))
			args := []any{"PFADD", "k"}
			updated := false
			for _, e := range elements {
				args = append(args, e)
				out, changed, err := Add(b, e, sparseMax)
				if err != nil {
					t.Fatal(err)
				}
				b, updated = out, updated || changed
			}
			if updated {
				MarkStale(b)
			}
			if reply := redis.Do(args...); (reply.Int == 1) != updated {
				t.Fatalf("round %d, step %d: PFADD %v, here %v", round, step, reply, updated)
			}
			if step%5 == 0 {
				compareCount(t, redis, b)
			}
			compareString(t, redis, fmt.Sprintf("round %d, step %d", round, step), b)
		}
	}
}

// compareCount counts b here and in Redis, both of which then remember it.
func compareCount(t *testing.T, redis *resptest.Client, b []byte) {
	t.Helper()
	n, fresh := Cached(b)
	if !fresh {
		var err error
		if n, err = Count(b); err != nil {
			t.Fatal(err)
		}
		SetCached(b, n)
	}
	if reply := redis.Do("PFCOUNT", "k"); reply.Int != int64(n) {
		t.Fatalf("PFCOUNT %d, here %d", reply.Int, n)
	}
}

func compareString(t *testing.T, redis *resptest.Client, where string, b []byte) {
	t.Helper()
	if theirs := redis.Do("GET", "k").Text; !bytes.Equal(theirs, b) {
		at := 0
		for at < min(len(theirs), len(b)) && theirs[at] == b[at] {
			at++
		}
		t.Fatalf("%s: the strings of %d and %d bytes differ from byte %d on\nRedis %x\nQuipu %x", where, len(theirs), len(b), at, theirs, b)
	}
}

// randomElements returns elements of all lengths, few enough of the short ones for some to come again.
func randomElements(rng *rand.Rand, n int) [][]byte {
	elements := make([][]byte, n)
	for i := range elements {
		switch rng.IntN(3) {
		case 0:
			elements[i] = strconv.AppendInt(nil, rng.Int64N(1000), 10)
		case 1:
			elements[i] = strconv.AppendInt(nil, rng.Int64(), 36)
		default:
			elements[i] = make([]byte, rng.IntN(40))
			for j := range elements[i] {
				elements[i][j] = byte(rng.Uint32())
			}
		}
	}
	return elements
}

// TestAnyStringLikeRedis does everything to strings that no PFADD has made: damaged ones, and sequences of runs made up.
func TestAnyStringLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	rng := rand.New(rand.NewPCG(6, 6))
	var sane []string
	for _, n := range []int{0, 1, 30, 600, 5000} {
		b := New()
		for _, e := range randomElements(rng, n) {
			b, _, _ = Add(b, e, 3000)
		}
		sane = append(sane, string(b))
	}
	for range 3000 {
		b := strangeString(rng, sane)
		redis.Do("SET", "k", b)
		element := randomElements(rng, 1)[0]
		compareReaders(t, redis, b)
		compareAdd(t, redis, b, element)
		compareMerge(t, redis, b, []byte(sane[rng.IntN(len(sane))]))
	}
}

// strangeString returns a string that may or may not pass for a HyperLogLog.
func strangeString(rng *rand.Rand, sane []string) []byte {
	b := []byte(sane[rng.IntN(len(sane))])
	if rng.IntN(2) == 0 {
		b = append(b[:min(len(b), headerSize)], randomRuns(rng)...)
		if len(b) > encodingAt {
			b[encodingAt] = sparse
		}
	}
	for range rng.IntN(3) {
		switch i := rng.IntN(len(b) + 1); rng.IntN(4) {
		case 0:
			b = b[:i]
		case 1:
			b = slices.Insert(b, i, byte(rng.Uint32()))
		default:
			if i < len(b) {
				b[i] ^= 1 << rng.IntN(8)
			}
		}
	}
	return b
}

// randomRuns returns runs that add up to all registers, or nearly so.
func randomRuns(rng *rand.Rand) []byte {
	var b []byte
	left := Registers
	for left > 0 && len(b) < 200 {
		n := min(1+rng.IntN(1<<rng.IntN(14)), left)
		switch rng.IntN(3) {
		case 0:
			b = appendZeros(b, n)
		case 1:
			b = appendXZero(b, n)
		default:
			n = min(n, valueMaxRun)
			b = appendValues(b, uint8(1+rng.IntN(valueMax)), n)
		}
		left -= n
	}
	if left > 0 {
		b = appendXZero(b, left)
	}
	return b
}

const notValid = "WRONGTYPE Key is not a valid HyperLogLog string value."

// sameFailure compares an error reply with what happened here: not valid, or err.
func sameFailure(reply resp.Reply, valid bool, err error) bool {
	switch {
	case !valid:
		return string(reply.Text) == notValid
	case err != nil:
		return string(reply.Text) == "INVALIDOBJ Corrupted HLL object detected"
	}
	return reply.Kind != resp.KindError
}

func compareReaders(t *testing.T, redis *resptest.Client, b []byte) {
	t.Helper()
	valid := Valid(b)
	var n uint64
	var err error
	if valid {
		var u Union
		err = u.Add(b)
		n = u.Count()
	}
	reply := redis.Do("PFCOUNT", "k", "absent")
	if !sameFailure(reply, valid, err) || reply.Kind == resp.KindInt && reply.Int != int64(n) {
		t.Fatalf("%x: PFCOUNT of several keys: %v, here %d, %v", b, reply, n, err)
	}
	if !valid || IsDense(b) {
		return
	}
	if reply := redis.Do("PFDEBUG", "DECODE", "k"); string(reply.Text) != string(AppendRuns(nil, b)) {
		t.Fatalf("%x: PFDEBUG DECODE: %v, here %s", b, reply, AppendRuns(nil, b))
	}
}

func compareAdd(t *testing.T, redis *resptest.Client, b, element []byte) {
	t.Helper()
	valid := Valid(b)
	out, changed, err := bytes.Clone(b), false, error(nil)
	if valid {
		out, changed, err = Add(out, element, 3000)
		if changed {
			MarkStale(out)
		}
	}
	reply := redis.Do("PFADD", "k", element)
	if !sameFailure(reply, valid, err) || reply.Kind == resp.KindInt && (reply.Int == 1) != changed {
		t.Fatalf("%x: PFADD %q: %v, here %v, %v", b, element, reply, changed, err)
	}
	compareString(t, redis, fmt.Sprintf("%x and %q", b, element), out)
}

func compareMerge(t *testing.T, redis *resptest.Client, b, into []byte) {
	t.Helper()
	redis.Do("SET", "k", into)
	redis.Do("SET", "other", b)
	var out []byte
	valid := Valid(b) && Valid(into)
	var err error
	if valid {
		var u Union
		if err = u.Add(into); err == nil {
			err = u.Add(b)
		}
		if err == nil {
			out, err = u.Into(bytes.Clone(into), 3000)
		}
	}
	reply := redis.Do("PFMERGE", "k", "other")
	if !sameFailure(reply, valid, err) {
		t.Fatalf("%x: PFMERGE: %v, here %v", b, reply, err)
	}
	if valid && err == nil {
		compareString(t, redis, fmt.Sprintf("%x merged with %x", into, b), out)
	}
}
