package server

import (
	"fmt"
	"strconv"
	"testing"
)

// TestSortedSetsServeWhoWaits: whatever makes a sorted set serves those who wait for one, and nothing else does.
func TestSortedSetsServeWhoWaits(t *testing.T) {
	ts := startServer(t)
	c, lowest, highest, many := ts.dial(), ts.dial(), ts.dial(), ts.dial()
	lowest.sendBlocking(ts, "BZPOPMIN other board 0")
	highest.sendBlocking(ts, "BZPOPMAX board 0")
	many.sendBlocking(ts, "BZMPOP 0 1 board MIN COUNT 2")
	c.want("RPUSH board a", "(integer) 1")
	c.want("DEL board", "(integer) 1")
	c.want("ZADD board 1 a 2 b 3 c 4 d 5 e", "(integer) 5")
	lowest.wantNext(`1) "board" 2) "a" 3) "1"`)
	highest.wantNext(`1) "board" 2) "e" 3) "5"`)
	many.wantNext(`1) "board" 2) 1) 1) "b" 2) "2" 2) 1) "c" 2) "3"`)
	c.want("ZRANGE board 0 -1", `1) "d"`)

	lowest.sendBlocking(ts, "BZPOPMIN union 0")
	c.want("ZUNIONSTORE union 1 board", "(integer) 1")
	lowest.wantNext(`1) "union" 2) "d" 3) "4"`)
	lowest.sendBlocking(ts, "BZPOPMIN renamed 0")
	c.want("RENAME board renamed", "OK")
	lowest.wantNext(`1) "renamed" 2) "d" 3) "4"`)
	c.want("DBSIZE", "(integer) 0")

	c.want("SET board text", "OK")
	c.want("BZPOPMIN none board 0", "(error) WRONGTYPE Operation against a key holding the wrong kind of value")
	c.want("BZPOPMIN none 0.001", "(nil)")
	c.want("BZMPOP x 1 none MIN", "(error) ERR timeout is not a float or out of range")
	c.want("BZMPOP x 1 none MIDDLE", "(error) ERR syntax error")
}

// leaderboard returns ZADD of so many members.
func leaderboard(name string, members int) []string {
	args := []string{"ZADD", name}
	for i := range members {
		args = append(args, strconv.Itoa(i*7), fmt.Sprintf("player:%d", i))
	}
	return args
}

func TestSortedSetsDoNotAllocate(t *testing.T) {
	eng := openMemory(t)
	for _, size := range []int{20, 2000} {
		board := fmt.Sprint("board:", size)
		newBench(t, eng, zAddRow(), leaderboard(board, size)...)
		for row, args := range map[*Command][]string{
			zIncrByRow():          {"ZINCRBY", board, "3", "player:7"},
			zAddRow():             {"ZADD", board, "40", "player:8", "50.5", "player:9"},
			zScoreRow():           {"ZSCORE", board, "player:7"},
			zRankRow():            {"ZRANK", board, "player:7"},
			zRevRankRow():         {"ZREVRANK", board, "player:7"},
			zCardRow():            {"ZCARD", board},
			zCountRow():           {"ZCOUNT", board, "(10", "+inf"},
			zRangeRow():           {"ZRANGE", board, "10", "90", "BYSCORE", "WITHSCORES", "LIMIT", "0", "5"},
			zRevRangeRow():        {"ZREVRANGE", board, "0", "9", "WITHSCORES"},
			zRangeByScoreRow():    {"ZRANGEBYSCORE", board, "-inf", "100"},
			zRemRangeByScoreRow(): {"ZREMRANGEBYSCORE", board, "-inf", "(0"},
		} {
			b := newBench(t, eng, row, args...)
			if n := testing.AllocsPerRun(1000, func() { b.run(t) }); n != 0 {
				t.Errorf("%v: %v allocations", args, n)
			}
		}
	}
}
