package server

import "quipu/engine"

// keyCommands returns the rows of the commands that treat a key as a whole.
func keyCommands() []*Command {
	return []*Command{
		delRow(), unlinkRow(), existsRow(), typeOfRow(), touchRow(), renameRow(), renameNXRow(), copyKeyRow(), moveRow(),
	}
}

func delRow() *Command {
	return &Command{
		Name: "del", Arity: -2, Flags: FlagWrite, First: 1, Last: -1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRM | KeyDelete, Index: 1, Last: -1, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatSlow, Group: "generic", Since: "1.0.0",
		Summary:    "Deletes keys.",
		Complexity: "O(N) for N keys.",
		Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Args:       []Arg{{Name: "key", Type: ArgKey, Flags: ArgMultiple}},
		Run:        del,
	}
}

func del(c *Call) error {
	deleted := 0
	for i := range c.Keys {
		if c.Txn.Delete(c.Keys[i]) {
			deleted++
		}
	}
	c.Out.Int(int64(deleted))
	return nil
}

func unlinkRow() *Command {
	return &Command{
		Name: "unlink", Arity: -2, Flags: FlagWrite | FlagFast, First: 1, Last: -1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRM | KeyDelete, Index: 1, Last: -1, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatFast, Group: "generic", Since: "4.0.0",
		Summary:    "Deletes keys; memory is given back in the background.",
		Complexity: "O(N) for N keys.",
		Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Args:       []Arg{{Name: "key", Type: ArgKey, Flags: ArgMultiple}},
		Run:        unlink,
	}
}

// unlink is DEL: the memory of a counter is returned to its slot's arena either way, and the collector frees the rest.
func unlink(c *Call) error { return del(c) }

func existsRow() *Command {
	return &Command{
		Name: "exists", Arity: -2, Flags: FlagReadonly | FlagFast, First: 1, Last: -1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Last: -1, Step: 1}},
		Categories: CatKeyspace | CatRead | CatFast, Group: "generic", Since: "1.0.0",
		Summary:    "Counts how many of the given keys exist; a key named twice counts twice.",
		Complexity: "O(N) for N keys.",
		Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Args:       []Arg{{Name: "key", Type: ArgKey, Flags: ArgMultiple}},
		Run:        exists,
	}
}

func exists(c *Call) error {
	found := 0
	for i := range c.Keys {
		if _, ok := c.Txn.Look(c.Keys[i]); ok {
			found++
		}
	}
	c.Out.Int(int64(found))
	return nil
}

func typeOfRow() *Command {
	return &Command{
		Name: "type", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatRead | CatFast, Group: "generic", Since: "1.0.0",
		Summary:    "Returns the type of the value of a key.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        typeOf,
	}
}

func typeOf(c *Call) error {
	v, found := c.Txn.Look(c.Keys[0])
	if !found {
		c.Out.Simple("none")
		return nil
	}
	c.Out.Simple(typeName(v.Kind))
	return nil
}

// typeName returns the name of the type that a value of kind k has for the client.
func typeName(k engine.Kind) string {
	switch k {
	case engine.HashKind:
		return "hash"
	case engine.ListKind:
		return "list"
	case engine.SetKind:
		return "set"
	case engine.ZSetKind:
		return "zset"
	default:
		return "string"
	}
}

func touchRow() *Command {
	return &Command{
		Name: "touch", Arity: -2, Flags: FlagReadonly | FlagFast, First: 1, Last: -1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Last: -1, Step: 1}},
		Categories: CatKeyspace | CatRead | CatFast, Group: "generic", Since: "3.2.1",
		Summary:    "Marks keys as just used and counts those that exist.",
		Complexity: "O(N) for N keys.",
		Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Args:       []Arg{{Name: "key", Type: ArgKey, Flags: ArgMultiple}},
		Run:        touch,
	}
}

func touch(c *Call) error {
	touched := 0
	for i := range c.Keys {
		if c.Txn.Touch(c.Keys[i]) {
			touched++
		}
	}
	c.Out.Int(int64(touched))
	return nil
}

func renameRow() *Command {
	return &Command{
		Name: "rename", Arity: 3, Flags: FlagWrite, First: 1, Last: 2, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Step: 1}, {Flags: KeyOW | KeyUpdate, Index: 2, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatSlow, Group: "generic", Since: "1.0.0",
		Summary:    "Gives a key another name; what had that name is replaced.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "newkey", Type: ArgKey, KeySpec: 1}},
		Run:        rename,
	}
}

func rename(c *Call) error {
	from, to := c.Keys[0], c.Keys[1]
	if _, found := c.Txn.Peek(from); !found {
		return ErrNoSuchKey
	}
	if !sameName(c) {
		if err := moveValue(c, from, to); err != nil {
			return err
		}
	}
	c.Out.OK()
	return nil
}

func renameNXRow() *Command {
	return &Command{
		Name: "renamenx", Arity: 3, Flags: FlagWrite | FlagFast, First: 1, Last: 2, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Step: 1}, {Flags: KeyOW | KeyInsert, Index: 2, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatFast, Group: "generic", Since: "1.0.0",
		Summary:    "Gives a key another name, but only if nothing has that name.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "newkey", Type: ArgKey, KeySpec: 1}},
		Run:        renameNX,
	}
}

func renameNX(c *Call) error {
	from, to := c.Keys[0], c.Keys[1]
	if _, found := c.Txn.Peek(from); !found {
		return ErrNoSuchKey
	}
	if _, taken := c.Txn.Peek(to); taken { // also when both names are the same
		c.Out.Int(0)
		return nil
	}
	if err := moveValue(c, from, to); err != nil {
		return err
	}
	c.Out.Int(1)
	return nil
}

// sameName reports whether the first two arguments of the command name one key.
func sameName(c *Call) bool { return string(c.Args[1]) == string(c.Args[2]) }

// moveValue gives the value and expiry of from to the key to, and deletes from.
func moveValue(c *Call, from, to engine.Key) error {
	if err := c.Txn.Copy(from, to); err != nil {
		return err
	}
	c.Txn.Delete(from)
	return nil
}

func copyKeyRow() *Command {
	return &Command{
		Name: "copy", Arity: -3, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 2, Step: 1, Elsewhere: copyTarget, WritesOne: true,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}, {Flags: KeyOW | KeyUpdate, Index: 2, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatSlow, Group: "generic", Since: "6.2.0",
		Summary:    "Copies a key and its expiry to another name or another database.",
		Complexity: "O(N) for a value of N bytes.",
		Args: []Arg{
			{Name: "source", Type: ArgKey},
			{Name: "destination", Type: ArgKey, KeySpec: 1},
			{Name: "destination-db", Type: ArgInteger, Token: "DB", Flags: ArgOptional},
			{Name: "replace", Type: ArgPureToken, Token: "REPLACE", Flags: ArgOptional},
		},
		Run: copyKey,
	}
}

func copyKey(c *Call) error {
	o, err := parseCopyOptions(c.Srv, c.Args, c.Conn.db)
	if err != nil {
		return err
	}
	if o.db == c.Conn.db && sameName(c) {
		return ErrSameObject
	}
	from, to := c.Keys[0], c.Keys[len(c.Keys)-1]
	copied, err := copyValue(c, from, to, o.replace)
	if err != nil {
		return err
	}
	c.Out.Int(copied)
	return nil
}

// copyOptions is what the optional words of COPY ask for.
type copyOptions struct {
	db      int // of the copy
	replace bool
}

// parseCopyOptions reads the words after the two names of COPY. current is the client's database.
func parseCopyOptions(s *Server, args [][]byte, current int) (copyOptions, error) {
	o := copyOptions{db: current}
	for i := 3; i < len(args); i++ {
		switch {
		case isWord(args[i], "REPLACE"):
			o.replace = true
		case isWord(args[i], "DB") && i+1 < len(args):
			i++
			db, err := s.targetDB(args[i])
			if err != nil {
				return o, err
			}
			o.db = db
		default:
			return o, ErrSyntax
		}
	}
	return o, nil
}

// copyTarget returns the key that COPY writes in the database that its words name.
func copyTarget(s *Server, args [][]byte) (name []byte, db int, ok bool) {
	const none = -1
	o, err := parseCopyOptions(s, args, none)
	if err != nil || o.db == none {
		return nil, 0, false
	}
	return args[2], o.db, true
}

// copyValue copies from to the key to and returns the number of copies made: none if from is absent or to is taken.
func copyValue(c *Call, from, to engine.Key, replace bool) (int64, error) {
	if _, found := c.Txn.Get(from); !found {
		return 0, nil
	}
	if _, taken := c.Txn.Peek(to); taken && !replace {
		return 0, nil
	}
	if err := c.Txn.Copy(from, to); err != nil {
		return 0, err
	}
	return 1, nil
}

func moveRow() *Command {
	return &Command{
		Name: "move", Arity: 3, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1, Elsewhere: moveTarget,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatFast, Group: "generic", Since: "1.0.0",
		Summary:    "Moves a key to another database.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "db", Type: ArgInteger}},
		Run:        move,
	}
}

// moveTarget returns the key that MOVE writes.
func moveTarget(s *Server, args [][]byte) (name []byte, db int, ok bool) {
	db, err := s.targetDB(args[2])
	return args[1], db, err == nil
}

func move(c *Call) error {
	db, err := c.Srv.targetDB(c.Args[2])
	if err != nil {
		return err
	}
	if db == c.Conn.db {
		return ErrSameObject
	}
	from, to := c.Keys[0], c.Keys[1]
	_, found := c.Txn.Peek(from)
	_, taken := c.Txn.Peek(to)
	if !found || taken {
		c.Out.Int(0)
		return nil
	}
	if err := moveValue(c, from, to); err != nil {
		return err
	}
	c.Out.Int(1)
	return nil
}
