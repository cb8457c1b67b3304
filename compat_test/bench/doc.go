// Command bench measures Quipu against Redis on the machine where it runs and prints Markdown tables:
// the figure wanted, both servers' medians, their ratio, and whether the figure is met. The README quotes them.
//
//	go run ./compat_test/bench                                  # everything, about half an hour
//	go run ./compat_test/bench -run 'incrby/always' -rounds 5   # some rows only
//	go run ./compat_test/bench -quick                           # small numbers, to see that it works
//	go run ./compat_test/bench -profile cpu.pprof -run 'incrby/always/p16'
//
// Some rows can be measured at a time, and the tables made of all of them, the README's here:
//
//	go run ./compat_test/bench -run '/p(1|16|64)/' -json closed.json
//	go run ./compat_test/bench -run '^big/' -rounds 5 -json big.json
//	go run ./compat_test/bench -from closed.json,big.json -into README.md
//
// # What makes two numbers comparable
//
// Both servers are started with the same arguments, on an empty directory of the same file system, and take the
// same load, in turn and not at once: first one, then the other, and in the next round the other way round, so that
// a machine that grows warmer or busier does so for both. A row is the median of its rounds.
//
// Where there are two cores the server has one to itself and the load generator the other (taskset). Then throughput
// is that of one core, and a server cannot win by using a second one. With one core nothing is pinned and
// throughput means little; CPU per operation still does, and it is the steadiest measure of all: the clock of the
// process (clock_gettime on another process's CPU clock: nanoseconds, threads that have ended included) plus
// what its children took, since Redis rewrites its append-only file in a child while Quipu checkpoints in the process itself.
//
// # Two kinds of load
//
// Closed: redis-benchmark, 50 connections that send again when they have their answer. It gives throughput and CPU per operation. Its
// percentiles are printed too, but a client that waits while the server stalls sends nothing that could be late: one stall of a second
// is one bad sample in a million. Where redis-benchmark needs its core to the last, the throughput is the generator's and not the
// server's; such a row says so, and -generator=native (a leaner generator of our own) tells what is above.
//
// Open: requests leave at fixed times whether or not earlier ones were answered, and latency counts from the time
// at which a request was due. A stall of a second then shows as every request of that second. The row about
// checkpoints is measured so. The generator is one thread around ppoll(2), because a Go timer that wakes a millisecond late
// would be measured as the server's latency; how late it was itself is in the raw numbers.
//
// # Decisions
//
//   - A row's name is a path (incrby/always/p16/cpu); -run selects by regular expression on it. The tables have short titles
//     in its place and several rows in a line; the file of -json has the names.
//   - What is measured twice counts as the last file of -from has it, for both servers: a ratio is one of figures that were taken in
//     turn. Files of different machines or sizes are refused.
//   - Memory is resident memory after the load minus that of the empty server, when it has settled: what the operating
//     system has given, allocator and collector included, not what the server says about itself.
//   - Disk is the blocks of the whole data directory, logs and their preallocation included.
//   - Loads for the ten-million rows are our own: every counter exactly once, in scattered order, each with a value that
//     can be told from its name, so that losses are found and not assumed away.
//   - Linux only: it reads /proc, pins with taskset and sleeps in ppoll.
//   - A missed figure is a row of the table like any other; the exit code is non-zero only when something could not be measured.
package main
