package server

import (
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// zsetRemoveCommands returns the rows of the commands that remove a range of a sorted set, or its ends.
func zsetRemoveCommands() []*Command {
	return []*Command{
		zRemRangeByRankRow(), zRemRangeByScoreRow(), zRemRangeByLexRow(), zPopMinRow(), zPopMaxRow(), zMPopRow(),
	}
}

func zRemRangeByRankRow() *Command {
	return &Command{
		Name: "zremrangebyrank", Arity: 4, Flags: FlagWrite, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatSortedSet | CatSlow, Group: "sorted-set", Since: "2.0.0",
		Summary:    "Removes the members in a range of ranks.",
		Complexity: "O(log N + M) for M members of a set of N.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "start", Type: ArgInteger}, {Name: "stop", Type: ArgInteger}},
		Run:        zRemRangeByRank,
	}
}

func zRemRangeByRank(c *Call) error { return removeRange(c, rangeQuery{by: byRank, limit: -1}) }

func zRemRangeByScoreRow() *Command {
	return &Command{
		Name: "zremrangebyscore", Arity: 4, Flags: FlagWrite, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatSortedSet | CatSlow, Group: "sorted-set", Since: "1.2.0",
		Summary:    "Removes the members in a range of scores.",
		Complexity: "O(log N + M) for M members of a set of N.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "min", Type: ArgDouble}, {Name: "max", Type: ArgDouble}},
		Run:        zRemRangeByScore,
	}
}

func zRemRangeByScore(c *Call) error { return removeRange(c, rangeQuery{by: byScore, limit: -1}) }

func zRemRangeByLexRow() *Command {
	return &Command{
		Name: "zremrangebylex", Arity: 4, Flags: FlagWrite, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatSortedSet | CatSlow, Group: "sorted-set", Since: "2.8.9",
		Summary:    "Removes the members in a range of names, in a set whose scores are all equal.",
		Complexity: "O(log N + M) for M members of a set of N.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "min"}, {Name: "max"}},
		Run:        zRemRangeByLex,
	}
}

func zRemRangeByLex(c *Call) error { return removeRange(c, rangeQuery{by: byLex, limit: -1}) }

// removeRange removes the range from Args[2] to Args[3] and answers how many members that were.
func removeRange(c *Call, r rangeQuery) error {
	if err := r.parseEnds(c.Args[2], c.Args[3]); err != nil {
		return err
	}
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	from, n := r.resolve(&z)
	if err := z.RemoveRange(from, n); err != nil {
		return err
	}
	c.Out.Int(int64(n))
	return nil
}

func zPopMinRow() *Command {
	return &Command{
		Name: "zpopmin", Arity: -2, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatSortedSet | CatFast, Group: "sorted-set", Since: "5.0.0",
		Summary:    "Removes the members with the lowest scores and returns them.",
		Complexity: "O(M log N) for M members of a set of N.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "count", Type: ArgInteger, Flags: ArgOptional}},
		Run:        zPopMin,
	}
}

func zPopMin(c *Call) error { return popCount(c, false) }

func zPopMaxRow() *Command {
	return &Command{
		Name: "zpopmax", Arity: -2, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatSortedSet | CatFast, Group: "sorted-set", Since: "5.0.0",
		Summary:    "Removes the members with the highest scores and returns them.",
		Complexity: "O(M log N) for M members of a set of N.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "count", Type: ArgInteger, Flags: ArgOptional}},
		Run:        zPopMax,
	}
}

func zPopMax(c *Call) error { return popCount(c, true) }

// popCount is ZPOPMIN and ZPOPMAX. With a count, RESP3 answers pairs.
func popCount(c *Call, highest bool) error {
	count := int64(1)
	switch {
	case len(c.Args) > 3:
		return ErrSyntax
	case len(c.Args) == 3:
		n, ok := number.ParseInt(c.Args[2])
		if !ok || n < 0 {
			return ErrMustBePositive
		}
		count = n
	}
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	n := int(min(count, int64(z.Len())))
	pairs := c.Out.Protocol() == 3 && len(c.Args) == 3
	if pairs {
		c.Out.Array(n)
	} else {
		c.Out.Array(2 * n)
	}
	return pop(c, &z, n, highest, pairs)
}

// pop removes n members from an end of the set and writes them, in pairs or flat.
func pop(c *Call, z *engine.SortedSet, n int, highest, pairs bool) error {
	from, lowest := 0, 0
	if highest {
		from, lowest = z.Len()-1, z.Len()-n
	}
	z.Walk(from, n, highest, func(member []byte, score float64) {
		if pairs {
			c.Out.Array(2)
		}
		c.Out.Bulk(member)
		c.Out.Double(score)
	})
	return z.RemoveRange(lowest, n)
}

func zMPopRow() *Command {
	return &Command{
		Name: "zmpop", Arity: -4, Flags: FlagWrite | FlagMovableKeys, GetKeys: countedKeys(1),
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Counted: true}},
		Categories: CatWrite | CatSortedSet | CatSlow, Group: "sorted-set", Since: "7.0.0",
		Summary:    "Removes members from an end of the first of several sorted sets that is not empty, and returns them.",
		Complexity: "O(K + M log N) for K keys and M members of a set of N.",
		Args:       mpopArgs(),
		Run:        zMPop,
	}
}

// mpopArgs returns the arguments of ZMPOP, which BZMPOP has, too.
func mpopArgs() []Arg {
	return []Arg{
		{Name: "numkeys", Type: ArgInteger},
		{Name: "key", Type: ArgKey, Flags: ArgMultiple},
		{Name: "where", Type: ArgOneOf, Sub: []Arg{
			{Name: "min", Type: ArgPureToken, Token: "MIN"},
			{Name: "max", Type: ArgPureToken, Token: "MAX"},
		}},
		{Name: "count", Type: ArgInteger, Token: "COUNT", Flags: ArgOptional},
	}
}

func zMPop(c *Call) error {
	p, err := parseMPop(c.Args[1:])
	if err != nil {
		return err
	}
	done, err := p.run(c)
	if err == nil && !done {
		c.Out.NullArray()
	}
	return err
}

// mpop is what ZMPOP and BZMPOP ask for.
type mpop struct {
	highest bool
	count   int64
}

// parseMPop reads the number of keys, the first argument, and what comes behind the keys.
func parseMPop(args [][]byte) (p mpop, err error) {
	p.count = 1
	n, ok := number.ParseInt(args[0])
	if !ok || n < 1 {
		return p, errKeyCount
	}
	if n >= int64(len(args)-1) {
		return p, ErrSyntax
	}
	words := args[1+n:]
	switch {
	case isWord(words[0], "MAX"):
		p.highest = true
	case !isWord(words[0], "MIN"):
		return p, ErrSyntax
	}
	switch words = words[1:]; {
	case len(words) == 0:
		return p, nil
	case len(words) < 2 || !isWord(words[0], "COUNT"):
		return p, ErrSyntax
	}
	if p.count, ok = number.ParseInt(words[1]); !ok || p.count < 1 {
		return p, errPopCount
	}
	if len(words) > 2 {
		return p, ErrSyntax
	}
	return p, nil
}

// run pops from the first set that there is, and reports whether there was one.
func (p mpop) run(c *Call) (bool, error) {
	for i, k := range c.Keys {
		z, err := c.Txn.SortedSet(k)
		if err != nil {
			return false, err
		}
		if z.Len() == 0 {
			continue
		}
		n := int(min(p.count, int64(z.Len()), math.MaxInt32))
		c.Out.Array(2)
		c.Out.Bulk(c.Keys[i].Name)
		c.Out.Array(n)
		return true, pop(c, &z, n, p.highest, true)
	}
	return false, nil
}
