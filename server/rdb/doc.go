// Package rdb reads and writes values in the format of Redis's RDB files, as DUMP and RESTORE carry them one by
// one: so that redis-cli, MIGRATE and the tools that copy key spaces can move counters in and out.
//
// A payload is a byte that says the value's type and encoding, the value, the RDB version that wrote it (two bytes,
// little endian), and a CRC-64 of all before it (eight bytes, little endian). The checksum tells apart versions
// and catches accidents; it is no defence, since whoever sends a payload can compute it. So decoding trusts
// nothing behind the checksum: lengths are compared with the bytes that are left, or where they promise more than
// that (a compressed string), with a limit that the caller gives, before memory is taken for them.
//
// The types of Redis 7.0 are strings, lists, sets, sorted sets, hashes, streams and modules, most in several
// encodings. Each type has a file here that decodes all of its encodings, the historical ones too, and encodes the
// one that Redis would use. So far that is the string: string.go on top of the pieces which all share, lengths
// and strings (encoding.go), compression (lzf.go) and the checksum (crc64.go).
//
// # Decisions
//
//   - Payloads are written as version 10, that of Redis 7.0, with the bytes that it would write: integers that
//     fit in 32 bits in binary, and more than 20 bytes compressed where that saves at least 4 of them.
//   - Compression chooses the same matches as liblzf with its table zeroed. liblzf leaves its table as the stack
//     is, so Redis itself may find other matches for the same value; what it writes is decoded all the same.
//   - Versions after 10 are refused, as Redis 7.0 does, also where the bytes would be understood: a value that
//     is partly understood is worse than an error.
//   - Bytes behind a complete value are ignored, as Redis does.
package rdb
