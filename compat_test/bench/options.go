package main

import (
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// options are what the command line decides.
type options struct {
	rows   *regexp.Regexp // names of the rows to measure
	rounds int

	requests int // of a closed load at pipeline 16; fewer at 1, more at 64
	keys     int // of the closed loads
	counters int // of the memory, disk, restart and maxmemory rows

	bigElements int // of the one collection of the big rows

	zipfFor  time.Duration // length of the load of the writes row
	quietFor time.Duration // open load before each checkpoint of the checkpoint row

	// settleFor is how long a figure must hold still (to a hundredth) before it counts: after a load both servers work
	// on, rewriting, compacting, giving memory back.
	settleFor time.Duration

	quipu string // path of the binary; empty: build it
	redis string
	dir   string // where data directories are made; empty: the system's directory for temporary files

	generator  string // redis-benchmark or native
	serverCPUs string // as taskset -c takes them; empty: not pinned
	loadCPUs   string

	fromFiles   []string // print what these hold in place of measuring
	intoFile    string
	jsonFile    string
	profileFile string
}

// quick are the values of -quick, for the flags that were not given themselves.
var quick = map[string]string{
	"rounds": "1", "n": "100000", "keys": "100000", "counters": "200000", "big": "100000", "zipf": "2s", "quiet": "500ms",
	"settle": "500ms",
}

func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	rows := flags.String("run", ".", "regular `expression` that selects rows by name, such as incrby/always/p16/cpu, memory, restart")
	flags.IntVar(&o.rounds, "rounds", 3, "interleaved rounds; a row is their median")
	flags.IntVar(&o.requests, "n", 1_000_000, "requests of a closed load at pipeline 16 (a quarter at 1, twice at 64)")
	flags.IntVar(&o.keys, "keys", 1_000_000, "counters under the closed loads")
	flags.IntVar(&o.counters, "counters", 10_000_000, "counters of the memory, disk, restart and maxmemory rows")
	flags.IntVar(&o.bigElements, "big", 1_000_000, "elements of the collection of the big rows")
	flags.DurationVar(&o.zipfFor, "zipf", time.Minute, "length of the load of the writes row")
	flags.DurationVar(&o.quietFor, "quiet", 3*time.Second, "length of the open load before each checkpoint of the checkpoint row")
	flags.DurationVar(&o.settleFor, "settle", 2*time.Second, "how long memory and disk must hold still before they are read")
	flags.StringVar(&o.quipu, "quipu", "", "Quipu's binary (default: build the one of this tree)")
	flags.StringVar(&o.redis, "redis", "redis-server", "Redis's binary")
	flags.StringVar(&o.dir, "dir", "", "where to make the data directories (default: the system's directory for temporary files)")
	flags.StringVar(&o.generator, "generator", "redis-benchmark", "closed load by redis-benchmark or native")
	flags.StringVar(&o.serverCPUs, "server-cpus", defaultServerCPUs(), "cores of the server, as taskset -c takes them; empty: any")
	flags.StringVar(&o.loadCPUs, "load-cpus", defaultLoadCPUs(), "cores of the load generator")
	from := flags.String("from", "", "no measuring: print the tables of these `files` of -json, separated by commas; what several have measured counts as the last has it")
	flags.StringVar(&o.intoFile, "into", "", "put the tables into this `file`, too, between its marks, as the README has them")
	flags.StringVar(&o.jsonFile, "json", "", "write every single reading to this `file`")
	flags.StringVar(&o.profileFile, "profile", "", "no table: run the closed loads that -run selects and store Quipu's CPU profile in this `file`")
	isQuick := flags.Bool("quick", false, "small numbers, one round: to see that everything works")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if *isQuick {
		if err := applyQuick(flags); err != nil {
			return options{}, err
		}
	}
	var err error
	if o.rows, err = regexp.Compile(*rows); err != nil {
		return options{}, fmt.Errorf("-run: %w", err)
	}
	if *from != "" {
		o.fromFiles = strings.Split(*from, ",")
	}
	return o, o.validate()
}

func applyQuick(flags *flag.FlagSet) error {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range quick {
		if given[name] {
			continue
		}
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("-quick: setting -%s: %w", name, err)
		}
	}
	return nil
}

func (o options) validate() error {
	switch {
	case o.rounds < 1:
		return fmt.Errorf("-rounds is %d, it must be at least 1", o.rounds)
	case o.requests < 1000 || o.keys < 1000 || o.counters < 1000:
		return fmt.Errorf("-n, -keys and -counters must be at least 1000")
	case o.bigElements < 1 || o.bigElements > maxKeys:
		return fmt.Errorf("-big must be from 1 to %d", maxKeys)
	case o.keys > maxKeys || o.counters > maxKeys:
		return fmt.Errorf("-keys and -counters must be at most %d: names have 12 digits", maxKeys)
	case o.generator != "redis-benchmark" && o.generator != "native":
		return fmt.Errorf("-generator is %q, it must be redis-benchmark or native", o.generator)
	}
	return nil
}
