package compat

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// story is a client whose every step is one transaction on values of all types, small and large. What they hold after step n is known
// exactly, so a kill leaves either all of a step or nothing of it.
type story struct {
	id          int
	acked, sent int64
}

const (
	storyFew  = 5
	storyMany = 400 // elements of a large collection: more than are kept in one row
	storyBits = 4096
	storyLife = 600 // steps from one deletion of everything to the next
	storyCopy = 97  // steps from one copy to the next
)

func (s *story) key(name string) string { return fmt.Sprintf("story:%d:%s", s.id, name) }

// write makes a step and books it.
func (s *story) write(ctx context.Context, c *redis.Client) error {
	s.sent++
	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		s.step(ctx, p, s.sent)
		return nil
	})
	if err == nil {
		s.acked = s.sent
	}
	return err
}

func (s *story) step(ctx context.Context, p redis.Pipeliner, n int64) {
	p.Incr(ctx, s.key("steps"))
	if n%storyLife == 0 {
		for _, size := range []string{"few", "many"} {
			p.Del(ctx, s.key("hash:"+size), s.key("timed:"+size), s.key("set:"+size), s.key("zset:"+size), s.key("list:"+size))
		}
		p.Del(ctx, s.key("uniques"))
	}
	for size, count := range map[string]int64{"few": storyFew, "many": storyMany} {
		element := storyElement(n % count)
		p.HSet(ctx, s.key("hash:"+size), element, n)
		p.HSet(ctx, s.key("timed:"+size), element, n)
		p.HPExpireAt(ctx, s.key("timed:"+size), storyDue(n), element)
		p.SAdd(ctx, s.key("set:"+size), storyElement(n))
		p.SRem(ctx, s.key("set:"+size), storyElement(n-count))
		p.ZAdd(ctx, s.key("zset:"+size), redis.Z{Score: float64(n), Member: element})
		p.RPush(ctx, s.key("list:"+size), n)
		p.LTrim(ctx, s.key("list:"+size), -count, -1)
	}
	p.SetBit(ctx, s.key("bits"), n%storyBits, int(n/storyBits+1)%2)
	p.PFAdd(ctx, s.key("uniques"), storyElement(n))
	if n%storyCopy == 0 {
		p.Copy(ctx, s.key("hash:many"), s.key("copy"), 0, true)
		p.Rename(ctx, s.key("copy"), s.key("renamed"))
	}
}

// check compares everything with what it is after the step that the counter tells, and takes that over as settled.
func (s *story) check(t *testing.T, n *node) {
	t.Helper()
	c := n.client()
	defer c.Close() //nolint:errcheck // the node outlives it
	step, err := c.Get(t.Context(), s.key("steps")).Int64()
	if err != nil && err != redis.Nil { //nolint:errorlint // redis.Nil is not wrapped
		t.Fatal(err)
	}
	if step < s.acked || step > s.sent {
		t.Fatalf("the story is at step %d; %d were acknowledged and %d begun", step, s.acked, s.sent)
	}
	s.acked, s.sent = step, step
	if step == 0 {
		return
	}
	for size, count := range map[string]int64{"few": storyFew, "many": storyMany} {
		s.checkCollections(t, c, size, storyRange(step, count))
	}
	s.checkStrings(t, c, step)
}

// storySteps are the steps whose elements a collection of some size holds.
type storySteps struct{ count, first, last int64 }

func storyRange(step, count int64) storySteps {
	return storySteps{count, max(step-count+1, step/storyLife*storyLife, 1), step}
}

// each calls fn for the steps in order.
func (r storySteps) each(fn func(step int64)) {
	for step := r.first; step <= r.last; step++ {
		fn(step)
	}
}

func storyElement(i int64) string { return fmt.Sprintf("%d is an element", i) }

// storyDue is a time far away from any clock, another one for every step.
func storyDue(n int64) time.Time { return time.UnixMilli(4_000_000_000_000 + n) }

func (r storySteps) hash() map[string]string {
	m := map[string]string{}
	r.each(func(n int64) { m[storyElement(n%r.count)] = strconv.FormatInt(n, 10) })
	return m
}

func (s *story) checkCollections(t *testing.T, c *redis.Client, size string, r storySteps) {
	t.Helper()
	ctx, hash := t.Context(), r.hash()
	var members, list, board []string
	r.each(func(n int64) {
		members = append(members, storyElement(n))
		list = append(list, strconv.FormatInt(n, 10))
		board = append(board, fmt.Sprintf("%s=%d", storyElement(n%r.count), n))
	})
	slices.Sort(members)
	got := c.SMembers(ctx, s.key("set:"+size)).Val()
	slices.Sort(got)
	s.same(t, "set:"+size, got, members)
	s.same(t, "list:"+size, c.LRange(ctx, s.key("list:"+size), 0, -1).Val(), list)
	var ranks []string
	for _, z := range c.ZRangeWithScores(ctx, s.key("zset:"+size), 0, -1).Val() {
		ranks = append(ranks, fmt.Sprintf("%s=%g", z.Member, z.Score))
	}
	s.same(t, "zset:"+size, ranks, board)
	for _, name := range []string{"hash:" + size, "timed:" + size} {
		if got := c.HGetAll(ctx, s.key(name)).Val(); !maps.Equal(got, hash) {
			t.Fatalf("%s after step %d: %v, want %v", name, r.last, got, hash)
		}
	}
	var fields []string
	var due []int64
	for field, value := range hash {
		n, _ := strconv.ParseInt(value, 10, 64)
		fields, due = append(fields, field), append(due, storyDue(n).UnixMilli())
	}
	if got := c.HPExpireTime(ctx, s.key("timed:"+size), fields...).Val(); !slices.Equal(got, due) {
		t.Fatalf("timed:%s after step %d: fields expire at %v, want %v", size, r.last, got, due)
	}
}

func (s *story) same(t *testing.T, name string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s after step %d: %v, want %v", name, s.acked, got, want)
	}
}

func (s *story) checkStrings(t *testing.T, c *redis.Client, step int64) {
	t.Helper()
	ctx := t.Context()
	bits := make([]byte, (min(step, storyBits-1)+8)/8)
	for at := range int64(storyBits) {
		n := step - ((step-at)%storyBits+storyBits)%storyBits // the last step that wrote this bit
		if n > 0 && n/storyBits%2 == 0 {
			bits[at/8] |= 0x80 >> (at % 8)
		}
	}
	if got := c.Get(ctx, s.key("bits")).Val(); got != string(bits) {
		t.Fatalf("the bits after step %d are not what they should be", step)
	}
	var uniques []any
	storyRange(step, storyLife).each(func(n int64) { uniques = append(uniques, storyElement(n)) })
	again := s.key("uniques again")
	c.Del(ctx, again)
	c.PFAdd(ctx, again, uniques...)
	if got, want := c.PFCount(ctx, s.key("uniques")).Val(), c.PFCount(ctx, again).Val(); got != want {
		t.Fatalf("PFCOUNT after step %d is %d, want %d", step, got, want)
	}
	if copied := step / storyCopy * storyCopy; copied > 0 {
		want := storyRange(copied, storyMany).hash()
		if got := c.HGetAll(ctx, s.key("renamed")).Val(); !maps.Equal(got, want) {
			t.Fatalf("the copy of step %d: %v, want %v", copied, got, want)
		}
	}
}
