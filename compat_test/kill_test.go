package compat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// killRounds is how often the process is killed in a test run. QUIPU_TORTURE multiplies it.
const killRounds = 100

// ledgers is how many clients write counters.
const ledgers = 7

// TestKillNineLosesNothing kills the process under load, again and again on the same data, and compares what it then has with
// what it had acknowledged.
//
// A counter may be above what was acknowledged, by what was under way when the process died; it may never be below it, nor
// above what was sent. Pairs that are incremented in one transaction are always equal.
func TestKillNineLosesNothing(t *testing.T) {
	for _, mode := range [][]string{
		{"--appendfsync", "always"},
		{"--appendfsync", "everysec"},
		// Checkpoints all the time, and the smallest log segments.
		{"--appendfsync", "always", "--checkpoint-log-size", "1mb", "--log-segment-size", "1mb"},
	} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			t.Parallel()
			n := startNode(t, mode...)
			var books []book
			for i := range ledgers {
				books = append(books, newLedger(i))
			}
			books = append(books, &story{id: 1}, &story{id: 2})
			rnd := rand.New(rand.NewPCG(1, 7))
			for round := range rounds() {
				if round > 0 && round%killRounds == 0 {
					t.Logf("%d kills of %d", round, rounds())
				}
				loadUntilKilled(n, books, time.Duration(10+rnd.IntN(60))*time.Millisecond)
				n.start()
				for _, b := range books {
					b.check(t, n)
				}
			}
		})
	}
}

func rounds() int {
	if os.Getenv("QUIPU_TORTURE") != "" {
		return 20 * killRounds
	}
	return killRounds
}

// book is what one client knows of what it has written.
type book interface {
	// write sends something and books what was acknowledged.
	write(ctx context.Context, c *redis.Client) error
	// check compares what is there with the book, which takes it over: what was under way is settled then.
	check(t *testing.T, n *node)
}

// ledger is what one client knows of its counters.
type ledger struct {
	id           int
	rnd          *rand.Rand
	acked, sent  map[string]int64
	ackedPairs   int64
	sentPairs    int64
	left, right  string
	transactions bool
}

func newLedger(id int) *ledger {
	return &ledger{
		id: id, rnd: rand.New(rand.NewPCG(uint64(id), 7)), acked: map[string]int64{}, sent: map[string]int64{},
		left: fmt.Sprintf("pair:%d:left", id), right: fmt.Sprintf("pair:%d:right", id), transactions: id%2 == 0,
	}
}

// loadUntilKilled writes with all books and kills the process after a time.
func loadUntilKilled(n *node, books []book, after time.Duration) {
	ctx, cancel := context.WithCancel(n.t.Context())
	defer cancel()
	var clients sync.WaitGroup
	for _, b := range books {
		clients.Add(1)
		go func() {
			defer clients.Done()
			options := n.options()
			options.PoolSize = 1
			c := redis.NewClient(options)
			defer c.Close() //nolint:errcheck // its server is dead
			for b.write(ctx, c) == nil {
			}
		}()
	}
	// The moment of the kill is the one thing here that must not wait for an event.
	time.Sleep(after)
	n.kill()
	cancel()
	clients.Wait()
}

// write sends a pipeline or a transaction and books what was acknowledged.
func (l *ledger) write(ctx context.Context, c *redis.Client) error {
	if l.transactions && l.rnd.IntN(2) == 0 {
		l.sentPairs++
		_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Incr(ctx, l.left)
			p.Incr(ctx, l.right)
			return nil
		})
		if err == nil {
			l.ackedPairs++
		}
		return err
	}
	type step struct {
		name  string
		delta int64
		reply *redis.IntCmd
	}
	var steps []step
	p := c.Pipeline()
	for range 1 + l.rnd.IntN(20) {
		s := step{name: l.counter(l.rnd.IntN(2000)), delta: 1 + l.rnd.Int64N(100)}
		s.reply = p.IncrBy(ctx, s.name, s.delta)
		l.sent[s.name] += s.delta
		steps = append(steps, s)
	}
	_, err := p.Exec(ctx)
	for _, s := range steps {
		if s.reply.Err() == nil && s.reply.Val() != 0 {
			l.acked[s.name] += s.delta
		}
	}
	return err
}

// counter names a counter. Some share a slot with half of another ledger's pair: only a slot that others write to, too, could go into another
// commit than the rest of a transaction.
func (l *ledger) counter(i int) string {
	if i%4 == 0 {
		return fmt.Sprintf("{pair:%d:left}ledger:%d:%d", (l.id+1)%ledgers, l.id, i)
	}
	return fmt.Sprintf("ledger:%d:%d", l.id, i)
}

// check compares the counters with the books, and takes over what it finds: what was under way is settled now.
func (l *ledger) check(t *testing.T, n *node) {
	t.Helper()
	ctx := t.Context()
	c := n.client()
	defer c.Close() //nolint:errcheck // the node outlives it
	names := make([]string, 0, len(l.sent)+2)
	for name := range l.sent {
		names = append(names, name)
	}
	names = append(names, l.left, l.right)
	values, err := c.MGet(ctx, names...).Result()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	for i, v := range values {
		if v != nil {
			found[names[i]], err = strconv.ParseInt(v.(string), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, sent := range l.sent {
		if got := found[name]; got < l.acked[name] || got > sent {
			t.Fatalf("%s is %d; %d were acknowledged and %d sent", name, got, l.acked[name], sent)
		}
		l.acked[name], l.sent[name] = found[name], found[name]
	}
	left, right := found[l.left], found[l.right]
	if left != right {
		t.Fatalf("half a transaction: %s is %d and %s is %d", l.left, left, l.right, right)
	}
	if left < l.ackedPairs || left > l.sentPairs {
		t.Fatalf("%s is %d; %d were acknowledged and %d sent", l.left, left, l.ackedPairs, l.sentPairs)
	}
	l.ackedPairs, l.sentPairs = left, left
}
