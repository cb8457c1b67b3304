package server

import (
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// memberPickCommands returns the rows of the commands that pick members of a set at random.
func memberPickCommands() []*Command { return []*Command{sPopRow(), sRandMemberRow()} }

func sPopRow() *Command {
	return &Command{
		Name: "spop", Arity: -2, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatSet | CatFast, Group: "set", Since: "1.0.0",
		Summary:    "Removes a member of a set picked at random, or several, and returns them.",
		Complexity: "O(N) for N members.",
		Tips:       []string{"nondeterministic_output"},
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "count", Type: ArgInteger, Since: "3.2.0", Flags: ArgOptional}},
		Run:        sPop,
	}
}

func sPop(c *Call) error {
	switch len(c.Args) {
	case 2:
		return sPopOne(c)
	case 3:
		return sPopSeveral(c)
	}
	return ErrSyntax
}

func sPopOne(c *Call) error {
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	member, found := s.Random()
	if !found {
		c.Out.Null()
		return nil
	}
	c.Out.Bulk(member)
	s.Remove(member)
	return nil
}

// sPopSeveral is SPOP with a count: so many different members, or all if there are no more.
func sPopSeveral(c *Call) error {
	count, ok := number.ParseInt(c.Args[2])
	if !ok || count < 0 {
		return ErrMustBePositive
	}
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	pick := memberPick{c, s}
	if count >= int64(s.Len()) {
		pick.all(c.Out.InsertSet)
		c.Txn.Delete(c.Keys[0])
		return nil
	}
	c.Out.Set(int(count))
	for range count {
		member, _ := s.Random()
		c.Out.Bulk(member)
		s.Remove(member)
	}
	return nil
}

func sRandMemberRow() *Command {
	return &Command{
		Name: "srandmember", Arity: -2, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatSet | CatSlow, Group: "set", Since: "1.0.0",
		Summary:    "Returns a member of a set picked at random, or several.",
		Complexity: "O(N) for N members returned.",
		Tips:       []string{"nondeterministic_output"},
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "count", Type: ArgInteger, Since: "2.6.0", Flags: ArgOptional}},
		Run:        sRandMember,
	}
}

func sRandMember(c *Call) error {
	switch len(c.Args) {
	case 2:
		return sRandOne(c)
	case 3:
		return sRandSeveral(c)
	}
	return ErrSyntax
}

func sRandOne(c *Call) error {
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	if member, found := s.Random(); found {
		c.Out.Bulk(member)
		return nil
	}
	c.Out.Null()
	return nil
}

// sRandSeveral is SRANDMEMBER with a count: so many different members, or, for a negative count, so many picks of which some may be
// equal.
func sRandSeveral(c *Call) error {
	count, ok := number.ParseInt(c.Args[2])
	switch {
	case !ok:
		return ErrNotInteger
	case count == math.MinInt64:
		return errRandomCount // it has no negation
	}
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return err
	}
	pick := memberPick{c, s}
	switch {
	case count == 0 || s.Len() == 0:
		c.Out.Array(0)
	case count < 0:
		return pick.repeat(-count)
	default:
		pick.distinct(count)
	}
	return nil
}

// memberPick is an SPOP or SRANDMEMBER under way.
type memberPick struct {
	c *Call
	s engine.Set
}

// all answers all members; header puts the kind of reply and their number before them.
func (p *memberPick) all(header func(at, n int)) {
	start, n := p.c.Out.Len(), 0
	p.s.Each(func(member []byte) bool {
		p.c.Out.Bulk(member)
		n++
		return true
	})
	header(start, n)
}

// repeat answers n picks. Redis goes on until its memory is full; here the reply has a limit, since a short command should not cost that.
func (p *memberPick) repeat(n int64) error {
	start, limit := p.c.Out.Len(), int(p.c.Srv.cfg.Load().ProtoMaxBulkLen)
	p.c.Out.Array(int(n))
	for range n {
		member, _ := p.s.Random()
		p.c.Out.Bulk(member)
		if p.c.Out.Len()-start > limit {
			return ErrOutOfRangeInt
		}
	}
	return nil
}

// distinct answers n different members, or all if there are no more. Few of many are found by picking again what was picked before, others
// by one walk over all.
func (p *memberPick) distinct(n int64) {
	const few = 3
	size := int64(p.s.Len())
	switch {
	case n >= size:
		p.all(p.c.Out.InsertArray)
	case n < size/few:
		p.search(int(n))
	default:
		p.sample(int(n), int(size))
	}
}

// search answers n different members: picks, without those that were picked before.
func (p *memberPick) search(n int) {
	p.c.Out.Array(n)
	var seen nameSet
	for seen.len() < n {
		if member, _ := p.s.Random(); seen.add(member) {
			p.c.Out.Bulk(member)
		}
	}
}

// sample answers n of the size members, chosen in one walk.
func (p *memberPick) sample(n, size int) {
	p.c.Out.Array(n)
	chance := sampler{wanted: n, left: size}
	p.s.Each(func(member []byte) bool {
		if chance.take() {
			p.c.Out.Bulk(member)
		}
		return chance.wanted > 0
	})
}
