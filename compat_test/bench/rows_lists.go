package main

import "fmt"

// jobs is the one list of the list loads: a queue of jobs, whose names are as long as those of the counters.
const (
	pushJob = "LPUSH jobs job:__rand_int__"
	popJob  = "LPOP jobs"
)

// listPopulation is a queue with more jobs than are taken from it: the load of one mode and the one before it, unmeasured.
func listPopulation() population {
	const pushed, popped = "LPUSH", "LPOP"
	return population{
		name: "a list",
		about: func(o options) string {
			return fmt.Sprintf("LPUSH, LPOP: one list, of %s elements at first.", short(listLength(o)))
		},
		fill: func(o options, addr string) error { return fill(addr, listLength(o), push(o.keys)) },
		loads: []closedLoad{
			{name: "lpush/none/p16", what: pushed, mode: modeNone, command: pushJob, pipeline: 16, cpu: 0.8},
			{name: "lpop/none/p16", what: popped, mode: modeNone, command: popJob, pipeline: 16, cpu: 0.8},
			{name: "lpush/always/p16", what: pushed, mode: modeAlways, command: pushJob, pipeline: 16, cpu: 0.8},
			{name: "lpop/always/p16", what: popped, mode: modeAlways, command: popJob, pipeline: 16, cpu: 0.8},
		},
	}
}

// listLength is how many jobs there are before a mode's loads.
func listLength(o options) int { return o.requests + o.requests/5 }

// push is LPUSH of a job, named by a number below keys.
func push(keys int) request {
	return func(dst []byte, i int) []byte {
		return appendCommand(dst, "LPUSH", "jobs", fmt.Sprintf("job:%012d", i%keys))
	}
}
