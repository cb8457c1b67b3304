package server

import (
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// zsetPopCommands returns the rows of the commands that take members from a sorted set's ends, at once or when there are some.
func zsetPopCommands() []*Command {
	return []*Command{zPopMinRow(), zPopMaxRow(), zMPopRow(), bzPopMinRow(), bzPopMaxRow(), bzMPopRow()}
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
		Args:       zMPopArgs(),
		Run:        zMPop,
	}
}

// zMPopArgs returns the arguments of ZMPOP, which BZMPOP has, too.
func zMPopArgs() []Arg {
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
	p, err := parseManyPop(c.Args[1:], "MIN", "MAX")
	if err != nil {
		return err
	}
	return popOrNull(c, p.fromSortedSet)
}

// fromSortedSet pops from the first sorted set that there is, and reports whether there was one.
func (p manyPop) fromSortedSet(c *Call) (bool, error) {
	for _, k := range c.Keys {
		z, err := c.Txn.SortedSet(k)
		if err != nil {
			return false, err
		}
		if z.Len() == 0 {
			continue
		}
		n := int(min(p.count, int64(z.Len()), math.MaxInt32))
		c.Out.Array(2)
		c.Out.Bulk(k.Name)
		c.Out.Array(n)
		return true, pop(c, &z, n, !p.first, true)
	}
	return false, nil
}

// Flags and categories of BZPOPMIN and BZPOPMAX.
const (
	bzPopFlags      = FlagWrite | FlagNoscript | FlagBlocking | FlagFast
	bzPopCategories = CatWrite | CatSortedSet | CatFast | CatBlocking
)

func bzPopMinRow() *Command {
	return &Command{
		Name: "bzpopmin", Arity: -3, Flags: bzPopFlags, First: 1, Last: -2, Step: 1, KeySpecs: popKeySpecs(-2),
		Categories: bzPopCategories, Group: "sorted-set", Since: "5.0.0",
		Summary:    "Removes the member with the lowest score of the first of several sorted sets that is not empty, and waits for one if all are.",
		Complexity: "O(K + log N) for K keys, in a set of N members.",
		Args:       blockingPopArgs(),
		Run:        bzPopMin,
	}
}

func bzPopMin(c *Call) error { return bzPop(c, false) }

func bzPopMaxRow() *Command {
	return &Command{
		Name: "bzpopmax", Arity: -3, Flags: bzPopFlags, First: 1, Last: -2, Step: 1, KeySpecs: popKeySpecs(-2),
		Categories: bzPopCategories, Group: "sorted-set", Since: "5.0.0",
		Summary:    "Removes the member with the highest score of the first of several sorted sets that is not empty, and waits for one if all are.",
		Complexity: "O(K + log N) for K keys, in a set of N members.",
		Args:       blockingPopArgs(),
		Run:        bzPopMax,
	}
}

func bzPopMax(c *Call) error { return bzPop(c, true) }

// bzPop is BZPOPMIN and BZPOPMAX.
func bzPop(c *Call, highest bool) error {
	timeout, err := parseBlockTimeout(c.Args[len(c.Args)-1])
	if err != nil {
		return err
	}
	return popOrBlock(c, engine.ZSetKind, timeout, func(c *Call) (bool, error) {
		for _, k := range c.Keys {
			z, err := c.Txn.SortedSet(k)
			if err != nil {
				return false, err
			}
			if z.Len() > 0 {
				c.Out.Array(3)
				c.Out.Bulk(k.Name)
				return true, pop(c, &z, 1, highest, false)
			}
		}
		return false, nil
	})
}

func bzMPopRow() *Command {
	return &Command{
		Name: "bzmpop", Arity: -5, Flags: FlagWrite | FlagBlocking | FlagMovableKeys, GetKeys: countedKeys(2),
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 2, Counted: true}},
		Categories: CatWrite | CatSortedSet | CatSlow | CatBlocking, Group: "sorted-set", Since: "7.0.0",
		Summary:    "ZMPOP that waits for a member if all sorted sets are empty.",
		Complexity: "O(K + M log N) for K keys and M members of a set of N.",
		Args:       append([]Arg{{Name: "timeout", Type: ArgDouble}}, zMPopArgs()...),
		Run:        bzMPop,
	}
}

func bzMPop(c *Call) error {
	p, err := parseManyPop(c.Args[2:], "MIN", "MAX")
	if err != nil {
		return err
	}
	timeout, err := parseBlockTimeout(c.Args[1])
	if err != nil {
		return err
	}
	return popOrBlock(c, engine.ZSetKind, timeout, p.fromSortedSet)
}
