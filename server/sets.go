package server

import "bytes"

// memberCommands returns the rows of the commands about single members of a set, and about a whole one. Those that pick members at
// random are in sets_random.go, those that combine sets in sets_algebra.go.
func memberCommands() []*Command {
	return []*Command{
		sAddRow(), sRemRow(), sIsMemberRow(), smIsMemberRow(), sMembersRow(), sCardRow(), sMoveRow(), sScanRow(),
	}
}

func sAddRow() *Command {
	return &Command{
		Name: "sadd", Arity: -3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		Member: 2, MemberStep: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyInsert, Index: 1, Step: 1}},
		Categories: CatWrite | CatSet | CatFast, Group: "set", Since: "1.0.0",
		Summary:    "Adds members to a set and returns how many of them are new.",
		Complexity: "O(N) for N members.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "member", Flags: ArgMultiple}},
		Run:        sAdd,
	}
}

func sAdd(c *Call) error {
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	added := int64(0)
	for _, member := range c.Args[2:] {
		isNew, err := s.Add(member)
		if err != nil {
			return err
		}
		if isNew {
			added++
		}
	}
	c.Out.Int(added)
	return nil
}

func sRemRow() *Command {
	return &Command{
		Name: "srem", Arity: -3, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		Member: 2, MemberStep: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatSet | CatFast, Group: "set", Since: "1.0.0",
		Summary:    "Removes members from a set and returns how many of them were there.",
		Complexity: "O(N) for N members.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "member", Flags: ArgMultiple}},
		Run:        sRem,
	}
}

func sRem(c *Call) error {
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	removed := int64(0)
	for _, member := range c.Args[2:] {
		if s.Remove(member) {
			removed++
		}
	}
	c.Out.Int(removed)
	return nil
}

func sIsMemberRow() *Command {
	return &Command{
		Name: "sismember", Arity: 3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     2,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Step: 1}},
		Categories: CatRead | CatSet | CatFast, Group: "set", Since: "1.0.0",
		Summary:    "Reports whether a set has a member.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "member"}},
		Run:        sIsMember,
	}
}

func sIsMember(c *Call) error {
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	c.Out.Int(oneIf(s.Has(c.Args[2])))
	return nil
}

// oneIf returns 1 for true and 0 for false, as Redis answers a question.
func oneIf(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

func smIsMemberRow() *Command {
	return &Command{
		Name: "smismember", Arity: -3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		Member: 2, MemberStep: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSet | CatFast, Group: "set", Since: "6.2.0",
		Summary:    "Reports for each of several members whether a set has it.",
		Complexity: "O(N) for N members.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "member", Flags: ArgMultiple}},
		Run:        smIsMember,
	}
}

func smIsMember(c *Call) error {
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	c.Out.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		c.Out.Int(oneIf(s.Has(member)))
	}
	return nil
}

func sMembersRow() *Command {
	return &Command{
		Name: "smembers", Arity: 2, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSet | CatSlow, Group: "set", Since: "1.0.0",
		Summary:    "Returns all members of a set.",
		Complexity: "O(N) for a set of N members.",
		Tips:       []string{"nondeterministic_output_order"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        sMembers,
	}
}

func sMembers(c *Call) error {
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	start, n := c.Out.Len(), 0
	s.Each(func(member []byte) bool {
		c.Out.Bulk(member)
		n++
		return true
	})
	c.Out.InsertSet(start, n)
	return nil
}

func sCardRow() *Command {
	return &Command{
		Name: "scard", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Step: 1}},
		Categories: CatRead | CatSet | CatFast, Group: "set", Since: "1.0.0",
		Summary:    "Returns the number of members of a set.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        sCard,
	}
}

func sCard(c *Call) error {
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	c.Out.Int(int64(s.Len()))
	return nil
}

func sMoveRow() *Command {
	return &Command{
		Name: "smove", Arity: 4, Flags: FlagWrite | FlagFast, First: 1, Last: 2, Step: 1,
		KeySpecs: []KeySpec{
			{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Step: 1},
			{Flags: KeyRW | KeyInsert, Index: 2, Step: 1},
		},
		Categories: CatWrite | CatSet | CatFast, Group: "set", Since: "1.0.0",
		Summary:    "Moves a member from one set to another.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "source", Type: ArgKey},
			{Name: "destination", Type: ArgKey, KeySpec: 1},
			{Name: "member"},
		},
		Run: sMove,
	}
}

// sMove does not look at the destination when there is no source, as in Redis.
func sMove(c *Call) error {
	source, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	if source.Len() == 0 {
		c.Out.Int(0)
		return nil
	}
	target, err := c.Txn.Set(c.Keys[1])
	if err != nil {
		return err
	}
	member := c.Args[3]
	if !source.Has(member) || bytes.Equal(c.Args[1], c.Args[2]) {
		c.Out.Int(oneIf(source.Has(member)))
		return nil
	}
	if _, err := target.Add(member); err != nil {
		return err
	}
	source.Remove(member)
	c.Out.Int(1)
	return nil
}

func sScanRow() *Command {
	return &Command{
		Name: "sscan", Arity: -3, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSet | CatSlow, Group: "set", Since: "2.8.0",
		Summary:    "Walks the members of a set, a few per call.",
		Complexity: "O(1) per call, O(N) for a whole walk over N members.",
		Tips:       []string{"nondeterministic_output"},
		Args:       elementScanArgs(),
		Run:        sScan,
	}
}

func sScan(c *Call) error {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		return errCursor
	}
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	var found nameList
	if s.Len() == 0 {
		answerScan(c, 0, &found)
		return nil
	}
	o, err := parseElementScan(c.Args[3:], false)
	if err != nil {
		return err
	}
	next := s.Scan(cursor, o.count, func(member []byte) {
		if o.wants(member) {
			found.add(member)
		}
	})
	answerScan(c, next, &found)
	return nil
}
