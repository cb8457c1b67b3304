// Package persist is what survives: a commit log, a store of rows, and the rules by which the two agree after
// kill -9, a power cut, a failed disk or a damaged file. It knows keys and values; it knows nothing of
// counters, slots or RESP.
//
// # What is on disk
//
//	LOCK      held by the process that uses the directory
//	WITNESS   what the rest must hold at least; also the mark that the directory was completely laid out
//	log/      segments of records, 00000001.log and on
//	store/    a Pebble database: the rows of the checkpoints, and the index that they cover
//	tables/   tables of a checkpoint that has not been committed; emptied at start
//
// A caller appends one record per commit (final values, not operations), and every so often writes a
// checkpoint: all rows that changed since the one before, sorted. The checkpoint's tables are ingested into the
// store in one atomic step, together with a row that says up to which index they cover the log. Then older
// segments are used again. To recover, open the store and replay the records above the covered index.
//
// # The log
//
// Framing is that of Pebble's record package: 32 KiB blocks, chunks with checksums. Its Writer is used, not its
// LogWriter: the latter hands blocks to a goroutine of its own, so a commit on an idle server would pay for two
// switches, and it decides by itself when to write. The chunks know no segment number, and a recycled file is
// full of sound old chunks; so each payload begins with a header of ours (header.go) with the segment number
// and a checksum over the whole body.
//
// The header also carries seq, which counts records without gaps; index and term, which are the caller's; and
// the seq up to which everything was durable when it was written. An index may be written again: that voids
// the old record and all higher ones written before. seq orders what index cannot.
//
// A record that is not made in one, because it is large, is written in pieces (AppendPiece): payloads of one segment that share their seq,
// index and term, are numbered, and say whether they begin the record, go on with it or end it. The reader takes them as a whole or,
// when one is missing, as the torn end that they are. Their headers have version 2, so that a program which does not know them refuses the log
// instead of ending it there. Bodies are cut anywhere, and OpReader joins what lies across a cut: no operation is too long.
//
// A segment is laid out before it is used, by a goroutine (keeper.go), durably: zeros over its whole length, a
// first record with that length and the number of its predecessor, its name in the directory. A commit then
// only overwrites blocks that exist. An obsolete segment is renamed instead of zeroed. The first segment of a
// directory is 1 MiB, each further one twice its predecessor up to Options.SegmentBytes, so that a start on an
// empty directory takes milliseconds and a small server stays small. Nothing is ever appended to a segment of
// an earlier run; one that was laid out and not written is taken up.
//
// # The end of the log, and damage
//
// After a crash the log ends somewhere, perhaps in the middle of a record, and records behind that point may
// have reached the disk although an earlier one has not. That is legal exactly for records that were never
// durable. So the reader takes records as long as their seq follows, and then asks whether anybody knows that
// there was more:
//
//   - every header, also those found by a byte-wise search of the rest of each file, attests a durable seq;
//   - the first record of each segment names the segment before it, and the length that the file must have;
//   - the store has, with each checkpoint, the seq up to which the log was durable when it was ingested: its rows
//     may be newer than the index that it covers, and only the log makes them complete;
//   - the witness names the first and the last segment, the newest durable record, and the index that the store
//     must cover. It is fsynced (two copies, one after the other) at every start, checkpoint and clean close,
//     and written without fsync, in a third slot, within a second after a change of what is durable.
//
// If anybody does, the directory is refused with a *DamageError; nothing has been changed by then. If nobody
// does, the log ends here, and what lies behind is removed before anything new is written.
//
// What cannot be told: damage to the very last records, when nothing later was written and the process died
// before the witness heard of them (one second), looks exactly like a torn tail. So does a whole suffix of
// records that no fsync ever covered (everysec, no): to the disk they were never promised. And with policy
// always, the record that was being acknowledged when the power failed may come back although nobody was told.
//
// Without room a start could not go on, and an attempt to open the store for writing would end the process. So room is looked for first, and
// where there is none, a caller who can do with that gets a DB to read (room.go): the store opened read-only, the log verified, and its end
// secured as at any start, which needs no room. Resume does the rest of the start later.
//
// A failed write or fsync is final (ErrFailed). An fsync is never tried again: the kernel may have dropped the
// dirty pages, and the second one would succeed over nothing.
//
// # The store
//
// What Pebble v2.1 does was measured, and is held by tests:
//
//   - Its Logger.Fatalf must not return: after a failed fsync of the WAL the write counts as done. Ours calls
//     Events.Fatal and panics. The panics that Pebble has of its own for a failed WAL or directory fsync are
//     announced in the same way before they happen (storefs.go).
//   - The first WAL of a new database is in an old format that does not notice damage, so a new store is
//     flushed once. After that nothing goes through memtable and WAL; checkpoints are ingested.
//   - A damaged manifest can be taken for one with a torn end and open with fewer tables, and a writable open
//     then deletes the tables that it does not know. So the store is first opened read-only and its covered
//     index compared with the witness.
//   - It leaves the order of directory operations to the file system; storefs.go adds the fsyncs.
//   - Flushes and compactions that fail are tried again without end, so laying out a store on a full disk would
//     hang; createStore gives up on the first failure.
//   - An Open that fails does not wait for the compaction that it has begun, which then uses closed caches and panics. Ours
//     begins none before the store is open (compactions.go).
//   - Options of the bottom level let a table writer mark tombstones invisible. Tables of a checkpoint are
//     written with those of level 0, wherever they land.
//   - A range deletion does not hide rows of the same ingestion, as they have the same sequence number.
//
// # Measurements
//
// On two virtual cores with a virtual disk (ext4), Go 1.26, CGO off; names of 16 bytes in hash order, rows of 23
// bytes of key and 4 of value. Bytes per row of one table, with a 10-bit filter of 1.25 bytes per row, and CPU per
// row written:
//
//	                 row blocks 4K / 16K / 32K      columnar blocks 4K / 16K / 32K
//	snappy           19.7 / 18.4 / 17.9  0.15 us    21.9 / 21.2 / 21.2  0.19 us
//	minlz            (snappy)                       21.3 / 20.6 / 20.7  0.18 us
//	zstd             13.4 / 12.7 / 12.4  0.35 us    15.5 / 15.4 / 15.4  0.39 us
//
// Ten million rows in five checkpoints of two million each, over the whole range of keys, as configured (row blocks
// of 8 KiB, zstd, no filters): 12.1 bytes per row on disk once compactions have settled, 12.6 before; 0.4 us CPU per
// row for the first checkpoint and 0.6-0.85 us for the later ones, with the compactions that run beside them; Commit
// took 3 ms. The scan of all rows took 0.18 us per row. A point read through the 8 MiB cache took 52 us CPU, most of it
// decompression; with filters it took 166 us, because the filters of ten million rows (12 MB) push one another out of
// the cache, and reading one costs more than the block that it saves.
//
// Appending a record of 100 rows cost 0.22 us CPU per row, of one row 1.4 us. Verification at Open read 140 MB of log in
// 95 ms; Replay decoded more than 30 million rows per second. Open of a new directory took 12-47 ms, of a small
// one 5-17 ms.
//
// fdatasync after a write of 200 bytes, median / 99th percentile, on a disk that others used too: growing the
// file 191-333 us / 6-8 ms, over fallocated blocks 151-165 us / 5-7 ms, over zeros 142 us / 4 ms, over a recycled
// file 135-144 us / 3-7 ms.
//
// # Decisions
//
//   - One witness, outside log and store, because neither can testify to its own loss.
//   - Verification reads the whole log before the first record is applied: a caller never has to undo, and the
//     second reading comes from the page cache.
//   - Row blocks and zstd at all levels, because a first load goes straight to the bottom level and is never
//     compacted. The footer of a table with row blocks has no checksum of its own; the damage tests flip its bits too.
//   - No filters. With a cache that holds them (1.25 bytes per row) they would be worth another look.
//   - All fsyncs go through the kernel's asynchronous I/O (aio_linux.go, syncfs.go), those of the background one at a
//     time.
//   - The log is kept at one place; Pebble's wal package could fail over to a second directory, but brings its own
//     goroutines, its own idea of a sync, and no way to write an index again.
//   - The pieces of a record lie in one segment, which grows if it has to, and share a seq. Then nothing else in verification and recovery
//     has to know of them, and what is durable is still told by one number. A file that has grown to more than twice its size is not recycled.
//   - The kernel begins to write each piece out as it comes. For 100 MB, pieces and what the fsync is still to do take 67 ms, against 100 ms
//     without that; a plain program takes 60 ms to write and fsync as much.
//   - No repair: what is gone cannot be computed from what is left. Check lists it; a backup brings it back.
package persist
