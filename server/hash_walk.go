package server

import "quipu/engine"

// hashWalkCommands returns the rows of the commands that read a whole hash, or fields that they choose.
func hashWalkCommands() []*Command {
	return []*Command{hGetAllRow(), hKeysRow(), hValsRow(), hRandFieldRow(), hScanRow()}
}

func hGetAllRow() *Command {
	return &Command{
		Name: "hgetall", Arity: 2, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatSlow, Group: "hash", Since: "2.0.0",
		Summary:    "Returns all fields of a hash with their values.",
		Complexity: "O(N) for a hash of N fields.",
		Tips:       []string{"nondeterministic_output_order"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        hGetAll,
	}
}

func hGetAll(c *Call) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	start, n := c.Out.Len(), 0
	h.Each(func(field []byte, v engine.Value) bool {
		c.Out.Bulk(field)
		writeValue(c.Out, v)
		n++
		return true
	})
	c.Out.InsertMap(start, n)
	return nil
}

func hKeysRow() *Command {
	return &Command{
		Name: "hkeys", Arity: 2, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatSlow, Group: "hash", Since: "2.0.0",
		Summary:    "Returns all fields of a hash, without their values.",
		Complexity: "O(N) for a hash of N fields.",
		Tips:       []string{"nondeterministic_output_order"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        hKeys,
	}
}

func hKeys(c *Call) error {
	return answerEach(c, func(field []byte, _ engine.Value) { c.Out.Bulk(field) })
}

// answerEach answers an array of what write makes of each field of the hash: one reply.
func answerEach(c *Call, write func(field []byte, v engine.Value)) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	start, n := c.Out.Len(), 0
	h.Each(func(field []byte, v engine.Value) bool {
		write(field, v)
		n++
		return true
	})
	c.Out.InsertArray(start, n)
	return nil
}

func hValsRow() *Command {
	return &Command{
		Name: "hvals", Arity: 2, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatSlow, Group: "hash", Since: "2.0.0",
		Summary:    "Returns all values of a hash, without their fields.",
		Complexity: "O(N) for a hash of N fields.",
		Tips:       []string{"nondeterministic_output_order"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        hVals,
	}
}

func hVals(c *Call) error {
	return answerEach(c, func(_ []byte, v engine.Value) { writeValue(c.Out, v) })
}

func hScanRow() *Command {
	return &Command{
		Name: "hscan", Arity: -3, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatSlow, Group: "hash", Since: "2.8.0",
		Summary:    "Walks the fields of a hash, a few per call.",
		Complexity: "O(1) per call, O(N) for a whole walk over N fields.",
		Tips:       []string{"nondeterministic_output"},
		Args:       append(elementScanArgs(), Arg{Name: "novalues", Type: ArgPureToken, Token: "NOVALUES", Since: "7.4.0", Flags: ArgOptional}),
		Run:        hScan,
	}
}

func hScan(c *Call) error {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		return errCursor
	}
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	var found nameList
	if h.Len() == 0 {
		answerScan(c, 0, &found)
		return nil
	}
	s, err := parseElementScan(c.Args[3:], true)
	if err != nil {
		return err
	}
	next := h.Scan(cursor, s.count, func(field []byte, v engine.Value) {
		if !s.wants(field) {
			return
		}
		found.add(field)
		if !s.noValues {
			var scratch [20]byte
			found.add(valueText(v, &scratch))
		}
	})
	answerScan(c, next, &found)
	return nil
}

func hRandFieldRow() *Command {
	return &Command{
		Name: "hrandfield", Arity: -2, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatSlow, Group: "hash", Since: "6.2.0",
		Summary:    "Returns a field of a hash picked at random, or several.",
		Complexity: "O(N) for N fields returned.",
		Tips:       []string{"nondeterministic_output"},
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "options", Type: ArgBlock, Flags: ArgOptional, Sub: []Arg{
				{Name: "count", Type: ArgInteger},
				{Name: "withvalues", Type: ArgPureToken, Token: "WITHVALUES", Flags: ArgOptional},
			}},
		},
		Run: hRandField,
	}
}

func hRandField(c *Call) error {
	if len(c.Args) > 2 {
		return hRandFields(c)
	}
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	h.Purge()
	if field, _, found := h.Random(); found {
		c.Out.Bulk(field)
		return nil
	}
	c.Out.Null()
	return nil
}

// hRandFields is HRANDFIELD with a count: so many different fields, or, for a negative count, so many picks of which some may be equal.
func hRandFields(c *Call) error {
	count, withValues, err := parseRandomCount(c.Args[2:], "WITHVALUES")
	if err != nil {
		return err
	}
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	h.Purge()
	pick := fieldPick{c: c, h: &h, withValues: withValues}
	switch {
	case count == 0 || h.Len() == 0:
		c.Out.Array(0)
	case count < 0:
		return pick.repeat(-count)
	default:
		pick.distinct(count)
	}
	return nil
}

// fieldPick is an HRANDFIELD under way.
type fieldPick struct {
	c          *Call
	h          *engine.Hash
	withValues bool
}

// header writes the header for n fields: in RESP3, a field and its value come as a pair.
func (p *fieldPick) header(n int) {
	if p.withValues && p.c.Out.Protocol() == 2 {
		n *= 2
	}
	p.c.Out.Array(n)
}

func (p *fieldPick) write(field []byte, v engine.Value) {
	if p.withValues && p.c.Out.Protocol() == 3 {
		p.c.Out.Array(2)
	}
	p.c.Out.Bulk(field)
	if p.withValues {
		writeValue(p.c.Out, v)
	}
}

// repeat answers n picks. Redis goes on until its memory is full; here the reply has a limit, since a short command should not cost that.
func (p *fieldPick) repeat(n int64) error {
	start, limit := p.c.Out.Len(), int(p.c.Srv.cfg.Load().ProtoMaxBulkLen)
	p.header(int(n))
	for range n {
		field, v, found := p.h.Random()
		switch {
		case !found: // all have expired, and stay for a checkpoint
			p.c.Out.Truncate(start)
			p.c.Out.Array(0)
			return nil
		case p.c.Out.Len()-start > limit:
			return ErrOutOfRangeInt
		}
		p.write(field, v)
	}
	return nil
}

// distinct answers n different fields, or all if there are no more.
func (p *fieldPick) distinct(n int64) {
	size := p.h.Len()
	if n >= int64(size/3) || !p.search(int(n)) {
		p.sample(int(min(n, int64(size))), size)
	}
}

// search answers n fields found by picking again what was picked before, which pays while they are few of many. It gives up, and reports
// false, when that takes many more picks than it should.
func (p *fieldPick) search(n int) bool {
	start := p.c.Out.Len()
	p.header(n)
	seen := make(map[string]bool, n)
	for tries := 0; len(seen) < n; tries++ {
		field, v, found := p.h.Random()
		if !found || tries > 10*n {
			p.c.Out.Truncate(start)
			return false
		}
		if !seen[string(field)] {
			seen[string(field)] = true
			p.write(field, v)
		}
	}
	return true
}

// sample answers n of the size fields, chosen in one walk over all of them.
func (p *fieldPick) sample(n, size int) {
	start, answered := p.c.Out.Len(), 0
	s := sampler{wanted: n, left: size}
	p.h.Each(func(field []byte, v engine.Value) bool {
		if s.take() {
			p.write(field, v)
			answered++
		}
		return s.wanted > 0
	})
	if p.withValues && p.c.Out.Protocol() == 2 {
		answered *= 2
	}
	p.c.Out.InsertArray(start, answered)
}
