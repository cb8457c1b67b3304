package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// scenario takes its rows' readings from one server in one go: what needs the same expensive state
// (ten million counters, say) belongs into one.
type scenario struct {
	name  string
	about string // what its rows are in full, where their titles are too short for that
	rows  []row
	// run adds one reading to each part of the rows that it can measure on this server.
	run func(ctx context.Context, b *bench, s subject, into readings) error
}

// bench is one run of the benchmark.
type bench struct {
	opts         options
	scratch      string
	redis, quipu subject
	log          *slog.Logger
}

// run does what the options say: it measures and prints the tables, or prints those of earlier runs, or takes a profile.
func run(ctx context.Context, opts options, out io.Writer) error {
	if len(opts.fromFiles) > 0 {
		return reprint(opts, out)
	}
	b := &bench{opts: opts, log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	scratch, err := os.MkdirTemp(opts.dir, "quipu-bench-")
	if err != nil {
		return fmt.Errorf("making the scratch directory: %w", err)
	}
	defer os.RemoveAll(scratch)
	b.scratch = scratch
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if opts.profileFile != "" {
		return b.profile(ctx)
	}
	chosen := b.chosen()
	if len(chosen) == 0 {
		return fmt.Errorf("-run %v selects no row", opts.rows)
	}
	redis, quipu := readings{}, readings{}
	failed := b.measure(ctx, chosen, redis, quipu)
	return errors.Join(b.report(out, chosen, redis, quipu), failed)
}

// reprint prints what earlier runs have measured.
func reprint(opts options, out io.Writer) error {
	measured, err := readResults(opts.fromFiles)
	if err != nil {
		return err
	}
	return publish(measured, opts, out)
}

// prepare finds or builds the two binaries and moves this process to the cores of the load.
func (b *bench) prepare(ctx context.Context) error {
	redis, err := exec.LookPath(b.opts.redis)
	if err != nil {
		return fmt.Errorf("looking for Redis (make deps installs it): %w", err)
	}
	quipu := b.opts.quipu
	if quipu == "" {
		quipu = filepath.Join(b.scratch, "quipu")
		if err := build(ctx, quipu); err != nil {
			return err
		}
	}
	b.redis = subject{name: "Redis", binary: redis, compactCommand: "BGREWRITEAOF"}
	b.quipu = subject{name: "Quipu", binary: quipu, compactCommand: "BGSAVE"}
	return pinSelf(b.opts.loadCPUs)
}

// build builds the server of the module that this program belongs to, as it is shipped.
func build(ctx context.Context, binary string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "quipu")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building quipu: %w\n%s", err, output)
	}
	return nil
}

// chosen are the scenarios with the rows that -run selects; a scenario without any is left out.
func (b *bench) chosen() []scenario {
	var chosen []scenario
	for _, s := range scenarios(b.opts) {
		s.rows = slices.DeleteFunc(slices.Clone(s.rows), func(w row) bool { return !b.selects(w.name) })
		if len(s.rows) > 0 {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// selects tells whether -run selects a row.
func (b *bench) selects(name string) bool { return b.opts.rows.MatchString(name) }

// measure runs every scenario in interleaved rounds. A failure costs its row a reading, and is told at the end.
func (b *bench) measure(ctx context.Context, chosen []scenario, redis, quipu readings) error {
	var failed []error
	for _, s := range chosen {
		for round := range b.opts.rounds {
			turns := []func() error{
				func() error { return b.turn(ctx, s, round, b.redis, redis) },
				func() error { return b.turn(ctx, s, round, b.quipu, quipu) },
			}
			if round%2 == 1 {
				slices.Reverse(turns)
			}
			for _, turn := range turns {
				failed = append(failed, turn())
				if ctx.Err() != nil {
					return ctx.Err()
				}
			}
		}
	}
	return errors.Join(failed...)
}

// turn runs a scenario once on one of the servers.
func (b *bench) turn(ctx context.Context, s scenario, round int, turn subject, into readings) error {
	unix.Sync() // or it would wait for what the turn before left to write
	began := time.Now()
	if err := s.run(ctx, b, turn, into); err != nil {
		return fmt.Errorf("%s, %s, round %d: %w", s.name, turn.name, round+1, err)
	}
	b.log.Info("measured", "scenario", s.name, "round", round+1, "server", turn.name,
		"took", time.Since(began).Round(time.Millisecond))
	return nil
}

// report prints what was measured and where.
func (b *bench) report(out io.Writer, chosen []scenario, redis, quipu readings) error {
	measured := results{Setup: b.setup(), Time: time.Now().UTC(), QuipuVersion: b.version(b.quipu), Redis: redis, Quipu: quipu}
	for _, s := range chosen {
		for _, w := range s.rows {
			measured.addRow(w)
		}
	}
	return publish(measured, b.opts, out)
}

// setup is where and how this run measures.
func (b *bench) setup() setup {
	return setup{
		Machine: describeMachine(b.scratch), Redis: b.version(b.redis),
		Generator: b.opts.generator, ServerCPUs: b.opts.serverCPUs, LoadCPUs: b.opts.loadCPUs,
		Requests: b.opts.requests, Keys: b.opts.keys, Counters: b.opts.counters, Big: b.opts.bigElements, Zipf: b.opts.zipfFor,
	}
}

// version is what a server says about itself, of Redis's answer only the number.
func (b *bench) version(s subject) string {
	output, err := exec.Command(s.binary, "--version").Output()
	if err != nil {
		return s.name + " of unknown version"
	}
	for word := range strings.FieldsSeq(string(output)) {
		if number, ok := strings.CutPrefix(word, "v="); ok {
			return s.name + " " + number
		}
	}
	return strings.TrimSpace(string(output))
}
