package main

import (
	"context"
	"fmt"
)

// board is the one leaderboard of the loads on sorted sets. Its members are named as counters are.
const board = "board"

// boardPopulation is a leaderboard: with the default options, of a million members.
func boardPopulation() population {
	const (
		incr    = "ZINCRBY"
		incrAny = "ZINCRBY " + board + " 1 key:__rand_int__"
		top     = "ZREVRANGE 0 9"
		topTen  = "ZREVRANGE " + board + " 0 9 WITHSCORES"
	)
	return population{
		name: "a leaderboard",
		about: func(o options) string {
			return fmt.Sprintf("ZINCRBY, ZREVRANGE 0 9 WITHSCORES: one leaderboard of %s members.", short(o.keys))
		},
		fill: func(o options, addr string) error { return fill(addr, o.keys, enter(scattered(o.keys))) },
		loads: []closedLoad{
			{name: "zincrby/none/p16", what: incr, mode: modeNone, command: incrAny, pipeline: 16, cpu: 0.8},
			{name: "zrevrange/none/p16", what: top, mode: modeNone, command: topTen, pipeline: 16, cpu: 0.8},
			{name: "zincrby/always/p16", what: incr, mode: modeAlways, command: incrAny, pipeline: 16, cpu: 0.8},
			{name: "zrevrange/always/p16", what: top, mode: modeAlways, command: topTen, pipeline: 16, cpu: 0.8},
		},
	}
}

// boardScore is the score that a member starts with: whole numbers below about a million, some of them shared.
func boardScore(k int) int { return k * 7919 % 1_000_003 }

// enter is ZADD of member(i) to the leaderboard.
func enter(member func(i int) int) request {
	return func(dst []byte, i int) []byte {
		k := member(i)
		dst = append(dst, "*4\r\n$4\r\nZADD\r\n$5\r\n"+board...)
		dst = appendNumber(dst, boardScore(k))
		dst = append(dst, "\r\n$16\r\n"...)
		return append(appendKey(dst, k), "\r\n"...)
	}
}

// boardMemoryScenario measures the memory of the leaderboard of the closed loads.
func boardMemoryScenario(o options) scenario {
	return scenario{
		name:  "memory of a leaderboard",
		about: fmt.Sprintf("The leaderboard has %s members with 16-byte names and whole scores.", short(o.keys)),
		rows:  []row{figure("board/memory", "memory per member of a leaderboard", unitBytes, atMostTimes(0.8))},
		run:   measureBoardMemory,
	}
}

func measureBoardMemory(ctx context.Context, b *bench, turn subject, into readings) error {
	members := b.opts.keys
	return b.measureGrowth(ctx, turn, into, growth{"board/memory", members, func(addr string) error {
		return fill(addr, members, enter(scattered(members)))
	}})
}
