package server

import (
	"fmt"
	"strconv"
	"strings"
)

// The shape of LATENCY GRAPH, as in Redis: users compare the pictures.
const (
	graphColumns = 80
	graphRows    = 4
	graphSteps   = len(graphTops) // heights that one row of characters can tell apart
	graphTops    = "_o#"          // the top of a column, by how much of the row it fills
)

// drawLatency draws the samples of h as columns of ASCII characters, oldest left, the age of each written downwards below it.
func drawLatency(h latencyHistory, nowUnix int64) string {
	low, high := h.lowHigh()
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n", h.name, high, low, h.maxMillis)
	b.WriteString(strings.Repeat("-", graphColumns) + "\n")
	for rest := h.samples; len(rest) > 0; {
		n := min(len(rest), graphColumns)
		drawGraph(&b, rest[:n], low, high, nowUnix)
		if rest = rest[n:]; len(rest) > 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// drawGraph writes one band of at most graphColumns samples: the columns, an empty line, the ages.
func drawGraph(b *strings.Builder, samples []latencySample, low, high, nowUnix int64) {
	line := make([]byte, len(samples))
	for row := graphRows - 1; row >= 0; row-- {
		for i, s := range samples {
			line[i] = graphCell(graphHeight(s.millis, low, high), row)
		}
		fmt.Fprintf(b, "%s\n", line)
	}
	ages := make([]string, len(samples))
	depth := 0
	for i, s := range samples {
		ages[i] = shortAge(nowUnix - s.unixTime)
		depth = max(depth, len(ages[i]))
	}
	fmt.Fprintf(b, "%s\n", strings.Repeat(" ", len(samples)))
	for d := range depth {
		for i, age := range ages {
			line[i] = ' '
			if d < len(age) {
				line[i] = age[d]
			}
		}
		fmt.Fprintf(b, "%s\n", line)
	}
}

// graphHeight scales millis to 0 ... graphRows*graphSteps-1 between the lowest and the highest sample.
func graphHeight(millis, low, high int64) int {
	const steps = graphRows * graphSteps
	span := max(high-low, 1)
	return min(int(float64(millis-low)*float64(steps)/float64(span)), steps-1)
}

// graphCell returns what a column of that height shows in a row; row 0 is the lowest.
func graphCell(height, row int) byte {
	switch over := height - row*graphSteps; {
	case over < 0:
		return ' '
	case over >= graphSteps:
		return '|'
	default:
		return graphTops[over]
	}
}

// shortAge writes an age in its largest whole unit: 59s, 59m, 23h, 7d.
func shortAge(seconds int64) string {
	switch {
	case seconds < 60:
		return strconv.FormatInt(seconds, 10) + "s"
	case seconds < 3600:
		return strconv.FormatInt(seconds/60, 10) + "m"
	case seconds < 86400:
		return strconv.FormatInt(seconds/3600, 10) + "h"
	}
	return strconv.FormatInt(seconds/86400, 10) + "d"
}
