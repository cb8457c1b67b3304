package server

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"quipu/engine"
	"quipu/server/number"
)

// zsetCombineCommands returns the rows of the commands that combine several sorted sets, and sets, into one.
func zsetCombineCommands() []*Command {
	return []*Command{
		zUnionRow(), zInterRow(), zDiffRow(), zUnionStoreRow(), zInterStoreRow(), zDiffStoreRow(), zInterCardRow(),
	}
}

// scoreCombination is what ZUNION and its kin ask for.
type scoreCombination struct {
	sources    []zSource
	aggregate  func(sum, score float64) float64
	withScores bool
	limit      int64 // ZINTERCARD: count no further; 0 for no limit
}

// zSource is a set or sorted set of a scoreCombination. The members of a set have score 1.
type zSource struct {
	set    engine.Set
	zset   engine.SortedSet
	isSet  bool
	weight float64
}

// openSource opens a key of a scoreCombination, which may hold nothing.
func openSource(c *Call, k engine.Key) (s zSource, err error) {
	c.Txn.CountViews(true) // a STORE only reads it, too
	s.weight = 1
	v, found := c.Txn.Peek(k)
	if found && v.Kind == engine.SetKind {
		s.isSet = true
		s.set, err = c.Txn.Set(k)
		return s, err
	}
	s.zset, err = c.Txn.SortedSet(k)
	return s, err
}

func (s *zSource) len() int {
	if s.isSet {
		return s.set.Len()
	}
	return s.zset.Len()
}

// score returns the score of a member before it is weighted.
func (s *zSource) score(member []byte) (float64, bool) {
	if s.isSet {
		return 1, s.set.Has(member)
	}
	return s.zset.Score(member)
}

// each calls fn for every member.
func (s *zSource) each(fn func(member []byte, score float64)) {
	if s.isSet {
		s.set.Each(func(member []byte) bool {
			fn(member, 1)
			return true
		})
		return
	}
	s.zset.Walk(0, s.zset.Len(), false, fn)
}

// weigh returns a score times the weight of its set. Infinity times zero is zero.
func (s *zSource) weigh(score float64) float64 {
	if score *= s.weight; math.IsNaN(score) {
		return 0
	}
	return score
}

// The ways to make one score of two. They compare as Redis does: a NaN, which only an intersection can see, never wins.

func sumOfScores(sum, score float64) float64 {
	if sum += score; math.IsNaN(sum) { // infinity and minus infinity
		return 0
	}
	return sum
}

func minOfScores(least, score float64) float64 {
	if score < least {
		return score
	}
	return least
}

func maxOfScores(most, score float64) float64 {
	if score > most {
		return score
	}
	return most
}

// combineWords are the words that a command of the family knows after its keys.
type combineWords struct{ weights, withScores, limit bool }

// parseCombination opens the sources, of which args[0] says how many there are, and reads the words behind them.
func parseCombination(c *Call, args [][]byte, keys []engine.Key, words combineWords) (scoreCombination, error) {
	cb := scoreCombination{aggregate: sumOfScores}
	n, ok := number.ParseInt(args[0])
	switch {
	case !ok:
		return cb, ErrNotInteger
	case n < 1:
		return cb, errNoInputKeys(c.Cmd.FullName())
	case n > int64(len(args)-1):
		return cb, ErrSyntax
	}
	for _, k := range keys {
		s, err := openSource(c, k)
		if err != nil {
			return cb, err
		}
		cb.sources = append(cb.sources, s)
	}
	return cb, cb.parseWords(args[1+n:], words)
}

func (cb *scoreCombination) parseWords(args [][]byte, words combineWords) error {
	for len(args) > 0 {
		used := 2
		switch {
		case words.weights && len(args) > len(cb.sources) && isWord(args[0], "WEIGHTS"):
			used = 1 + len(cb.sources)
			if err := cb.parseWeights(args[1:used]); err != nil {
				return err
			}
		case words.weights && len(args) >= 2 && isWord(args[0], "AGGREGATE"):
			if cb.aggregate = aggregateOf(args[1]); cb.aggregate == nil {
				return ErrSyntax
			}
		case words.withScores && isWord(args[0], "WITHSCORES"):
			cb.withScores, used = true, 1
		case words.limit && len(args) >= 2 && isWord(args[0], "LIMIT"):
			n, ok := number.ParseInt(args[1])
			if !ok || n < 0 {
				return errCardLimit
			}
			cb.limit = n
		default:
			return ErrSyntax
		}
		args = args[used:]
	}
	return nil
}

func (cb *scoreCombination) parseWeights(args [][]byte) error {
	for i, arg := range args {
		weight, ok := number.ParseFloat(arg)
		if !ok {
			return errWeight
		}
		cb.sources[i].weight = weight
	}
	return nil
}

// aggregateOf returns the function that a word of AGGREGATE names, or nil.
func aggregateOf(word []byte) func(a, b float64) float64 {
	switch {
	case isWord(word, "SUM"):
		return sumOfScores
	case isWord(word, "MIN"):
		return minOfScores
	case isWord(word, "MAX"):
		return maxOfScores
	}
	return nil
}

// sortSources puts the smallest set first, as Redis does: sums of floats depend on the order.
func (cb *scoreCombination) sortSources() {
	slices.SortStableFunc(cb.sources, func(a, b zSource) int { return cmp.Compare(a.len(), b.len()) })
}

// union returns the members of all sets.
func (cb *scoreCombination) union() []engine.ScoredMember {
	cb.sortSources()
	var found []engine.ScoredMember
	var names nameSet
	for i := range cb.sources {
		s := &cb.sources[i]
		s.each(func(member []byte, score float64) {
			score = s.weigh(score)
			if at, isNew := names.index(member); isNew {
				found = append(found, engine.ScoredMember{Score: score})
			} else {
				found[at].Score = cb.aggregate(found[at].Score, score)
			}
		})
	}
	for i := range found {
		found[i].Member = names.list.at(i)
	}
	return found
}

// inter returns the members that all sets have.
func (cb *scoreCombination) inter() []engine.ScoredMember {
	var found []engine.ScoredMember
	var texts textKeeper
	cb.eachCommon(func(member []byte, score float64) bool {
		found = append(found, engine.ScoredMember{Member: texts.keep(member), Score: score})
		return true
	})
	return found
}

// eachCommon calls fn for the members that all sets have until it returns false.
func (cb *scoreCombination) eachCommon(fn func(member []byte, score float64) bool) {
	cb.sortSources()
	first, more := &cb.sources[0], true
	first.each(func(member []byte, score float64) {
		if !more {
			return
		}
		if sum, ok := cb.aggregateOthers(member, first.weigh(score)); ok {
			more = fn(member, sum)
		}
	})
}

// aggregateOthers adds to the score of a member those that it has in all sets but the first, and reports whether it is in all of them.
func (cb *scoreCombination) aggregateOthers(member []byte, sum float64) (float64, bool) {
	for i := 1; i < len(cb.sources); i++ {
		score, found := cb.sources[i].score(member)
		if !found {
			return 0, false
		}
		sum = cb.aggregate(sum, score*cb.sources[i].weight)
	}
	return sum, true
}

// diff returns the members of the first set that no other one has.
func (cb *scoreCombination) diff() []engine.ScoredMember {
	var found []engine.ScoredMember
	var texts textKeeper
	cb.sources[0].each(func(member []byte, score float64) {
		for i := 1; i < len(cb.sources); i++ {
			if _, has := cb.sources[i].score(member); has {
				return
			}
		}
		found = append(found, engine.ScoredMember{Member: texts.keep(member), Score: score})
	})
	return found
}

// sortScored brings members into the order of a sorted set.
func sortScored(c *Call, found []engine.ScoredMember) {
	slices.SortFunc(found, func(a, b engine.ScoredMember) int {
		c.Txn.Toil(1)
		if order := cmp.Compare(a.Score, b.Score); order != 0 {
			return order
		}
		return bytes.Compare(a.Member, b.Member)
	})
}

// answerCombination answers the members that combine makes of the sets that the arguments name.
func answerCombination(c *Call, words combineWords, combine func(cb *scoreCombination) []engine.ScoredMember) error {
	cb, err := parseCombination(c, c.Args[1:], c.Keys, words)
	if err != nil {
		return err
	}
	found := combine(&cb)
	sortScored(c, found)
	scoredHeader(c, len(found), cb.withScores)
	for i := range found {
		answerScored(c, found[i].Member, found[i].Score, cb.withScores)
	}
	return nil
}

// storeCombination stores them at the first key.
func storeCombination(c *Call, words combineWords, combine func(cb *scoreCombination) []engine.ScoredMember) error {
	cb, err := parseCombination(c, c.Args[2:], sourceKeys(c), words)
	if err != nil {
		return err
	}
	found := combine(&cb)
	sortScored(c, found)
	if len(found) == 0 {
		c.Txn.Delete(c.Keys[0])
	} else if err := c.Txn.SetSortedSet(c.Keys[0], found); err != nil {
		return err
	}
	c.Out.Int(int64(len(found)))
	return nil
}

// sourceKeys returns the keys behind the one that a command writes; none when the arguments are so bad that it has no keys at all.
func sourceKeys(c *Call) []engine.Key { return c.Keys[min(1, len(c.Keys)):] }

func zUnionRow() *Command {
	return &Command{
		Name: "zunion", Arity: -3, Flags: FlagReadonly | FlagMovableKeys, GetKeys: countedKeys(1),
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Counted: true}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "6.2.0",
		Summary:    "Returns the members of all given sorted sets, with the scores that they have together.",
		Complexity: "O(N + M log M) for sets of N members altogether and a result of M.",
		Args:       append(combineArgs(0), withScoresArg()),
		Run:        zUnion,
	}
}

// combineArgs returns the number of keys, the keys, WEIGHTS and AGGREGATE. spec is the index of the keys' specification.
func combineArgs(spec int) []Arg {
	return append(sourceArgs(spec),
		Arg{Name: "weight", Type: ArgInteger, Token: "WEIGHTS", Flags: ArgOptional | ArgMultiple},
		Arg{Name: "aggregate", Type: ArgOneOf, Token: "AGGREGATE", Flags: ArgOptional, Sub: []Arg{
			{Name: "sum", Type: ArgPureToken, Token: "SUM"},
			{Name: "min", Type: ArgPureToken, Token: "MIN"},
			{Name: "max", Type: ArgPureToken, Token: "MAX"},
		}})
}

func sourceArgs(spec int) []Arg {
	return []Arg{{Name: "numkeys", Type: ArgInteger}, {Name: "key", Type: ArgKey, KeySpec: spec, Flags: ArgMultiple}}
}

func withScoresArg() Arg {
	return Arg{Name: "withscores", Type: ArgPureToken, Token: "WITHSCORES", Flags: ArgOptional}
}

func zUnion(c *Call) error {
	return answerCombination(c, combineWords{weights: true, withScores: true}, (*scoreCombination).union)
}

func zInterRow() *Command {
	return &Command{
		Name: "zinter", Arity: -3, Flags: FlagReadonly | FlagMovableKeys, GetKeys: countedKeys(1),
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Counted: true}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "6.2.0",
		Summary:    "Returns the members that all given sorted sets have, with the scores that they have together.",
		Complexity: "O(N K + M log M) for K sets, the smallest of N members, and a result of M.",
		Args:       append(combineArgs(0), withScoresArg()),
		Run:        zInter,
	}
}

func zInter(c *Call) error {
	return answerCombination(c, combineWords{weights: true, withScores: true}, (*scoreCombination).inter)
}

func zDiffRow() *Command {
	return &Command{
		Name: "zdiff", Arity: -3, Flags: FlagReadonly | FlagMovableKeys, GetKeys: countedKeys(1),
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Counted: true}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "6.2.0",
		Summary:    "Returns the members of the first sorted set that no other one has.",
		Complexity: "O(N K + M log M) for K sets, the first of N members, and a result of M.",
		Args:       append(sourceArgs(0), withScoresArg()),
		Run:        zDiff,
	}
}

func zDiff(c *Call) error {
	return answerCombination(c, combineWords{withScores: true}, (*scoreCombination).diff)
}

// storeSpecs returns the key specifications of the commands that store a scoreCombination.
func storeSpecs() []KeySpec {
	return []KeySpec{
		{Flags: KeyOW | KeyUpdate, Index: 1, Step: 1},
		{Flags: KeyRO | KeyAccess, Index: 2, Counted: true},
	}
}

func zUnionStoreRow() *Command {
	return &Command{
		Name: "zunionstore", Arity: -4, Flags: FlagWrite | FlagDenyOOM | FlagMovableKeys, First: 1, Last: 1, Step: 1, WritesOne: true,
		GetKeys: targetAndCountedKeys(2), KeySpecs: storeSpecs(),
		Categories: CatWrite | CatSortedSet | CatSlow, Group: "sorted-set", Since: "2.0.0",
		Summary:    "Stores the union of sorted sets.",
		Complexity: "O(N + M log M) for sets of N members altogether and a result of M.",
		Args:       append([]Arg{{Name: "destination", Type: ArgKey}}, combineArgs(1)...),
		Run:        zUnionStore,
	}
}

func zUnionStore(c *Call) error {
	return storeCombination(c, combineWords{weights: true}, (*scoreCombination).union)
}

func zInterStoreRow() *Command {
	return &Command{
		Name: "zinterstore", Arity: -4, Flags: FlagWrite | FlagDenyOOM | FlagMovableKeys, First: 1, Last: 1, Step: 1, WritesOne: true,
		GetKeys: targetAndCountedKeys(2), KeySpecs: storeSpecs(),
		Categories: CatWrite | CatSortedSet | CatSlow, Group: "sorted-set", Since: "2.0.0",
		Summary:    "Stores the intersection of sorted sets.",
		Complexity: "O(N K + M log M) for K sets, the smallest of N members, and a result of M.",
		Args:       append([]Arg{{Name: "destination", Type: ArgKey}}, combineArgs(1)...),
		Run:        zInterStore,
	}
}

func zInterStore(c *Call) error {
	return storeCombination(c, combineWords{weights: true}, (*scoreCombination).inter)
}

func zDiffStoreRow() *Command {
	return &Command{
		Name: "zdiffstore", Arity: -4, Flags: FlagWrite | FlagDenyOOM | FlagMovableKeys, First: 1, Last: 1, Step: 1, WritesOne: true,
		GetKeys: targetAndCountedKeys(2), KeySpecs: storeSpecs(),
		Categories: CatWrite | CatSortedSet | CatSlow, Group: "sorted-set", Since: "6.2.0",
		Summary:    "Stores the difference of sorted sets.",
		Complexity: "O(N K + M log M) for K sets, the first of N members, and a result of M.",
		Args:       append([]Arg{{Name: "destination", Type: ArgKey}}, sourceArgs(1)...),
		Run:        zDiffStore,
	}
}

func zDiffStore(c *Call) error { return storeCombination(c, combineWords{}, (*scoreCombination).diff) }

func zInterCardRow() *Command {
	return &Command{
		Name: "zintercard", Arity: -3, Flags: FlagReadonly | FlagMovableKeys, GetKeys: countedKeys(1),
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Counted: true}},
		Categories: CatRead | CatSortedSet | CatSlow, Group: "sorted-set", Since: "7.0.0",
		Summary:    "Counts the members that all given sorted sets have.",
		Complexity: "O(N K) for K sets, the smallest of N members.",
		Args:       append(sourceArgs(0), Arg{Name: "limit", Type: ArgInteger, Token: "LIMIT", Flags: ArgOptional}),
		Run:        zInterCard,
	}
}

func zInterCard(c *Call) error {
	cb, err := parseCombination(c, c.Args[1:], c.Keys, combineWords{limit: true})
	if err != nil {
		return err
	}
	n := int64(0)
	cb.eachCommon(func([]byte, float64) bool {
		n++
		return n != cb.limit
	})
	c.Out.Int(n)
	return nil
}
