package server

import (
	"quipu/engine"
	"quipu/server/number"
)

// zsetRangeCommands returns the rows of the commands that return, count or store a range of a sorted set.
func zsetRangeCommands() []*Command {
	return []*Command{
		zRangeRow(), zRevRangeRow(), zRangeByScoreRow(), zRevRangeByScoreRow(), zRangeByLexRow(), zRevRangeByLexRow(), zRangeStoreRow(),
		zCountRow(), zLexCountRow(),
	}
}

// rangeBy is what a range goes by.
type rangeBy uint8

const (
	byRank rangeBy = iota
	byScore
	byLex
)

// rangeQuery is what ZRANGE and its kin ask for.
type rangeQuery struct {
	by          rangeBy
	backwards   bool
	withScores  bool
	limited     bool // LIMIT has a count other than -1
	start, stop int64
	scores      engine.ScoreRange
	lex         engine.LexRange
	offset      int64
	limit       int64 // negative: none
}

// rangeForm is what the name of a command says about the range; the words of ZRANGE say it where the name does not.
type rangeForm struct {
	by        rangeBy
	backwards bool
	fixed     bool // the name has said it all: BYSCORE and BYLEX are not known
	fixedWay  bool // neither is REV
	store     bool // the range is stored with its scores: WITHSCORES is not known
}

// parseRange reads the ends of a range, the first two arguments, and the words after them.
func parseRange(args [][]byte, form rangeForm) (rangeQuery, error) {
	r := rangeQuery{by: form.by, backwards: form.backwards, limit: -1}
	if err := r.parseWords(args[2:], form); err != nil {
		return r, err
	}
	switch {
	case r.limited && r.by == byRank:
		return r, errRankLimit
	case r.withScores && r.by == byLex:
		return r, errLexScores
	}
	low, high := args[0], args[1]
	if r.backwards && r.by != byRank {
		low, high = high, low
	}
	return r, r.parseEnds(low, high)
}

func (r *rangeQuery) parseWords(args [][]byte, form rangeForm) error {
	decided := form.fixed
	for ; len(args) > 0; args = args[1:] {
		switch {
		case !form.store && isWord(args[0], "WITHSCORES"):
			r.withScores = true
		case isWord(args[0], "LIMIT") && len(args) >= 3:
			if err := r.parseLimit(args[1], args[2]); err != nil {
				return err
			}
			args = args[2:]
		case !form.fixedWay && !r.backwards && isWord(args[0], "REV"):
			r.backwards = true
		case !decided && isWord(args[0], "BYLEX"):
			r.by, decided = byLex, true
		case !decided && isWord(args[0], "BYSCORE"):
			r.by, decided = byScore, true
		default:
			return ErrSyntax
		}
	}
	return nil
}

func (r *rangeQuery) parseLimit(offset, count []byte) error {
	var offsetOK, countOK bool
	r.offset, offsetOK = number.ParseInt(offset)
	r.limit, countOK = number.ParseInt(count)
	if !offsetOK || !countOK {
		return ErrNotInteger
	}
	r.limited = r.limit != -1
	return nil
}

func (r *rangeQuery) parseEnds(low, high []byte) (err error) {
	switch r.by {
	case byScore:
		r.scores, err = parseScoreRange(low, high)
	case byLex:
		r.lex, err = parseLexRange(low, high)
	default:
		var lowOK, highOK bool
		r.start, lowOK = number.ParseInt(low)
		r.stop, highOK = number.ParseInt(high)
		if !lowOK || !highOK {
			err = ErrNotInteger
		}
	}
	return err
}

// resolve returns the rank of the member to begin with, and how many there are from it on in the range's direction.
func (r *rangeQuery) resolve(z *engine.SortedSet) (from, n int) {
	switch r.by {
	case byRank:
		from, n = rankRange(r.start, r.stop, z.Len())
		if r.backwards {
			from = z.Len() - 1 - from
		}
		return from, n
	case byScore:
		if from, n = z.ByScore(r.scores); r.backwards {
			from += n - 1
		}
	default:
		from, n = z.ByLex(r.lex, r.backwards)
	}
	return r.skip(from, n)
}

// skip applies LIMIT. A negative offset leaves nothing.
func (r *rangeQuery) skip(from, n int) (int, int) {
	if r.offset < 0 || r.offset >= int64(n) {
		return 0, 0
	}
	if r.backwards {
		from -= int(r.offset)
	} else {
		from += int(r.offset)
	}
	n -= int(r.offset)
	if r.limit >= 0 {
		n = int(min(int64(n), r.limit))
	}
	return from, n
}

// answerRange answers the range that the arguments behind the key name.
func answerRange(c *Call, form rangeForm) error {
	r, err := parseRange(c.Args[2:], form)
	if err != nil {
		return err
	}
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	from, n := r.resolve(&z)
	scoredHeader(c, n, r.withScores)
	z.Walk(from, n, r.backwards, func(member []byte, score float64) {
		answerScored(c, member, score, r.withScores)
	})
	return nil
}

// scoredHeader writes the header for n members, with or without scores: in RESP3, a member and its score come as a pair.
func scoredHeader(c *Call, n int, withScores bool) {
	if withScores && c.Out.Protocol() == 2 {
		n *= 2
	}
	c.Out.Array(n)
}

// answerScored writes a member, with or without its score, below such a header.
func answerScored(c *Call, member []byte, score float64, withScores bool) {
	if !withScores {
		c.Out.Bulk(member)
		return
	}
	if c.Out.Protocol() == 3 {
		c.Out.Array(2)
	}
	c.Out.Bulk(member)
	c.Out.Double(score)
}

func zRangeRow() *Command {
	return &Command{
		Name: "zrange", Arity: -4, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "1.2.0",
		Summary:    "Returns the members in a range of ranks, scores or names, from the lowest score or the highest.",
		Complexity: "O(log N + M) for M members of a set of N.",
		Args: append(rangeArgs("start", "stop", "6.2.0"),
			Arg{Name: "withscores", Type: ArgPureToken, Token: "WITHSCORES", Flags: ArgOptional}),
		Run: zRange,
	}
}

// rangeArgs returns the arguments that ZRANGE and ZRANGESTORE have in common. since is of the words.
func rangeArgs(low, high, since string) []Arg {
	return []Arg{
		{Name: "key", Type: ArgKey},
		{Name: low},
		{Name: high},
		{Name: "sortby", Type: ArgOneOf, Since: since, Flags: ArgOptional, Sub: []Arg{
			{Name: "byscore", Type: ArgPureToken, Token: "BYSCORE"},
			{Name: "bylex", Type: ArgPureToken, Token: "BYLEX"},
		}},
		{Name: "rev", Type: ArgPureToken, Token: "REV", Since: since, Flags: ArgOptional},
		limitArg(since),
	}
}

// limitArg returns the argument LIMIT of the commands about ranges.
func limitArg(since string) Arg {
	return Arg{Name: "offset_count", Type: ArgBlock, Token: "LIMIT", Since: since, Flags: ArgOptional, Sub: []Arg{
		{Name: "offset", Type: ArgInteger},
		{Name: "count", Type: ArgInteger},
	}}
}

func zRange(c *Call) error { return answerRange(c, rangeForm{}) }

func zRevRangeRow() *Command {
	return &Command{
		Name: "zrevrange", Arity: -4, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "1.2.0",
		Summary:    "Returns the members in a range of ranks, counted from the highest score.",
		Complexity: "O(log N + M) for M members of a set of N.",
		DocFlags:   []string{"deprecated"}, Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the `REV` argument",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "start", Type: ArgInteger},
			{Name: "stop", Type: ArgInteger},
			{Name: "withscores", Type: ArgPureToken, Token: "WITHSCORES", Flags: ArgOptional},
		},
		Run: zRevRange,
	}
}

func zRevRange(c *Call) error {
	return answerRange(c, rangeForm{backwards: true, fixed: true, fixedWay: true})
}

func zRangeByScoreRow() *Command {
	return &Command{
		Name: "zrangebyscore", Arity: -4, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "1.0.5",
		Summary:    "Returns the members in a range of scores, from the lowest.",
		Complexity: "O(log N + M) for M members of a set of N.",
		DocFlags:   []string{"deprecated"}, Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the `BYSCORE` argument",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "min", Type: ArgDouble},
			{Name: "max", Type: ArgDouble},
			{Name: "withscores", Type: ArgPureToken, Token: "WITHSCORES", Since: "2.0.0", Flags: ArgOptional},
			limitArg(""),
		},
		Run: zRangeByScore,
	}
}

func zRangeByScore(c *Call) error {
	return answerRange(c, rangeForm{by: byScore, fixed: true, fixedWay: true})
}

func zRevRangeByScoreRow() *Command {
	return &Command{
		Name: "zrevrangebyscore", Arity: -4, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "2.2.0",
		Summary:    "Returns the members in a range of scores, from the highest.",
		Complexity: "O(log N + M) for M members of a set of N.",
		DocFlags:   []string{"deprecated"}, Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the `REV` and `BYSCORE` arguments",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "max", Type: ArgDouble},
			{Name: "min", Type: ArgDouble},
			{Name: "withscores", Type: ArgPureToken, Token: "WITHSCORES", Flags: ArgOptional},
			limitArg(""),
		},
		Run: zRevRangeByScore,
	}
}

func zRevRangeByScore(c *Call) error {
	return answerRange(c, rangeForm{by: byScore, backwards: true, fixed: true, fixedWay: true})
}

func zRangeByLexRow() *Command {
	return &Command{
		Name: "zrangebylex", Arity: -4, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "2.8.9",
		Summary:    "Returns the members in a range of names, in a set whose scores are all equal.",
		Complexity: "O(log N + M) for M members of a set of N.",
		DocFlags:   []string{"deprecated"}, Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the `BYLEX` argument",
		Args: []Arg{{Name: "key", Type: ArgKey}, {Name: "min"}, {Name: "max"}, limitArg("")},
		Run:  zRangeByLex,
	}
}

func zRangeByLex(c *Call) error {
	return answerRange(c, rangeForm{by: byLex, fixed: true, fixedWay: true})
}

func zRevRangeByLexRow() *Command {
	return &Command{
		Name: "zrevrangebylex", Arity: -4, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "2.8.9",
		Summary:    "Returns the members in a range of names backwards, in a set whose scores are all equal.",
		Complexity: "O(log N + M) for M members of a set of N.",
		DocFlags:   []string{"deprecated"}, Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the `REV` and `BYLEX` arguments",
		Args: []Arg{{Name: "key", Type: ArgKey}, {Name: "max"}, {Name: "min"}, limitArg("")},
		Run:  zRevRangeByLex,
	}
}

func zRevRangeByLex(c *Call) error {
	return answerRange(c, rangeForm{by: byLex, backwards: true, fixed: true, fixedWay: true})
}

func zRangeStoreRow() *Command {
	args := rangeArgs("min", "max", "")
	args[0] = Arg{Name: "src", Type: ArgKey, KeySpec: 1}
	return &Command{
		Name: "zrangestore", Arity: -5, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 2, Step: 1, WritesOne: true,
		KeySpecs: []KeySpec{
			{Flags: KeyOW | KeyUpdate, Index: 1, Step: 1},
			{Flags: KeyRO | KeyAccess, Index: 2, Step: 1},
		},
		Categories: CatWrite | CatSortedSet | CatSlow, Group: "sorted-set", Since: "6.2.0",
		Summary:    "Stores a range of a sorted set at another key.",
		Complexity: "O(log N + M log M) for M members of a set of N.",
		Args:       append([]Arg{{Name: "dst", Type: ArgKey}}, args...),
		Run:        zRangeStore,
	}
}

func zRangeStore(c *Call) error {
	r, err := parseRange(c.Args[3:], rangeForm{store: true})
	if err != nil {
		return err
	}
	c.Txn.CountViews(true) // of what is only read
	z, err := c.Txn.SortedSet(c.Keys[1])
	c.Txn.CountViews(false)
	if err != nil {
		return err
	}
	var found scoredList
	from, n := r.resolve(&z)
	z.Walk(from, n, r.backwards, found.add)
	return storeScored(c, c.Keys[0], &found)
}

// scoredList collects members with their scores, which a walk lends only for the time of a call.
type scoredList struct {
	names  nameList
	scores []float64
}

func (l *scoredList) add(member []byte, score float64) {
	l.names.add(member)
	l.scores = append(l.scores, score)
}

// at returns a member and its score.
func (l *scoredList) at(i int) ([]byte, float64) { return l.names.at(i), l.scores[i] }

// storeScored puts a sorted set in the place of whatever a key holds, and answers how many members it has; none means that the key goes.
// They are added one by one as in Redis, which shows in the encoding of minus zero.
func storeScored(c *Call, k engine.Key, l *scoredList) error {
	c.Txn.Delete(k)
	z, err := c.Txn.SortedSet(k)
	if err != nil {
		return err
	}
	for i := range l.scores {
		if _, err := z.Add(l.at(i)); err != nil {
			return err
		}
	}
	c.Out.Int(int64(len(l.scores)))
	return nil
}

func zCountRow() *Command {
	return &Command{
		Name: "zcount", Arity: 4, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatFast, Group: "sorted-set", Since: "2.0.0",
		Summary:    "Counts the members in a range of scores.",
		Complexity: "O(log N) in a set of N members.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "min", Type: ArgDouble}, {Name: "max", Type: ArgDouble}},
		Run:        zCount,
	}
}

func zCount(c *Call) error { return countRange(c, rangeQuery{by: byScore, limit: -1}) }

func zLexCountRow() *Command {
	return &Command{
		Name: "zlexcount", Arity: 4, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSortedSet | CatFast, Group: "sorted-set", Since: "2.8.9",
		Summary:    "Counts the members in a range of names, in a set whose scores are all equal.",
		Complexity: "O(log N) in a set of N members.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "min"}, {Name: "max"}},
		Run:        zLexCount,
	}
}

func zLexCount(c *Call) error { return countRange(c, rangeQuery{by: byLex, limit: -1}) }

// countRange answers how many members the range from Args[2] to Args[3] has.
func countRange(c *Call, r rangeQuery) error {
	if err := r.parseEnds(c.Args[2], c.Args[3]); err != nil {
		return err
	}
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return err
	}
	_, n := r.resolve(&z)
	c.Out.Int(int64(n))
	return nil
}
