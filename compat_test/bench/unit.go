package main

import (
	"fmt"
	"math"
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

// bare prints a value with three digits and always some behind the point, for columns whose heading has the unit: one of them can
// be compared with the next at a glance.
func bare(value float64) string {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return "—"
	case value >= 99.95:
		return fmt.Sprintf("%.0f", value)
	case value >= 9.995:
		return fmt.Sprintf("%.1f", value)
	case value >= 0.9995:
		return fmt.Sprintf("%.2f", value)
	default:
		return fmt.Sprintf("%.3f", value)
	}
}

// inMillis prints seconds as milliseconds without the unit, inMicros nanoseconds as microseconds.
func inMillis(seconds float64) string { return bare(seconds * 1e3) }
func inMicros(nanos float64) string   { return bare(nanos / 1e3) }

// short prints a number of things: 10M, 100k, 1234.
func short(n int) string {
	switch {
	case n >= 1_000_000 && n%100_000 == 0:
		return fmt.Sprintf("%gM", float64(n)/1e6)
	case n >= 1000 && n%100 == 0:
		return fmt.Sprintf("%gk", float64(n)/1e3)
	default:
		return fmt.Sprint(n)
	}
}
