package server

import (
	"strings"

	"quipu/server/number"
)

func commandGetkeysRow() *Command {
	return &Command{
		Name: "getkeys", Arity: -4, Flags: FlagLoading | FlagStale,
		Categories: CatSlow | CatConnection, Group: "server", Since: "2.8.13",
		Summary:    "Says which arguments of a full command are keys.",
		Complexity: "O(N) where N is the number of arguments to the command",
		Run:        commandGetkeys,
	}
}

// commandGetkeys says which arguments of the command that follows are keys.
func commandGetkeys(c *Call) error {
	_, args, positions, err := analysed(c)
	if err != nil {
		return err
	}
	c.Out.Array(len(positions))
	for _, pos := range positions {
		c.Out.Bulk(args[pos])
	}
	return nil
}

func commandGetkeysandflagsRow() *Command {
	return &Command{
		Name: "getkeysandflags", Arity: -4, Flags: FlagLoading | FlagStale,
		Categories: CatSlow | CatConnection, Group: "server", Since: "7.0.0",
		Summary:    "Says which arguments of a full command are keys, and what it does to each.",
		Complexity: "O(N) where N is the number of arguments to the command",
		Run:        commandGetkeysandflags,
	}
}

// commandGetkeysandflags says which arguments of the command that follows are keys, and what the command does with each.
func commandGetkeysandflags(c *Call) error {
	cmd, args, positions, err := analysed(c)
	if err != nil {
		return err
	}
	c.Out.Array(len(positions))
	for _, pos := range positions {
		c.Out.Array(2)
		c.Out.Bulk(args[pos])
		writeNames(c.Out, cmd.keyFlags(args, pos).Names(), "")
	}
	return nil
}

// analysed returns the row and the arguments of the command that follows COMMAND GETKEYS, and which of them are keys.
func analysed(c *Call) (cmd *Command, args [][]byte, positions []int, err error) {
	args = c.Args[2:]
	cmd, unknown := c.Srv.table.lookup(args)
	switch {
	case unknown:
		return nil, nil, nil, ErrInvalidCommand
	case cmd.First == 0 && cmd.GetKeys == nil:
		return nil, nil, nil, ErrNoKeyArguments
	case !cmd.arityOK(len(args)):
		return nil, nil, nil, ErrInvalidArgCount
	}
	positions = cmd.KeyPositions(nil, args)
	if len(positions) == 0 && !cmd.Is(FlagNoMandatoryKeys) {
		return nil, nil, nil, ErrInvalidKeyArgs
	}
	return cmd, args, positions, nil
}

// keyFlags returns what cmd does with the key at args[pos].
func (cmd *Command) keyFlags(args [][]byte, pos int) KeyFlag {
	for _, spec := range cmd.KeySpecs {
		if !spec.covers(pos, args) {
			continue
		}
		if spec.Flags&KeyVariableFlags != 0 {
			return cmd.KeyFlags(args)
		}
		return spec.Flags
	}
	return 0
}

// covers reports whether the argument at pos is one of the keys that spec describes.
func (spec KeySpec) covers(pos int, args [][]byte) bool {
	n, last := len(args), spec.Index+spec.Last
	switch {
	case spec.Unknown:
		return pos > 1 && spec.Flags&KeyOW != 0 // only what is written is found, by GetKeys
	case spec.Counted:
		count, _ := countAt(args, spec.Index)
		step := max(spec.Step, 1)
		return pos > spec.Index && pos <= spec.Index+step*count && (pos-spec.Index-1)%step == 0
	case spec.Last < 0 && spec.Limit > 1:
		last = spec.Index + (n-spec.Index)/spec.Limit + spec.Last
	case spec.Last < 0:
		last = n + spec.Last
	}
	return pos >= spec.Index && pos <= last && (pos-spec.Index)%max(spec.Step, 1) == 0
}

// setKeyFlags returns what SET does with its key.
func setKeyFlags(args [][]byte) KeyFlag {
	for _, option := range args[3:] {
		if strings.EqualFold(string(option), "GET") {
			return KeyRW | KeyAccess | KeyUpdate
		}
	}
	return KeyOW | KeyUpdate
}

// countedKeys returns the GetKeys of a command whose keys follow their number, which stands at position at.
func countedKeys(at int) func(args [][]byte) []int {
	return func(args [][]byte) []int {
		n, ok := countAt(args, at)
		if !ok {
			return nil
		}
		return appendPositions(make([]int, 0, n), at, n)
	}
}

// targetAndCountedKeys is countedKeys for a command whose first argument is a key, too: the one that it writes.
func targetAndCountedKeys(at int) func(args [][]byte) []int {
	return func(args [][]byte) []int {
		n, ok := countAt(args, at)
		if !ok {
			return nil
		}
		return appendPositions(append(make([]int, 0, n+1), 1), at, n)
	}
}

// appendPositions appends the n positions after at.
func appendPositions(dst []int, at, n int) []int {
	for i := range n {
		dst = append(dst, at+1+i)
	}
	return dst
}

// countAt returns the number of keys that args[at] announces, unless it is none, or fewer arguments follow. The handler then answers with
// an error before it looks at any key.
func countAt(args [][]byte, at int) (int, bool) {
	if at >= len(args) {
		return 0, false
	}
	n, ok := number.ParseInt(args[at])
	if !ok || n < 1 || n > int64(len(args)-at-1) {
		return 0, false
	}
	return int(n), true
}
