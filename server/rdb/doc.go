// Package rdb reads and writes values in the format of Redis's RDB files, as DUMP and RESTORE carry them one by
// one: so that redis-cli, MIGRATE and the tools that copy key spaces can move counters in and out.
//
// A payload is a byte that says the value's type and encoding, the value, the RDB version that wrote it (two bytes,
// little endian), and a CRC-64 of all before it (eight bytes, little endian). The checksum tells apart versions
// and catches accidents; it is no defence, since whoever sends a payload can compute it. So decoding trusts
// nothing behind the checksum: lengths are compared with the bytes that are left, or where they promise more than
// that (what is compressed), with limits that the caller gives, before memory is taken for them (decoder.go).
//
// A Value is neutral: it knows nothing of how an engine keeps it, and of Redis's encodings only whether it is in a
// compact one. list.go, set.go, zset.go and hash.go each decode all encodings of a type, those of Redis 1.0 to 7.4,
// and encode the one that Redis 7.0 would use. They stand on lengths and strings (encoding.go), compression (lzf.go)
// and the four ways in which Redis has packed a small collection into one string (listpack.go, ziplist.go, zipmap.go,
// intset.go). Streams and the values of modules are not known: they are bad data, as to a Redis without them.
//
// # Decisions
//
//   - Payloads are written as version 10, that of Redis 7.0, with the bytes that it would write: integers that
//     fit in 32 bits in binary, and more than 20 bytes compressed where that saves at least 4 of them. Only a hash
//     with times in its fields, which 7.0 could not keep, is written as 7.4 writes it, and so refused by 7.0.
//   - Versions up to 12, that of Redis 7.4, are read, so that values can come from there; Redis 7.0 refuses what is
//     newer than itself.
//   - Everything is checked, as Redis does with sanitize-dump-payload on: every byte of what is packed, names that
//     are there twice, scores that are no numbers. Some of it Redis does not check, and takes values that it cannot
//     have written: scores in a listpack that are no numbers, the number of an encoding in place of a length, the
//     length of a listpack's entry in more bytes than it needs, strings that go on in the footer. They are refused.
//   - The bound on memory beyond that of the payload holds for all that a payload unpacks to, not for each string:
//     a list can repeat an element at no cost.
//   - Compression chooses the same matches as liblzf with its table zeroed. liblzf leaves its table as the stack
//     is, so Redis itself may find other matches for the same value; what it writes is decoded all the same.
//   - A list's nodes are cut where pushing its elements at the tail would cut them with the default of
//     list-max-listpack-size. Whoever restores it cuts them alike or keeps them; no reply depends on it.
//   - Bytes behind a complete value are ignored, as Redis does.
package rdb
