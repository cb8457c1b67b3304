package main

import (
	"fmt"
	"strings"
)

// printFigures prints the rows that have a line of their own, and under the table what they are in full.
func (p *report) printFigures(out *strings.Builder) {
	t := table{header: []string{"", "wanted", "Redis", "Quipu", "ratio", ""}, align: "llrrrl"}
	var all []row
	var about []string
	for _, s := range figureScenarios(p.opts) {
		before := len(all)
		for _, w := range s.rows {
			if !p.shows(w.name) {
				continue
			}
			all = append(all, w)
			verdict := p.verdict(w)
			if fails(verdict) {
				verdict = bold(verdict)
			}
			t.add(w.title, w.wanted(), w.cell(p.Redis), w.cell(p.Quipu), w.quotients(p.Redis, p.Quipu), verdict)
		}
		if len(all) > before {
			about = append(about, s.about)
		}
	}
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(out, "\n### Memory, disk, restart\n\n%s\n\n", p.basis(all))
	t.print(out)
	out.WriteString("\n")
	for _, text := range about {
		out.WriteString("- " + text + "\n")
	}
}
