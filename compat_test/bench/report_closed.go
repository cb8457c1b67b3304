package main

import (
	"fmt"
	"slices"
	"strings"
)

// modes are in the order of the tables.
func modes() []mode { return []mode{modeNone, modeAlways, modeEverysec} }

// printClosed prints two tables with a line per closed load: CPU and throughput, and the latencies.
func (p *report) printClosed(out *strings.Builder) {
	rows := p.closedRows()
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(out, "\n### Closed loads\n\nCPU time of the server for one command, in microseconds, and commands per second; P is the pipeline. %s\n\n", p.basis(rows))
	speed := &table{
		header: []string{"", "CPU: Redis", "Quipu", "ratio (wanted)", "ops/s: Redis", "Quipu", "ratio (wanted)", ""},
		align:  "lrrrrrrl",
	}
	addClosed(speed, p.speedLine)
	speed.print(out)
	p.printClosedNotes(out, rows)
	latency := &table{header: []string{"", "Redis", "Quipu", "ratio"}, align: "lrrr"}
	addClosed(latency, p.latencyLine)
	if len(latency.lines) > 0 {
		out.WriteString("\nThe latencies of these loads, from the first byte of a pipeline to its last reply: p50 / p99 / p99.9 in milliseconds.\n\n")
		latency.print(out)
	}
}

// closedRows are the rows of closed loads that are to be printed.
func (p *report) closedRows() []row {
	var rows []row
	for _, on := range populations() {
		rows = append(rows, p.rowsOn(on)...)
	}
	return rows
}

// rowsOn are the rows of the loads on a population that are to be printed.
func (p *report) rowsOn(on population) []row {
	var rows []row
	for _, l := range on.loads {
		for _, w := range l.rows() {
			if p.shows(w.name) {
				rows = append(rows, w)
			}
		}
	}
	return rows
}

// addClosed adds a line for each load for which there are cells, below the titles of the modes.
func addClosed(t *table, cells func(l closedLoad) []string) {
	for _, m := range modes() {
		titled := false
		for _, l := range loadsIn(m) {
			line := cells(l)
			if line == nil {
				continue
			}
			if !titled {
				t.add(bold(m.title))
				titled = true
			}
			t.add(append([]string{l.short()}, line...)...)
		}
	}
}

// loadsIn are the loads of a mode on all populations.
func loadsIn(m mode) []closedLoad {
	var loads []closedLoad
	for _, on := range populations() {
		for _, l := range on.loads {
			if l.mode.name == m.name {
				loads = append(loads, l)
			}
		}
	}
	return loads
}

// speedFigure is one of the two figures of the first table.
type speedFigure struct {
	part, name string
	text       func(median float64) string
}

func speedFigures() []speedFigure {
	return []speedFigure{{"/cpu", "CPU", inMicros}, {"/rate", "ops/s", perSecond}}
}

// perSecond prints a rate without its unit.
func perSecond(rate float64) string { return strings.TrimSuffix(unitRate.format(rate), "/s") }

// speedLine is a load's line of the first table, or nil.
func (p *report) speedLine(l closedLoad) []string {
	var line []string
	for _, f := range speedFigures() {
		if w, ok := p.shown[l.name+f.part]; ok {
			line = append(line, f.text(p.Redis.median(w.name)), f.text(p.Quipu.median(w.name)), p.ratio(w))
		} else {
			line = append(line, "", "", "")
		}
	}
	if !slices.ContainsFunc(line, func(cell string) bool { return cell != "" }) {
		return nil
	}
	return append(line, p.speedVerdict(l))
}

// speedVerdict is one on both figures of a load: what fails is named.
func (p *report) speedVerdict(l closedLoad) string {
	verdict := ""
	var failed []string
	for _, f := range speedFigures() {
		switch one := p.verdict(p.shown[l.name+f.part]); {
		case fails(one):
			failed = append(failed, f.name+" "+one)
		case one != "":
			verdict = one
		}
	}
	if len(failed) > 0 {
		return bold(strings.Join(failed, ", "))
	}
	return verdict
}

// ratio is Quipu's figure over Redis's, with what is wanted of it.
func (p *report) ratio(w row) string {
	text := w.quotients(p.Redis, p.Quipu)
	for _, limit := range w.bounds {
		text += " (" + limit.sign() + limit.factor() + ")"
	}
	if fails(p.verdict(w)) {
		text = bold(text)
	}
	if p.saturated(w) {
		text += "¹"
	}
	return text
}

// latencyLine is a load's line of the second table, or nil.
func (p *report) latencyLine(l closedLoad) []string {
	w, ok := p.shown[l.name+"/latency"]
	if !ok {
		return nil
	}
	cell := func(r readings) string {
		return w.join(func(part string) string { return inMillis(r.median(part)) })
	}
	return []string{cell(p.Redis), cell(p.Quipu), w.quotients(p.Redis, p.Quipu)}
}

// generatorLimit is the share of its core beyond which a closed load is as fast as its generator.
const generatorLimit = 0.95

// saturated tells whether a row is a throughput that was the generator's.
func (p *report) saturated(w row) bool {
	load, isRate := strings.CutSuffix(w.name, "/rate")
	return isRate && p.Quipu.median(load+"/generator-busy") > generatorLimit
}

// printClosedNotes prints what a reader must know before believing the lines, and what the loads are in full.
func (p *report) printClosedNotes(out *strings.Builder, rows []row) {
	if slices.ContainsFunc(rows, p.saturated) {
		out.WriteString("\n¹ The load generator took the whole of its core: the server could do more.\n")
	}
	fmt.Fprintf(out, "\n%d connections, each of which sends as many commands again when it has its replies.", connections)
	for _, on := range populations() {
		if len(p.rowsOn(on)) > 0 {
			out.WriteString(" " + on.about(p.opts))
		}
	}
	out.WriteString("\n")
}
