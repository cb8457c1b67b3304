package main

import (
	"math"
	"testing"
)

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		bounds       []bound
		redis, quipu float64
		want         string
	}{
		{nil, 1, 1, ""},
		{[]bound{atMost(32)}, math.NaN(), 32, "met"},
		{[]bound{atMost(32)}, 80, 48, "MISSED by 1.50x"},
		{[]bound{atMostTimes(0.5)}, 100, 49, "met"},
		{[]bound{atMostTimes(0.5)}, 100, 75, "MISSED by 1.50x"},
		{[]bound{atLeastTimes(2)}, 100, 200, "met"},
		{[]bound{atLeastTimes(2)}, 100, 100, "MISSED by 2.00x"},
		{[]bound{atLeastTimes(2)}, math.NaN(), 100, "NOT MEASURED"},
		{[]bound{atMost(1)}, 1, math.NaN(), "NOT MEASURED"},
		{[]bound{atMost(0)}, 1, 0, "met"},
		{[]bound{atMost(0)}, 1, 3, "MISSED"},
		{[]bound{atMost(1), atMostTimes(0.2)}, 10, 1.5, "MISSED by 1.50x"},
		{[]bound{atMost(1), atMostTimes(0.2)}, 1, 0.8, "MISSED by 4.00x"},
	} {
		w := figure("x", "", unitCount, c.bounds...)
		if got := w.verdict(single(c.redis), single(c.quipu)); got != c.want {
			t.Errorf("%v, Redis %v, Quipu %v: got %q, want %q", c.bounds, c.redis, c.quipu, got, c.want)
		}
	}
}

func single(value float64) readings {
	if math.IsNaN(value) {
		return readings{}
	}
	return readings{"x": {value}}
}

func TestMedian(t *testing.T) {
	r := readings{"odd": {3, 1, 2}, "even": {4, 1, 3, 2}}
	if odd, even := r.median("odd"), r.median("even"); odd != 2 || even != 2.5 {
		t.Errorf("medians are %v and %v, want 2 and 2.5", odd, even)
	}
	if !math.IsNaN(r.median("absent")) {
		t.Error("the median of nothing is a number")
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		unit  unit
		value float64
		want  string
	}{
		{unitNanos, 612, "612 ns"},
		{unitNanos, 1234, "1.23 µs"},
		{unitSeconds, 0.0123, "12.3 ms"},
		{unitSeconds, 0.000167, "167 µs"},
		{unitSeconds, 2, "2 s"},
		{unitRate, 1_270_000, "1.27M/s"},
		{unitRate, 63_600, "63.6k/s"},
		{unitBytes, 31.25, "31.2 B"},
		{unitBytes, 64 << 20, "64 MiB"},
		{unitCount, 0.0034, "0.0034"},
		{unitCount, 10_000_000, "10000000"},
		{unitFactor, 0.5849, "0.58x"},
		{unitFactor, math.NaN(), "—"},
	} {
		if got := c.unit.format(c.value); got != c.want {
			t.Errorf("%v in unit %d: got %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}
