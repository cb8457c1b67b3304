package main

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseRedisBenchmark(t *testing.T) {
	output, err := os.ReadFile("testdata/redis-benchmark.txt")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseRedisBenchmark(output)
	want := outcome{
		perSecond: 869565.19,
		p50:       591 * time.Microsecond, p99: 1807 * time.Microsecond, p999: 3935 * time.Microsecond,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if _, err := parseRedisBenchmark([]byte("Could not connect")); err == nil {
		t.Error("a report without a summary was accepted")
	}
}

func TestScatteredIsAPermutation(t *testing.T) {
	for _, n := range []int{1000, 1001, 4096, 100_000} {
		at := scattered(n)
		seen := make([]bool, n)
		for i := range n {
			seen[at(i)] = true
		}
		for k, hit := range seen {
			if !hit {
				t.Fatalf("of %d counters, %d never comes", n, k)
			}
		}
	}
}

func TestKeyNames(t *testing.T) {
	for _, k := range []int{0, 7, 123456, maxKeys - 1} {
		name := string(appendKey(nil, k))
		if got, err := keyNumber(name); got != k || err != nil || len(name) != keyLength {
			t.Errorf("counter %d is named %q and read back as %d, %v", k, name, got, err)
		}
	}
	for _, name := range []string{"", "key:", "key:12", "kex:000000000001", "key:00000000000x"} {
		if _, err := keyNumber(name); err == nil {
			t.Errorf("%q was taken for the name of a counter", name)
		}
	}
}

func TestRequests(t *testing.T) {
	got := string(incrBy(func(int) int { return 42 }, nameValue)(nil, 0))
	if want := string(appendCommand(nil, "INCRBY", "key:000000000042", "43")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = string(hashSet(func(int) int { return 997 })(nil, 0))
	want := string(appendCommand(nil, "HSET", "key:000000000997", "field:0", "998", "field:1", "999", "field:2", "1000", "field:3", "1",
		"field:4", "2", "field:5", "3", "field:6", "4", "field:7", "5", "field:8", "6", "field:9", "7"))
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = string(enter(func(int) int { return 997 })(nil, 0))
	if want := string(appendCommand(nil, "ZADD", "board", "895222", "key:000000000997")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = string(pattern([]string{"MGET", "key:__rand_int__", "key:__rand_int__"}, 1, 0)(nil, 0))
	if want := string(appendCommand(nil, "MGET", "key:000000000000", "key:000000000000")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSkipReplies(t *testing.T) {
	c := &conn{reader: bufio.NewReader(strings.NewReader(":1\r\n+OK\r\n$3\r\nabc\r\n$-1\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n:7\r\n-ERR no\r\n"))}
	if err := c.skipReplies(5); err != nil {
		t.Fatal(err)
	}
	if reply, err := c.readReply(); reply != int64(7) || err != nil {
		t.Errorf("after five replies came %v, %v; want 7", reply, err)
	}
	if err := c.skipReplies(1); err != refusal("ERR no") {
		t.Errorf("an error reply came back as %v", err)
	}
}

// TestOpenLoadCountsFromTheDueTime feeds replies by hand, one of them cut in two.
func TestOpenLoadCountsFromTheDueTime(t *testing.T) {
	l := &openLoad{}
	s := &openSocket{due: []time.Duration{1, 2, 3}}
	for _, piece := range []struct {
		received string
		now      time.Duration
	}{{":1\r\n:2", 10}, {"5\r\n", 20}, {":3\r\n", 30}} {
		if err := l.takeReplies(s, []byte(piece.received), piece.now); err != nil {
			t.Fatal(err)
		}
	}
	want := []sample{{1, 9}, {2, 18}, {3, 27}}
	if len(l.samples) != 3 || l.samples[0] != want[0] || l.samples[1] != want[1] || l.samples[2] != want[2] {
		t.Errorf("got %v, want %v", l.samples, want)
	}
	if err := l.takeReplies(s, []byte(":4\r\n"), 40); err == nil {
		t.Error("a reply to nothing was accepted")
	}
	s.due = []time.Duration{1}
	if err := l.takeReplies(s, []byte("-OOM\r\n"), 40); err == nil {
		t.Error("an error reply was accepted")
	}
}

func TestQuantile(t *testing.T) {
	sorted := make([]time.Duration, 1000)
	for i := range sorted {
		sorted[i] = time.Duration(i + 1)
	}
	if p50, p999, all := quantile(sorted, 0.5), quantile(sorted, 0.999), quantile(sorted, 1); p50 != 501 || p999 != 1000 || all != 1000 {
		t.Errorf("got %v, %v and %v", p50, p999, all)
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("a quantile of nothing is something")
	}
}

func TestChildrenTime(t *testing.T) {
	line := "17 (a (b) c) S 1 17 17 0 -1 4194304 100 200 0 0 5 6 70 80 20 0 1 0 99 0 0"
	if got, err := parseChildrenTime([]byte(line)); got != 1500*time.Millisecond || err != nil {
		t.Errorf("got %v, %v; want 1.5s", got, err)
	}
	if _, err := parseChildrenTime([]byte("17 (a) S 1")); err == nil {
		t.Error("a short line was accepted")
	}
}

func TestParseCPUs(t *testing.T) {
	set, err := parseCPUs("1,3-5")
	if err != nil || set.Count() != 4 || !set.IsSet(1) || !set.IsSet(4) || set.IsSet(2) {
		t.Errorf("1,3-5 is %v, %v", set, err)
	}
	for _, list := range []string{"x", "2-1", "1,,2"} {
		if _, err := parseCPUs(list); err == nil {
			t.Errorf("%q was accepted", list)
		}
	}
}

func TestMachineFigures(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for sum, i := 0, 0; i < 1_000_000; i++ {
		sum += i
	}
	if after, err := cpuTime(os.Getpid()); err != nil || after <= before {
		t.Errorf("the CPU clock went from %v to %v, %v", before, after, err)
	}
	if resident, err := residentBytes(os.Getpid()); err != nil || resident < 1<<20 {
		t.Errorf("resident memory is %d, %v", resident, err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", make([]byte, 10_000), 0o644); err != nil {
		t.Fatal(err)
	}
	if used, err := diskBytes(dir); err != nil || used < 10_000 || used > 100_000 {
		t.Errorf("10,000 bytes take %d bytes of disk, %v", used, err)
	}
}
