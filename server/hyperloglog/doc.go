// Package hyperloglog counts distinct elements in a string of at most 12304 bytes, in the format of Redis: what it makes of a string
// is byte for byte what Redis would, so that GET, SET, DUMP and RESTORE carry a count between the two.
//
// An element is hashed to 64 bits. Fourteen of them choose one of 16384 registers, and the position of the first 1 among the others is
// what the register remembers, if it is higher than all before. The number of distinct elements follows from how many registers hold
// which value, with a standard error of 0.81 %.
//
// # Format
//
// A string begins with 16 bytes: "HYLL", the encoding, three zeros, and the cardinality as it was last computed, little endian; its
// highest bit says that registers have changed since.
//
//   - Dense (dense.go): the registers, 6 bits each, the lowest bits first.
//   - Sparse (sparse.go): runs of equal registers in one or two bytes each, for as long as they take less than hll-sparse-max-bytes and no
//     register is beyond 32.
//
// # Strings that others made
//
// Any client can SET a string that looks like this, or nearly so. Valid tells what passes for a HyperLogLog by its first bytes and its
// length, as Redis does; runs which do not add up to 16384 registers are found when they are read, and are ErrCorrupted. Nothing that a
// string may hold makes a function of this package panic, or run for longer than its length explains.
//
// # Decisions
//
//   - Functions over []byte instead of a type: the bytes belong to the engine, which hands them out to be written in place.
//   - The merge of neighbouring runs looks at five of them, as Redis's does. A thorough one would be smaller, and not Redis's bytes.
package hyperloglog
