package server

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"quipu/engine"
	"quipu/server/config"
)

// infoCommands returns the row of INFO.
func infoCommands() []*Command { return []*Command{infoRow()} }

func infoRow() *Command {
	return &Command{
		Name: "info", Arity: -1, Flags: FlagLoading | FlagStale,
		Categories: CatSlow | CatDangerous, Group: "server", Since: "1.0.0",
		Summary:    "Reports figures about the server, by section.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
		Args:       []Arg{{Name: "section", Flags: ArgOptional | ArgMultiple}},
		Run:        info,
	}
}

// info answers with the sections that the arguments name, in the order of infoSections; unknown names are ignored, as in Redis.
func info(c *Call) error {
	wanted := wantedSections(c.Args[1:])
	r := newInfoReport(c)
	for i, section := range infoSections() {
		if wanted&(1<<i) == 0 {
			continue
		}
		if r.b.Len() > 0 {
			r.b.WriteString("\r\n")
		}
		r.b.WriteString("# " + section.title + "\r\n")
		section.write(r)
	}
	c.Out.Verbatim("txt", r.b.String())
	return nil
}

// infoSection is one part of INFO.
type infoSection struct {
	title string // its name is the same in lower case
	extra bool   // only in the answer when it is named, or with all and everything
	write func(*infoReport)
}

// infoSections returns the sections in Redis's order.
func infoSections() []infoSection {
	return []infoSection{
		{title: "Server", write: infoServer},
		{title: "Clients", write: infoClients},
		{title: "Memory", write: infoMemory},
		{title: "Persistence", write: infoPersistence},
		{title: "Stats", write: infoStats},
		{title: "Replication", write: infoReplication},
		{title: "CPU", write: infoCPU},
		{title: "Modules", write: func(*infoReport) {}},
		{title: "Commandstats", extra: true, write: infoCommandstats},
		{title: "Errorstats", write: infoErrorstats},
		{title: "Latencystats", extra: true, write: infoLatencystats},
		{title: "Cluster", write: infoCluster},
		{title: "Keyspace", write: infoKeyspace},
	}
}

// wantedSections returns the set of the sections that the arguments of INFO ask for: bit i for section i.
func wantedSections(names [][]byte) uint {
	if len(names) == 0 {
		names = [][]byte{[]byte("default")}
	}
	var wanted uint
	for i, section := range infoSections() {
		for _, name := range names {
			switch strings.ToLower(string(name)) {
			case "all", "everything", strings.ToLower(section.title):
				wanted |= 1 << i
			case "default":
				if !section.extra {
					wanted |= 1 << i
				}
			}
		}
	}
	return wanted
}

// infoReport is the answer in the making. The figures are read once, so that those of one answer fit together.
type infoReport struct {
	b       strings.Builder
	call    *Call
	srv     *Server
	cfg     *config.Values
	now     time.Time
	engine  engine.Stats
	traffic Traffic
	clients ClientTotals
	memory  memoryFigures
}

func newInfoReport(c *Call) *infoReport {
	r := &infoReport{
		call: c, srv: c.Srv, cfg: c.Srv.cfg.Load(), now: time.Now(),
		engine: c.Srv.engine.Stats(), traffic: c.Srv.stats.Traffic(), clients: c.Srv.Clients(),
	}
	r.memory = c.Srv.readMemory(r.engine, r.clients)
	return r
}

func (r *infoReport) text(name, value string) {
	r.b.WriteString(name)
	r.b.WriteByte(':')
	r.b.WriteString(value)
	r.b.WriteString("\r\n")
}

func (r *infoReport) int(name string, n int64) { r.text(name, strconv.FormatInt(n, 10)) }

// zeros writes fields that are always 0 here: what they count does not exist.
func (r *infoReport) zeros(names ...string) {
	for _, name := range names {
		r.int(name, 0)
	}
}

// decimal writes a number with two decimals.
func (r *infoReport) decimal(name string, f float64) { r.text(name, fmt.Sprintf("%.2f", f)) }

func (r *infoReport) percent(name string, part, whole int64) {
	r.text(name, fmt.Sprintf("%.2f%%", 100*ratio(part, whole)))
}

// bytes writes a size, and the same for people.
func (r *infoReport) bytes(name string, n int64) {
	r.int(name, n)
	r.text(name+"_human", humanBytes(n))
}

func (r *infoReport) bool(name string, yes bool) {
	if yes {
		r.int(name, 1)
		return
	}
	r.int(name, 0)
}

// status writes ok, or err after a failure.
func (r *infoReport) status(name string, err error) {
	if err != nil {
		r.text(name, "err")
		return
	}
	r.text(name, "ok")
}

// ratio returns part/whole, 0 of nothing.
func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// humanBytes writes a size as Redis does: 999B, 1.50K, 2.00M.
func humanBytes(n int64) string {
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + "B"
	}
	f := float64(n)
	for _, unit := range "KMGTPE" {
		if f /= 1 << 10; f < 1<<10 {
			return fmt.Sprintf("%.2f%c", f, unit)
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
