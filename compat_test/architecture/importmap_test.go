package architecture

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// arrows says why a package may import another: path of the imported package, below the module, and the reason.
type arrows map[string]string

// allowed is the import map: every package of the module that ships, and every arrow between them.
// The root package is ".".
var allowed = map[string]arrows{
	".": {
		"engine":         "wiring: main builds the engine on what persist recovered",
		"persist":        "wiring: main opens the store, and `quipu check` reads one",
		"server":         "wiring: main builds the server on the engine",
		"server/config":  "main parses the file and the command line before anything else exists",
		"server/logging": "main makes the log that everything else is given",
	},

	"server": {
		"engine":             "commands operate on the counters",
		"server/config":      "limits and CONFIG GET/SET",
		"server/glob":        "MATCH and KEYS patterns",
		"server/hyperloglog": "what PFADD and its kin do to a string",
		"server/number":      "arguments and replies as Redis reads and prints numbers",
		"server/rdb":         "DUMP and RESTORE payloads",
		"server/resp":        "the wire",
	},
	"server/config": {
		"server/glob": "CONFIG GET takes patterns",
	},
	"server/gendoc": {
		"server": "go generate writes COMMANDS.md from the command table",
	},
	"server/config/internal/writeexample": {
		"server/config": "go generate writes redis.conf.example from the table",
	},
	"server/glob":        {},
	"server/hyperloglog": {},
	"server/logging":     {},
	"server/number":      {},
	"server/rdb": {
		"server/number": "a value that reads as an integer is stored as one",
	},
	"server/resp": {
		"server/number": "lengths are strict decimals, doubles are printed as Redis prints them",
	},
	"server/resp/resptest": {
		"server/resp": "tests talk to the real redis-server through the same encoding",
	},

	"engine": {
		"cluster/hashslot": "a slot is the unit of locking, of the dirty list and of the key range in the store",
		"engine/list":      "lists in packed nodes",
		"engine/ranktree":  "sorted sets know their ranks",
		"persist":          "commits go to its log, checkpoints to its store, misses are read from there",
	},
	"engine/list":     {},
	"engine/ranktree": {},
	"persist":         {},
	"persist/memdisk": {},

	"cluster/hashslot": {},
}

// allowedInTests are arrows that only test files may use.
var allowedInTests = map[string]arrows{
	"server": {
		"persist/memdisk":      "the differential test cuts the power of a disk in memory between its lines",
		"server/logging":       "the log lines that a client's doings leave are part of what is tested",
		"server/resp/resptest": "commands are compared with the real redis-server's",
	},
	"engine": {
		"persist/memdisk": "power cuts are tried on a disk in memory",
	},
	"persist": {
		"persist/memdisk": "power cuts are tried on a disk in memory",
	},
	"server/resp": {
		"server/resp/resptest": "what the reader takes and refuses is compared with the real redis-server",
	},
	"server/glob": {
		"server/resp/resptest": "patterns are compared with the real redis-server's",
	},
	"server/hyperloglog": {
		"server/resp":          "replies of the real redis-server are read with it",
		"server/resp/resptest": "strings are compared with the real redis-server's",
	},
	"server/number": {
		"server/resp":          "replies of the real redis-server are read with it",
		"server/resp/resptest": "numbers are compared with the real redis-server's",
	},
	"server/rdb": {
		"server/resp":          "replies of the real redis-server are read with it",
		"server/resp/resptest": "payloads go through the real redis-server in both directions",
	},
}

// unmapped are trees whose packages ship nothing and may import what they prove.
var unmapped = []string{"compat_test"}

func TestImportsFollowTheMap(t *testing.T) {
	used := map[string]map[string]bool{}
	for _, file := range parseTree(t) {
		if slices.ContainsFunc(unmapped, func(tree string) bool { return within(file.pkg, tree) }) {
			continue
		}
		permitted, known := allowed[file.pkg]
		if !known {
			t.Errorf("%s: package %q is not on the import map; add it with the reason for each arrow", file.path, file.pkg)
			continue
		}
		if used[file.pkg] == nil {
			used[file.pkg] = map[string]bool{}
		}
		for _, target := range internalImports(file) {
			used[file.pkg][target] = true
			inTests := file.isTest && (target == file.pkg || allowedInTests[file.pkg][target] != "")
			if permitted[target] == "" && !inTests {
				t.Errorf("%s: %s may not import %s; it may import %v",
					file.path, file.pkg, target, slices.Sorted(maps.Keys(permitted)))
			}
		}
	}
	failOnUnusedArrows(t, allowed, used)
	failOnUnusedArrows(t, allowedInTests, used)
}

// TestImportMapPointsDown fails when the arrows of the map close a circle. The compiler would refuse such a
// program too, but only once somebody writes the import.
func TestImportMapPointsDown(t *testing.T) {
	for start := range allowed {
		if path := pathBack(start, start, nil); path != nil {
			t.Errorf("the map runs in a circle: %s", strings.Join(path, " -> "))
		}
	}
}

func pathBack(from, to string, trail []string) []string {
	trail = append(slices.Clone(trail), from)
	for next := range allowed[from] {
		if next == to {
			return append(trail, to)
		}
		if slices.Contains(trail, next) {
			continue
		}
		if path := pathBack(next, to, trail); path != nil {
			return path
		}
	}
	return nil
}

// failOnUnusedArrows passes over packages that do not exist (yet): the map may be ahead of the tree by a
// package, but not by an arrow.
func failOnUnusedArrows(t *testing.T, declared map[string]arrows, used map[string]map[string]bool) {
	t.Helper()
	for pkg, targets := range declared {
		if used[pkg] == nil {
			continue
		}
		for target := range targets {
			if !used[pkg][target] {
				t.Errorf("the map lets %s import %s, but it does not: remove the arrow", pkg, target)
			}
		}
	}
}
