package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// printBig prints what happens beside a large collection: a line per type, a column per event.
func (p *report) printBig(out *strings.Builder) {
	all := p.bigRows()
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(out, "\n### Beside a large collection\n\np99.9 of INCRBY of other keys while something happens to a collection of %s elements, over p99.9 without;"+
		" in brackets that of Redis, which evicts by deleting and reads nothing back. Wanted: %s. `appendfsync always`, half of the maximal load, sent at fixed times. %s\n\n",
		short(p.opts.bigElements), all[0].wanted(), p.basis(all))
	p.bigTable(p.bigRatio).print(out)
	if slices.ContainsFunc(all, func(w row) bool { return p.rounds(bigPart(w, "with")) > 0 }) {
		out.WriteString("\nThe same p99.9 in milliseconds, without → meanwhile:\n\n")
		p.bigTable(p.bigAbsolute).print(out)
	}
}

// bigRows are the rows to print.
func (p *report) bigRows() []row {
	var rows []row
	for _, s := range bigScenarios(p.opts) {
		for _, w := range s.rows {
			if p.shows(w.name) {
				rows = append(rows, w)
			}
		}
	}
	return rows
}

// bigTable makes a table of the cells of the rows to print; the line of a type without any is left out.
func (p *report) bigTable(cell func(w row) string) *table {
	t := &table{header: []string{""}, align: "l"}
	for _, e := range bigEvents() {
		t.header = append(t.header, e.title)
		t.align += "r"
	}
	for _, k := range bigKinds() {
		line := []string{k.title}
		some := false
		for _, e := range bigEvents() {
			w, ok := p.shown[k.row(e)+"/ratio"]
			if !ok {
				line = append(line, "")
				continue
			}
			line = append(line, cell(w))
			some = true
		}
		if some {
			t.add(line...)
		}
	}
	return t
}

// bigRatio is a cell of the first table.
func (p *report) bigRatio(w row) string {
	text := w.cell(p.Quipu)
	if verdict := p.verdict(w); fails(verdict) {
		text = bold(text + ", " + verdict)
	}
	if !math.IsNaN(p.Redis.median(w.name)) {
		text += " (" + w.cell(p.Redis) + ")"
	}
	return text
}

// bigAbsolute is a cell of the second table.
func (p *report) bigAbsolute(w row) string {
	change := func(r readings) string {
		return inMillis(r.median(bigPart(w, "without"))) + " → " + inMillis(r.median(bigPart(w, "with")))
	}
	text := "—"
	if p.Quipu[bigPart(w, "with")] != nil {
		text = change(p.Quipu)
	}
	if p.Redis[bigPart(w, "with")] != nil {
		text += " (" + change(p.Redis) + ")"
	}
	return text
}

// bigPart is the name of another reading that belongs to the ratio of a row.
func bigPart(w row, part string) string { return strings.TrimSuffix(w.name, "ratio") + part }
