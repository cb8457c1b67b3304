package server

import (
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// zsetCommands returns the rows of the commands about single members of a sorted set. Those about ranges are in zset_range.go and
// zset_remove.go, those about several sets in zset_combine.go, those that pick or walk in zset_walk.go.
func zsetCommands() []*Command {
	return []*Command{
		zAddRow(), zIncrByRow(), zRemRow(), zCardRow(), zScoreRow(), zMScoreRow(), zRankRow(), zRevRankRow(),
	}
}

func zAddRow() *Command {
	return &Command{
		Name: "zadd", Arity: -4, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		Member: 3, MemberStep: 2,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatSortedSet | CatFast, Group: "sorted-set", Since: "1.2.0",
		Summary:    "Gives members of a sorted set their scores; members that are missing are added.",
		Complexity: "O(log N) for each member, in a set of N members.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "condition", Type: ArgOneOf, Since: "3.0.2", Flags: ArgOptional, Sub: []Arg{
				{Name: "nx", Type: ArgPureToken, Token: "NX"},
				{Name: "xx", Type: ArgPureToken, Token: "XX"},
			}},
			{Name: "comparison", Type: ArgOneOf, Since: "6.2.0", Flags: ArgOptional, Sub: []Arg{
				{Name: "gt", Type: ArgPureToken, Token: "GT"},
				{Name: "lt", Type: ArgPureToken, Token: "LT"},
			}},
			{Name: "change", Type: ArgPureToken, Token: "CH", Since: "3.0.2", Flags: ArgOptional},
			{Name: "increment", Type: ArgPureToken, Token: "INCR", Since: "3.0.2", Flags: ArgOptional},
			{Name: "score_member", Type: ArgBlock, Flags: ArgMultiple, Sub: []Arg{
				{Name: "score", Type: ArgDouble},
				{Name: "member"},
			}},
		},
		Run: zAdd,
	}
}

func zAdd(c *Call) error { return addScores(c, 0) }

func zIncrByRow() *Command {
	return &Command{
		Name: "zincrby", Arity: 4, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     3,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatSortedSet | CatFast, Group: "sorted-set", Since: "1.2.0",
		Summary:    "Adds a number to the score of a member; a missing member counts as 0.",
		Complexity: "O(log N) in a set of N members.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "increment", Type: ArgInteger}, {Name: "member"}},
		Run:        zIncrBy,
	}
}

func zIncrBy(c *Call) error { return addScores(c, zAddIncr) }

// zAddWord is a set of the optional words of ZADD.
type zAddWord uint8

const (
	zAddNX zAddWord = 1 << iota
	zAddXX
	zAddGT
	zAddLT
	zAddCH
	zAddIncr
)

// zAddWordOf returns the word that arg is, 0 for none.
func zAddWordOf(arg []byte) zAddWord {
	switch {
	case len(arg) < 2 || arg[0] < 'A': // a score, most of the time
		return 0
	case isWord(arg, "NX"):
		return zAddNX
	case isWord(arg, "XX"):
		return zAddXX
	case isWord(arg, "GT"):
		return zAddGT
	case isWord(arg, "LT"):
		return zAddLT
	case isWord(arg, "CH"):
		return zAddCH
	case isWord(arg, "INCR"):
		return zAddIncr
	}
	return 0
}

// parseZAdd reads the words behind the key and returns them, added to w, with the pairs of score and member that follow.
func parseZAdd(args [][]byte, w zAddWord) (zAddWord, [][]byte, error) {
	pairs := args
	for len(pairs) > 0 {
		word := zAddWordOf(pairs[0])
		if word == 0 {
			break
		}
		w |= word
		pairs = pairs[1:]
	}
	switch {
	case len(pairs) == 0 || len(pairs)%2 != 0:
		return w, nil, ErrSyntax
	case w&(zAddNX|zAddXX) == zAddNX|zAddXX:
		return w, nil, errZAddCondition
	case w&zAddGT != 0 && w&(zAddNX|zAddLT) != 0, w&(zAddLT|zAddNX) == zAddLT|zAddNX:
		return w, nil, errZAddComparison
	case w&zAddIncr != 0 && len(pairs) > 2:
		return w, nil, errZAddIncr
	}
	return w, pairs, nil
}

// addScores is ZADD, and with zAddIncr ZINCRBY, which reads the same words.
func addScores(c *Call, w zAddWord) error {
	w, pairs, err := parseZAdd(c.Args[2:], w)
	if err != nil {
		return err
	}
	for i := 0; i < len(pairs); i += 2 { // nothing is added when one of them is bad
		if _, ok := number.ParseFloat(pairs[i]); !ok {
			return ErrNotFloat
		}
	}
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	if w&zAddIncr != 0 {
		return addToScore(c, &z, w, pairs)
	}
	added, updated := 0, 0
	for i := 0; i < len(pairs); i += 2 {
		score, _ := number.ParseFloat(pairs[i])
		_, outcome, err := w.apply(&z, pairs[i+1], score)
		switch {
		case err != nil:
			return err
		case outcome == scoreAdded:
			added++
		case outcome == scoreUpdated:
			updated++
		}
	}
	if w&zAddCH != 0 {
		added += updated
	}
	c.Out.Int(int64(added))
	return nil
}

// addToScore is ZADD with INCR: the answer is the new score, or null when a condition forbids it.
func addToScore(c *Call, z *engine.SortedSet, w zAddWord, pair [][]byte) error {
	delta, _ := number.ParseFloat(pair[0])
	score, outcome, err := w.apply(z, pair[1], delta)
	switch {
	case err != nil:
		return err
	case outcome == scoreRefused:
		c.Out.Null()
	default:
		c.Out.Double(score)
	}
	return nil
}

// scoreOutcome is what became of a member and its score.
type scoreOutcome uint8

const (
	scoreRefused scoreOutcome = iota // by a condition
	scoreAdded
	scoreUpdated
	scoreSame
)

// apply gives a member its score as the words demand, and returns the score that it has afterwards.
func (w zAddWord) apply(z *engine.SortedSet, member []byte, score float64) (float64, scoreOutcome, error) {
	old, found := z.Score(member)
	if !found {
		if w&zAddXX != 0 {
			return 0, scoreRefused, nil
		}
		_, err := z.Add(member, score)
		return score, scoreAdded, err
	}
	if w&zAddNX != 0 {
		return 0, scoreRefused, nil
	}
	if w&zAddIncr != 0 {
		if score += old; math.IsNaN(score) {
			return 0, scoreRefused, errScoreNaN
		}
	}
	switch {
	case w&zAddLT != 0 && score >= old, w&zAddGT != 0 && score <= old:
		return 0, scoreRefused, nil
	case score == old:
		return score, scoreSame, nil
	}
	_, err := z.Add(member, score)
	return score, scoreUpdated, err
}

func zRemRow() *Command {
	return &Command{
		Name: "zrem", Arity: -3, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		Member: 2, MemberStep: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatSortedSet | CatFast, Group: "sorted-set", Since: "1.2.0",
		Summary:    "Removes members of a sorted set; the set goes with its last member.",
		Complexity: "O(M log N) for M members of a set of N.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "member", Flags: ArgMultiple}},
		Run:        zRem,
	}
}

func zRem(c *Call) error {
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	removed := 0
	for _, member := range c.Args[2:] {
		if z.Remove(member) {
			removed++
		}
	}
	c.Out.Int(int64(removed))
	return nil
}

func zCardRow() *Command {
	return &Command{
		Name: "zcard", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatFast, Group: "sorted-set", Since: "1.2.0",
		Summary:    "Returns the number of members of a sorted set.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        zCard,
	}
}

func zCard(c *Call) error {
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	c.Out.Int(int64(z.Len()))
	return nil
}

func zScoreRow() *Command {
	return &Command{
		Name: "zscore", Arity: 3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     2,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatFast, Group: "sorted-set", Since: "1.2.0",
		Summary:    "Returns the score of a member.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "member"}},
		Run:        zScore,
	}
}

func zScore(c *Call) error {
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	answerScore(c, &z, c.Args[2])
	return nil
}

// answerScore answers the score of a member, or null.
func answerScore(c *Call, z *engine.SortedSet, member []byte) {
	score, found := z.Score(member)
	if !found {
		c.Out.Null()
		return
	}
	c.Out.Double(score)
}

func zMScoreRow() *Command {
	return &Command{
		Name: "zmscore", Arity: -3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		Member: 2, MemberStep: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatFast, Group: "sorted-set", Since: "6.2.0",
		Summary:    "Returns the scores of several members.",
		Complexity: "O(M) for M members.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "member", Flags: ArgMultiple}},
		Run:        zMScore,
	}
}

func zMScore(c *Call) error {
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	members := c.Args[2:]
	c.Out.Array(len(members))
	for _, member := range members {
		answerScore(c, &z, member)
	}
	return nil
}

func zRankRow() *Command {
	return &Command{
		Name: "zrank", Arity: -3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     2,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatFast, Group: "sorted-set", Since: "2.0.0",
		Summary:    "Returns the place of a member, counted from the lowest score: 0 for the first.",
		Complexity: "O(log N) in a set of N members.",
		Args:       rankArgs(),
		Run:        zRank,
	}
}

// rankArgs returns the arguments of ZRANK and ZREVRANK.
func rankArgs() []Arg {
	return []Arg{
		{Name: "key", Type: ArgKey},
		{Name: "member"},
		{Name: "withscore", Type: ArgPureToken, Token: "WITHSCORE", Since: "7.2.0", Flags: ArgOptional},
	}
}

func zRank(c *Call) error { return answerRank(c, false) }

func zRevRankRow() *Command {
	return &Command{
		Name: "zrevrank", Arity: -3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     2,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatFast, Group: "sorted-set", Since: "2.0.0",
		Summary:    "Returns the place of a member, counted from the highest score: 0 for the last.",
		Complexity: "O(log N) in a set of N members.",
		Args:       rankArgs(),
		Run:        zRevRank,
	}
}

func zRevRank(c *Call) error { return answerRank(c, true) }

// answerRank answers the rank of a member, with WITHSCORE its score too.
func answerRank(c *Call, backwards bool) error {
	withScore := len(c.Args) > 3
	switch {
	case len(c.Args) > 4:
		return errArity(c.Cmd.FullName())
	case withScore && !isWord(c.Args[3], "WITHSCORE"):
		return ErrSyntax
	}
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	rank, score, found := z.Rank(c.Args[2])
	switch {
	case !found && withScore:
		c.Out.NullArray()
		return nil
	case !found:
		c.Out.Null()
		return nil
	case withScore:
		c.Out.Array(2)
	}
	if backwards {
		rank = z.Len() - 1 - rank
	}
	c.Out.Int(int64(rank))
	if withScore {
		c.Out.Double(score)
	}
	return nil
}
