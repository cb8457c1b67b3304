// Package config knows every parameter: how it is written, what it may be, what
// it is for, and what it is now.
//
// All of that stands in one table, a row for each parameter, and everything else
// is derived from the rows: the reading of files and of the command line, CONFIG
// GET, SET and REWRITE with their refusals, and redis.conf.example with its
// prose. A row without prose is a parameter of Redis that has no meaning here: it
// is read, bounded, shown and written back, so that an existing redis.conf starts
// the server and tools find what they look for; the start reports it once.
//
// A row names a form and a place. The form is
// pure: it turns words into a value and back, says in Redis's words what is wrong
// with them, and knows nothing of where the value goes. The place is a field of
// [Values], or, for what is meaningless, a map that nobody reads.
//
// A [Values] is one whole configuration and never changes. [Config] holds the one
// in force behind an atomic pointer, so that a reader pays one load and sees all
// parameters as of one moment. CONFIG SET builds the next Values aside, has the
// hooks of [Config.OnChange] carry it out, and publishes it only when all of them
// have agreed; a veto runs the hooks that had agreed backwards. So several pairs
// are set together or not at all, and nobody ever reads a value that is about to
// be taken back.
//
// The specification is redis-server 7.0: the tests start one, send both sides the
// same CONFIG commands, lines and arguments, and list every intended difference
// with its reason.
//
// # Decisions
//
//   - The table is Go, not a file with a generator: its bounds and fields are
//     checked by the compiler, and its prose stands beside them.
//   - Forms and places are apart, rather than a method per type on a parameter:
//     a new kind of value is a function, and can be tested without a Config.
//   - Hooks run before the new values are published. Redis publishes first and
//     restores on failure; readers in other threads would see both.
//   - What has no meaning is ignored, except where somebody relies on the effect:
//     ACL users, modules, replication and cluster mode refuse to be turned on.
//     The line for the default user that Redis's own CONFIG REWRITE leaves behind
//     is understood.
//   - The values of a file that is rewritten are those that reading it gives: the
//     new text is read, with the files it includes, and whatever comes out
//     different is appended. Redis compares with the defaults instead, and so
//     loses a value that an included file contradicts.
//   - REWRITE leaves a line that still says the right thing as the user wrote it.
//   - dir cannot change at run time: the open store cannot move. It stays a
//     protected parameter, so that the usual refusal is Redis's.
//   - File names are relative to dir where it is set, because Redis changes its
//     working directory to it. The process here does not: a library that opens a
//     relative name should not depend on a parameter.
//   - Times are time.Duration inside. What is longer than it holds, 292 years, is
//     cut rather than refused, as nobody will wait for the difference.
//   - The pattern matching of CONFIG GET is this package's own, fifty lines, so
//     that it stays a leaf.
package config
