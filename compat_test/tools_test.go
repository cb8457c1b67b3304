package compat

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestTheFirstMinute is what a newcomer does: count, kill, count on.
func TestTheFirstMinute(t *testing.T) {
	n := startNode(t)
	expect(t, n.tool("redis-cli", "INCRBY", "page:1", "5"), "5\n")
	n.kill()
	n.start()
	expect(t, n.tool("redis-cli", "INCRBY", "page:1", "5"), "10\n")
	if code := n.terminate(); code != 0 {
		t.Fatalf("SIGTERM: exit code %d\n%s", code, n.log)
	}
	n.start()
	expect(t, n.tool("redis-cli", "GET", "page:1"), "10\n")
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func contain(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Fatalf("%q does not contain %q", got, want)
		}
	}
}

// TestRedisBenchmark runs the tests of redis-benchmark that are about counters; it exits 1 at the first error reply.
func TestRedisBenchmark(t *testing.T) {
	n := startNode(t)
	for _, pipeline := range []string{"1", "16"} {
		out := n.tool("redis-benchmark", "-q", "-n", "5000", "-P", pipeline, "-r", "1000", "-t", "ping_inline,ping_mbulk,set,get,incr,mset")
		contain(t, out, "PING_INLINE", "SET", "GET", "INCR", "MSET")
		if strings.Contains(out, "ERR") || strings.Contains(out, "WARNING") {
			t.Fatal(out)
		}
	}
	n.tool("redis-benchmark", "-q", "-n", "2000", "-3", "-t", "incr")
	n.tool("redis-benchmark", "-q", "-n", "2000", "--dbnum", "3", "-r", "100", "INCRBY", "key:__rand_int__", "2")
}

// TestRedisBenchmarkWithoutOptions runs all that redis-benchmark has, fewer of each.
func TestRedisBenchmarkWithoutOptions(t *testing.T) {
	n := startNode(t)
	out := n.tool("redis-benchmark", "-n", "1000")
	contain(t, out, "PING_INLINE", "SET", "GET", "INCR", "LPUSH", "RPUSH", "LPOP", "RPOP", "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN",
		"LRANGE_100", "LRANGE_600", "MSET (10 keys)")
	if strings.Contains(out, "ERR") || strings.Contains(out, "WARNING") {
		t.Fatal(out)
	}
}

// fillEveryType gives a node a small and a large key of every type; the large one has 700 elements, or bytes.
func fillEveryType(t *testing.T, n *node) {
	t.Helper()
	ctx, c := t.Context(), n.client()
	if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for name, count := range map[string]int{"small": 3, "large": 700} {
			p.Set(ctx, "string:"+name, strings.Repeat("x", count), 0)
			for i := range count {
				element := fmt.Sprintf("%d is an element", i)
				p.HSet(ctx, "hash:"+name, element, i)
				p.SAdd(ctx, "set:"+name, element)
				p.ZAdd(ctx, "zset:"+name, redis.Z{Score: float64(i), Member: element})
				p.RPush(ctx, "list:"+name, element)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestRedisCliFindsBigKeys of every type.
func TestRedisCliFindsBigKeys(t *testing.T) {
	n := startNode(t)
	fillEveryType(t, n)
	_, summary, _ := strings.Cut(n.tool("redis-cli", "--bigkeys"), "-------- summary -------")
	contain(t, summary, "Sampled 10 keys in the keyspace!",
		`Biggest   list found '"list:large"' has 700 items`,
		`Biggest   hash found '"hash:large"' has 700 fields`,
		`Biggest string found '"string:large"' has 700 bytes`,
		`Biggest    set found '"set:large"' has 700 members`,
		`Biggest   zset found '"zset:large"' has 700 members`,
		"2 lists with 703 items (20.00% of keys, avg size 351.50)",
		"2 hashs with 703 fields", "2 strings with 703 bytes", "2 sets with 703 members", "2 zsets with 703 members")
	_, summary, _ = strings.Cut(n.tool("redis-cli", "--memkeys", "--memkeys-samples", "0"), "-------- summary -------")
	for _, kind := range []string{"list", "hash", "string", "set", "zset"} {
		contain(t, summary, fmt.Sprintf(`Biggest %6s found '"%s:large"' has `, kind, kind))
	}
}

// TestRedisCliModes runs the modes of redis-cli that people look at a server with.
func TestRedisCliModes(t *testing.T) {
	n := startNode(t)
	for i := range 50 {
		n.tool("redis-cli", "SET", fmt.Sprintf("page:%d", i), fmt.Sprint(i))
	}
	n.tool("redis-cli", "SET", "long", strings.Repeat("x", 5000))

	scanned := strings.Fields(n.tool("redis-cli", "--scan", "--pattern", "page:*"))
	if len(scanned) != 50 {
		t.Fatalf("--scan found %d keys, want 50", len(scanned))
	}
	contain(t, n.tool("redis-cli", "--bigkeys"), `Biggest string found '"long"' has 5000 bytes`, "51 strings with")
	contain(t, n.tool("redis-cli", "--memkeys"), `Biggest string found '"long"'`)
	contain(t, n.tool("redis-cli", "-3", "HELLO", "3"), "redis", "proto")
	contain(t, n.tool("redis-cli", "-3", "--no-raw", "GET", "page:7"), `"7"`)
	contain(t, n.tool("redis-cli", "-3", "CONFIG", "GET", "appendfsync"), "appendfsync", "always")
	contain(t, n.tool("redis-cli", "INFO", "keyspace"), "db0:keys=51,expires=0")

	pipe := exec.Command("redis-cli", "-p", n.port, "--pipe")
	var script strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&script, "*3\r\n$6\r\nINCRBY\r\n$4\r\npipe\r\n$%d\r\n%d\r\n", len(fmt.Sprint(i)), i)
		script.WriteString("INCR inline\r\n")
	}
	pipe.Stdin = strings.NewReader(script.String())
	out, err := pipe.CombinedOutput()
	if err != nil {
		t.Fatalf("--pipe: %v\n%s", err, out)
	}
	contain(t, string(out), "errors: 0, replies: 2000")
	expect(t, n.tool("redis-cli", "MGET", "pipe", "inline"), "499500\n1000\n")
}

// TestRedisCliHotKeys finds what is used most, of every type, under a policy that counts uses.
func TestRedisCliHotKeys(t *testing.T) {
	n := startNode(t)
	n.tool("redis-cli", "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
	fillEveryType(t, n)
	for i := range 20 {
		n.tool("redis-cli", "SET", fmt.Sprintf("page:%d", i), fmt.Sprint(i))
	}
	for _, command := range [][]string{
		{"INCRBY", "page:7", "1"},
		{"HINCRBY", "hash:small", "0 is an element", "1"},
		{"SISMEMBER", "set:small", "member"},
		{"ZINCRBY", "zset:small", "1", "member"},
		{"LINDEX", "list:small", "1"},
	} {
		n.tool("redis-benchmark", append([]string{"-q", "-n", "20000", "-P", "16"}, command...)...)
	}
	out := n.tool("redis-cli", "--hotkeys")
	_, summary, found := strings.Cut(out, "-------- summary -------")
	if !found {
		t.Fatalf("--hotkeys printed %q", out)
	}
	contain(t, summary, "Sampled 30 keys in the keyspace!", `keyname: "page:7"`, `keyname: "hash:small"`, `keyname: "set:small"`,
		`keyname: "zset:small"`, `keyname: "list:small"`)
}

// TestEvictionOfACache lets a server with a limit and a policy that deletes take many times what fits.
func TestEvictionOfACache(t *testing.T) {
	n := startNode(t)
	n.tool("redis-cli", "CONFIG", "SET", "maxmemory", "4mb", "maxmemory-policy", "allkeys-lru")
	out := n.tool("redis-benchmark", "-q", "-n", "200000", "-P", "64", "-r", "1000000", "-d", "100", "-t", "set")
	if strings.Contains(out, "ERR") {
		t.Fatal(out)
	}
	info := n.tool("redis-cli", "INFO", "stats")
	if !strings.Contains(info, "evicted_keys:") || strings.Contains(info, "evicted_keys:0\r") {
		t.Fatalf("nothing was evicted:\n%s", info)
	}
}

// TestRedisCliStat watches a server for a moment: --stat goes on until it is ended, and buffers its lines unless told not to.
func TestRedisCliStat(t *testing.T) {
	n := startNode(t)
	n.tool("redis-cli", "INCR", "page")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stat := exec.CommandContext(ctx, "stdbuf", "-oL", "redis-cli", "-p", n.port, "-i", "0.1", "--stat")
	out, err := stat.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stat.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, want := range []string{"data", "keys", "1 "} {
		if !lines.Scan() {
			t.Fatal("--stat ended by itself")
		}
		contain(t, lines.Text(), want)
	}
	cancel()
	_ = stat.Wait() // it was killed
}

// TestRedisCliLatency: not on a terminal, --latency measures for a second and prints minimum, maximum, average and samples.
func TestRedisCliLatency(t *testing.T) {
	n := startNode(t)
	if fields := strings.Fields(n.tool("redis-cli", "--latency")); len(fields) != 4 {
		t.Fatalf("--latency printed %q", fields)
	}
}

// TestQuipuPing is the health check of the container.
func TestQuipuPing(t *testing.T) {
	n := startNode(t)
	if out, err := exec.Command(binary, "ping", n.addr()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n.kill()
	if err := exec.Command(binary, "ping", n.addr()).Run(); err == nil {
		t.Fatal("ping of a dead server succeeded")
	}
}

// TestQuipuCheck: a sound directory passes, and one with a flipped bit does not.
func TestQuipuHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"check", "--help"}, {"check", "-h"}, {"ping", "--help"}} {
		out, err := exec.Command(binary, args...).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "Usage: quipu [FILE]") {
			t.Errorf("quipu %s: %v\n%s", args, err, out)
		}
	}
}

func TestQuipuCheck(t *testing.T) {
	n := startNode(t)
	n.tool("redis-benchmark", "-q", "-n", "5000", "-P", "16", "-r", "1000", "-t", "incr")
	if out, err := exec.Command(binary, "check", n.dir).CombinedOutput(); err == nil {
		t.Fatalf("check of a directory in use succeeded:\n%s", out)
	}
	n.tool("redis-cli", "SAVE")
	n.tool("redis-benchmark", "-q", "-n", "500", "-t", "incr")
	n.kill()
	if out, err := exec.Command(binary, "check", n.dir).CombinedOutput(); err != nil {
		t.Fatalf("check: %v\n%s", err, out)
	}
}
