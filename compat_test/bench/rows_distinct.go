package main

import "fmt"

// distinctPopulation is one HyperLogLog that counts the visitors of a day, dense from nearly the first second on.
func distinctPopulation() population {
	const (
		what    = "PFADD"
		command = "PFADD visitors __rand_int__"
	)
	return population{
		name: "a HyperLogLog",
		about: func(options) string {
			return "PFADD: one dense HyperLogLog."
		},
		fill: func(o options, addr string) error {
			return fill(addr, o.keys/10, func(dst []byte, i int) []byte {
				return appendCommand(dst, "PFADD", "visitors", fmt.Sprintf("%012d", 10*i))
			})
		},
		loads: []closedLoad{
			{name: "pfadd/none/p16", what: what, mode: modeNone, command: command, pipeline: 16, cpu: 0.8},
			{name: "pfadd/always/p16", what: what, mode: modeAlways, command: command, pipeline: 16, cpu: 0.8},
		},
	}
}
