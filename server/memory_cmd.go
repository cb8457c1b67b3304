package server

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"strings"

	"quipu/engine"
	"quipu/server/number"
	"quipu/server/resp"
)

// memoryCommands returns the row of MEMORY, with its subcommands.
func memoryCommands() []*Command { return []*Command{memoryRow()} }

func memoryRow() *Command {
	return &Command{
		Name: "memory", Arity: -2,
		Categories: CatSlow, Group: "server", Since: "4.0.0",
		Summary:    "A container for the commands that report on memory.",
		Complexity: "Depends on subcommand.",
		Sub: []*Command{
			memoryDoctorRow(),
			helpRow("4.0.0", CatSlow),
			memoryMallocStatsRow(),
			memoryPurgeRow(),
			memoryStatsRow(),
			memoryUsageRow(),
		},
	}
}

func memoryUsageRow() *Command {
	return &Command{
		Name: "usage", Arity: -3, Flags: FlagReadonly, First: 2, Last: 2, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 2, Last: 0, Step: 1, Limit: 0}},
		Categories: CatRead | CatSlow, Group: "server", Since: "4.0.0",
		Summary:    "Returns how many bytes of memory a key and its value take.",
		Complexity: "O(N) where N is the number of samples.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "count", Type: ArgInteger, Token: "SAMPLES", Flags: ArgOptional},
		},
		Run: memoryUsage,
	}
}

// memoryUsage answers with the bytes that a key takes, its name and its share of the tables included. A collection knows
// what its elements take together, so that there is nothing to sample: SAMPLES is checked and otherwise ignored.
func memoryUsage(c *Call) error {
	for i := 3; i < len(c.Args); i += 2 {
		if !equalFold(c.Args[i], "samples") || i+1 == len(c.Args) {
			return ErrSyntax
		}
		n, ok := number.ParseInt(c.Args[i+1])
		if !ok {
			return ErrNotInteger
		}
		if n < 0 {
			return ErrSyntax
		}
	}
	size, ok := c.Txn.MemoryUsage(c.Keys[0])
	if !ok {
		c.Out.Null()
		return nil
	}
	c.Out.Int(size)
	return nil
}

func memoryStatsRow() *Command {
	return &Command{
		Name: "stats", Arity: 2,
		Categories: CatSlow, Group: "server", Since: "4.0.0",
		Summary:    "Returns how much memory each part of the server uses.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
		Run:        memoryStats,
	}
}

// memoryStats answers with the parts of the memory in use, under Redis's names. A part that does not exist here is 0; the tables of a
// database are not told apart from its entries, so that there is no db.<n>.
func memoryStats(c *Call) error {
	e := c.Srv.engine.Stats()
	m := c.Srv.readMemory(e, c.Srv.Clients())
	keys := int64(0)
	for db := range c.Srv.databases {
		keys += c.Txn.Len(db)
	}
	f := statsWriter{}
	f.int("peak.allocated", m.peak)
	f.int("total.allocated", m.used)
	f.int("startup.allocated", m.startup)
	f.int("replication.backlog", 0)
	f.int("clients.slaves", 0)
	f.int("clients.normal", m.clients)
	f.int("cluster.links", 0)
	f.int("aof.buffer", 0)
	f.int("lua.caches", 0)
	f.int("functions.caches", 0)
	f.int("overhead.total", m.overhead)
	f.int("keys.count", keys)
	f.int("keys.bytes-per-key", m.dataset/max(keys, 1))
	f.int("dataset.bytes", m.dataset)
	f.float("dataset.percentage", 100*ratio(m.dataset, max(m.used-m.startup, m.dataset)))
	f.float("peak.percentage", 100*ratio(m.used, m.peak))
	f.int("allocator.allocated", m.used)
	f.int("allocator.active", m.active)
	f.int("allocator.resident", m.active)
	f.float("allocator-fragmentation.ratio", ratio(m.active, m.used))
	f.int("allocator-fragmentation.bytes", m.active-m.used)
	f.float("allocator-rss.ratio", 1)
	f.int("allocator-rss.bytes", 0)
	f.float("rss-overhead.ratio", ratio(m.rss, m.active))
	f.int("rss-overhead.bytes", m.rss-m.active)
	f.float("fragmentation", ratio(m.rss, m.used))
	f.int("fragmentation.bytes", m.rss-m.used)
	f.int("entries.pages.bytes", e.PageBytes)
	f.int("entries.side.bytes", e.SideBytes)
	f.int("store.cache.bytes", e.Persist.CacheBytes)
	f.write(c.Out)
	return nil
}

// statsWriter collects the pairs of a map of numbers.
type statsWriter []statsField

type statsField struct {
	name  string
	n     int64
	f     float64
	isInt bool
}

func (w *statsWriter) int(name string, n int64) {
	*w = append(*w, statsField{name: name, n: n, isInt: true})
}

func (w *statsWriter) float(name string, f float64) { *w = append(*w, statsField{name: name, f: f}) }

func (w statsWriter) write(out *resp.Writer) {
	out.Map(len(w))
	for _, field := range w {
		out.BulkString(field.name)
		if field.isInt {
			out.Int(field.n)
		} else {
			out.Double(field.f)
		}
	}
}

func memoryDoctorRow() *Command {
	return &Command{
		Name: "doctor", Arity: 2,
		Categories: CatSlow, Group: "server", Since: "4.0.0",
		Summary:    "Explains in words where the memory goes.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
		Run:        memoryDoctor,
	}
}

func memoryDoctor(c *Call) error {
	e := c.Srv.engine.Stats()
	clients := c.Srv.Clients()
	c.Out.Verbatim("txt", diagnoseMemory(c.Srv.readMemory(e, clients), e, clients.Connected))
	return nil
}

// From what on the doctor has something to say. The ratios, and the bytes per client, are those of Redis's doctor. An empty server uses
// about 12 MB, and its program text as much again.
const (
	doctorMinBytes       = 64 << 20  // below it ratios mean nothing
	doctorPeakRatio      = 1.5       // of the highest use to that of now
	doctorRSSRatio       = 1.4       // of resident memory to memory in use
	doctorBytesPerClient = 200 << 10 // of buffers
)

// diagnoseMemory words the report of MEMORY DOCTOR.
func diagnoseMemory(m memoryFigures, e engine.Stats, clients int) string {
	if m.used < doctorMinBytes {
		return "There is nothing to diagnose: less than 64 MB of memory are in use.\n"
	}
	var findings []string
	if ratio(m.peak, m.used) > doctorPeakRatio {
		findings = append(findings, fmt.Sprintf("High peak: %s were in use at some time, %s are now. Resident memory may stay near the peak; "+
			"MEMORY PURGE returns what the Go heap does not need.", humanBytes(m.peak), humanBytes(m.used)))
	}
	if ratio(m.rss, m.used) > doctorRSSRatio {
		findings = append(findings, fmt.Sprintf("High overhead: %s are resident, %s are in use. Garbage that is not collected yet counts here; "+
			"GOGC sets how much of it there may be.", humanBytes(m.rss), humanBytes(m.used)))
	}
	if clients > 0 && m.clients/int64(clients) > doctorBytesPerClient {
		findings = append(findings, fmt.Sprintf("Big client buffers: the %d clients hold %s of buffers. CLIENT LIST shows which "+
			"(qbuf, rbs, omem).", clients, humanBytes(m.clients)))
	}
	if e.MaxMemory > 0 && e.Loads > e.Hits {
		findings = append(findings, fmt.Sprintf("Too little memory: %d entries were read back from the store for %d hits in memory. "+
			"The counters in use do not fit into maxmemory.", e.Loads, e.Hits))
	}
	if len(findings) == 0 {
		return "No memory problem has been found.\n"
	}
	return "Memory problems have been found:\n\n * " + strings.Join(findings, "\n\n * ") + "\n"
}

func memoryMallocStatsRow() *Command {
	return &Command{
		Name: "malloc-stats", Arity: 2,
		Categories: CatSlow, Group: "server", Since: "4.0.0",
		Summary:    "Shows the figures of the memory allocator.",
		Complexity: "Depends on how much memory is allocated, could be slow",
		Tips:       []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
		Run:        memoryMallocStats,
	}
}

// memoryMallocStats answers with what the Go runtime tells of its memory and of the garbage collector.
func memoryMallocStats(c *Call) error {
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if strings.HasPrefix(d.Name, "/memory/") || strings.HasPrefix(d.Name, "/gc/") {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	metrics.Read(samples)
	var b strings.Builder
	fmt.Fprintf(&b, "entries outside the Go heap: %d bytes\n", c.Srv.engine.Stats().PageBytes)
	for _, s := range samples {
		switch s.Value.Kind() {
		case metrics.KindUint64:
			fmt.Fprintf(&b, "%s %d\n", s.Name, s.Value.Uint64())
		case metrics.KindFloat64:
			fmt.Fprintf(&b, "%s %g\n", s.Name, s.Value.Float64())
		}
	}
	c.Out.Verbatim("txt", b.String())
	return nil
}

func memoryPurgeRow() *Command {
	return &Command{
		Name: "purge", Arity: 2,
		Categories: CatSlow, Group: "server", Since: "4.0.0",
		Summary:    "Returns freed memory to the operating system.",
		Complexity: "Depends on how much memory is allocated, could be slow",
		Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		Run:        memoryPurge,
	}
}

// memoryPurge collects garbage and returns what is free to the operating system. It stops the other commands of one core for a while.
func memoryPurge(c *Call) error {
	debug.FreeOSMemory()
	c.Out.OK()
	return nil
}
