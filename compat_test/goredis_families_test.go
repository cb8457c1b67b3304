package compat

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// What a small program does with leaderboards, unique visitors, queues and bitmaps.

func keepLeaderboard(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	const players = 500
	if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range players {
			p.ZAdd(ctx, "board", redis.Z{Score: float64(i), Member: fmt.Sprintf("player:%d", i)})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if score, err := c.ZIncrBy(ctx, "board", 1000, "player:7").Result(); err != nil || score != 1007 {
		t.Fatalf("ZINCRBY: %v, %v", score, err)
	}
	top, err := c.ZRevRangeWithScores(ctx, "board", 0, 1).Result()
	if err != nil || len(top) != 2 || top[0] != (redis.Z{Score: 1007, Member: "player:7"}) || top[1].Member != "player:499" {
		t.Fatalf("ZREVRANGE: %v, %v", top, err)
	}
	if rank, err := c.ZRevRank(ctx, "board", "player:499").Result(); err != nil || rank != 1 {
		t.Fatalf("ZREVRANK: %d, %v", rank, err)
	}
	between, err := c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: "board", Start: "(10", Stop: "13", ByScore: true, Offset: 1, Count: 5}).Result()
	if err != nil || !slices.Equal(between, []string{"player:12", "player:13"}) {
		t.Fatalf("ZRANGE BYSCORE: %v, %v", between, err)
	}
	if n, err := c.ZUnionStore(ctx, "both", &redis.ZStore{Keys: []string{"board", "board"}, Aggregate: "SUM"}).Result(); err != nil || n != players {
		t.Fatalf("ZUNIONSTORE: %d, %v", n, err)
	}
	if popped, err := c.ZPopMax(ctx, "both").Result(); err != nil || len(popped) != 1 || popped[0].Score != 2014 {
		t.Fatalf("ZPOPMAX: %v, %v", popped, err)
	}
}

func countVisitors(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	for day, visitors := range map[string][]any{"mon": {"ann", "bob", "cid"}, "tue": {"bob", "dan"}} {
		if n, err := c.SAdd(ctx, "visitors:"+day, visitors...).Result(); err != nil || n != int64(len(visitors)) {
			t.Fatalf("SADD: %d, %v", n, err)
		}
		if err := c.PFAdd(ctx, "uniques:"+day, visitors...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if both, err := c.SInter(ctx, "visitors:mon", "visitors:tue").Result(); err != nil || !slices.Equal(both, []string{"bob"}) {
		t.Fatalf("SINTER: %v, %v", both, err)
	}
	if n, err := c.SUnionStore(ctx, "visitors:week", "visitors:mon", "visitors:tue").Result(); err != nil || n != 4 {
		t.Fatalf("SUNIONSTORE: %d, %v", n, err)
	}
	if there, err := c.SMIsMember(ctx, "visitors:week", "dan", "eve").Result(); err != nil || fmt.Sprint(there) != "[true false]" {
		t.Fatalf("SMISMEMBER: %v, %v", there, err)
	}
	if n, err := c.PFCount(ctx, "uniques:mon", "uniques:tue").Result(); err != nil || n != 4 {
		t.Fatalf("PFCOUNT: %d, %v", n, err)
	}
	if err := c.PFMerge(ctx, "uniques:week", "uniques:mon", "uniques:tue").Err(); err != nil || c.PFCount(ctx, "uniques:week").Val() != 4 {
		t.Fatalf("PFMERGE: %v", err)
	}
}

// passJobs has workers take jobs from a queue that is filled while they wait.
func passJobs(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	const jobs, workers = 60, 3
	var taken [workers][]string
	var working sync.WaitGroup
	for w := range workers {
		working.Go(func() {
			for {
				job, err := c.BLMove(ctx, "jobs", "taken", "LEFT", "RIGHT", patience).Result()
				if err != nil {
					t.Error(err)
				}
				if err != nil || job == "-1" {
					return
				}
				taken[w] = append(taken[w], job)
			}
		})
	}
	for i := range jobs + workers {
		if i >= jobs {
			i = -1 // nothing more to do, for one worker
		}
		if err := c.RPush(ctx, "jobs", i).Err(); err != nil {
			t.Fatal(err)
		}
	}
	working.Wait()
	seen := slices.Concat(taken[:]...)
	slices.Sort(seen)
	if n := c.LLen(ctx, "taken").Val(); len(slices.Compact(seen)) != jobs || n != jobs+workers {
		t.Fatalf("%d different jobs of %d, LLEN of those taken is %d", len(seen), jobs, n)
	}
	if popped, err := c.BLPop(ctx, time.Second, "nothing", "taken").Result(); err != nil || popped[0] != "taken" {
		t.Fatalf("BLPOP: %v, %v", popped, err)
	}
	if err := c.LTrim(ctx, "taken", -10, -1).Err(); err != nil || c.LLen(ctx, "taken").Val() != 10 {
		t.Fatalf("LTRIM: %v", err)
	}
	sorted, err := c.Sort(ctx, "taken", &redis.Sort{Order: "DESC", Count: 2}).Result()
	if err != nil || len(sorted) != 2 {
		t.Fatalf("SORT: %v, %v", sorted, err)
	}
}

func markDays(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	for _, day := range []int64{1, 5, 6, 364} {
		if err := c.SetBit(ctx, "days:ann", day, 1).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := c.BitCount(ctx, "days:ann", &redis.BitCount{Start: 0, End: -1}).Result(); err != nil || n != 4 {
		t.Fatalf("BITCOUNT: %d, %v", n, err)
	}
	if at, err := c.BitPos(ctx, "days:ann", 1, 1).Result(); err != nil || at != 364 {
		t.Fatalf("BITPOS: %d, %v", at, err)
	}
	got, err := c.BitField(ctx, "meters", "INCRBY", "u8", "#3", 250, "OVERFLOW", "SAT", "INCRBY", "u8", "#3", 250).Result()
	if err != nil || fmt.Sprint(got) != "[250 255]" {
		t.Fatalf("BITFIELD: %v, %v", got, err)
	}
	if n, err := c.BitOpNot(ctx, "days:off", "days:ann").Result(); err != nil || n != 46 {
		t.Fatalf("BITOP: %d, %v", n, err)
	}
}

// moveKeys dumps, restores, copies and renames a value of every type.
func moveKeys(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	for _, key := range []string{"stock", "profile:ann", "board", "visitors:week", "taken", "days:ann", "uniques:week"} {
		payload, err := c.Dump(ctx, key).Result()
		if err != nil {
			t.Fatalf("DUMP %s: %v", key, err)
		}
		if err := c.RestoreReplace(ctx, "restored", time.Hour, payload).Err(); err != nil {
			t.Fatalf("RESTORE of %s: %v", key, err)
		}
		if n, err := c.Copy(ctx, "restored", "copied", 0, true).Result(); err != nil || n != 1 {
			t.Fatalf("COPY of %s: %d, %v", key, n, err)
		}
		if err := c.Rename(ctx, "copied", "renamed").Err(); err != nil {
			t.Fatal(err)
		}
		if want, got := c.Type(ctx, key).Val(), c.Type(ctx, "renamed").Val(); got != want {
			t.Fatalf("%s became a %s, was a %s", key, got, want)
		}
		if ttl := c.TTL(ctx, "renamed").Val(); ttl <= 0 || ttl > time.Hour {
			t.Fatalf("TTL of the copy of %s: %v", key, ttl)
		}
		if again := c.Dump(ctx, "renamed").Val(); len(again) != len(payload) {
			t.Fatalf("%s: the copy's DUMP is %d bytes long, was %d", key, len(again), len(payload))
		}
	}
}
