package server

import (
	"fmt"
	"slices"
	"strings"

	"quipu/server/config"
)

// maxCommandName bounds the names that lookup considers, renamed ones included. It is the size of a buffer on the stack.
const maxCommandName = 64

// commandTable finds rows by name. It is constant after newTable.
type commandTable struct {
	byName map[string]*Command // by lower-case name, after renaming
	top    []*Command          // every top-level row, sorted by name
	rows   []*Command          // every row and subcommand; Command.index is the place
	// blockingInitials has the first bytes of the names of commands that may block: a look at them spares most others the lookup.
	blockingInitials [256]bool
}

// newTable links the rows, which it owns from now on, and applies the rename-command lines.
func newTable(rows []*Command, renames []config.Rename) (*commandTable, error) {
	t := &commandTable{byName: make(map[string]*Command, len(rows)), top: slices.Clone(rows)}
	slices.SortFunc(t.top, func(a, b *Command) int { return strings.Compare(a.Name, b.Name) })
	for _, row := range t.top {
		if t.byName[row.Name] != nil {
			return nil, fmt.Errorf("command %q has two rows", row.Name)
		}
		t.byName[row.Name] = row
		t.link(row, nil)
	}
	for _, r := range renames {
		if err := t.rename(strings.ToLower(r.From), strings.ToLower(r.To)); err != nil {
			return nil, err
		}
	}
	t.noteBlocking()
	return t, nil
}

// noteBlocking fills in blockingInitials.
func (t *commandTable) noteBlocking() {
	for name, row := range t.byName {
		if row.mayBlock() && name != "" {
			t.blockingInitials[name[0]] = true
			t.blockingInitials[strings.ToUpper(name)[0]] = true
		}
	}
}

// link fills in what a row derives from its place in the table.
func (t *commandTable) link(row, parent *Command) {
	row.parent, row.full, row.index = parent, row.Name, len(t.rows)
	if parent != nil {
		row.full = parent.Name + "|" + row.Name
	}
	row.keyed = row.Locks == LockKeys && row.First > 0 && row.GetKeys == nil && row.Elsewhere == nil && !row.WritesOne && !row.mayBlock() &&
		row.Run != nil && parent == nil && len(row.Sub) == 0
	t.rows = append(t.rows, row)
	if len(row.Sub) == 0 {
		return
	}
	row.subs = make(map[string]*Command, len(row.Sub))
	for _, sub := range row.Sub {
		row.subs[sub.Name] = sub
		t.link(sub, row)
	}
}

// rename moves a row to another name; an empty name hides it. The row keeps its own name in statistics and logs, as in Redis.
func (t *commandTable) rename(from, to string) error {
	row := t.byName[from]
	switch {
	case row == nil:
		return fmt.Errorf("rename-command %s: no such command", from)
	case to != "" && t.byName[to] != nil:
		return fmt.Errorf("rename-command %s %s: the target name is taken", from, to)
	case len(to) > maxCommandName:
		return fmt.Errorf("rename-command %s: the target name is longer than %d bytes", from, maxCommandName)
	}
	delete(t.byName, from)
	if to != "" {
		t.byName[to] = row
	}
	return nil
}

// find returns the top-level row of a name in any case, or nil. It does not allocate.
func (t *commandTable) find(name []byte) *Command {
	var buf [maxCommandName]byte
	return t.byName[string(lower(&buf, name))]
}

// Find returns the row of a name in any case, "config" or "config|get", or nil.
func (t *commandTable) Find(name string) *Command {
	top, sub, nested := strings.Cut(name, "|")
	row := t.find([]byte(top))
	if !nested || row == nil {
		return row
	}
	return row.sub([]byte(sub))
}

// lookup returns the row that args call: a subcommand where the command has such. unknown is true where the name of the command or
// of the subcommand is not known.
func (t *commandTable) lookup(args [][]byte) (row *Command, unknown bool) {
	row = t.find(args[0])
	switch {
	case row == nil:
		return nil, true
	case row.subs == nil || len(args) == 1:
		return row, false
	}
	if sub := row.sub(args[1]); sub != nil {
		return sub, false
	}
	return row, true
}

// sub returns the row of a subcommand's name in any case, or nil.
func (cmd *Command) sub(name []byte) *Command {
	var buf [maxCommandName]byte
	return cmd.subs[string(lower(&buf, name))]
}

// lower copies name in lower case into buf. What is longer than any name becomes the empty one, which no command has.
func lower(buf *[maxCommandName]byte, name []byte) []byte {
	if len(name) > len(buf) {
		return nil
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(name)]
}

// errUnknown is Redis's answer to a name that is not in the table.
func errUnknown(args [][]byte) error {
	const limit = 128 // bytes of the name, and of the arguments together, that are quoted
	var quoted strings.Builder
	for _, arg := range args[1:] {
		if quoted.Len() >= limit {
			break
		}
		fmt.Fprintf(&quoted, "'%s' ", cString(arg, limit-quoted.Len()))
	}
	return replyErrorf("ERR unknown command '%s', with args beginning with: %s", cString(args[0], limit), quoted.String())
}

// errUnknownSub is Redis's answer to a subcommand that its container does not have.
func errUnknownSub(args [][]byte) error {
	return replyErrorf("ERR unknown subcommand '%s'. Try %s HELP.", cString(args[1], 128), strings.ToUpper(cString(args[0], maxCommandName)))
}

// cString returns at most limit bytes of b, and only those before the first zero byte, which is where C's formatting stops.
func cString(b []byte, limit int) string {
	b = b[:min(len(b), limit)]
	if i := slices.Index(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// equalFold reports whether arg is word, which is in lower case, in any case. Only ASCII letters have two.
func equalFold(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, c := range arg {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
