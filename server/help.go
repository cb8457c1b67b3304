package server

import (
	"strings"

	"quipu/server/resp"
)

// helpRow returns the row of a container's HELP.
func helpRow(since string, categories Category) *Command {
	return &Command{
		Name: "help", Arity: 2, Flags: FlagLoading | FlagStale,
		Categories: categories, Group: "server", Since: since,
		Summary:    "Lists the subcommands.",
		Complexity: "O(1)",
		Run:        help,
	}
}

// help is the HELP of every container: it is made from the rows of its subcommands, so that it cannot fall behind them.
func help(c *Call) error {
	container := c.Cmd.parent
	lines := make([][2]string, 0, len(container.Sub))
	for _, sub := range container.Sub {
		lines = append(lines, [2]string{strings.TrimSpace(strings.ToUpper(sub.Name) + " " + sub.syntax()), sub.Summary})
	}
	writeHelp(c.Out, container.Name, lines)
	return nil
}

// writeHelp writes help in the form that redis-cli shows it in Redis: what to type, and indented below it what it does.
func writeHelp(out *resp.Writer, container string, lines [][2]string) {
	out.Array(1 + 2*len(lines))
	out.Simple(strings.ToUpper(container) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, line := range lines {
		out.Simple(line[0])
		out.Simple("    " + line[1])
	}
}

// syntax returns the arguments of cmd in the notation of the Redis manual: "key [EX seconds | PX milliseconds] [field ...]".
func (cmd *Command) syntax() string {
	if len(cmd.Args) == 0 {
		return ""
	}
	return joinSyntax(cmd.Args, " ")
}

func joinSyntax(args []Arg, sep string) string {
	parts := make([]string, len(args))
	for i, arg := range args {
		parts[i] = arg.syntax()
	}
	return strings.Join(parts, sep)
}

// syntax returns one argument with its token, brackets where it is optional, and dots where it repeats.
func (a Arg) syntax() string {
	text := a.bare()
	if a.Flags&ArgMultipleToken != 0 {
		text = a.withToken(text)
		text += " [" + text + " ...]"
	} else {
		if a.Flags&ArgMultiple != 0 {
			text += " [" + text + " ...]"
		}
		text = a.withToken(text)
	}
	if a.Flags&ArgOptional != 0 {
		text = "[" + text + "]"
	}
	return text
}

// bare returns the argument without what its token and its flags add.
func (a Arg) bare() string {
	switch a.Type {
	case ArgPureToken:
		return a.Token
	case ArgBlock:
		return joinSyntax(a.Sub, " ")
	case ArgOneOf:
		text := joinSyntax(a.Sub, " | ")
		if a.Flags&ArgOptional != 0 && a.Token == "" {
			return text // the brackets of the option hold it together
		}
		return "<" + text + ">"
	}
	return a.Name
}

func (a Arg) withToken(text string) string {
	if a.Token == "" || a.Type == ArgPureToken {
		return text
	}
	return a.Token + " " + text
}
