package server

import (
	"slices"
	"testing"
	"time"
)

// TestDifferentialHashtables compares the commands of hashes and sets in those that Redis keeps in hash tables from the ninth element on.
func TestDifferentialHashtables(t *testing.T) {
	p := newPair(t, "--hash-max-listpack-entries", "8", "--hash-max-listpack-value", "16", "--set-max-intset-entries", "8")
	rows := slices.Concat(hashCommands(), hashCountCommands(), hashWalkCommands(), memberCommands(), memberPickCommands(), setAlgebraCommands(),
		keyCommands(), expireCommands(), objectCommands())
	seed := uint64(time.Now().UnixNano())
	g := newLineGen(seed, rows, nil)
	for sent, all := 0, commandsToCompare()/4; sent < all; {
		lines, protocol := g.epoch(), 2+g.rng.IntN(2)
		if v, ok := p.compare(protocol, lines, differences(), func(line, bool) {}); !ok {
			p.report(seed, protocol, lines, v)
		}
		sent += len(lines)
	}
}
