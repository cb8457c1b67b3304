package server

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"quipu/server/resp/resptest"
)

var blockingSeed = flag.Uint64("differential.blockingseed", 0, "seed of TestDifferentialBlocking; 0: a new one each time")

// blockingSide is one of the two servers that TestDifferentialBlocking compares, with its connections.
type blockingSide struct {
	name    string
	pusher  *testClient
	waiters []*testClient
	ids     []string // of the waiters
}

func newBlockingSide(t *testing.T, name string, dial func() *testClient, waiters int) *blockingSide {
	s := &blockingSide{name: name, pusher: dial()}
	for range waiters {
		c := dial()
		s.waiters = append(s.waiters, c)
		s.ids = append(s.ids, strings.TrimPrefix(c.do("CLIENT ID"), "(integer) "))
	}
	return s
}

// play has clients block, one after the other, runs lines, and returns everything that anybody was told of that, and what is left.
func (s *blockingSide) play(t *testing.T, blocking, lines []string) (story string) {
	s.pusher.do("FLUSHALL")
	for i, line := range blocking {
		s.waiters[i].send(line + "\r\n")
		eventually(t, fmt.Sprintf("%s blocks %d clients", s.name, i+1), func() bool {
			return strings.Contains(s.pusher.do("INFO clients"), fmt.Sprintf(`blocked_clients:%d\r`, i+1))
		})
	}
	var text strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&text, "%s -> %s\n", line, oneLine(s.pusher.do(line)))
	}
	for i, line := range blocking {
		served := s.pusher.do("CLIENT UNBLOCK "+s.ids[i]) == "(integer) 0"
		fmt.Fprintf(&text, "client %d: %s -> served %v: %s\n", i, line, served, oneLine(s.waiters[i].read()))
	}
	for _, key := range blockingKeys {
		fmt.Fprintf(&text, "%s: %s %s %s\n", key, s.pusher.do("TYPE "+key), oneLine(s.pusher.do("LRANGE "+key+" 0 -1")), oneLine(s.pusher.do("ZRANGE "+key+" 0 -1")))
	}
	return text.String()
}

var blockingKeys = []string{"a", "b", "c", "d"}

// TestDifferentialBlocking: who is served with what, and in which order, when one transaction makes several keys ready for several
// clients, is the same as in Redis.
func TestDifferentialBlocking(t *testing.T) {
	seed := *blockingSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	const clients = 6
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	redis := resptest.Start(t)
	real := newBlockingSide(t, "redis", func() *testClient {
		sock, err := net.Dial("unix", redis.Socket)
		if err != nil {
			t.Fatal(err)
		}
		return newTestClient(t, sock)
	}, clients)
	ours := newBlockingSide(t, "quipu", startServer(t).dial, clients)
	g := blockingGenerator{Rand: rand.New(rand.NewPCG(seed, 1))}
	for range rounds {
		blocking, lines := g.blocking(1+g.IntN(clients)), g.transaction()
		want, got := real.play(t, blocking, lines), ours.play(t, blocking, lines)
		if want != got {
			t.Fatalf("-differential.blockingseed=%d\nRedis:\n%s\nQuipu:\n%s", seed, want, got)
		}
	}
}

// blockingGenerator makes up what TestDifferentialBlocking plays.
type blockingGenerator struct {
	*rand.Rand
	elements int
}

func (g *blockingGenerator) key() string { return blockingKeys[g.IntN(len(blockingKeys))] }

// keys returns one or several keys, each once.
func (g *blockingGenerator) keys() []string {
	keys := slices.Clone(blockingKeys)
	g.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys[:1+g.IntN(len(keys))]
}

// element returns one that was not there before, so that everybody's share can be told apart.
func (g *blockingGenerator) element() string {
	g.elements++
	return fmt.Sprint(g.elements)
}

func (g *blockingGenerator) end() string { return []string{"LEFT", "RIGHT"}[g.IntN(2)] }

// blocking returns n commands that block where there are no keys.
func (g *blockingGenerator) blocking(n int) (lines []string) {
	for range n {
		keys := g.keys()
		names, count := strings.Join(keys, " "), len(keys)
		lines = append(lines, []string{
			fmt.Sprintf("BLPOP %s 0", names),
			fmt.Sprintf("BRPOP %s 0", names),
			fmt.Sprintf("BLMPOP 0 %d %s %s COUNT %d", count, names, g.end(), 1+g.IntN(3)),
			fmt.Sprintf("BLMOVE %s %s %s %s 0", keys[0], g.key(), g.end(), g.end()),
			fmt.Sprintf("BRPOPLPUSH %s %s 0", keys[0], g.key()),
			fmt.Sprintf("BZPOPMIN %s 0", names),
			fmt.Sprintf("BZPOPMAX %s 0", names),
			fmt.Sprintf("BZMPOP 0 %d %s MIN COUNT %d", count, names, 1+g.IntN(3)),
		}[g.IntN(8)])
	}
	return lines
}

// transaction returns the lines of one; now and then it is a single command.
func (g *blockingGenerator) transaction() []string {
	lines := []string{"MULTI"}
	for range 1 + g.IntN(8) {
		lines = append(lines, g.change())
	}
	if g.IntN(8) == 0 {
		return lines[1:]
	}
	return append(lines, "EXEC")
}

// change returns a command that makes or removes keys. Those that put a list or a sorted set in the place of another value without
// deleting it, which Redis 7.0 does not notice, are not among them.
func (g *blockingGenerator) change() string {
	x, y := g.key(), g.key()
	pushes := []string{
		"RPUSH " + x + " " + g.element() + " " + g.element(),
		"LPUSH " + x + " " + g.element(),
		"ZADD " + x + " 1 m" + g.element() + " 2 m" + g.element(),
	}
	others := []string{
		"DEL " + x, "SET " + x + " v", "SETNX " + x + " v", "SADD " + x + " m", "HSET " + x + " f v", "LPOP " + x, "ZPOPMIN " + x, "LTRIM " + x + " 1 0", "RENAME " + x + " " + y, "RENAMENX " + x + " " + y,
		"COPY " + x + " " + y, "COPY " + x + " " + y + " REPLACE", fmt.Sprintf("LMOVE %s %s %s %s", x, y, g.end(), g.end()), "RPOPLPUSH " + x + " " + y, "EXPIRE " + x + " 0",
		"ZREMRANGEBYRANK " + x + " 0 0", "DEL " + x + " " + y, "GETDEL " + x,
	}
	if g.IntN(5) < 3 {
		return pushes[g.IntN(len(pushes))]
	}
	return others[g.IntN(len(others))]
}
