package server

import "quipu/server/resp"

// The number of elements in a row of COMMAND. Redis 7 sends ten; some clients of the time before it (go-redis 8) read a row only if
// it has six or seven, and every client of today is content with seven. All of them speak RESP2, and whoever asks for RESP3 was
// written for a Redis that sends ten. So the protocol decides.
const (
	shortRow = 7
	fullRow  = 10
)

func rowLength(out *resp.Writer) int {
	if out.Protocol() == 3 {
		return fullRow
	}
	return shortRow
}

// writeCommand writes the row of cmd as COMMAND INFO shows it.
func writeCommand(out *resp.Writer, cmd *Command) {
	length := rowLength(out)
	out.Array(length)
	out.BulkString(cmd.FullName())
	out.Int(int64(cmd.Arity))
	writeNames(out, (cmd.Flags &^ FlagProtected).Names(), "") // Redis does not show that one
	out.Int(int64(cmd.First))
	out.Int(int64(cmd.Last))
	out.Int(int64(cmd.Step))
	writeNames(out, cmd.Categories.Names(), "@")
	if length == shortRow {
		return
	}
	out.Set(len(cmd.Tips))
	for _, tip := range cmd.Tips {
		out.BulkString(tip)
	}
	out.Set(len(cmd.KeySpecs))
	for _, spec := range cmd.KeySpecs {
		writeKeySpec(out, spec)
	}
	writeSubcommands(out, cmd.Sub)
}

func writeSubcommands(out *resp.Writer, subs []*Command) {
	if len(subs) == 0 {
		out.Set(0)
		return
	}
	out.Array(len(subs))
	for _, sub := range subs {
		writeCommand(out, sub)
	}
}

// writeNames writes names as an unordered collection of simple strings.
func writeNames(out *resp.Writer, names []string, prefix string) {
	out.Set(len(names))
	for _, name := range names {
		out.Simple(prefix + name)
	}
}

func writeKeySpec(out *resp.Writer, spec KeySpec) {
	if spec.Notes == "" {
		out.Map(3)
	} else {
		out.Map(4)
		out.BulkString("notes")
		out.BulkString(spec.Notes)
	}
	out.BulkString("flags")
	writeNames(out, spec.Flags.Names(), "")
	out.BulkString("begin_search")
	if spec.Unknown {
		writeSearch(out, "unknown")
		out.BulkString("find_keys")
		writeSearch(out, "unknown")
		return
	}
	writeSearch(out, "index", searchField{"index", spec.Index})
	out.BulkString("find_keys")
	if spec.Counted {
		writeSearch(out, "keynum", searchField{"keynumidx", 0}, searchField{"firstkey", 1}, searchField{"keystep", max(spec.Step, 1)})
		return
	}
	writeSearch(out, "range",
		searchField{"lastkey", spec.Last}, searchField{"keystep", spec.Step}, searchField{"limit", spec.Limit})
}

// searchField is a named number of a key specification.
type searchField struct {
	name  string
	value int
}

func writeSearch(out *resp.Writer, kind string, fields ...searchField) {
	out.Map(2)
	out.BulkString("type")
	out.BulkString(kind)
	out.BulkString("spec")
	out.Map(len(fields))
	for _, f := range fields {
		out.BulkString(f.name)
		out.Int(int64(f.value))
	}
}
