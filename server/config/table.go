package config

import (
	"math"
	"strings"
)

// table is all rows, first those of the chapters of redis.conf.example, in its
// order; byName finds a row by either name, in lower case. None of the three
// changes after initialisation.
var (
	chapters = groups()
	table    = rows(chapters)
	byName   = index(table)
)

// rows collects the table from its parts.
func rows(chapters []group) []*param {
	var all []*param
	for _, g := range chapters {
		all = append(all, g.rows...)
	}
	all = append(all, refusedRows()...)
	return append(all, acceptedRows()...)
}

func index(table []*param) map[string]*param {
	byName := make(map[string]*param, len(table))
	for _, row := range table {
		byName[row.name] = row
		if row.alias != "" {
			byName[row.alias] = row
		}
	}
	return byName
}

// lookup finds a row by its name or alias in any case; nil if there is none.
func lookup(name string) *param { return byName[strings.ToLower(name)] }

// group is a chapter of redis.conf.example.
type group struct {
	title string
	doc   string
	rows  []*param
}

// The upper bounds of Redis's integer types.
const (
	maxInt32  = math.MaxInt32
	maxUint32 = math.MaxUint32
	maxInt64  = math.MaxInt64
)

// groups returns the parameters that have a meaning, by chapter.
func groups() []group {
	return []group{
		networkGroup(),
		accessGroup(),
		clientGroup(),
		tlsGroup(),
		durabilityGroup(),
		memoryGroup(),
		encodingGroup(),
		watchGroup(),
		processGroup(),
	}
}
