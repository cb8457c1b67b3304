package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Counters are named as redis-benchmark names them: key:000000123456, 16 bytes.
const (
	keyPrefix = "key:"
	keyDigits = 12
	keyLength = len(keyPrefix) + keyDigits
	maxKeys   = 1_000_000_000_000
)

// appendKey appends the name of counter i.
func appendKey(dst []byte, i int) []byte {
	dst = append(dst, keyPrefix+"000000000000"...)
	for at := len(dst) - 1; i > 0; at-- {
		dst[at] = byte('0' + i%10)
		i /= 10
	}
	return dst
}

// keyNumber is the inverse of appendKey.
func keyNumber(name string) (int, error) {
	digits, ok := strings.CutPrefix(name, keyPrefix)
	if !ok || len(digits) != keyDigits {
		return 0, fmt.Errorf("%q is not the name of a counter", name)
	}
	return strconv.Atoi(digits)
}

// request appends the i-th request of a load, in RESP.
type request func(dst []byte, i int) []byte

// incrBy is INCRBY by amount(i) of counter key(i).
func incrBy(key func(i int) int, amount func(i int) int) request {
	return func(dst []byte, i int) []byte {
		k := key(i)
		by := amount(k)
		dst = append(dst, "*3\r\n$6\r\nINCRBY\r\n$16\r\n"...)
		dst = appendKey(dst, k)
		dst = append(dst, "\r\n$"...)
		dst = strconv.AppendInt(dst, int64(decimals(by)), 10)
		dst = append(dst, "\r\n"...)
		dst = strconv.AppendInt(dst, int64(by), 10)
		return append(dst, "\r\n"...)
	}
}

// decimals is the length of a non-negative number in decimal.
func decimals(n int) int {
	length := 1
	for ; n >= 10; n /= 10 {
		length++
	}
	return length
}

func one(int) int { return 1 }

// nameValue is the value that tells a counter from its neighbours: it follows from the number in the name.
func nameValue(k int) int { return k%1000 + 1 }

// scattered is a permutation of [0, n) in which neighbours are far apart: every counter comes exactly once,
// and no server can gain from the order.
func scattered(n int) func(i int) int {
	step := n*618/1000 | 1 // about the golden section
	for greatestCommonDivisor(step, n) != 1 {
		step += 2
	}
	return func(i int) int { return i % n * step % n }
}

func greatestCommonDivisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// uniform draws from [0, n), always the same numbers for the same seed.
func uniform(n int, seed uint64) func(i int) int {
	source := rand.New(rand.NewPCG(seed, uint64(n)))
	return func(int) int { return source.IntN(n) }
}

// zipfSamples are precomputed, because drawing one costs more than a server takes for it.
const zipfSamples = 1 << 22

// zipf draws from [0, n) with exponent s: rank r with a probability in proportion to (1+r)^-s. It repeats after
// zipfSamples draws.
func zipf(n int, s float64, seed uint64) []int32 {
	source := rand.NewZipf(rand.New(rand.NewPCG(seed, uint64(n))), s, 1, uint64(n-1))
	samples := make([]int32, zipfSamples)
	for i := range samples {
		samples[i] = int32(source.Uint64())
	}
	return samples
}
