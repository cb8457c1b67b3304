package server

import "quipu/engine"

// hashCommands returns the rows of the commands about single fields of a hash. Those about a whole hash are in hash_walk.go, those that
// count in hash_count.go, those about the expiry of fields in hash_expire.go and hash_fields.go.
func hashCommands() []*Command {
	return []*Command{
		hSetRow(), hmsetRow(), hSetNXRow(), hGetRow(), hmgetRow(), hDelRow(), hLenRow(), hExistsRow(), hStrLenRow(),
	}
}

func hSetRow() *Command {
	return &Command{
		Name: "hset", Arity: -4, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		Member: 2, MemberStep: 2,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "2.0.0",
		Summary:    "Sets fields of a hash and returns how many of them are new.",
		Complexity: "O(N) for N fields.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, fieldValues("field_value")},
		Run:        hSet,
	}
}

// fieldValues is the argument of the commands that take any number of fields, each with its value.
func fieldValues(name string) Arg {
	return Arg{Name: name, Type: ArgBlock, Flags: ArgMultiple, Sub: []Arg{{Name: "field"}, {Name: "value"}}}
}

func hSet(c *Call) error {
	created, err := setFields(c)
	if err != nil {
		return err
	}
	c.Out.Int(int64(created))
	return nil
}

// setFields stores the fields and values that follow the key, and returns how many of the fields are new. A field that had an expiry
// loses it.
func setFields(c *Call) (created int, err error) {
	if len(c.Args)%2 != 0 {
		return 0, errArity(c.Cmd.FullName())
	}
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return 0, err
	}
	for i := 2; i < len(c.Args); i += 2 {
		isNew, err := h.Set(c.Args[i], c.Args[i+1])
		if err != nil {
			return created, err
		}
		if isNew {
			created++
		}
	}
	return created, nil
}

func hmsetRow() *Command {
	return &Command{
		Name: "hmset", Arity: -4, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "2.0.0",
		Summary:    "The old form of HSET, which answers OK.",
		Complexity: "O(N) for N fields.",
		DocFlags:   []string{"deprecated"}, Deprecated: "4.0.0", ReplacedBy: "`HSET` with multiple field-value pairs",
		Args: []Arg{{Name: "key", Type: ArgKey}, fieldValues("field_value")},
		Run:  hmset,
	}
}

func hmset(c *Call) error {
	if _, err := setFields(c); err != nil {
		return err
	}
	c.Out.OK()
	return nil
}

func hSetNXRow() *Command {
	return &Command{
		Name: "hsetnx", Arity: 4, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     2,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyInsert, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "2.0.0",
		Summary:    "Sets a field of a hash, but only if the field does not exist.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "field"}, {Name: "value"}},
		Run:        hSetNX,
	}
}

func hSetNX(c *Call) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	if _, found := h.Get(c.Args[2]); found {
		c.Out.Int(0)
		return nil
	}
	if _, err := h.Set(c.Args[2], c.Args[3]); err != nil {
		return err
	}
	c.Out.Int(1)
	return nil
}

func hGetRow() *Command {
	return &Command{
		Name: "hget", Arity: 3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     2,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatFast, Group: "hash", Since: "2.0.0",
		Summary:    "Returns the value of a field of a hash.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "field"}},
		Run:        hGet,
	}
}

func hGet(c *Call) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	answerField(c, &h, c.Args[2])
	return nil
}

// answerField answers the value of a field, or null, and tells whether there is one.
func answerField(c *Call, h *engine.Hash, field []byte) bool {
	v, found := h.Get(field)
	if !found {
		c.Out.Null()
		return false
	}
	writeValue(c.Out, v)
	return true
}

func hmgetRow() *Command {
	return &Command{
		Name: "hmget", Arity: -3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		Member: 2, MemberStep: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatFast, Group: "hash", Since: "2.0.0",
		Summary:    "Returns the values of several fields of a hash.",
		Complexity: "O(N) for N fields.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "field", Flags: ArgMultiple}},
		Run:        hmget,
	}
}

func hmget(c *Call) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	fields := c.Args[2:]
	c.Out.Array(len(fields))
	for _, field := range fields {
		answerField(c, &h, field)
	}
	return nil
}

func hDelRow() *Command {
	return &Command{
		Name: "hdel", Arity: -3, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		Member: 2, MemberStep: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "2.0.0",
		Summary:    "Deletes fields of a hash; the key goes with its last field.",
		Complexity: "O(N) for N fields.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "field", Flags: ArgMultiple}},
		Run:        hDel,
	}
}

func hDel(c *Call) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	deleted := 0
	for _, field := range c.Args[2:] {
		if h.Delete(field) {
			deleted++
		}
	}
	c.Out.Int(int64(deleted))
	return nil
}

func hLenRow() *Command {
	return &Command{
		Name: "hlen", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatFast, Group: "hash", Since: "2.0.0",
		Summary:    "Returns the number of fields of a hash.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        hLen,
	}
}

func hLen(c *Call) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	c.Out.Int(int64(h.Len()))
	return nil
}

func hExistsRow() *Command {
	return &Command{
		Name: "hexists", Arity: 3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		Member:     2,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatFast, Group: "hash", Since: "2.0.0",
		Summary:    "Tells whether a hash has a field.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "field"}},
		Run:        hExists,
	}
}

func hExists(c *Call) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	n := int64(0)
	if _, found := h.Get(c.Args[2]); found {
		n = 1
	}
	c.Out.Int(n)
	return nil
}

func hStrLenRow() *Command {
	return &Command{
		Name: "hstrlen", Arity: 3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatFast, Group: "hash", Since: "3.2.0",
		Summary:    "Returns the number of bytes of a field's value.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "field"}},
		Run:        hStrLen,
	}
}

func hStrLen(c *Call) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	n := 0
	if v, found := h.Get(c.Args[2]); found {
		n = valueLen(v)
	}
	c.Out.Int(int64(n))
	return nil
}
