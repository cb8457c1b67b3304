package main

import (
	"math/rand/v2"
	"strconv"
)

// Hashes are named as counters are, and hold counters: field:0 to field:9.
const (
	fieldPrefix   = "field:"
	fieldsPerHash = 10
)

// hashes is how many there are for so many counters in them.
func hashes(counters int) int { return max(counters/fieldsPerHash, 1) }

// hashSet is HSET of hash key(i) with all of its fields, each with a value that follows from the names.
func hashSet(key func(i int) int) request {
	return func(dst []byte, i int) []byte {
		k := key(i)
		dst = append(dst, "*22\r\n$4\r\nHSET\r\n$16\r\n"...)
		dst = appendKey(dst, k)
		for f := range fieldsPerHash {
			dst = appendField(dst, f)
			dst = appendNumber(dst, nameValue(k+f))
		}
		return append(dst, "\r\n"...)
	}
}

// appendField appends the end of the argument before and field f.
func appendField(dst []byte, f int) []byte {
	dst = append(dst, "\r\n$7\r\n"+fieldPrefix...)
	return append(dst, byte('0'+f))
}

// appendNumber appends the end of the argument before and a non-negative number.
func appendNumber(dst []byte, n int) []byte {
	dst = append(dst, "\r\n$"...)
	dst = strconv.AppendInt(dst, int64(decimals(n)), 10)
	dst = append(dst, "\r\n"...)
	return strconv.AppendInt(dst, int64(n), 10)
}

// hashIncrBy is HINCRBY by 1 of a random field of a random one of n hashes.
func hashIncrBy(n int, seed uint64) request {
	source := rand.New(rand.NewPCG(seed, uint64(n)))
	return func(dst []byte, _ int) []byte {
		dst = append(dst, "*4\r\n$7\r\nHINCRBY\r\n$16\r\n"...)
		dst = appendKey(dst, source.IntN(n))
		dst = appendField(dst, source.IntN(fieldsPerHash))
		return append(appendNumber(dst, 1), "\r\n"...)
	}
}
