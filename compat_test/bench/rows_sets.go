package main

// visitors is the one set of the set loads, addVisitor the command of those loads. Its members are named as counters are.
const (
	visitors   = "visitors"
	addVisitor = "SADD " + visitors + " key:__rand_int__"
)

// setPopulation is a large set that has every other of the members that the loads draw from: so some of what they add is new and, more
// and more, it is there already, as with the visitors of a day.
func setPopulation() population {
	const what = "SADD"
	return population{
		name: "a set",
		about: func(options) string {
			return "SADD: one set, which has half of the members at first."
		},
		fill: func(o options, addr string) error { return fill(addr, max(o.keys/2, 1), add(scattered(o.keys))) },
		loads: []closedLoad{
			{name: "sadd/none/p16", what: what, mode: modeNone, command: addVisitor, pipeline: 16, cpu: 0.8},
			{name: "sadd/always/p16", what: what, mode: modeAlways, command: addVisitor, pipeline: 16, cpu: 0.8},
		},
	}
}

// add is SADD of member(i) to the set of visitors.
func add(member func(i int) int) request {
	return func(dst []byte, i int) []byte {
		dst = append(dst, "*3\r\n$4\r\nSADD\r\n$8\r\n"+visitors+"\r\n$16\r\n"...)
		return append(appendKey(dst, member(i)), "\r\n"...)
	}
}
