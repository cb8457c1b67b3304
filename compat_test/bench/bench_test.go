package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestRunsAgainstRedis runs the whole program with Redis on both sides and sizes that prove nothing but that
// every step works. It asserts no figure.
func TestRunsAgainstRedis(t *testing.T) {
	opts, err := parseOptions([]string{
		"-quick", "-quipu", "redis-server", "-dir", t.TempDir(), "-server-cpus", "", "-load-cpus", "",
		"-run", "^(incrby/always|mget|hincrby/none|sadd/none|zincrby/none|zrevrange/none|board|pfadd/none|memory|hashes|disk|restart|maxmemory|checkpoint|big/(hash|set)/(checkpoint|delete|expire)|start)",
		"-n", "2000", "-keys", "1000", "-counters", "1000", "-big", "100000", "-quiet", "50ms", "-settle", "20ms",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := run(context.Background(), opts, &table); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(table.String(), "NOT MEASURED") {
		t.Errorf("a row was not measured:\n%s", table.String())
	}
	unpadded := regexp.MustCompile(" +").ReplaceAllString(table.String(), " ")
	for _, line := range []string{"lost of them and their increments | ≤ 0 | 0 | 0 | — | met |", "counters made | ≥ 1000 | 1000 | 1000 | 1x | met |"} {
		if !strings.Contains(unpadded, line) {
			t.Errorf("the table lacks %q:\n%s", line, table.String())
		}
	}
}

// TestNativeGenerator runs the other closed load.
func TestNativeGenerator(t *testing.T) {
	opts, err := parseOptions([]string{
		"-quick", "-quipu", "redis-server", "-dir", t.TempDir(), "-server-cpus", "", "-load-cpus", "",
		"-run", "none/p16", "-n", "2000", "-keys", "1000", "-generator", "native",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), opts, io.Discard); err != nil {
		t.Fatal(err)
	}
}

// TestFailuresAreTold puts a program in Quipu's place that does not serve: the table still comes, and the error.
func TestFailuresAreTold(t *testing.T) {
	opts, err := parseOptions([]string{"-quick", "-quipu", "false", "-dir", t.TempDir(), "-server-cpus", "", "-load-cpus", "", "-run", "^start$"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	err = run(context.Background(), opts, &table)
	if err == nil || !strings.Contains(err.Error(), "start, Quipu, round 1") {
		t.Errorf("got error %v, want one that names the row and the server", err)
	}
	if !strings.Contains(table.String(), "NOT MEASURED") {
		t.Errorf("the table hides that a row is missing:\n%s", table.String())
	}
}

// TestEveryFigureHasItsRow lists the rows that promise something. It is the list of what must be reached, kept
// twice on purpose: a row that vanishes from the program would take its promise along.
func TestEveryFigureHasItsRow(t *testing.T) {
	wanted := []string{
		"incrby/none/p1", "incrby/none/p16", "incrby/none/p64", "get/none/p16", "mget/none/p16",
		"incrby/always/p1", "incrby/always/p16", "incrby/always/p64", "hot/always/p16",
		"incrby/everysec/p1", "incrby/everysec/p16", "incrby/everysec/p64",
	}
	var names []string
	for _, name := range wanted {
		names = append(names, name+"/cpu", name+"/rate")
	}
	for _, event := range []string{"checkpoint", "evict", "load", "delete", "expire"} {
		for _, kind := range []string{"hash", "zset", "set", "list"} {
			names = append(names, "big/"+kind+"/"+event+"/ratio")
		}
	}
	names = append(names, "zincrby/none/p16/cpu", "zincrby/always/p16/cpu", "zrevrange/none/p16/cpu", "zrevrange/always/p16/cpu", "board/memory")
	names = append(names, "sadd/none/p16/cpu", "sadd/always/p16/cpu", "pfadd/none/p16/cpu", "pfadd/always/p16/cpu")
	names = append(names, "lpush/none/p16/cpu", "lpush/always/p16/cpu", "lpop/none/p16/cpu", "lpop/always/p16/cpu")
	names = append(names, "hincrby/none/p16/cpu", "hincrby/always/p16/cpu", "hashes/memory", "memory", "disk", "restart", "maxmemory/accepted", "maxmemory/lost",
		"checkpoint/ratio", "writes/store", "start")
	var promised []string
	for _, s := range scenarios(options{}) {
		for _, w := range s.rows {
			if len(w.bounds) > 0 {
				promised = append(promised, w.name)
			}
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(promised))) {
		t.Errorf("the rows with a figure to reach are\n%q, want\n%q", promised, names)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, args := range [][]string{
		{"-rounds", "0"}, {"-n", "1"}, {"-keys", "2000000000000"}, {"-generator", "wrk"}, {"-run", "("}, {"-unknown"},
	} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	opts, err := parseOptions([]string{"-quick", "-rounds", "5"}, io.Discard)
	if err != nil || opts.rounds != 5 || opts.requests != 100_000 {
		t.Errorf("-quick -rounds 5 gave %d rounds of %d requests, error %v", opts.rounds, opts.requests, err)
	}
}
