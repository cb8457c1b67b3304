package compat

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// profile is a hash as go-redis reads and writes one.
type profile struct {
	Name   string    `redis:"name"`
	Visits int       `redis:"visits"`
	Score  float64   `redis:"score"`
	Active bool      `redis:"active"`
	Seen   time.Time `redis:"seen"`
}

func keepProfiles(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	ann := profile{Name: "Ann", Visits: 7, Score: 0.5, Active: true, Seen: time.Unix(1_700_000_000, 0).UTC()}
	if n, err := c.HSet(ctx, "profile:ann", ann).Result(); err != nil || n != 5 {
		t.Fatalf("HSET of a struct: %d, %v", n, err)
	}
	if n, err := c.HIncrBy(ctx, "profile:ann", "visits", 3).Result(); err != nil || n != 10 {
		t.Fatalf("HINCRBY: %d, %v", n, err)
	}
	if x, err := c.HIncrByFloat(ctx, "profile:ann", "score", 0.25).Result(); err != nil || x != 0.75 {
		t.Fatalf("HINCRBYFLOAT: %v, %v", x, err)
	}
	ann.Visits, ann.Score = 10, 0.75
	var whole, some profile
	if err := c.HGetAll(ctx, "profile:ann").Scan(&whole); err != nil || whole != ann {
		t.Fatalf("HGETALL: %+v, %v; want %+v", whole, err, ann)
	}
	if err := c.HMGet(ctx, "profile:ann", "name", "visits", "nothing").Scan(&some); err != nil || some.Name != "Ann" || some.Visits != 10 {
		t.Fatalf("HMGET: %+v, %v", some, err)
	}
	if pairs, err := c.HRandFieldWithValues(ctx, "profile:ann", 5).Result(); err != nil || len(pairs) != 5 {
		t.Fatalf("HRANDFIELD: %v, %v", pairs, err)
	}
}

// countPerField has several clients count in one hash of many fields, and walks it.
func countPerField(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	const clients, rounds, fields = 8, 5, 1000
	var counting sync.WaitGroup
	for range clients {
		counting.Add(1)
		go func() {
			defer counting.Done()
			for range rounds {
				if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
					for f := range fields {
						p.HIncrBy(ctx, "hits", fmt.Sprintf("page:%d", f), int64(f))
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	counting.Wait()
	seen := map[string]string{}
	for iter := c.HScan(ctx, "hits", 0, "page:*", 50).Iterator(); iter.Next(ctx); {
		name := iter.Val()
		if !iter.Next(ctx) {
			t.Fatal("HSCAN ended between a field and its value")
		}
		seen[name] = iter.Val()
	}
	for f := range fields {
		if got, want := seen[fmt.Sprintf("page:%d", f)], fmt.Sprint(clients*rounds*f); got != want {
			t.Fatalf("page:%d is %q, want %s", f, got, want)
		}
	}
	if n := c.HLen(ctx, "hits").Val(); n != fields || len(seen) != fields {
		t.Fatalf("HLEN is %d, HSCAN found %d, want %d", n, len(seen), fields)
	}
}

// expireFields uses the expiry of single fields, which go-redis has for newer servers.
func expireFields(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	set := redis.HSetEXOptions{Condition: redis.HSetEXFNX, ExpirationType: redis.HSetEXExpirationEX, ExpirationVal: 60}
	if n, err := c.HSetEXWithArgs(ctx, "session", &set, "token", "abc", "user", "ann").Result(); err != nil || n != 1 {
		t.Fatalf("HSETEX: %d, %v", n, err)
	}
	if codes, err := c.HExpire(ctx, "session", time.Hour, "user", "nothing").Result(); err != nil || fmt.Sprint(codes) != "[1 -2]" {
		t.Fatalf("HEXPIRE: %v, %v", codes, err)
	}
	if left := c.HTTL(ctx, "session", "token", "user", "nothing").Val(); len(left) != 3 || left[0] > 60 || left[1] <= 60 || left[2] != -2 {
		t.Fatalf("HTTL: %v", left)
	}
	if codes, err := c.HPersist(ctx, "session", "user").Result(); err != nil || fmt.Sprint(codes) != "[1]" {
		t.Fatalf("HPERSIST: %v, %v", codes, err)
	}
	get := redis.HGetEXOptions{ExpirationType: redis.HGetEXExpirationPERSIST}
	if values, err := c.HGetEXWithArgs(ctx, "session", &get, "token").Result(); err != nil || fmt.Sprint(values) != "[abc]" {
		t.Fatalf("HGETEX: %v, %v", values, err)
	}
	if values, err := c.HGetDel(ctx, "session", "token", "user").Result(); err != nil || fmt.Sprint(values) != "[abc ann]" {
		t.Fatalf("HGETDEL: %v, %v", values, err)
	}
	if n := c.Exists(ctx, "session").Val(); n != 0 {
		t.Fatal("the hash outlived its last field")
	}
}
