package main

import "slices"

// scenarios are all that there are, in the order of the report.
func scenarios(o options) []scenario {
	return slices.Concat(closedScenarios(), bigScenarios(o), figureScenarios(o))
}

// figureScenarios are those whose rows have a line each in the last table.
func figureScenarios(o options) []scenario {
	return []scenario{
		manyScenario(o.counters),
		hashMemoryScenario(o),
		boardMemoryScenario(o),
		maxmemoryScenario(o.counters),
		checkpointScenario(),
		writesScenario(o.zipfFor),
		startScenario(),
	}
}
