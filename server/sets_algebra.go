package server

import (
	"cmp"
	"slices"

	"quipu/engine"
	"quipu/server/number"
)

// setAlgebraCommands returns the rows of the commands that combine sets.
func setAlgebraCommands() []*Command {
	return []*Command{
		sUnionRow(), sInterRow(), sDiffRow(), sUnionStoreRow(), sInterStoreRow(), sDiffStoreRow(), sInterCardRow(),
	}
}

func sUnionRow() *Command {
	row := combineRow("sunion", sUnion)
	row.Summary = "Returns the members that any of the sets has."
	row.Complexity = "O(N) for N members in all sets together."
	return row
}

func sInterRow() *Command {
	row := combineRow("sinter", sInter)
	row.Summary = "Returns the members that all of the sets have."
	row.Complexity = "O(N*M) for M sets of which the smallest has N members."
	return row
}

func sDiffRow() *Command {
	row := combineRow("sdiff", sDiff)
	row.Summary = "Returns the members of the first set that none of the others has."
	row.Complexity = "O(N) for N members in all sets together."
	return row
}

// combineRow is what the rows of the commands that answer a combination have in common.
func combineRow(name string, run func(c *Call) error) *Command {
	return &Command{
		Name: name, Arity: -2, Flags: FlagReadonly, First: 1, Last: -1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Last: -1, Step: 1}},
		Categories: CatRead | CatSet | CatSlow, Group: "set", Since: "1.0.0",
		Tips: []string{"nondeterministic_output_order"},
		Args: []Arg{{Name: "key", Type: ArgKey, Flags: ArgMultiple}},
		Run:  run,
	}
}

func sUnionStoreRow() *Command {
	row := combineStoreRow("sunionstore", KeyOW, sUnionStore)
	row.Summary = "Stores the members that any of the sets has in a set of its own."
	row.Complexity = "O(N) for N members in all sets together."
	return row
}

func sInterStoreRow() *Command {
	row := combineStoreRow("sinterstore", KeyRW, sInterStore)
	row.Summary = "Stores the members that all of the sets have in a set of its own."
	row.Complexity = "O(N*M) for M sets of which the smallest has N members."
	return row
}

func sDiffStoreRow() *Command {
	row := combineStoreRow("sdiffstore", KeyOW, sDiffStore)
	row.Summary = "Stores the members of the first set that none of the others has in a set of its own."
	row.Complexity = "O(N) for N members in all sets together."
	return row
}

// combineStoreRow is what the rows of the commands that store a combination have in common. access is what the command is said to do with
// the destination.
func combineStoreRow(name string, access KeyFlag, run func(c *Call) error) *Command {
	return &Command{
		Name: name, Arity: -3, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: -1, Step: 1, WritesOne: true,
		KeySpecs: []KeySpec{
			{Flags: access | KeyUpdate, Index: 1, Step: 1},
			{Flags: KeyRO | KeyAccess, Index: 2, Last: -1, Step: 1},
		},
		Categories: CatWrite | CatSet | CatSlow, Group: "set", Since: "1.0.0",
		Args: []Arg{
			{Name: "destination", Type: ArgKey},
			{Name: "key", Type: ArgKey, KeySpec: 1, Flags: ArgMultiple},
		},
		Run: run,
	}
}

func sUnion(c *Call) error { return answerCombined(c, eachOfUnion) }
func sInter(c *Call) error { return answerCombined(c, eachOfIntersection) }
func sDiff(c *Call) error  { return answerCombined(c, eachOfDifference) }

func sUnionStore(c *Call) error { return storeCombined(c, eachOfUnion) }
func sInterStore(c *Call) error { return storeCombined(c, eachOfIntersection) }
func sDiffStore(c *Call) error  { return storeCombined(c, eachOfDifference) }

// combination calls fn once for each member of what the sets combine to, until fn returns false. member is valid during the call only.
// There is at least one set.
type combination func(sets []engine.Set, fn func(member []byte) bool)

// answerCombined answers the combination of the sets that the command names.
func answerCombined(c *Call, each combination) error {
	sets, err := openSets(c, c.Keys)
	if err != nil {
		return err
	}
	start, n := c.Out.Len(), 0
	each(sets, func(member []byte) bool {
		c.Out.Bulk(member)
		n++
		return true
	})
	c.Out.InsertSet(start, n)
	return nil
}

// storeCombined stores the combination of all sets but the first at the key of that one, whatever it holds: it may be of any type, and
// one of those that are combined.
func storeCombined(c *Call, each combination) error {
	c.Txn.CountViews(true) // of what is only read
	sets, err := openSets(c, c.Keys[1:])
	c.Txn.CountViews(false)
	if err != nil {
		return err
	}
	var result nameList
	each(sets, func(member []byte) bool {
		result.add(member)
		return true
	})
	c.Txn.Delete(c.Keys[0])
	target, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	for i := range result.ends {
		if _, err := target.Add(result.at(i)); err != nil {
			return err
		}
	}
	c.Out.Int(int64(len(result.ends)))
	return nil
}

// openSets opens the sets of several keys.
func openSets(c *Call, keys []engine.Key) ([]engine.Set, error) {
	sets := make([]engine.Set, len(keys))
	for i := range keys {
		var err error
		if sets[i], err = c.Txn.Set(keys[i]); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

func eachOfUnion(sets []engine.Set, fn func(member []byte) bool) {
	var seen nameSet
	on := true
	for i := range sets {
		sets[i].Each(func(member []byte) bool {
			if len(sets) == 1 || seen.add(member) {
				on = fn(member)
			}
			return on
		})
		if !on {
			return
		}
	}
}

// eachOfIntersection walks the smallest set and asks the others, the next larger first.
func eachOfIntersection(sets []engine.Set, fn func(member []byte) bool) {
	slices.SortStableFunc(sets, func(a, b engine.Set) int { return cmp.Compare(a.Len(), b.Len()) })
	sets[0].Each(func(member []byte) bool {
		for i := range sets[1:] {
			if !sets[1+i].Has(member) {
				return true
			}
		}
		return fn(member)
	})
}

// eachOfDifference walks the first set and asks the others; or, where walking those once costs less than asking them all again and again,
// what they hold together.
func eachOfDifference(sets []engine.Set, fn func(member []byte) bool) {
	others := sets[1:]
	total := 0
	for i := range others {
		total += others[i].Len()
	}
	taken := func(member []byte) bool {
		return slices.ContainsFunc(others, func(s engine.Set) bool { return s.Has(member) })
	}
	if total < sets[0].Len()*(len(others)-1) {
		var together nameSet
		eachOfUnion(others, func(member []byte) bool {
			together.add(member)
			return true
		})
		taken = together.has
	}
	sets[0].Each(func(member []byte) bool {
		return taken(member) || fn(member)
	})
}

func sInterCardRow() *Command {
	return &Command{
		Name: "sintercard", Arity: -3, Flags: FlagReadonly | FlagMovableKeys, GetKeys: countedKeys(1),
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Counted: true}},
		Categories: CatRead | CatSet | CatSlow, Group: "set", Since: "7.0.0",
		Summary:    "Returns how many members all of the sets have, counting up to a limit.",
		Complexity: "O(N*M) for M sets of which the smallest has N members.",
		Args: []Arg{
			{Name: "numkeys", Type: ArgInteger},
			{Name: "key", Type: ArgKey, Flags: ArgMultiple},
			{Name: "limit", Type: ArgInteger, Token: "LIMIT", Flags: ArgOptional},
		},
		Run: sInterCard,
	}
}

func sInterCard(c *Call) error {
	if n, ok := number.ParseInt(c.Args[1]); !ok || n < 1 {
		return errKeyCount
	}
	n, ok := countAt(c.Args, 1)
	if !ok {
		return errKeyCountArgs
	}
	limit, err := parseCardLimit(c.Args[2+n:])
	if err != nil {
		return err
	}
	sets, err := openSets(c, c.Keys)
	if err != nil {
		return err
	}
	found := int64(0)
	eachOfIntersection(sets, func([]byte) bool {
		found++
		return found != limit
	})
	c.Out.Int(found)
	return nil
}

// parseCardLimit reads the words after the keys of SINTERCARD; 0 is no limit.
func parseCardLimit(args [][]byte) (limit int64, err error) {
	for ; len(args) > 0; args = args[2:] {
		if len(args) < 2 || !isWord(args[0], "LIMIT") {
			return 0, ErrSyntax
		}
		n, ok := number.ParseInt(args[1])
		if !ok || n < 0 {
			return 0, errCardLimit
		}
		limit = n
	}
	return limit, nil
}
