package server

import "quipu/server/resp"

func commandDocsRow() *Command {
	return &Command{
		Name: "docs", Arity: -2, Flags: FlagLoading | FlagStale,
		Categories: CatSlow | CatConnection, Group: "server", Since: "7.0.0",
		Summary:    "Returns the documentation of commands.",
		Complexity: "O(N) where N is the number of commands to look up",
		Tips:       []string{"nondeterministic_output_order"},
		Args:       []Arg{{Name: "command-name", Flags: ArgOptional | ArgMultiple}},
		Run:        commandDocs,
	}
}

// commandDocs documents the named commands, or all of them. Unknown names are left out.
func commandDocs(c *Call) error {
	rows := c.Srv.table.top
	if len(c.Args) > 2 {
		rows = nil
		for _, name := range c.Args[2:] {
			if cmd := c.Srv.table.Find(string(name)); cmd != nil {
				rows = append(rows, cmd)
			}
		}
	}
	writeDocs(c.Out, rows)
	return nil
}

// writeDocs writes a map from the name of each command to its documentation.
func writeDocs(out *resp.Writer, rows []*Command) {
	out.Map(len(rows))
	for _, cmd := range rows {
		out.BulkString(cmd.FullName())
		writeDoc(out, cmd)
	}
}

// docField is one pair of a documentation map; write writes its value.
type docField struct {
	name  string
	write func(*resp.Writer)
}

func writeFields(out *resp.Writer, fields []docField) {
	out.Map(len(fields))
	for _, f := range fields {
		out.BulkString(f.name)
		f.write(out)
	}
}

// textField appends a field with a text, unless that is empty.
func textField(fields []docField, name, text string) []docField {
	if text == "" {
		return fields
	}
	return append(fields, docField{name, func(out *resp.Writer) { out.BulkString(text) }})
}

// namesField appends a field with a collection of names, unless there is none.
func namesField(fields []docField, name string, names []string) []docField {
	if len(names) == 0 {
		return fields
	}
	return append(fields, docField{name, func(out *resp.Writer) { writeNames(out, names, "") }})
}

func writeDoc(out *resp.Writer, cmd *Command) {
	var fields []docField
	fields = textField(fields, "summary", cmd.Summary)
	fields = textField(fields, "since", cmd.Since)
	fields = textField(fields, "group", cmd.Group)
	fields = textField(fields, "complexity", cmd.Complexity)
	fields = namesField(fields, "doc_flags", cmd.DocFlags)
	fields = textField(fields, "deprecated_since", cmd.Deprecated)
	fields = textField(fields, "replaced_by", cmd.ReplacedBy)
	if len(cmd.Args) > 0 {
		fields = append(fields, docField{"arguments", func(out *resp.Writer) { writeArgs(out, cmd.Args) }})
	}
	if len(cmd.Sub) > 0 {
		fields = append(fields, docField{"subcommands", func(out *resp.Writer) { writeDocs(out, cmd.Sub) }})
	}
	writeFields(out, fields)
}

func writeArgs(out *resp.Writer, args []Arg) {
	out.Array(len(args))
	for _, arg := range args {
		writeArg(out, arg)
	}
}

func writeArg(out *resp.Writer, arg Arg) {
	var fields []docField
	fields = textField(fields, "name", arg.Name)
	fields = textField(fields, "type", arg.Type.String())
	if arg.Type == ArgKey || arg.KeySpec > 0 {
		fields = append(fields, docField{"key_spec_index", func(out *resp.Writer) { out.Int(int64(arg.KeySpec)) }})
	}
	fields = textField(fields, "token", arg.Token)
	fields = textField(fields, "summary", arg.Summary)
	fields = textField(fields, "since", arg.Since)
	fields = namesField(fields, "flags", arg.Flags.Names())
	if len(arg.Sub) > 0 {
		fields = append(fields, docField{"arguments", func(out *resp.Writer) { writeArgs(out, arg.Sub) }})
	}
	writeFields(out, fields)
}

// Names returns the wire names of the flags in f.
func (f ArgFlag) Names() []string {
	var names []string
	for i, name := range [...]string{"optional", "multiple", "multiple_token"} {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
