package server

// zsetRemoveCommands returns the rows of the commands that remove a range of a sorted set.
func zsetRemoveCommands() []*Command {
	return []*Command{zRemRangeByRankRow(), zRemRangeByScoreRow(), zRemRangeByLexRow()}
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
