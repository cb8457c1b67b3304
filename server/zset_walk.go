package server

import (
	"math/rand/v2"

	"quipu/engine"
	"quipu/server/number"
)

// zsetWalkCommands returns the rows of the commands that walk a sorted set without regard to its order, or pick members at random.
func zsetWalkCommands() []*Command { return []*Command{zScanRow(), zRandMemberRow()} }

func zScanRow() *Command {
	return &Command{
		Name: "zscan", Arity: -3, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "2.8.0",
		Summary:    "Walks the members of a sorted set and their scores, a few per call.",
		Complexity: "O(1) per call, O(N) for a whole walk over N members.",
		Tips:       []string{"nondeterministic_output"},
		Args:       elementScanArgs(),
		Run:        zScan,
	}
}

func zScan(c *Call) error {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		return errCursor
	}
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	var found nameList
	if z.Len() == 0 {
		answerScan(c, 0, &found)
		return nil
	}
	s, err := parseElementScan(c.Args[3:], false)
	if err != nil {
		return err
	}
	appendScore := number.AppendDouble
	if c.Txn.Encoding(c.Keys[0]) == "listpack" { // of which Redis answers the text
		appendScore = number.AppendStored
	}
	next := z.Scan(cursor, s.count, func(member []byte, score float64) {
		if s.wants(member) {
			var text [32]byte
			found.add(member)
			found.add(appendScore(text[:0], score))
		}
	})
	answerScan(c, next, &found)
	return nil
}

func zRandMemberRow() *Command {
	return &Command{
		Name: "zrandmember", Arity: -2, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "6.2.0",
		Summary:    "Returns a member of a sorted set picked at random, or several.",
		Complexity: "O(M log N) for M members of a set of N.",
		Tips:       []string{"nondeterministic_output"},
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "options", Type: ArgBlock, Flags: ArgOptional, Sub: []Arg{
				{Name: "count", Type: ArgInteger},
				{Name: "withscores", Type: ArgPureToken, Token: "WITHSCORES", Flags: ArgOptional},
			}},
		},
		Run: zRandMember,
	}
}

func zRandMember(c *Call) error {
	if len(c.Args) > 2 {
		return zRandMembers(c)
	}
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	if z.Len() == 0 {
		c.Out.Null()
		return nil
	}
	z.Walk(rand.IntN(z.Len()), 1, false, func(member []byte, _ float64) { c.Out.Bulk(member) })
	return nil
}

// zRandMembers is ZRANDMEMBER with a count: so many different members, or, for a negative count, so many picks of which some may be equal.
func zRandMembers(c *Call) error {
	count, withScores, err := parseRandomCount(c.Args[2:], "WITHSCORES")
	if err != nil {
		return err
	}
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	switch size := int64(z.Len()); {
	case count == 0 || size == 0:
		c.Out.Array(0)
	case count < 0:
		return pickMembers(c, &z, -count, withScores)
	case count >= size: // all of them, in Redis's order
		scoredHeader(c, z.Len(), withScores)
		z.Walk(z.Len()-1, z.Len(), true, func(member []byte, score float64) { answerScored(c, member, score, withScores) })
	default:
		sampleMembers(c, &z, int(count), withScores)
	}
	return nil
}

// pickMembers answers n picks. Redis goes on until its memory is full; here the reply has a limit, since a short command should not cost
// that.
func pickMembers(c *Call, z *engine.SortedSet, n int64, withScores bool) error {
	start, limit := c.Out.Len(), int(c.Srv.cfg.Load().ProtoMaxBulkLen)
	if n > int64(limit/len("$0\r\n\r\n")) {
		return ErrOutOfRangeInt
	}
	scoredHeader(c, int(n), withScores)
	for range n {
		if c.Out.Len()-start > limit {
			return ErrOutOfRangeInt
		}
		answerMember(c, z, rand.IntN(z.Len()), withScores)
	}
	return nil
}

func answerMember(c *Call, z *engine.SortedSet, rank int, withScores bool) {
	z.Walk(rank, 1, false, func(member []byte, score float64) { answerScored(c, member, score, withScores) })
}

// sampleMembers answers n different members of more: by rank while they are few of many, which is a search for each, and otherwise chosen
// in one walk over all.
func sampleMembers(c *Call, z *engine.SortedSet, n int, withScores bool) {
	scoredHeader(c, n, withScores)
	size := z.Len()
	if n < size/16 {
		for _, rank := range distinctRanks(n, size) {
			answerMember(c, z, rank, withScores)
		}
		return
	}
	s := sampler{wanted: n, left: size}
	z.Walk(0, size, false, func(member []byte, score float64) {
		if s.take() {
			answerScored(c, member, score, withScores)
		}
	})
}

// distinctRanks returns n different numbers below size, all sets of them equally likely. n is small beside size.
func distinctRanks(n, size int) []int {
	ranks, seen := make([]int, 0, n), make(map[int]bool, n)
	for len(ranks) < n {
		if rank := rand.IntN(size); !seen[rank] {
			seen[rank] = true
			ranks = append(ranks, rank)
		}
	}
	return ranks
}
