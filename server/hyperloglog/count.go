package hyperloglog

import "math"

// histogram counts the registers by value. It has a place for every value that 6 bits can have, although none that Add writes is
// beyond rankBits+1.
type histogram [registerMax + 1]int

// Count computes the number of distinct elements from the registers of b, which is valid.
func Count(b []byte) (uint64, error) {
	var h histogram
	if IsDense(b) {
		h.addDense(b[headerSize:])
		return h.cardinality(), nil
	}
	err := eachRun(b[headerSize:], func(_, n int, value uint8) { h[value] += n })
	if err != nil {
		return 0, err
	}
	return h.cardinality(), nil
}

func (h *histogram) addDense(regs []byte) {
	eachDense(regs, func(_ int, eight uint64) {
		h[eight&registerMax]++
		h[eight>>6&registerMax]++
		h[eight>>12&registerMax]++
		h[eight>>18&registerMax]++
		h[eight>>24&registerMax]++
		h[eight>>30&registerMax]++
		h[eight>>36&registerMax]++
		h[eight>>42]++
	})
}

// alphaInf is 1/(2 ln 2).
const alphaInf = 0.721347520444481703680

// cardinality is the estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284), which
// needs neither tables nor thresholds.
//
// Every product that is added to something is rounded by a conversion first, so that no compiler fuses the two: the result must be
// Redis's on all machines.
func (h *histogram) cardinality() uint64 {
	const m = float64(Registers)
	z := m * tau((m-float64(h[rankBits+1]))/m)
	for j := rankBits; j >= 1; j-- {
		z += float64(h[j])
		z *= 0.5
	}
	z += float64(m * sigma(float64(h[0])/m))
	return uint64(math.Round(alphaInf * m * m / z))
}

// sigma is the sum of x^(2^k) 2^(k-1) for k from 1 on, plus x; x is from 0 to 1.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += float64(x * y)
		y += y
		if before == z {
			return z
		}
	}
}

// tau is a third of 1 - x - the sum of (1 - x^(2^-k))^2 2^-k for k from 1 on; x is from 0 to 1.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
		if before == z {
			return z / 3
		}
	}
}
