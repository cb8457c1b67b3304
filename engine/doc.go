// Package engine keeps the counters: in memory, compact and fast, and through persist on disk, so that nothing which was
// acknowledged is ever lost. It knows nothing of sockets and of RESP; the server calls it through a Txn.
//
// # Places
//
// A name belongs to a database and, by Redis Cluster's rule, to one of 16384 slots. A slot has a lock, a table, a queue of
// changed entries and exact counts; nothing that a single-slot command does takes a lock beyond its slot's. Within a slot,
// names have an order: 16 bits of their xxHash. The order is what rows are sorted by in the store, what SCAN walks along, and
// what a slot that grows beyond two thousand entries is split by (slot.go), so that one part of it can be loaded, scanned or
// dropped without the rest: a slot of ten million names, which a hash tag makes easily, behaves like ten thousand small ones.
//
// # Tables
//
// A table (table.go) is an open-addressed index of 4-byte references over an arena of entries (entry.go). Both are made of
// 512-byte pages outside the Go heap (page.go): the collector has nothing to walk, growing never copies more than a table, and
// a page that is given back fits whoever needs one next. Small tables have to do with less: an index begins with a bucket of 64 bytes,
// and the last page of a short arena is as long as it has to be (table_pages.go). A counter with a 16-byte name takes 21 bytes in
// the arena (3 of header, 16 of name, 2 of value), 5 in the index at its mean load, and 1 to 2 in what pages, page lists and the slot
// itself lose. Strings up to 64 bytes live in the arena, too, and those up to 8 KiB in blobs (blob.go); longer ones, and names beyond
// 254 bytes, are Go objects.
//
// Pages and blobs lie in slabs of 4 MiB, of huge pages where the kernel has them, though not before they are used (huge.go): with a hundred
// thousand counters, six to a slot, an entry takes 35 bytes, the pages and spans that hold them 42, and the process 54, where huge pages
// from the first touch on would make it 72.
//
// # Collections
//
// A hash, a set, a sorted set or a list is the value of its key. Small, it is packed (packed.go): one string, one entry, one row, written
// whole with every change. Beyond 2 KiB it is spread (spread.go): the key's entry then holds a *spread, whose elements have rows of their
// own, so that one of a million fields is what a commit and a checkpoint write. A collection does not go back to being packed.
//
// The elements are a content. That of hashes and sets is members (members.go): tables like a slot's, so a field is an entry, as compact as
// a counter, with an expiry, flags and a place in the order of a scan of its own. A kind that needs more of its members than that (the
// ranks of a sorted set) embeds members, is told of them by load and loaded, and gives back in release what it made; a kind whose elements
// are not names (the nodes of a list) implements content itself. newContent says which kind has which. What a content owes:
//
//   - Whatever changes it is followed by Txn.changed on the key's entry; then commits, checkpoints, watches and eviction find it.
//   - takeQueued and takeDirty tell rows as keys and values behind the collection's prefix; load and replay get them back. After a start
//     a content first replays what the log has, without the rest; loading adds what the store has and memory does not know better.
//     loaded says that all is there, and is the place to build what is derived.
//   - A row that left memory because log and store were told may be read once more from the store by somebody who began before; he
//     tries again, because every takeQueued and settle counts as a departure.
//
// An open view (collection.go) finds its place again after a write, so handlers may use several at once. Views change elements in two
// steps, collection.element and collection.put or remove (element.go), which know both forms.
//
// A spread collection is in memory as a whole or not at all: it is dropped with its key's entry, and loaded in chunks, without the slot's
// lock, by whoever locks its key next. What a dropped or deleted one held is freed in the background (freer.go).
//
// A command that walks a large collection keeps the slot's lock; Txn.Toil, which every such walk calls, has it pause for the connections
// that have nothing to do with it (toil.go).
//
// # Commits
//
// A change marks its entry, queues it in its table, and its slot in the commit that gathers (commit.go). A commit walks its
// slots, writes each queued entry's value as it is by then into one log record, and publishes its number when the record is as
// durable as the policy demands. Whoever wrote or saw a value waits for the commit that holds it, and for nothing else: two bits
// in the entry say which commit took it last. Commands that write several slots, and transactions, hold all their locks at once
// and keep the walk out meanwhile, so a record holds all of them or nothing. Who reads several slots and writes one (LockToWriteOne) only
// holds the locks.
//
// A commit is made in memory and written when its slots are free again. One that is longer than a megabyte goes to the log in pieces while
// the slots are walked (record.go), so it may be of any size and takes no more memory than others; whoever wants a slot that is being
// walked then waits for the disk to take what it holds, but not for an fsync.
//
// # Memory is a cache
//
// A checkpoint (checkpoint.go) writes what has changed since the last one into the store, slot by slot in the order of keys,
// and lets the log be trimmed. After that, an entry is clean and may be dropped (evict.go); its table is then partial, and a
// name that is missing from a partial table is looked up in the store (load.go). A start is the same thing: it reads the
// counts of the slots and the tail of the log, and serves; entries come in as they are asked for, and all of them in the
// background (warm.go).
//
// Under one of the policies that delete, keys go instead of entries (evict_keys.go). Which ones depends on when or how often they
// were used; that is kept beside the index (age.go), only while such a policy is chosen.
//
// A deletion leaves its entry behind, marked, until the log and the store have been told; departures, a count per slot of
// entries that left memory, tells whether what was read from the store without a lock is still to be believed.
//
// # Locks, in the order in which they are taken
//
//	cut.whole      by a checkpoint without a log while it takes the slots; LockAll
//	commits.walk   for reading by writers of several slots, for writing by the commit walk
//	Engine.mu      databases coming into being; LockAll
//	slot.mu        ascending by database and slot; LockBatch takes what it can get in any order, because it only tries
//	commits.mu     the lists of the commit that gathers; cut.mu
//
// # Decisions
//
//   - Two hashes per name. The index is keyed by a secret of the process (hash/maphash), so nobody can choose names that collide;
//     the order is not, because it is on disk. Together they cost 10 ns.
//   - Integers of 2, 4, 6 or 8 bytes instead of always 8: a move in the arena at 2^15, 2^31 and 2^47 costs less than the 4 to
//     6 bytes that nearly every counter would carry for nothing.
//   - Buckets of 16 references, a cache line, packed to the front, at up to 90 % load; the index grows by an eighth. Doubling
//     would leave it half empty at some populations, since all slots grow together.
//   - Trying locks in order of arrival instead of sorting them (LockBatch), and touching the memory of all keys of a batch before
//     executing it (touch.go), and that of the members which it names in large collections (touch_members.go).
//   - A name that a pipeline repeats is hashed and found once (AppendKey, Txn.findInto).
//   - The leader of a commit yields the processor once before it walks: with one core, that gathers the writes of all connections
//     that are ready, as an event loop's iteration would.
//   - Who writes one slot from what others hold does not keep commits out. What it has made of a value may then be in a commit before
//     that of the value itself, if that had just been changed and nobody has been told so: the reply of the command waits for both.
//   - What finds a full disk is a start or a write that has not begun, never a commit, as far as that can be foreseen (room.go). A directory that
//     can only be read gets no commit: expired keys are then absent without being removed, and nothing else changes behind readers.
//   - Ages beside the index and not in the entries: no layout has them, nothing moves when a policy comes or goes, and a table without
//     a policy has a nil pointer. Keys are deleted by a threshold that a sample gives, not as the best of five again and again: memory
//     comes back by tables, so the hand may as well delete all that is bad in one.
package engine
