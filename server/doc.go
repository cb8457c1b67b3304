// Package server brings bytes in and replies out: connections, the command table, the command families, INFO and metrics. It knows
// nothing of disks; the counters are an engine.Engine, which it sees through one engine.Txn per connection.
//
// # A connection
//
// A goroutine per connection (conn.go) reads what the socket has, executes every complete command of it (run.go), waits once for the
// highest commit that any of the replies tells of, and writes all replies at once. Nothing else waits, and no reply leaves before its
// commit. In the steady state a batch allocates nothing; its working space is borrowed from a pool, so that an idle connection holds no
// more than a read buffer of 1 KiB and a stack.
//
// Consecutive commands that only touch the keys they name form a run: their keys are hashed, engine.Txn.LockBatch takes the locks of as
// many of them as it can get, their handlers run, the locks go. Everything that is different (MULTI, a guest, CLIENT REPLY OFF, somebody
// listening with MONITOR, a pause, tracking, full memory) takes the general path, dispatch.go, which makes Redis's checks in Redis's
// order. One word, Server.gate, says whether any connection has to look up from its work at all.
//
// # The table
//
// A row (command.go) says all there is to know of a command: arity, flags, key positions, categories, documentation, and what to run.
// Lookup, locking, MULTI, COMMAND, HELP, the statistics and COMMANDS.md follow from it. The dispatcher has locked the slots of a row's keys
// before its handler runs; handlers never lock. They return errors, and all texts stand in errors.go. Each family has a file of rows
// and handlers side by side; commandRows in server.go lists the families.
//
// EXEC (transactions.go) hashes the keys of all queued commands, locks them together with the watched ones, and runs them as one commit.
// A command that looks at counters without naming them (KEYS, SCAN, DBSIZE) has EXEC lock everything.
//
// # What is sent without being asked for
//
// MONITOR lines and invalidations go through a queue per connection (push.go), which a goroutine empties that only exists while there is
// something in it. A client that does not keep up is dropped at its output buffer limit. Ordinary replies need no queue: a client that
// does not take them blocks its own goroutine only, with at most flushThreshold and one reply in memory, until client-write-timeout.
//
// # Time
//
// The clock is read when a batch arrives and when a run or a command ends. The commands of a run share its time equally in the
// statistics and in the slow log, since reading the clock for each would cost as much as an increment. What a reply waits for its
// commit is no command's time, as in Redis; the latency monitor has it as aof-fsync-always. A janitor (clients.go) looks at all connections once a
// second for idle and stuck ones, in place of a deadline on every read and write; ten times a second it rouses those that have stopped to
// be brisk (turns.go). When a load has ended, it also collects garbage once and gives the memory back (tidy.go); under a load, the
// collector's own pace costs less.
//
// # Measured
//
// README.md has the figures against redis-server, and `make bench` measures them. At pipeline 1 two thirds of the CPU time of a command are
// the kernel's sockets. What brought it down there: system calls that the scheduler is not told of (transport_linux.go, 8 %), and
// waiting for the next command without a read that finds nothing (the same file, 4 %).
//
// # Decisions
//
//   - Goroutines and the runtime's poller, not an event loop of our own: one was tried and gained nothing, and goroutines keep TLS, waiting
//     for commits and slow commands simple.
//   - Counters of statistics exist four times, and connections spread over them; per-command counting is one addition per group of
//     equal commands in a run.
//   - A panic in a command ends its connection and gives its locks back; it does not end the server. A transaction that it interrupts after a
//     change does end it, before a commit can take half of the transaction.
//   - MONITOR clients have the limit of pubsub clients where normal ones have none; Redis would let them fill the memory.
//   - Commands with 4 MiB of arguments and more take turns until their commits have landed (bulk.go). A pipeline of them loses that all share
//     one fsync, which with so many bytes each does not show.
//   - A unix socket that another process listens on is not taken away from it; Redis does that.
//   - CLIENT NO-EVICT is accepted and changes nothing: no connection is closed to save memory.
//   - Messages of CLIENT TRACKING are held while the client has replies to come, rather than put among them: a value and the news that it
//     is outdated travel on different ways here, and the news must come second.
//   - A client that waits for a key is served however the key comes to hold something for it. In Redis 7.0 it goes on waiting when SORT,
//     ZUNIONSTORE and the like put it in the place of a value of another type.
//   - While CLIENT PAUSE holds commands, expiry stands still, as in Redis, but a policy that deletes keys goes on to make space: whoever waits
//     for that would have to be refused instead. A key that has expired and is watched meanwhile counts as changed when it goes; Redis
//     remembers that it had.
//   - SHUTDOWN cannot be aborted: nothing that it waits for takes long.
//   - The admin endpoint is HTTP on an address of its own, off by default: it has no passwords.
package server
