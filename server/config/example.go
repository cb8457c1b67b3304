package config

import (
	"fmt"
	"slices"
	"strings"
)

//go:generate go run ./internal/writeexample ../../redis.conf.example

// exampleWidth is how wide the comments of the example are wrapped.
const exampleWidth = 80

const exampleHead = `
Quipu reads the configuration files of Redis: the same syntax, names and units. An
existing redis.conf starts it. This file describes every parameter that has a
meaning here, at its default; a line without a # in front of it sets what would be
set anyway. The parameters of Redis that mean nothing here are accepted, and named
at the end of this file.

    quipu /path/to/quipu.conf
    quipu /path/to/quipu.conf --port 7777 --maxmemory 2gb
    quipu --appendfsync everysec
    echo 'port 7777' | quipu -

What comes later overrides what came before: the file, then standard input (where
a lone dash asks for it), then the command line. A line that is not understood stops
the start, with its number.

SYNTAX. One parameter a line, its name in any case, then its values. A # at the
start of a line makes it a comment; there are none behind a value. Values with
spaces stand in quotes: "double ones", in which \n, \t, \" and \x41 mean what they
mean in C, or 'single ones'. "" is the empty value.

UNITS. Sizes are in bytes and take a unit, in either case:

    1k => 1000 bytes           1kb => 1024 bytes
    1m => 1000000 bytes        1mb => 1024*1024 bytes
    1g => 1000000000 bytes     1gb => 1024*1024*1024 bytes

Times have no unit: each parameter says in its first word which one it takes.

AT RUN TIME. CONFIG GET and CONFIG SET know all parameters, CONFIG REWRITE brings
this file up to date without touching its comments. What can only be set at the
start says so.

INCLUDE. A line of the form

    include /path/to/other.conf
    include /etc/quipu/conf.d/*.conf

reads another file as if its lines stood there. A pattern may match nothing. Since
the last line wins, put includes first if this file shall have the last word.

RENAME-COMMAND. A command gets another name, or, with the empty one, none. Clients
that need the command under its old name stop working.

    rename-command FLUSHALL ""
    rename-command CONFIG b840fc02d524045429941cc15f59e41cb7be6c52`

const exampleTail = `
Accepted, and without a meaning here. Each is remembered, shown by CONFIG GET and
checked as Redis checks it; a start that sets any of them says so once in the log.`

const exampleRefused = `
Known, and refused unless it is off, because something would be missing that the
file asks for: cluster-enabled, replicaof (or slaveof), aclfile, loadmodule, and
user lines that say more of the default user than that it is on, may do everything
and has this or that one password.`

// Example returns the text of redis.conf.example: a configuration file that sets
// every meaningful parameter to its default and describes it.
func Example() string {
	var b strings.Builder
	b.WriteString("# Quipu configuration file.\n#\n")
	writeComment(&b, exampleHead)
	for _, g := range chapters {
		writeGroup(&b, g)
	}
	writeTitle(&b, "Without a meaning here")
	writeComment(&b, exampleTail)
	b.WriteString("#\n")
	writeComment(&b, strings.Join(meaninglessNames(), ", "))
	b.WriteString("#\n")
	writeComment(&b, exampleRefused)
	return b.String()
}

func writeTitle(b *strings.Builder, title string) {
	dashes := strings.Repeat("-", exampleWidth-len(title)-7)
	fmt.Fprintf(b, "\n# --- %s %s\n\n", title, dashes)
}

func writeGroup(b *strings.Builder, g group) {
	writeTitle(b, g.title)
	if g.doc != "" {
		writeComment(b, g.doc)
		b.WriteByte('\n')
	}
	for i, row := range g.rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		writeRow(b, row)
	}
}

// writeRow writes one parameter: prose, then the line that sets the default, or
// the commented example where the default is that there is nothing.
func writeRow(b *strings.Builder, row *param) {
	writeComment(b, row.doc)
	switch row.mode {
	case atStart:
		b.WriteString("#\n# Can only be set at the start.\n")
	case atRunTime, protected:
	}
	if row.example != "" {
		fmt.Fprintf(b, "#\n# %s\n", row.example)
		return
	}
	for _, line := range row.value.lines(defaults()) {
		fmt.Fprintf(b, "%s %s\n", row.name, line)
	}
}

// writeComment writes prose as a comment.
func writeComment(b *strings.Builder, text string) {
	for _, line := range layOut(text) {
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
}

// layOut wraps the paragraphs of text. Lines that are indented, or that hold
// columns, keep their shape.
func layOut(text string) []string {
	var lines []string
	for i, block := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			lines = append(lines, "")
		}
		if strings.Contains(block, "  ") {
			lines = append(lines, strings.Split(block, "\n")...)
			continue
		}
		lines = append(lines, wrap(strings.Fields(block), exampleWidth-2)...)
	}
	return lines
}

// wrap fills lines of at most width bytes with words.
func wrap(words []string, width int) []string {
	var lines []string
	line := ""
	for _, word := range words {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// meaninglessNames are the names at the end of the example, in the order of the
// alphabet.
func meaninglessNames() []string {
	names := slices.Clone(abandoned)
	for _, row := range acceptedRows() {
		if row.hidden {
			continue
		}
		names = append(names, row.name)
		if row.alias != "" {
			names = append(names, row.alias)
		}
	}
	slices.Sort(names)
	return names
}
