package compat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A small program as people write them with go-redis: page views, a rate limiter, a stock that must not go below zero.

func TestGoRedisProgram(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			n := startNode(t)
			options := n.options()
			options.Protocol, options.ClientName, options.DisableIdentity = protocol, "shop", false
			c := redis.NewClient(options)
			defer c.Close() //nolint:errcheck // the node is killed anyway
			t.Run("page views", func(t *testing.T) { countPageViews(t, c) })
			t.Run("rate limit", func(t *testing.T) { limitRate(t, c) })
			t.Run("stock", func(t *testing.T) { sellStock(t, c) })
			t.Run("quotas", func(t *testing.T) { readQuotas(t, c) })
			t.Run("profiles", func(t *testing.T) { keepProfiles(t, c) })
			t.Run("hits per page", func(t *testing.T) { countPerField(t, c) })
			t.Run("sessions", func(t *testing.T) { expireFields(t, c) })
			t.Run("leaderboard", func(t *testing.T) { keepLeaderboard(t, c) })
			t.Run("visitors", func(t *testing.T) { countVisitors(t, c) })
			t.Run("jobs", func(t *testing.T) { passJobs(t, c) })
			t.Run("days", func(t *testing.T) { markDays(t, c) })
			t.Run("moves", func(t *testing.T) { moveKeys(t, c) })
		})
	}
}

func countPageViews(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	var visitors sync.WaitGroup
	for range 8 {
		visitors.Add(1)
		go func() {
			defer visitors.Done()
			for range 10 {
				if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
					for page := range 20 {
						p.Incr(ctx, fmt.Sprintf("views:%d", page))
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	visitors.Wait()
	for page := range 20 {
		if n, err := c.Get(ctx, fmt.Sprintf("views:%d", page)).Int(); err != nil || n != 80 {
			t.Fatalf("views:%d = %d, %v; want 80", page, n, err)
		}
	}
}

func limitRate(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	var n *redis.IntCmd
	for range 3 {
		if _, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			n = p.Incr(ctx, "limit:ann")
			p.ExpireNX(ctx, "limit:ann", time.Minute)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n.Val() != 3 {
		t.Fatalf("limit:ann = %d, want 3", n.Val())
	}
	if ttl := c.TTL(ctx, "limit:ann").Val(); ttl <= 0 || ttl > time.Minute {
		t.Fatalf("TTL = %v", ttl)
	}
}

var errSoldOut = errors.New("sold out")

func sellStock(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	const stock, buyers = 50, 8
	if err := c.Set(ctx, "stock", stock, 0).Err(); err != nil {
		t.Fatal(err)
	}
	sold := make([]int, buyers)
	var shops sync.WaitGroup
	for i := range buyers {
		shops.Add(1)
		go func() {
			defer shops.Done()
			for {
				switch err := buy(ctx, c); {
				case err == nil:
					sold[i]++
				case errors.Is(err, errSoldOut):
					return
				case !errors.Is(err, redis.TxFailedErr):
					t.Error(err)
					return
				}
			}
		}()
	}
	shops.Wait()
	total := 0
	for _, n := range sold {
		total += n
	}
	if left := c.Get(ctx, "stock").Val(); total != stock || left != "0" {
		t.Fatalf("sold %d of %d, %s left", total, stock, left)
	}
}

// buy takes one from the stock, unless it is empty; WATCH makes sure of what it saw.
func buy(ctx context.Context, c *redis.Client) error {
	return c.Watch(ctx, func(tx *redis.Tx) error {
		n, err := tx.Get(ctx, "stock").Int()
		if err != nil {
			return err
		}
		if n == 0 {
			return errSoldOut
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Decr(ctx, "stock")
			return nil
		})
		return err
	}, "stock")
}

func readQuotas(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	if err := c.MSet(ctx, "quota:a", 1, "quota:b", -5, "quota:c", "none").Err(); err != nil {
		t.Fatal(err)
	}
	values, err := c.MGet(ctx, "quota:a", "quota:b", "quota:c", "quota:d").Result()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(values); got != "[1 -5 none <nil>]" {
		t.Fatalf("MGET = %s", got)
	}
	if err := c.Incr(ctx, "quota:c").Err(); err == nil || err.Error() != "ERR value is not an integer or out of range" {
		t.Fatalf("INCR of a text: %v", err)
	}
	found := 0
	for iter := c.Scan(ctx, 0, "quota:*", 2).Iterator(); iter.Next(ctx); {
		found++
	}
	if found != 3 {
		t.Fatalf("SCAN found %d quotas, want 3", found)
	}
}
