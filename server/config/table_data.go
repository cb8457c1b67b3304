package config

import "time"

// maxDatabases bounds the databases: the keys of the store have a byte for the
// number. Redis allows two thousand million.
const maxDatabases = 256

func durabilityGroup() group {
	return group{
		title: "What survives",
		doc: `
Every change is written to a commit log before it is acknowledged. From time to
time a checkpoint writes what changed into the store, as sorted tables, and the
log before it goes. At the start the store is opened, the rest of the log is read
on top of it, and nothing that was acknowledged is missing. There is no RDB and
no AOF file, and no fork: the parameters of Redis about these are accepted and
have no effect.`,
		rows: append(logRows(), checkpointRows()...),
	}
}

func logRows() []*param {
	return []*param{
		{
			name:    "dir",
			value:   in(func(v *Values) *string { return &v.Dir }, text(notEmpty("dir"))),
			def:     "./data",
			mode:    protected,
			example: "dir /var/lib/quipu",
			doc: `
The directory of the log and the store, ./data by default. It is made if it is not
there, and locked while a server uses it. It cannot change while the server runs.

If it is set, the other file names in this configuration that do not begin with a
slash are relative to it, because Redis makes it its working directory; if it is
not, they are relative to the directory in which the server was started.`,
		},
		{
			name:  "appendonly",
			value: in(func(v *Values) *bool { return &v.AppendOnly }, yesNo()),
			def:   "yes",
			doc: `
Whether there is a commit log. Redis's default is no; here it is yes, since a
counter that has been acknowledged should be there tomorrow.

With no, changes live in memory until a checkpoint: at the save points, at SAVE,
BGSAVE and SHUTDOWN. Whatever came after the last one is lost with the process,
not only with the machine. Choose it for counters that can be counted again.`,
		},
		{
			name:  "appendfsync",
			value: in(func(v *Values) *Fsync { return &v.AppendFsync }, oneOf(fsyncPolicies)),
			def:   "always",
			doc: `
When the log is forced to disk, which is to say: what a client may believe when
it has its reply.

always    before the reply. Nothing acknowledged is lost, not even when the
          power fails. Commands that arrive while one fsync runs share the
          next, so that many clients together lose little by it; one that is
          alone waits for the disk each time.
everysec  once a second. The reply leaves when the log is with the kernel: a
          crash of the server loses nothing, one of the machine about a
          second.
no        when the kernel sees fit. A crash of the machine loses what it had
          not written yet, half a minute or so on Linux.

Redis's default is everysec; here it is always, because sharing makes it cheap.`,
		},
		{
			name:  "log-segment-size",
			value: in(func(v *Values) *int64 { return &v.LogSegmentSize }, size(1<<20, 1<<40)),
			def:   "8mb",
			mode:  atStart,
			doc: `
Bytes. The log is a series of files of about this size. A checkpoint frees whole
ones only, and a few are kept ready for what comes, so that up to four segments more
than necessary stay on disk; small ones cost a file creation more often.`,
		},
		{
			name:  "commit-stall-timeout",
			value: in(func(v *Values) *time.Duration { return &v.CommitStallTimeout }, duration(time.Millisecond, 0, maxInt32)),
			def:   "10000",
			mode:  atStart,
			doc: `
Milliseconds. A write or an fsync of the log that has not finished by then is
reported in the log of the server, and again when the disk answers. Its clients go
on waiting, since nobody can say whether the disk will answer: what is not durable
is not acknowledged. 0 reports nothing.`,
		},
	}
}

func checkpointRows() []*param {
	return []*param{
		{
			name:  "checkpoint-log-size",
			value: in(func(v *Values) *int64 { return &v.CheckpointLogSize }, size(1<<20, 1<<40)),
			def:   "192mb",
			doc: `
Bytes. A checkpoint is written when the log has grown by this much since the last
one. It bounds the log on disk and the time that a restart takes to read it. A
larger value writes less in all: a counter that changed a million times between
two checkpoints is written once.`,
		},
		{
			name:  "checkpoint-interval",
			value: in(func(v *Values) *time.Duration { return &v.CheckpointInterval }, duration(time.Second, 0, maxInt32)),
			def:   "300",
			doc: `
Seconds. A checkpoint is also written when this much time has passed since the last
one and something has changed. 0 leaves it to checkpoint-log-size alone.`,
		},
		{
			name:     "save",
			value:    in(func(v *Values) *[]SavePoint { return &v.SavePoints }, savePoints()),
			def:      "3600 1 300 100 60 10000",
			additive: true,
			doc: `
Pairs of seconds and changes: a checkpoint is written when at least so many seconds
have passed since the last one and at least so many writes have happened. Several
lines add up. An empty string drops the lines before it, and the defaults:

    save ""

With appendonly yes the two parameters above decide, and nothing depends on save.
With appendonly no it is all that keeps a crash from losing everything.`,
		},
		{
			name:  "store-cache-size",
			value: in(func(v *Values) *int64 { return &v.StoreCacheSize }, size(64<<10, 1<<40)),
			def:   "8mb",
			mode:  atStart,
			doc: `
Bytes, at least 64kb. The memory for blocks of the store that were read lately, beside
maxmemory. The counters that are in memory do not need it; it helps reads of those
that are not, where maxmemory keeps only a part of them.`,
		},
		{
			name:  "databases",
			value: in(func(v *Values) *int { return &v.Databases }, integer(1, maxDatabases)),
			def:   "16",
			mode:  atStart,
			doc: `
How many databases there are. Clients begin in number 0 and choose another with
SELECT.`,
		},
	}
}

func memoryGroup() group {
	return group{title: "Memory", rows: []*param{
		{
			name:    "maxmemory",
			value:   in(func(v *Values) *int64 { return &v.MaxMemory }, size(0, maxInt64)),
			def:     "0",
			example: "maxmemory 2gb",
			doc: `
Bytes. How much memory the data may take; 0 is no limit. When it is reached,
counters that have not been used lately and are in the store as they are leave
memory, and are read back when somebody asks for them. Nothing is deleted and
nothing is refused: a server with a limit holds as many counters as its disk, and
the limit decides how many of them answer at the speed of memory. Unless
maxmemory-policy says otherwise.

Commands that need memory are refused with OOM only when there is nothing left
that could leave. Buffers of clients come on top: leave some room.`,
		},
		{
			name:  "maxmemory-policy",
			value: in(func(v *Values) *Eviction { return &v.MaxMemoryPolicy }, oneOf(evictionPolicies)),
			def:   "noeviction",
			doc: `
Whether data may be deleted when maxmemory is reached, and which.

noeviction       delete nothing (the default, and right for counters)
volatile-lru     of the keys with an expiry, those not used for longest
volatile-lfu     of the keys with an expiry, those used least often
volatile-random  of the keys with an expiry, any
volatile-ttl     of the keys with an expiry, those that expire soonest
allkeys-lru      of all keys, those not used for longest
allkeys-lfu      of all keys, those used least often
allkeys-random   of all keys, any

The policies other than noeviction lose data by design, as they do in Redis: they
are for caches. While one is chosen, each key takes about five bytes more, for when
or how often it was used: OBJECT IDLETIME is exact then, and an lfu policy makes
OBJECT FREQ and redis-cli --hotkeys work. Where a volatile policy finds no key with
an expiry, counters leave memory for the store, as under noeviction, before any
command is refused.`,
		},
		{
			name:  "maxmemory-samples",
			value: in(func(v *Values) *int { return &v.MaxMemorySamples }, integer(1, maxInt32)),
			def:   "5",
			doc: `
For the policies that delete. Before some keys go, 128 times as many keys as stand
here are looked at, at random, to see which are the worst eighth. In Redis it is the
number of keys of which the worst one goes.`,
		},
		{
			name:  "lfu-log-factor",
			value: in(func(v *Values) *int { return &v.LFULogFactor }, integer(0, maxInt32)),
			def:   "10",
			doc: `
How slowly the frequency of use of a key grows, under an lfu policy. The frequency
is a number up to 255 that grows with the logarithm of the uses: with 10 it is full
after about a million of them, with 0 after some 255.`,
		},
		{
			name:  "lfu-decay-time",
			value: in(func(v *Values) *time.Duration { return &v.LFUDecayTime }, duration(time.Minute, 0, maxInt32)),
			def:   "1",
			doc: `
Minutes. The frequency of a key falls by one for each such time without a use, under
an lfu policy. With 0 it never falls.`,
		},
	}}
}
