package server

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

//go:generate go run ./gendoc ../COMMANDS.md

// referenceGroups are the chapters of the reference, in order, by the group that the rows name.
var referenceGroups = []referenceGroup{
	{group: "string", title: "Counters and strings"},
	{group: "bitmap", title: "Bitmaps"},
	{group: "hyperloglog", title: "HyperLogLogs"},
	{group: "list", title: "Lists"},
	{group: "hash", title: "Hashes"},
	{group: "set", title: "Sets"},
	{group: "sorted-set", title: "Sorted sets"},
	{group: "generic", title: "Keys"},
	{group: "transactions", title: "Transactions"},
	{group: "connection", title: "Connections"},
	{group: "server", title: "Server"},
	{group: "cluster", title: "Cluster", note: clusterNote},
}

// referenceGroup is a chapter: its title and, where one is needed, what stands before its commands.
type referenceGroup struct{ group, title, note string }

// clusterNote stands at the head of the commands of cluster mode.
const clusterNote = "There is no cluster mode yet. As in Redis without `cluster-enabled`, all of these answer\n" +
	"`ERR This instance has cluster support disabled`, whatever is said of them here.\n"

// referenceIntro stands at the head of the reference.
const referenceIntro = `# Commands

Every command that Quipu answers. This page is made from the command table (` + "`go generate ./server`" + `), so it cannot tell of anything
that is not there, and COMMAND DOCS tells the same to clients.

Names and options are in capitals, what you put in is in lower case, ` + "`[...]`" + ` may be left out, ` + "`|`" + ` separates alternatives, and dots mean
that something may be repeated. Below each command: the version of Redis that brought it in this form, what its time grows with, its
flags, and the ACL categories it belongs to. Every command with subcommands has one more, HELP. Replies and errors are those of Redis ` + RedisVersion + `.
`

// WriteReference writes the reference of all commands as Markdown.
func WriteReference(w io.Writer) error {
	table, err := newTable(commandRows(), nil)
	if err != nil {
		return fmt.Errorf("build the command table: %w", err)
	}
	var b strings.Builder
	b.WriteString(referenceIntro)
	for _, chapter := range referenceGroups {
		fmt.Fprintf(&b, "\n## %s\n", chapter.title)
		if chapter.note != "" {
			b.WriteString("\n" + chapter.note)
		}
		for _, cmd := range table.top {
			if cmd.Group == chapter.group {
				writeReference(&b, cmd)
			}
		}
	}
	if err := checkGroups(table.top); err != nil {
		return err
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the command reference: %w", err)
	}
	return nil
}

// checkGroups refuses rows that no chapter holds.
func checkGroups(rows []*Command) error {
	for _, cmd := range rows {
		if !slices.ContainsFunc(referenceGroups, func(g referenceGroup) bool { return g.group == cmd.Group }) {
			return fmt.Errorf("the reference has no chapter for %s, of group %q", cmd.FullName(), cmd.Group)
		}
	}
	return nil
}

// writeReference writes the entry of a command, or of each of its subcommands.
func writeReference(b *strings.Builder, cmd *Command) {
	if cmd.Run != nil {
		writeEntry(b, cmd)
	}
	for _, sub := range cmd.Sub {
		if sub.Name != "help" {
			writeEntry(b, sub)
		}
	}
	if cmd.Name == "debug" {
		writeDebugReference(b)
	}
}

// writeDebugReference lists what DEBUG can do, which are no commands of their own.
func writeDebugReference(b *strings.Builder) {
	b.WriteByte('\n')
	for _, d := range debugSubcommands() {
		if d.name != "help" {
			fmt.Fprintf(b, "- `%s`: %s\n", strings.TrimSpace("DEBUG "+strings.ToUpper(d.name)+" "+d.args), d.summary)
		}
	}
}

func writeEntry(b *strings.Builder, cmd *Command) {
	name := strings.ToUpper(strings.ReplaceAll(cmd.FullName(), "|", " "))
	fmt.Fprintf(b, "\n### `%s`\n\n%s", strings.TrimSpace(name+" "+cmd.syntax()), cmd.Summary)
	if cmd.Deprecated != "" {
		fmt.Fprintf(b, " Deprecated since %s: use %s.", cmd.Deprecated, cmd.ReplacedBy)
	}
	facts := []string{"Redis " + cmd.Since, strings.TrimSuffix(cmd.Complexity, ".")}
	if flags := cmd.Flags.Names(); len(flags) > 0 {
		facts = append(facts, strings.Join(flags, ", "))
	}
	facts = append(facts, "@"+strings.Join(cmd.Categories.Names(), " @"))
	facts = slices.DeleteFunc(facts, func(fact string) bool { return fact == "" })
	fmt.Fprintf(b, "\n\n%s\n", strings.Join(facts, " · "))
}
