package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// unit says how a row's numbers are printed.
type unit int

const (
	unitNanos   unit = iota // CPU time of one operation, in nanoseconds
	unitSeconds             // a duration
	unitRate                // per second
	unitBytes
	unitCount
	unitFactor // a quotient
)

// bound is a figure to reach: at most or at least limit, or limit times what Redis has.
type bound struct {
	limit   float64
	least   bool
	ofRedis bool
}

func atMost(limit float64) bound       { return bound{limit: limit} }
func atLeast(limit float64) bound      { return bound{limit: limit, least: true} }
func atMostTimes(limit float64) bound  { return bound{limit: limit, ofRedis: true} }
func atLeastTimes(limit float64) bound { return bound{limit: limit, least: true, ofRedis: true} }

// text is the bound as the table's second column has it.
func (b bound) text(u unit) string {
	sign := "≤ "
	if b.least {
		sign = "≥ "
	}
	if b.ofRedis {
		return sign + fmt.Sprintf("%.3gx Redis", b.limit)
	}
	return sign + u.format(b.limit)
}

// missedBy is by which factor quipu falls short of the bound; 1 or less is met. A limit of nothing is missed infinitely.
func (b bound) missedBy(redis, quipu float64) float64 {
	limit := b.limit
	if b.ofRedis {
		limit *= redis
	}
	if quipu == limit {
		return 1
	}
	if b.least {
		return limit / quipu
	}
	return quipu / limit
}

// row is a line of the table.
type row struct {
	name   string // path; -run selects by it
	title  string
	parts  []string // names of the readings that it shows, usually one: its own
	unit   unit
	bounds []bound // none: reported only, nothing promised
}

// figure is a row of one reading, which has the row's name.
func figure(name, title string, u unit, bounds ...bound) row {
	return row{name: name, title: title, parts: []string{name}, unit: u, bounds: bounds}
}

// latencies is a row of three percentiles, reported only.
func latencies(name, title string) row {
	return row{
		name: name, title: title + ": p50 / p99 / p99.9", unit: unitSeconds,
		parts: []string{name + "/p50", name + "/p99", name + "/p99.9"},
	}
}

// readings are what was measured of one server: by name, one value per round.
type readings map[string][]float64

func (r readings) add(name string, value float64) { r[name] = append(r[name], value) }

// median is NaN for what was not measured.
func (r readings) median(name string) float64 {
	values := slices.Sorted(slices.Values(r[name]))
	if len(values) == 0 {
		return math.NaN()
	}
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// verdict compares the medians with the bounds of a row.
func (w row) verdict(redis, quipu readings) string {
	if len(w.bounds) == 0 {
		return ""
	}
	ours := quipu.median(w.parts[0])
	if math.IsNaN(ours) {
		return "NOT MEASURED"
	}
	worst := 0.0
	for _, limit := range w.bounds {
		worst = math.Max(worst, limit.missedBy(redis.median(w.parts[0]), ours))
	}
	switch {
	case math.IsNaN(worst):
		return "NOT MEASURED"
	case worst <= 1:
		return "met"
	case math.IsInf(worst, 1):
		return "MISSED"
	default:
		return fmt.Sprintf("MISSED by %.2fx", worst)
	}
}

// generatorLimit is the share of its core beyond which a closed load is as fast as its generator.
const generatorLimit = 0.95

// note adds what a reader must know before believing the row.
func (w row) note(quipu readings) string {
	busy, isRate := strings.CutSuffix(w.name, "/rate")
	if isRate && quipu.median(busy+"/generator-busy") > generatorLimit {
		return " (load generator at its limit)"
	}
	return ""
}

// writeTable prints the rows as Markdown.
func writeTable(out io.Writer, rows []row, redis, quipu readings) error {
	text := &strings.Builder{}
	text.WriteString("| | wanted | Redis | Quipu | Quipu / Redis | |\n|---|---|---|---|---|---|\n")
	for _, w := range rows {
		fmt.Fprintf(text, "| %s | %s | %s | %s | %s | %s%s |\n", w.title, w.wanted(),
			w.cell(redis), w.cell(quipu), w.quotients(redis, quipu), w.verdict(redis, quipu), w.note(quipu))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func (w row) wanted() string {
	texts := make([]string, len(w.bounds))
	for i, limit := range w.bounds {
		texts[i] = limit.text(w.unit)
	}
	return strings.Join(texts, " and ")
}

func (w row) cell(r readings) string {
	return w.join(func(part string) string { return w.unit.format(r.median(part)) })
}

func (w row) quotients(redis, quipu readings) string {
	return w.join(func(part string) string { return unitFactor.format(quipu.median(part) / redis.median(part)) })
}

func (w row) join(text func(part string) string) string {
	texts := make([]string, len(w.parts))
	for i, part := range w.parts {
		texts[i] = text(part)
	}
	return strings.Join(texts, " / ")
}

// scale is a name for numbers of at least from.
type scale struct {
	from float64
	name string
}

var scales = map[unit][]scale{
	unitNanos:   {{1e6, " ms"}, {1e3, " µs"}, {1, " ns"}},
	unitSeconds: {{1, " s"}, {1e-3, " ms"}, {1e-6, " µs"}},
	unitRate:    {{1e6, "M/s"}, {1e3, "k/s"}, {1, "/s"}},
	unitBytes:   {{1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}, {1, " B"}},
	unitCount:   {{1, ""}},
	unitFactor:  {{1, "x"}},
}

// format prints a value with three digits; what was not measured is a dash.
func (u unit) format(value float64) string {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return "—"
	}
	steps := scales[u]
	chosen := steps[len(steps)-1]
	for _, step := range steps {
		if math.Abs(value) >= step.from {
			chosen = step
			break
		}
	}
	return threeDigits(value/chosen.from) + chosen.name
}

// threeDigits avoids the exponent that %.3g turns to from 1000 on.
func threeDigits(value float64) string {
	switch size := math.Abs(value); {
	case value == math.Trunc(value) || size >= 100:
		return fmt.Sprintf("%.0f", value)
	case size >= 10:
		return fmt.Sprintf("%.1f", value)
	case size >= 0.01:
		return fmt.Sprintf("%.2f", value)
	default:
		return fmt.Sprintf("%.2g", value)
	}
}
