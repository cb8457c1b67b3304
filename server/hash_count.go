package server

import (
	"errors"

	"quipu/engine"
	"quipu/server/number"
)

// hashCountCommands returns the rows of the commands that count in the fields of a hash.
func hashCountCommands() []*Command { return []*Command{hIncrByRow(), hIncrByFloatRow()} }

func hIncrByRow() *Command {
	return &Command{
		Name: "hincrby", Arity: 4, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     2,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "2.0.0",
		Summary:    "Adds an integer to a field of a hash; a missing field counts as 0.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "field"}, {Name: "increment", Type: ArgInteger}},
		Run:        hIncrBy,
	}
}

// hIncrBy keeps the expiry of the field, as every command that changes a value in place does.
func hIncrBy(c *Call) error {
	delta, ok := number.ParseInt(c.Args[3])
	if !ok {
		return ErrNotInteger
	}
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	sum, err := h.IncrBy(c.Args[2], delta)
	if errors.Is(err, engine.ErrNotInteger) {
		return errFieldNotInteger
	}
	if err != nil {
		return err
	}
	c.Out.Int(sum)
	return nil
}

func hIncrByFloatRow() *Command {
	return &Command{
		Name: "hincrbyfloat", Arity: 4, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     2,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "2.6.0",
		Summary:    "Adds a decimal number to a field of a hash; a missing field counts as 0.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "field"}, {Name: "increment", Type: ArgDouble}},
		Run:        hIncrByFloat,
	}
}

// hIncrByFloat stores the text of the sum: one without a fraction is an integer again.
func hIncrByFloat(c *Call) error {
	delta, ok := number.ParseLongDouble(c.Args[3])
	if !ok {
		return ErrNotFloat
	}
	if delta.IsInf() {
		return errIncrementInfinite
	}
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	sum, err := addToField(&h, c.Args[2], delta)
	if err != nil {
		return err
	}
	text := sum.Append(nil)
	if _, err := h.SetKeepTTL(c.Args[2], text); err != nil {
		return err
	}
	c.Out.Bulk(text)
	return nil
}

// addToField returns the sum of a field's value, 0 if there is none, and delta.
func addToField(h *engine.Hash, field []byte, delta number.LongDouble) (number.LongDouble, error) {
	v, found := h.Get(field)
	x := number.NewLongDouble(v.Int)
	if found && v.Kind != engine.Int {
		var ok bool
		if x, ok = number.ParseLongDouble(v.Str); !ok {
			return x, errFieldNotFloat
		}
	}
	sum, ok := x.Add(delta)
	if !ok {
		return sum, errNaNOrInf
	}
	return sum, nil
}
