package main

import (
	"strings"
	"unicode/utf8"
)

// table is a Markdown table under construction. Its columns are padded: it is read in a terminal, too.
type table struct {
	header []string
	align  string // a letter per column: l or r
	lines  [][]string
}

// add appends a line; columns that are left out stay empty.
func (t *table) add(cells ...string) {
	t.lines = append(t.lines, append(cells, make([]string, len(t.header)-len(cells))...))
}

func (t *table) print(out *strings.Builder) {
	widths := t.widths()
	t.printLine(out, widths, t.header)
	for i, width := range widths {
		if t.align[i] == 'r' {
			out.WriteString("|" + strings.Repeat("-", width+1) + ":")
		} else {
			out.WriteString("|" + strings.Repeat("-", width+2))
		}
	}
	out.WriteString("|\n")
	for _, line := range t.lines {
		t.printLine(out, widths, line)
	}
}

// widths are those of the columns, in characters; at least what the ruler under the header needs.
func (t *table) widths() []int {
	widths := make([]int, len(t.header))
	for _, line := range append([][]string{t.header}, t.lines...) {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 1)
		}
	}
	return widths
}

func (t *table) printLine(out *strings.Builder, widths []int, line []string) {
	for i, cell := range line {
		blanks := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if t.align[i] == 'r' {
			out.WriteString("| " + blanks + cell + " ")
		} else {
			out.WriteString("| " + cell + blanks + " ")
		}
	}
	out.WriteString("|\n")
}

// bold makes a cell impossible to overlook.
func bold(text string) string { return "**" + text + "**" }
