package server

import (
	"time"

	"quipu/server/resp"
)

// latencyCommands returns the row of LATENCY, with its subcommands.
func latencyCommands() []*Command { return []*Command{latencyRow()} }

func latencyRow() *Command {
	return &Command{
		Name: "latency", Arity: -2,
		Categories: CatSlow, Group: "server", Since: "2.8.13",
		Summary:    "A container for the commands of the latency monitor.",
		Complexity: "Depends on subcommand.",
		Sub: []*Command{
			latencyDoctorRow(),
			latencyGraphRow(),
			helpRow("2.8.13", CatSlow),
			latencyHistogramRow(),
			latencyHistoryRow(),
			latencyLatestRow(),
			latencyResetRow(),
		},
	}
}

func latencyLatestRow() *Command {
	return &Command{
		Name: "latest", Arity: 2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.8.13",
		Summary:    "Returns the latest and the worst latency spike of every event.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
		Run:        latencyLatest,
	}
}

// latencyLatest answers, for every event that ever spiked: its name, the time of its last spike, that spike, the worst one.
func latencyLatest(c *Call) error {
	events := c.Srv.latency.histories()
	c.Out.Array(len(events))
	for _, h := range events {
		last := h.samples[len(h.samples)-1]
		c.Out.Array(4)
		c.Out.BulkString(h.name)
		c.Out.Int(last.unixTime)
		c.Out.Int(last.millis)
		c.Out.Int(h.maxMillis)
	}
	return nil
}

func latencyHistoryRow() *Command {
	return &Command{
		Name: "history", Arity: 3, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.8.13",
		Summary:    "Returns the latency spikes of an event.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
		Args:       []Arg{{Name: "event"}},
		Run:        latencyHistorySamples,
	}
}

// latencyHistorySamples answers with the spikes of one event, oldest first.
func latencyHistorySamples(c *Call) error {
	h, _ := c.Srv.latency.history(string(c.Args[2]))
	c.Out.Array(len(h.samples))
	for _, s := range h.samples {
		c.Out.Array(2)
		c.Out.Int(s.unixTime)
		c.Out.Int(s.millis)
	}
	return nil
}

func latencyResetRow() *Command {
	return &Command{
		Name: "reset", Arity: -2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.8.13",
		Summary:    "Forgets the latency spikes of some events, or of all.",
		Complexity: "O(1)",
		Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
		Args:       []Arg{{Name: "event", Flags: ArgOptional | ArgMultiple}},
		Run:        latencyReset,
	}
}

func latencyReset(c *Call) error {
	names := make([]string, 0, len(c.Args)-2)
	for _, arg := range c.Args[2:] {
		names = append(names, string(arg))
	}
	c.Out.Int(int64(c.Srv.latency.reset(names...)))
	return nil
}

func latencyGraphRow() *Command {
	return &Command{
		Name: "graph", Arity: 3, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.8.13",
		Summary:    "Draws the latency spikes of an event.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
		Args:       []Arg{{Name: "event"}},
		Run:        latencyGraph,
	}
}

func latencyGraph(c *Call) error {
	h, ok := c.Srv.latency.history(string(c.Args[2]))
	if !ok {
		return errNoSamples(string(c.Args[2]))
	}
	c.Out.Verbatim("txt", drawLatency(h, time.Now().Unix()))
	return nil
}

func latencyHistogramRow() *Command {
	return &Command{
		Name: "histogram", Arity: -2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "7.0.0",
		Summary:    "Returns how long commands took, as cumulative counts.",
		Complexity: "O(N) where N is the number of commands with latency information being retrieved.",
		Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
		Args:       []Arg{{Name: "command", Flags: ArgOptional | ArgMultiple}},
		Run:        latencyHistogram,
	}
}

// latencyHistogram answers, for each of the named commands that was called since the start (all commands if none is named), with
// the number of calls that took at most 1, 2, 4, ... microseconds. The name of a container stands for its subcommands.
func latencyHistogram(c *Call) error {
	rows := c.Srv.table.rows
	if len(c.Args) > 2 {
		rows = namedCommands(c.Srv, c.Args[2:])
	}
	called := make([]*Command, 0, len(rows))
	counts := make([]LatencyCounts, 0, len(rows))
	for _, cmd := range rows {
		if l := c.Srv.stats.Command(cmd).Latency; l.Total > 0 {
			called, counts = append(called, cmd), append(counts, l)
		}
	}
	c.Out.Map(len(called))
	for i, cmd := range called {
		c.Out.BulkString(cmd.FullName())
		writeHistogram(c.Out, &counts[i])
	}
	return nil
}

// namedCommands returns the commands of those names, and for a container its subcommands. Unknown names are left out.
func namedCommands(srv *Server, names [][]byte) []*Command {
	var rows []*Command
	for _, name := range names {
		switch cmd := srv.table.Find(string(name)); {
		case cmd == nil:
		case len(cmd.Sub) > 0:
			rows = append(rows, cmd.Sub...)
		default:
			rows = append(rows, cmd)
		}
	}
	return rows
}

// The ends of the buckets of LATENCY HISTOGRAM, as powers of two of nanoseconds: from a microsecond to more than an hour, which is
// where Histogram ends too.
const (
	firstHistogramStep = 10
	lastHistogramStep  = 42
)

// histogramLabel returns what Redis calls the bucket that ends at 2^step nanoseconds, in microseconds: Redis counts in an HDR histogram
// of two digits, whose bucket at that place reaches 1/128 further.
func histogramLabel(step int) int64 { return (1<<step + 1<<(step-7) - 1) / 1000 }

// writeHistogram writes the cumulative counts at each step that has any call of its own.
func writeHistogram(out *resp.Writer, l *LatencyCounts) {
	type bucket struct{ micros, calls int64 }
	var buckets []bucket
	var seen uint64
	for step := firstHistogramStep; step <= lastHistogramStep && seen < l.Total; step++ {
		n := l.CountUpTo(1 << step)
		if n > seen {
			buckets = append(buckets, bucket{histogramLabel(step), int64(n)})
		}
		seen = n
	}
	out.Map(2)
	out.BulkString("calls")
	out.Int(int64(l.Total))
	out.BulkString("histogram_usec")
	out.Map(len(buckets))
	for _, b := range buckets {
		out.Int(b.micros)
		out.Int(b.calls)
	}
}

func latencyDoctorRow() *Command {
	return &Command{
		Name: "doctor", Arity: 2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.8.13",
		Summary:    "Explains in words what the latency monitor has seen.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
		Run:        latencyDoctor,
	}
}

func latencyDoctor(c *Call) error {
	c.Out.Verbatim("txt", diagnoseLatency(c.Srv.latency.histories(), c.Srv.cfg.Load()))
	return nil
}
