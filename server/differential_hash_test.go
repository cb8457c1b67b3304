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
	p.campaign(seed, newLineGen(seed, rows, nil), differences(), commandsToCompare()/4)
}
