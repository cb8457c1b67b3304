package server

import (
	"strings"

	"quipu/server/number"
	"quipu/server/resp"
)

// What the generator knows of lists and of SORT beyond their rows: elements that meet again, indexes near the ends, timeouts that pass at
// once, patterns that lead somewhere.

var (
	elementPool = []string{
		"a", "b", "c", "a", "b", "hash", "counter", "task:1", "task:2", "1", "2", "-17", "", "\x00", "UPPER", "127", "128", "4095", "-4097", "32768", "007",
		strings.Repeat("e", 63), strings.Repeat("e", 64), strings.Repeat("E", 300), strings.Repeat("l", 2000),
	}
	indexPool = []string{"0", "-1", "0", "-1", "1", "-2", "2", "-3", "5", "10", "-10", "100", "-100"}
	// blockTimeoutPool has none that lasts.
	blockTimeoutPool = []string{
		"0.001", "0.002", "1e-3", "0.00001", "0x0.001", "-1", "-0.01", "", "abc", "nan", "inf", "-inf", "1e18", "1e400",
		"9223372036854775.808", " 1", "0.001 ",
	}
)

// lasts reports whether a line of a blocking command, which may have been spoilt, may wait for longer than the test cares to.
func (l line) lasts() bool {
	timeout := len(l) - 1
	if strings.HasSuffix(l.name(), "mpop") {
		timeout = 1
	}
	if timeout < 1 || timeout >= len(l) {
		return false
	}
	seconds, ok := number.ParseFloat([]byte(l[timeout]))
	return ok && (seconds == 0 || seconds > 0.005 && seconds < 1e17)
}

// listScalar returns a random argument of a command of lists; ok is false for those that are drawn as for any command.
func (g *lineGen) listScalar(a Arg) (arg string, ok bool) {
	switch a.Name {
	case "element", "pivot":
		if g.one(8) {
			return g.value(), true
		}
		return pick(g, elementPool), true
	case "start", "stop", "index", "rank", "count":
		if g.one(8) {
			return g.number(), true
		}
		return pick(g, indexPool), true
	case "num-matches", "len":
		return pick(g, []string{"0", "1", "2", "5", "-1", "x"}), true
	case "timeout":
		return pick(g, blockTimeoutPool), true
	}
	return "", false
}

// sortGroup stands for the group of SORT, whose arguments are drawn in a way of their own.
const sortGroup = "sort"

var sortPatternPool = []string{
	"*", "*", "*", "nosort", "#", "page:*", "{page:1}.*", "*->a", "*->hits", "*->user:1", "hash*->a", "*->", "*{*}->a", "", "a*", "*\x00", "#\x00", "\x00*", "->*", "*->a->b",
}

// forgetRangeError makes Redis forget that a number was out of range once: SORT takes it for one of its own, since it asks for errno
// without having cleared it.
var forgetRangeError = line{"INCRBYFLOAT", "errno", "x"}

// sortScalar returns a random argument of SORT.
func (g *lineGen) sortScalar(a Arg) (arg string, ok bool) {
	switch a.Name {
	case "pattern":
		return pick(g, sortPatternPool), true
	case "offset", "count":
		if g.one(8) {
			return g.number(), true
		}
		return pick(g, indexPool), true
	}
	return "", false
}

// storesTies reports whether a SORT stores elements that may be equal to it, in whose order the servers need not agree.
func (l line) storesTies() bool { return l.has("store") && l.has("by") && l.has("alpha") }

// sameSort compares what is sorted by texts, of which some may be equal, or not sorted at all: then LIMIT may choose others.
func sameSort(l line, redis, quipu resp.Reply) bool {
	if !l.has("by") && !l.has("alpha") || len(redis.Elems) != len(quipu.Elems) {
		return false
	}
	return l.has("limit") || sameNames(redis, quipu)
}
