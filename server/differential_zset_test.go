package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What the generator knows of sorted sets beyond their rows: which ends suit which range, and that numbers of keys should be right.

// zsetRows returns the rows of all commands of sorted sets.
func zsetRows() []*Command {
	return slices.Concat(zsetCommands(), zsetRangeCommands(), zsetRemoveCommands(), zsetPopCommands(), zsetCombineCommands(), zsetWalkCommands())
}

var (
	memberPool = []string{
		"a", "b", "c", "aa", "ab", "player:1", "player:2", "player:10", "1", "-17", "", "\x00", "UPPER", strings.Repeat("m", 64), strings.Repeat("m", 65),
	}
	scorePool = []string{
		"0", "-0", "1", "1", "2", "-1", "1.5", "inf", "-inf", "+inf", "1e300", "0.1", "9007199254740993", "100", "1e17", "123456789012345678", "nan",
		"0x10", "", " 1", "1 ", "abc",
	}
	scoreBoundPool = []string{
		"-inf", "+inf", "-inf", "+inf", "(inf", "(-inf", "0", "(0", "1", "(1", "(-1", "2", "1.5", "(1e300", "", "(", "( 1", " 1", "1 ", "nan", "(nan", "1\x00x", "abc",
	}
	lexBoundPool = []string{
		"-", "+", "-", "+", "[a", "(a", "[b", "(b", "[", "(", "[player:1", "(player:2", "[m", "[\x00", "-\x00", "+x", "a", "",
	}
	weightPool = []string{"1", "2", "-1", "0", "0.5", "inf", "-inf", "1e308", "nan", "x"}
)

// rangeMode is what the ends of a range are drawn for.
type rangeMode uint8

const (
	drawRanks rangeMode = iota
	drawScores
	drawMembers
)

// chooseRange decides what kind of ends a line of the row gets.
func (g *lineGen) chooseRange(row *Command) {
	g.numKeys, g.mode = 0, drawMembers
	if slices.ContainsFunc(row.Args, func(a Arg) bool { return a.Name == "sortby" }) {
		g.mode = rangeMode(g.rng.IntN(3))
		if g.mode == drawMembers && !g.lex {
			g.mode = drawScores
		}
	}
}

// sortBy returns the word that suits the ends, and whether one is needed.
func (g *lineGen) sortBy(a Arg) (Arg, bool) {
	switch {
	case g.mode == drawScores:
		return a.Sub[0], true
	case g.mode == drawMembers:
		return a.Sub[1], true
	case g.one(30):
		return a.Sub[0], true
	}
	return Arg{}, false
}

// zsetScalar returns a random argument of a command of sorted sets; ok is false for those that are drawn as for any command.
func (g *lineGen) zsetScalar(a Arg) (arg string, ok bool) {
	switch a.Name {
	case "weight":
		return pick(g, weightPool), true
	case "member":
		return g.oneOf(memberPool), true
	case "score", "increment":
		if g.sameScores {
			return pick(g, []string{"0", "0", "-0", "0.0"}), true
		}
		if g.one(3) {
			return strconv.Itoa(g.rng.IntN(20)), true
		}
		return g.oneOf(scorePool), true
	case "min", "max", "start", "stop":
		return g.rangeEnd(a), true
	case "timeout":
		return pick(g, blockTimeoutPool), true
	}
	return "", false
}

// oneOf returns one of the pool, most of the time.
func (g *lineGen) oneOf(pool []string) string {
	if g.one(15) {
		return g.value()
	}
	return pick(g, pool)
}

func (g *lineGen) rangeEnd(a Arg) string {
	switch {
	case g.one(40):
		return g.value()
	case a.Type == ArgInteger, g.mode == drawRanks:
		return g.position()
	case a.Type == ArgDouble, g.mode == drawScores:
		return pick(g, scoreBoundPool)
	}
	return pick(g, lexBoundPool)
}

// manyScores appends members with their scores: so many that the set is no longer a small one.
func (g *lineGen) manyScores(l line) line {
	for i := range 60 + g.rng.IntN(300) {
		score := "0"
		if !g.sameScores {
			score = strconv.Itoa(g.rng.IntN(30))
		}
		l = append(l, score, fmt.Sprintf("%d:many", i*7919%1009)) // of many beginnings, so that they take room
	}
	return l
}

// isNewer reports whether the line asks for what Redis has only since 7.2 (WITHSCORE), which spoils a transaction in 7.0.
func (l line) isNewer() bool {
	return (l.name() == "zrank" || l.name() == "zrevrank") && len(l) == 4
}

// givesScore reports whether the line may give a score other than 0, as it does when a member stands where the score should because an
// argument is missing or too many.
func (l line) givesScore() bool {
	if name := l.name(); name != "zadd" && name != "zincrby" {
		return false
	}
	return slices.ContainsFunc(l[1:], func(arg string) bool {
		score, err := strconv.ParseFloat(arg, 64)
		return err == nil && score != 0
	})
}

// onlyListpacks are parameters under which Redis has no skip lists.
var onlyListpacks = []string{"--zset-max-listpack-entries", "1000000", "--zset-max-listpack-value", "1000000"}

// isLex reports whether a command compares names.
func isLex(row *Command) bool { return strings.Contains(row.Name, "lex") }

// TestDifferentialSortedSets compares the commands of sorted sets in sets that Redis keeps in skip lists from the ninth member on. A range
// of names among differing scores depends on the random levels of a skip list, so names have all the same score, or few sets.
func TestDifferentialSortedSets(t *testing.T) {
	skipLists := []string{"--zset-max-listpack-entries", "8", "--zset-max-listpack-value", "16"}
	noNames := slices.DeleteFunc(zsetRows(), isLex)
	for _, test := range []struct {
		name       string
		parameters []string
		rows       []*Command
		set        func(g *lineGen)
	}{
		{"scores", skipLists, noNames, func(g *lineGen) { g.lex = false }},
		{"names of one score", skipLists, zsetRows(), func(g *lineGen) { g.sameScores = true }},
		{"names in small sets", onlyListpacks, zsetRows(), func(g *lineGen) { g.small = true }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPair(t, test.parameters...)
			seed := uint64(time.Now().UnixNano())
			g := newLineGen(seed, append(test.rows, keyCommands()...), nil)
			test.set(g)
			p.campaign(seed, g, differences(), commandsToCompare()/8)
		})
	}
}
