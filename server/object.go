package server

import "quipu/engine"

// objectCommands returns the row of OBJECT, with its subcommands.
func objectCommands() []*Command { return []*Command{objectRow()} }

func objectRow() *Command {
	return &Command{
		Name: "object", Arity: -2,
		Categories: CatSlow, Group: "generic", Since: "2.2.3",
		Summary:    "Shows how a value is kept.",
		Complexity: "As the subcommand.",
		Sub:        []*Command{objectEncodingRow(), objectFreqRow(), objectIdleTimeRow(), objectRefCountRow(), objectHelpRow()},
	}
}

// objectHelpRow is the row of OBJECT HELP, which Redis counts to the generic commands.
func objectHelpRow() *Command {
	row := helpRow("6.2.0", CatKeyspace|CatSlow)
	row.Group = "generic"
	return row
}

func objectEncodingRow() *Command {
	return &Command{
		Name: "encoding", Arity: 3, Flags: FlagReadonly, First: 2, Last: 2, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 2, Step: 1}},
		Categories: CatKeyspace | CatRead | CatSlow, Group: "generic", Since: "2.2.3",
		Summary:    "Returns the representation of a value in memory.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        objectEncoding,
	}
}

func objectEncoding(c *Call) error {
	if _, found := c.Txn.Look(c.Keys[0]); !found {
		c.Out.Null()
		return nil
	}
	c.Out.BulkString(c.Txn.Encoding(c.Keys[0]))
	return nil
}

func objectFreqRow() *Command {
	return &Command{
		Name: "freq", Arity: 3, Flags: FlagReadonly, First: 2, Last: 2, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 2, Step: 1}},
		Categories: CatKeyspace | CatRead | CatSlow, Group: "generic", Since: "4.0.0",
		Summary:    "Returns the logarithmic access frequency of a key.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        objectFreq,
	}
}

func objectFreq(c *Call) error {
	if _, found := c.Txn.Look(c.Keys[0]); !found {
		c.Out.Null()
		return nil
	}
	if !c.Srv.cfg.Load().MaxMemoryPolicy.LFU() {
		return errNotLFU
	}
	freq, _ := c.Txn.Freq(c.Keys[0])
	c.Out.Int(freq)
	return nil
}

func objectIdleTimeRow() *Command {
	return &Command{
		Name: "idletime", Arity: 3, Flags: FlagReadonly, First: 2, Last: 2, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 2, Step: 1}},
		Categories: CatKeyspace | CatRead | CatSlow, Group: "generic", Since: "2.2.3",
		Summary:    "Returns the seconds since a key was last used.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        objectIdleTime,
	}
}

func objectIdleTime(c *Call) error {
	if _, found := c.Txn.Look(c.Keys[0]); !found {
		c.Out.Null()
		return nil
	}
	if c.Srv.cfg.Load().MaxMemoryPolicy.LFU() {
		return errIsLFU
	}
	seconds, _ := c.Txn.IdleSeconds(c.Keys[0])
	c.Out.Int(seconds)
	return nil
}

const (
	// sharedInts is the number of small integers, from 0 on, of which Redis keeps one object for all keys.
	sharedInts = 10000
	// sharedRefs is the reference count that Redis shows for such an object.
	sharedRefs = 1<<31 - 1
)

func objectRefCountRow() *Command {
	return &Command{
		Name: "refcount", Arity: 3, Flags: FlagReadonly, First: 2, Last: 2, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 2, Step: 1}},
		Categories: CatKeyspace | CatRead | CatSlow, Group: "generic", Since: "2.2.3",
		Summary:    "Returns the number of references to a value.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        objectRefCount,
	}
}

// objectRefCount answers what Redis would: values are not shared here, but tests of clients compare the figure.
func objectRefCount(c *Call) error {
	v, found := c.Txn.Look(c.Keys[0])
	switch {
	case !found:
		c.Out.Null()
	case v.Kind == engine.Int && v.Int >= 0 && v.Int < sharedInts:
		c.Out.Int(sharedRefs)
	default:
		c.Out.Int(1)
	}
	return nil
}
