package server

import (
	"quipu/engine"
	"quipu/server/number"
)

// listPopCommands returns the rows of the commands that take elements from a list's ends, at once or when there are some.
func listPopCommands() []*Command {
	return []*Command{lPopRow(), rPopRow(), lMPopRow(), bLPopRow(), bRPopRow(), bLMPopRow()}
}

// popKeySpecs returns what commands do with the keys that they take elements from; the last is at position last.
func popKeySpecs(last int) []KeySpec {
	return []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Last: last, Step: 1}}
}

func lPopRow() *Command {
	return &Command{
		Name: "lpop", Arity: -2, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1, KeySpecs: popKeySpecs(0),
		Categories: listWriteFast, Group: "list", Since: "1.0.0",
		Summary:    "Removes the first element of a list, or so many, and returns them.",
		Complexity: "O(N) for N elements returned.",
		Args:       popArgs(),
		Run:        lPop,
	}
}

// popArgs returns the arguments of LPOP and RPOP.
func popArgs() []Arg {
	return []Arg{{Name: "key", Type: ArgKey}, {Name: "count", Type: ArgInteger, Flags: ArgOptional, Since: "6.2.0"}}
}

func lPop(c *Call) error { return popCommand(c, true) }

func rPopRow() *Command {
	return &Command{
		Name: "rpop", Arity: -2, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1, KeySpecs: popKeySpecs(0),
		Categories: listWriteFast, Group: "list", Since: "1.0.0",
		Summary:    "Removes the last element of a list, or so many, and returns them.",
		Complexity: "O(N) for N elements returned.",
		Args:       popArgs(),
		Run:        rPop,
	}
}

func rPop(c *Call) error { return popCommand(c, false) }

// popCommand is LPOP and RPOP.
func popCommand(c *Call, head bool) error {
	count := int64(-1)
	switch {
	case len(c.Args) > 3:
		return errArity(c.Cmd.full)
	case len(c.Args) == 3:
		n, ok := number.ParseInt(c.Args[2])
		if !ok || n < 0 {
			return ErrMustBePositive
		}
		count = n
	}
	l, err := c.Txn.List(c.Keys[0])
	if err != nil {
		return err
	}
	switch size := l.Len(); {
	case size == 0 && count < 0:
		c.Out.Null()
		return nil
	case size == 0:
		c.Out.NullArray()
		return nil
	case count < 0:
		return popOne(c, &l, head)
	default:
		return popElements(c, &l, head, int(min(count, int64(size))))
	}
}

// popOne removes an end of a list, which is not empty, and answers it.
func popOne(c *Call, l *engine.List, head bool) error {
	writeValue(c.Out, endOf(l, head))
	return dropFrom(l, head, 1)
}

// endOf returns the first or the last element of a list, which is not empty.
func endOf(l *engine.List, head bool) engine.Value {
	if head {
		return l.Index(0)
	}
	return l.Index(l.Len() - 1)
}

// dropFrom removes n elements from an end of a list.
func dropFrom(l *engine.List, head bool, n int) error {
	if head {
		return l.DropHead(n)
	}
	return l.DropTail(n)
}

// popElements removes n elements from an end of a list and answers them, the end first.
func popElements(c *Call, l *engine.List, head bool, n int) error {
	if head {
		writeElements(c, l, 0, n, false)
	} else {
		writeElements(c, l, l.Len()-1, n, true)
	}
	return dropFrom(l, head, n)
}

func lMPopRow() *Command {
	return &Command{
		Name: "lmpop", Arity: -4, Flags: FlagWrite | FlagMovableKeys, GetKeys: countedKeys(1),
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Counted: true}},
		Categories: listWriteSlow, Group: "list", Since: "7.0.0",
		Summary:    "Removes elements from an end of the first of several lists that is not empty, and returns them.",
		Complexity: "O(K + N) for K keys and N elements returned.",
		Args:       listMPopArgs(),
		Run:        lMPop,
	}
}

// listMPopArgs returns the arguments of LMPOP, which BLMPOP has, too.
func listMPopArgs() []Arg {
	return []Arg{
		{Name: "numkeys", Type: ArgInteger},
		{Name: "key", Type: ArgKey, Flags: ArgMultiple},
		{Name: "where", Type: ArgOneOf, Sub: endArgs()},
		{Name: "count", Type: ArgInteger, Token: "COUNT", Flags: ArgOptional},
	}
}

// endArgs returns the words for the ends of a list.
func endArgs() []Arg {
	return []Arg{{Name: "left", Type: ArgPureToken, Token: "LEFT"}, {Name: "right", Type: ArgPureToken, Token: "RIGHT"}}
}

// parseEnd reads such a word.
func parseEnd(arg []byte) (head bool, err error) {
	switch {
	case isWord(arg, "LEFT"):
		return true, nil
	case isWord(arg, "RIGHT"):
		return false, nil
	}
	return false, ErrSyntax
}

func lMPop(c *Call) error {
	p, err := parseManyPop(c.Args[1:], "LEFT", "RIGHT")
	if err != nil {
		return err
	}
	return popOrNull(c, p.fromList)
}

// fromList pops from the first list that there is, and reports whether there was one.
func (p manyPop) fromList(c *Call) (bool, error) {
	for _, k := range c.Keys {
		l, err := c.Txn.List(k)
		if err != nil {
			return false, err
		}
		if l.Len() == 0 {
			continue
		}
		c.Out.Array(2)
		c.Out.Bulk(k.Name)
		return true, popElements(c, &l, p.first, int(min(p.count, int64(l.Len()))))
	}
	return false, nil
}

// Flags and categories of the commands that wait.
const (
	listBlockingFlags = FlagWrite | FlagNoscript | FlagBlocking
	listBlockingCats  = listWriteSlow | CatBlocking
)

func bLPopRow() *Command {
	return &Command{
		Name: "blpop", Arity: -3, Flags: listBlockingFlags, First: 1, Last: -2, Step: 1, KeySpecs: popKeySpecs(-2),
		Categories: listBlockingCats, Group: "list", Since: "2.0.0",
		Summary:    "Removes the first element of the first of several lists that is not empty, and waits for one if all are.",
		Complexity: "O(N) for N keys.",
		Args:       blockingPopArgs(),
		Run:        bLPop,
	}
}

// blockingPopArgs returns the arguments of BLPOP and BRPOP.
func blockingPopArgs() []Arg {
	return []Arg{{Name: "key", Type: ArgKey, Flags: ArgMultiple}, {Name: "timeout", Type: ArgDouble}}
}

func bLPop(c *Call) error { return blockingPop(c, true) }

func bRPopRow() *Command {
	return &Command{
		Name: "brpop", Arity: -3, Flags: listBlockingFlags, First: 1, Last: -2, Step: 1, KeySpecs: popKeySpecs(-2),
		Categories: listBlockingCats, Group: "list", Since: "2.0.0",
		Summary:    "Removes the last element of the first of several lists that is not empty, and waits for one if all are.",
		Complexity: "O(N) for N keys.",
		Args:       blockingPopArgs(),
		Run:        bRPop,
	}
}

func bRPop(c *Call) error { return blockingPop(c, false) }

// blockingPop is BLPOP and BRPOP.
func blockingPop(c *Call, head bool) error {
	timeout, err := parseBlockTimeout(c.Args[len(c.Args)-1])
	if err != nil {
		return err
	}
	pop := func(c *Call) (bool, error) {
		for _, k := range c.Keys {
			l, err := c.Txn.List(k)
			if err != nil {
				return false, err
			}
			if l.Len() > 0 {
				c.Out.Array(2)
				c.Out.Bulk(k.Name)
				return true, popOne(c, &l, head)
			}
		}
		return false, nil
	}
	return popOrBlock(c, engine.ListKind, timeout, pop)
}

func bLMPopRow() *Command {
	return &Command{
		Name: "blmpop", Arity: -5, Flags: FlagWrite | FlagBlocking | FlagMovableKeys, GetKeys: countedKeys(2),
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 2, Counted: true}},
		Categories: listBlockingCats, Group: "list", Since: "7.0.0",
		Summary:    "LMPOP that waits for an element if all lists are empty.",
		Complexity: "O(K + N) for K keys and N elements returned.",
		Args:       append([]Arg{{Name: "timeout", Type: ArgDouble}}, listMPopArgs()...),
		Run:        bLMPop,
	}
}

func bLMPop(c *Call) error {
	p, err := parseManyPop(c.Args[2:], "LEFT", "RIGHT")
	if err != nil {
		return err
	}
	timeout, err := parseBlockTimeout(c.Args[1])
	if err != nil {
		return err
	}
	return popOrBlock(c, engine.ListKind, timeout, p.fromList)
}
