package main

import "slices"

// scenarios are all that there are, in the order of the table.
func (b *bench) scenarios() []scenario {
	return slices.Concat(
		closedScenarios(),
		[]scenario{
			manyScenario(b.opts.counters),
			hashMemoryScenario(b.opts),
			boardMemoryScenario(b.opts),
			maxmemoryScenario(b.opts.counters),
			checkpointScenario(),
		},
		bigScenarios(b.opts),
		[]scenario{
			writesScenario(b.opts.zipfFor),
			startScenario(),
		},
	)
}
