package server

import (
	"slices"
	"strings"

	"quipu/server/glob"
)

// commandCommands returns the row of COMMAND, with its subcommands. What COMMAND answers follows from the rows alone.
func commandCommands() []*Command { return []*Command{commandRow()} }

func commandRow() *Command {
	return &Command{
		Name: "command", Arity: -1, Flags: FlagLoading | FlagStale,
		Categories: CatSlow | CatConnection, Group: "server", Since: "2.8.13",
		Summary:    "Describes all commands of the server.",
		Complexity: "O(N) where N is the total number of Redis commands",
		Tips:       []string{"nondeterministic_output_order"},
		Sub: []*Command{
			commandCountRow(),
			commandDocsRow(),
			commandGetkeysRow(),
			commandGetkeysandflagsRow(),
			helpRow("5.0.0", CatSlow|CatConnection),
			commandInfoRow(),
			commandListRow(),
		},
		Run: commandAll,
	}
}

// commandAll describes every command of the server.
func commandAll(c *Call) error {
	rows := c.Srv.table.top
	c.Out.Array(len(rows))
	for _, cmd := range rows {
		writeCommand(c.Out, cmd)
	}
	return nil
}

func commandInfoRow() *Command {
	return &Command{
		Name: "info", Arity: -2, Flags: FlagLoading | FlagStale,
		Categories: CatSlow | CatConnection, Group: "server", Since: "2.8.13",
		Summary:    "Describes the named commands, or all of them.",
		Complexity: "O(N) where N is the number of commands to look up",
		Tips:       []string{"nondeterministic_output_order"},
		Args:       []Arg{{Name: "command-name", Flags: ArgOptional | ArgMultiple}},
		Run:        commandInfo,
	}
}

// commandInfo describes the named commands, null for a name that there is none of.
func commandInfo(c *Call) error {
	if len(c.Args) == 2 {
		return commandAll(c)
	}
	c.Out.Array(len(c.Args) - 2)
	for _, name := range c.Args[2:] {
		if cmd := c.Srv.table.Find(string(name)); cmd != nil {
			writeCommand(c.Out, cmd)
		} else {
			c.Out.Null()
		}
	}
	return nil
}

func commandCountRow() *Command {
	return &Command{
		Name: "count", Arity: 2, Flags: FlagLoading | FlagStale,
		Categories: CatSlow | CatConnection, Group: "server", Since: "2.8.13",
		Summary:    "Counts the commands of the server.",
		Complexity: "O(1)",
		Run:        commandCount,
	}
}

func commandCount(c *Call) error {
	c.Out.Int(int64(len(c.Srv.table.top)))
	return nil
}

func commandListRow() *Command {
	return &Command{
		Name: "list", Arity: -2, Flags: FlagLoading | FlagStale,
		Categories: CatSlow | CatConnection, Group: "server", Since: "7.0.0",
		Summary:    "Lists the names of the commands.",
		Complexity: "O(N) where N is the total number of Redis commands",
		Tips:       []string{"nondeterministic_output_order"},
		Args: []Arg{
			{Name: "filterby", Type: ArgOneOf, Token: "FILTERBY", Flags: ArgOptional, Sub: []Arg{
				{Name: "module-name", Token: "MODULE"},
				{Name: "category", Token: "ACLCAT"},
				{Name: "pattern", Type: ArgPattern, Token: "PATTERN"},
			}},
		},
		Run: commandList,
	}
}

// commandList answers with the names of all commands and subcommands, or of those that a filter lets through.
func commandList(c *Call) error {
	keep, err := listFilter(c.Args[2:])
	if err != nil {
		return err
	}
	var names []string
	for _, cmd := range c.Srv.table.rows {
		if keep(cmd) {
			names = append(names, cmd.FullName())
		}
	}
	c.Out.Array(len(names))
	for _, name := range names {
		c.Out.BulkString(name)
	}
	return nil
}

// listFilter parses the arguments of COMMAND LIST.
func listFilter(args [][]byte) (keep func(*Command) bool, err error) {
	if len(args) == 0 {
		return func(*Command) bool { return true }, nil
	}
	if len(args) != 3 || !strings.EqualFold(string(args[0]), "FILTERBY") {
		return nil, ErrSyntax
	}
	value := args[2]
	switch strings.ToUpper(string(args[1])) {
	case "MODULE":
		return func(*Command) bool { return false }, nil
	case "ACLCAT":
		category, ok := categoryByName(string(value))
		return func(cmd *Command) bool { return ok && cmd.Categories&category != 0 }, nil
	case "PATTERN":
		return func(cmd *Command) bool { return glob.MatchFold(value, []byte(cmd.FullName())) }, nil
	}
	return nil, ErrSyntax
}

// categoryByName returns the ACL category of that name, in any case.
func categoryByName(name string) (c Category, ok bool) {
	i := slices.Index(categoryNames, strings.ToLower(name))
	if i < 0 {
		return 0, false
	}
	return 1 << i, true
}
