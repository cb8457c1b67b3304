// Package glob matches names against Redis's patterns: KEYS, SCAN MATCH, CONFIG GET, PSUBSCRIBE, ACL rules.
//
// A pattern is a sequence of elements. A star stands for any bytes, also none; a question mark for any one byte;
// [abc], [a-z] and [^a] for one byte of a class or not of it; a backslash takes away the meaning of the byte
// behind it, in a class too; every other byte stands for itself. There are no characters, only bytes.
//
// Every element but the star takes exactly one byte. Therefore, once the elements between two stars have matched
// somewhere, a later place for them can never help what follows, and only the last star has to be tried further:
// the time is at most the product of the two lengths, and there is no recursion. (Redis recursed for each star;
// a pattern of stars took exponential time there for years, and a deep stack for longer.)
//
// # Decisions
//
//   - What Redis does with malformed patterns is kept, since patterns are data that people have stored: a class
//     that is not closed ends with the pattern, a backslash at the very end stands for itself, [z-a] is [a-z].
//   - Ranges compare bytes as signed numbers, like Redis on x86: [a-\xff] holds what is from -1 to 'a'.
//   - An escaped byte in a class matches only itself even where case is ignored, as in Redis.
//   - The pattern "*" matches every name. In Redis the matcher says that it does not match the empty name, and
//     KEYS and SCAN do not ask it. All others of the kind ("**") do not match the empty name, there and here.
package glob
