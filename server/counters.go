package server

import (
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// counterCommands returns the rows of the commands that do arithmetic on one value.
func counterCommands() []*Command {
	return []*Command{incrRow(), decrRow(), incrByRow(), decrByRow(), incrByFloatRow(), incrExRow()}
}

func incrRow() *Command {
	return &Command{
		Name: "incr", Arity: 2, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "1.0.0",
		Summary:    "Adds one to a counter; a missing key counts as 0.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        incr,
	}
}

func incr(c *Call) error { return addInt(c, 1) }

func decrRow() *Command {
	return &Command{
		Name: "decr", Arity: 2, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "1.0.0",
		Summary:    "Takes one from a counter; a missing key counts as 0.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        decr,
	}
}

func decr(c *Call) error { return addInt(c, -1) }

func incrByRow() *Command {
	return &Command{
		Name: "incrby", Arity: 3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "1.0.0",
		Summary:    "Adds an integer to a counter; a missing key counts as 0.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "increment", Type: ArgInteger}},
		Run:        incrBy,
	}
}

func incrBy(c *Call) error {
	delta, ok := number.ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	return addInt(c, delta)
}

func decrByRow() *Command {
	return &Command{
		Name: "decrby", Arity: 3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "1.0.0",
		Summary:    "Takes an integer from a counter; a missing key counts as 0.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "decrement", Type: ArgInteger}},
		Run:        decrBy,
	}
}

func decrBy(c *Call) error {
	delta, ok := number.ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	if delta == math.MinInt64 {
		return errDecrOverflow // it has no negation
	}
	return addInt(c, -delta)
}

// addInt adds delta to the counter and answers the sum.
func addInt(c *Call, delta int64) error {
	sum, err := c.Txn.IncrBy(c.Keys[0], delta)
	if err != nil {
		return err
	}
	c.Out.Int(sum)
	return nil
}

func incrByFloatRow() *Command {
	return &Command{
		Name: "incrbyfloat", Arity: 3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "2.6.0",
		Summary:    "Adds a decimal number to a value; a missing key counts as 0.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "increment", Type: ArgDouble}},
		Run:        incrByFloat,
	}
}

// incrByFloat keeps the expiry, as every command that changes a value in place does. The stored value is the text of the sum: a
// sum without a fraction is an integer counter again.
func incrByFloat(c *Call) error {
	old, found, err := peekString(c, c.Keys[0])
	if err != nil {
		return err
	}
	sum, err := sumFloat(old, found, c.Args[2])
	if err != nil {
		return err
	}
	text := sum.Append(nil)
	if err := c.Txn.SetString(c.Keys[0], text, engine.KeepTTL); err != nil {
		return err
	}
	c.Out.Bulk(text)
	return nil
}

// sumFloat adds the number that delta spells to the value of the key, 0 if it has none.
func sumFloat(old engine.Value, found bool, delta []byte) (number.LongDouble, error) {
	x := number.NewLongDouble(old.Int)
	if found && old.Kind != engine.Int {
		var ok bool
		if x, ok = number.ParseLongDouble(old.Str); !ok {
			return x, ErrNotFloat
		}
	}
	y, ok := number.ParseLongDouble(delta)
	if !ok {
		return y, ErrNotFloat
	}
	sum, ok := x.Add(y)
	if !ok {
		return sum, errNaNOrInf
	}
	return sum, nil
}
