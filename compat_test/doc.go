// Package compat proves the drop-in claim from outside: it builds the real binary, starts it as a user would, and talks to it
// with the software that people have (redis-cli, redis-benchmark, go-redis), kills it, and looks at what is left.
//
// What can be compared line by line with a real Redis is compared in package server, in process; what can be shown with a
// simulated disk is shown in persist and engine. Here is what only a process can show.
//
// The benchmarks beside Redis are in compat_test/bench, the rules of the source tree in compat_test/architecture.
package compat
