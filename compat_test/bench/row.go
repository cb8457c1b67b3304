package main

import (
	"fmt"
	"math"
	"strings"
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

// text is the bound in the unit of its row.
func (b bound) text(u unit) string {
	if b.ofRedis {
		return b.sign() + " " + b.factor() + " Redis"
	}
	return b.sign() + " " + u.format(b.limit)
}

func (b bound) factor() string { return fmt.Sprintf("%.3gx", b.limit) }

func (b bound) sign() string {
	if b.least {
		return "≥"
	}
	return "≤"
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

// row is what is measured and judged under one name. A line of the tables shows one or several.
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

// Verdicts on a row. One that missed its bound says by how much, too.
const (
	verdictMet         = "met"
	verdictMissed      = "MISSED"
	verdictNotMeasured = "NOT MEASURED"
)

// fails tells whether a verdict must stand out.
func fails(verdict string) bool { return verdict != "" && verdict != verdictMet }

// verdict compares the medians with the bounds of a row; it is empty for a row without any.
func (w row) verdict(redis, quipu readings) string {
	if len(w.bounds) == 0 {
		return ""
	}
	ours := quipu.median(w.parts[0])
	if math.IsNaN(ours) {
		return verdictNotMeasured
	}
	worst := 0.0
	for _, limit := range w.bounds {
		worst = math.Max(worst, limit.missedBy(redis.median(w.parts[0]), ours))
	}
	switch {
	case math.IsNaN(worst):
		return verdictNotMeasured
	case worst <= 1:
		return verdictMet
	case math.IsInf(worst, 1):
		return verdictMissed
	default:
		return fmt.Sprintf(verdictMissed+" by %.2fx", worst)
	}
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
