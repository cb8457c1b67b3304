package server

import (
	"quipu/engine"
)

// listMoveCommands returns the rows of the commands that move an element from one list to another, at once or when there is one.
func listMoveCommands() []*Command {
	return []*Command{lMoveRow(), rPopLPushRow(), bLMoveRow(), bRPopLPushRow()}
}

// moveKeySpecs returns what these do with their keys.
func moveKeySpecs() []KeySpec {
	return []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Step: 1}, {Flags: KeyRW | KeyInsert, Index: 2, Step: 1}}
}

// moveArgs returns their first arguments.
func moveArgs() []Arg {
	return []Arg{{Name: "source", Type: ArgKey}, {Name: "destination", Type: ArgKey, KeySpec: 1}}
}

// moveEndArgs returns the first arguments of LMOVE and BLMOVE.
func moveEndArgs() []Arg {
	return append(moveArgs(), Arg{Name: "wherefrom", Type: ArgOneOf, Sub: endArgs()}, Arg{Name: "whereto", Type: ArgOneOf, Sub: endArgs()})
}

func lMoveRow() *Command {
	return &Command{
		Name: "lmove", Arity: 5, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 2, Step: 1, KeySpecs: moveKeySpecs(),
		Categories: listWriteSlow, Group: "list", Since: "6.2.0",
		Summary:    "Moves an element from an end of a list to an end of another, or of the same, and returns it.",
		Complexity: "O(1)",
		Args:       moveEndArgs(),
		Run:        lMove,
	}
}

func lMove(c *Call) error {
	ends, err := parseMoveEnds(c.Args[3:])
	if err != nil {
		return err
	}
	return moveNow(c, ends)
}

func rPopLPushRow() *Command {
	return &Command{
		Name: "rpoplpush", Arity: 3, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 2, Step: 1, KeySpecs: moveKeySpecs(),
		Categories: listWriteSlow, Group: "list", Since: "1.2.0",
		Summary:    "Moves the last element of a list to the head of another, or of the same, and returns it.",
		Complexity: "O(1)",
		DocFlags:   []string{"deprecated"}, Deprecated: "6.2.0", ReplacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments",
		Args: moveArgs(),
		Run:  rPopLPush,
	}
}

func rPopLPush(c *Call) error { return moveNow(c, moveEnds{toHead: true}) }

// moveEnds are the ends between which an element is moved.
type moveEnds struct{ fromHead, toHead bool }

func parseMoveEnds(args [][]byte) (e moveEnds, err error) {
	if e.fromHead, err = parseEnd(args[0]); err == nil {
		e.toHead, err = parseEnd(args[1])
	}
	return e, err
}

// moveNow moves an element, or answers nil where there is none.
func moveNow(c *Call, ends moveEnds) error {
	done, err := ends.move(c)
	if err == nil && !done {
		c.Out.Null()
	}
	return err
}

// move moves an element from the first key of the call to the second, and reports whether there was one.
func (e moveEnds) move(c *Call) (bool, error) {
	from, err := c.Txn.List(c.Keys[0])
	if err != nil || from.Len() == 0 {
		return false, err
	}
	to, err := c.Txn.List(c.Keys[1])
	if err != nil {
		return false, err
	}
	v := endOf(&from, e.fromHead)
	writeValue(c.Out, v)
	// The push comes first: a list that is moved around within itself never becomes empty, which would cost it its expiry. It needs the
	// element's own bytes, since it moves those of the list.
	var scratch [20]byte
	if err := pushTo(&to, e.toHead, append([]byte(nil), valueText(v, &scratch)...)); err != nil {
		return false, err
	}
	return true, dropFrom(&from, e.fromHead, 1)
}

func bLMoveRow() *Command {
	return &Command{
		Name: "blmove", Arity: 6, Flags: listBlockingFlags | FlagDenyOOM, First: 1, Last: 2, Step: 1, KeySpecs: moveKeySpecs(),
		Categories: listBlockingCats, Group: "list", Since: "6.2.0",
		Summary:    "LMOVE that waits for an element if the list is empty.",
		Complexity: "O(1)",
		Args:       append(moveEndArgs(), Arg{Name: "timeout", Type: ArgDouble}),
		Run:        bLMove,
	}
}

func bLMove(c *Call) error {
	ends, err := parseMoveEnds(c.Args[3:])
	if err != nil {
		return err
	}
	return moveOrBlock(c, ends, c.Args[5])
}

func bRPopLPushRow() *Command {
	return &Command{
		Name: "brpoplpush", Arity: 4, Flags: listBlockingFlags | FlagDenyOOM, First: 1, Last: 2, Step: 1, KeySpecs: moveKeySpecs(),
		Categories: listBlockingCats, Group: "list", Since: "2.2.0",
		Summary:    "RPOPLPUSH that waits for an element if the list is empty.",
		Complexity: "O(1)",
		DocFlags:   []string{"deprecated"}, Deprecated: "6.2.0", ReplacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
		Args: append(moveArgs(), Arg{Name: "timeout", Type: ArgDouble}),
		Run:  bRPopLPush,
	}
}

func bRPopLPush(c *Call) error { return moveOrBlock(c, moveEnds{toHead: true}, c.Args[3]) }

// moveOrBlock is BLMOVE and BRPOPLPUSH.
func moveOrBlock(c *Call, ends moveEnds, timeoutArg []byte) error {
	timeout, err := parseBlockTimeout(timeoutArg)
	if err != nil {
		return err
	}
	done, err := ends.move(c)
	switch {
	case done || err != nil:
		return err
	case c.Conn.denyBlocking:
		c.Out.Null()
		return nil
	}
	return c.block(blocked{
		keys: c.Keys[:1], also: c.Keys[1:], kind: engine.ListKind, timeout: timeout,
		serve: func(c *Call) error {
			_, err := ends.move(c)
			return err
		},
	})
}
