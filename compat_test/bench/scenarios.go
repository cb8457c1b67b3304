package main

// scenarios are all that there are, in the order of the table.
func (b *bench) scenarios() []scenario {
	return []scenario{
		closedScenario(modeNone),
		closedScenario(modeAlways),
		closedScenario(modeEverysec),
		manyScenario(b.opts.counters),
		maxmemoryScenario(b.opts.counters),
		checkpointScenario(),
		writesScenario(b.opts.zipfFor),
		startScenario(),
	}
}
