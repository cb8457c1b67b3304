package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamagedStore: a server that meets damage in the store, long after its start, ends rather than answer that what it can not read is not
// there. The log says what has happened and what to do, without repeating itself.
func TestDamagedStore(t *testing.T) {
	const counters = 20_000
	n := startNode(t)
	n.tool("redis-benchmark", "-q", "-n", fmt.Sprint(5*counters), "-r", fmt.Sprint(counters), "-P", "64", "-t", "incr")
	n.terminate()
	damageLargestTable(t, filepath.Join(n.dir, "store"))
	n.start()
	c := n.client()
	for i := range counters {
		if c.Get(t.Context(), fmt.Sprintf("counter:%012d", i)).Val() == "" && c.Ping(t.Context()).Err() != nil {
			break
		}
	}
	waitEnd(t, n)
	if code := n.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	log := n.log.String()
	for _, want := range []string{"FATAL: the data directory is damaged", ".sst", "`quipu check`"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	for _, line := range []string{"store: damaged file", "store: background work failed"} {
		if times := strings.Count(log, line); times > 3 {
			t.Errorf("the log says %d times %q", times, line)
		}
	}
	if strings.Contains(log, "start again") || t.Failed() {
		t.Errorf("the log:\n%s", log)
	}
}

// damageLargestTable overwrites some of the rows of the largest table in a directory.
func damageLargestTable(t *testing.T, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	largest, size := "", int64(0)
	for _, path := range paths {
		if st, err := os.Stat(path); err == nil && st.Size() > size {
			largest, size = path, st.Size()
		}
	}
	f, err := os.OpenFile(largest, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 64), size/4); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
