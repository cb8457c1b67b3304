package config

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// The real Redis is the specification: the same CONFIG commands and the same
// lines go to a redis-server and to this package, and no expected reply is
// written down here. What differs on purpose stands in difference, with the
// reason; an entry that no case needs any more fails the test.

// realRedis is a redis-server that lives as long as the test.
type realRedis struct {
	t    *testing.T
	dir  string
	conn *redis.Client
}

// startRedis starts a redis-server that listens on a unix socket alone, so that
// no port has to be found, with the lines as its configuration file.
func startRedis(t *testing.T, lines ...string) *realRedis {
	t.Helper()
	dir, err := os.MkdirTemp("", "quipu-config")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	lines = append([]string{"port 0", "unixsocket " + socket, `save ""`, "dir " + dir}, lines...)
	file := filepath.Join(dir, "redis.conf")
	writeFile(t, file, strings.Join(lines, "\n")+"\n")
	runUntilReady(t, exec.Command("redis-server", file))
	conn := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, PoolSize: 1, MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() { conn.Close() })
	return &realRedis{t: t, dir: dir, conn: conn}
}

// runUntilReady starts the server, returns when it has said that it accepts
// connections, and kills it at the end of the test.
func runUntilReady(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		lines := bufio.NewScanner(out)
		told := false
		for lines.Scan() {
			if !told && strings.Contains(lines.Text(), "ready to accept connections") {
				told = true
				ready <- true
			}
		}
		if !told {
			ready <- false
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-drained
		_ = cmd.Wait()
	})
	if !<-ready {
		t.Fatal("redis-server ended before it was ready")
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// set sends CONFIG SET and returns the reply: OK or the text of the error.
func (r *realRedis) set(pairs ...[2]string) string {
	args := []any{"CONFIG", "SET"}
	for _, p := range pairs {
		args = append(args, p[0], p[1])
	}
	return r.reply(args)
}

func (r *realRedis) reply(args []any) string {
	reply, err := r.conn.Do(context.Background(), args...).Result()
	var refused redis.Error
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case err != nil:
		r.t.Fatalf("%q: %v", args, err)
	}
	return fmt.Sprint(reply)
}

// get sends CONFIG GET and returns what it replies.
func (r *realRedis) get(patterns ...string) map[string]string {
	r.t.Helper()
	args := []any{"CONFIG", "GET"}
	for _, p := range patterns {
		args = append(args, p)
	}
	reply, err := r.conn.Do(context.Background(), args...).Result()
	if err != nil {
		r.t.Fatalf("%q: %v", args, err)
	}
	found := map[string]string{}
	for name, value := range reply.(map[any]any) {
		found[name.(string)] = value.(string)
	}
	return found
}

// difference is an intended one, or one that cannot be tested.
type difference struct {
	names  []string // parameters; nil for all
	values []string // what they are set to; nil for anything
	reason string
	used   bool
}

// differences lists what CONFIG SET does otherwise here than in Redis.
func differences() []*difference {
	return []*difference{
		{
			names:  []string{"port", "tls-port", "bind", "oom-score-adj", "oom-score-adj-values", "maxclients"},
			reason: "setting it changes the process or its sockets: hooks do that here, and another package owns them",
		},
		{
			names:  []string{"maxmemory-clients", "requirepass"},
			reason: "it would cut the test's own connection off",
		},
		{
			names:  []string{"dir"},
			reason: "the open store cannot move, whoever asks",
		},
		{
			names: []string{"activedefrag"}, values: []string{"yes", "YES"},
			reason: "refused by servers that were built without it; ignored here",
		},
		{
			names:  []string{"tls-protocols"},
			reason: "checked when it is set, not when TLS is on",
		},
		{
			names: sizeNames(), values: []string{"", "gb", "kb"},
			reason: "a size without digits is a slip of the pen, not zero",
		},
		{
			names: sizeNames(), values: []string{"99999999999gb", "99999999999999999999gb"},
			reason: "a size that does not fit is refused, and does not wrap around",
		},
		{
			names: []string{"maxmemory", "cluster-link-sendbuf-limit"}, values: []string{"9223372036854775808", "8589934592gb", "18446744073709551615", "18446744073709551616"},
			reason: "sizes are signed here",
		},
		{
			names: timesOfRedis, values: []string{"9223372036854775807"},
			reason: "a time.Duration holds 292 years",
		},
		{
			names: []string{"lfu-decay-time"}, values: []string{"2147483647"},
			reason: "a time.Duration holds 292 years",
		},
		{
			names:  []string{"repl-backlog-size"},
			reason: "Redis raises it to 16 kB when it makes the backlog; there is none here",
		},
		{
			names: []string{"tls-cluster", "tls-replication"}, values: []string{"yes", "YES"},
			reason: "meaningless here, so that no certificates are needed",
		},
		{
			names: []string{"save"}, values: []string{"5 "},
			reason: "an empty number is not one",
		},
		{
			names: []string{"latency-tracking-info-percentiles"}, values: []string{"0x10"},
			reason: "hexadecimal numbers are C's",
		},
		{
			names: []string{"save"}, values: []string{"99999999999999999999 1"},
			reason: "seconds that do not fit are refused rather than cut",
		},
		{
			names: []string{"client-output-buffer-limit"}, values: []string{"normal 99999999999gb 1 1"},
			reason: "a size that does not fit is refused, and does not wrap around",
		},
	}
}

var timesOfRedis = []string{"slowlog-log-slower-than", "latency-monitor-threshold", "cluster-node-timeout"}

// sizeNames are the parameters that are a number of bytes.
func sizeNames() []string {
	var list []string
	for name, row := range byName {
		switch row.value.(type) {
		case *bound[int64], *kept[int64]:
			list = append(list, name)
		}
	}
	return list
}

func (d *difference) covers(name, value string) bool {
	return (d.names == nil || slices.Contains(d.names, name)) &&
		(d.values == nil || slices.Contains(d.values, value))
}

// candidates are what every parameter is set to, right or wrong.
func candidates(row *param) []string {
	list := []string{
		"", "yes", "no", "YES", "maybe", "local", "optional",
		"0", "1", "2", "-1", "-2", "10", "63", "100", "101", "500", "501", "65535", "65536", "007", "+5", " 5", "5 ", "5.5", "0x10", "1e3",
		strconv.Itoa(1<<20 - 1), strconv.Itoa(1 << 20),
		strconv.Itoa(math.MaxInt32), strconv.Itoa(math.MaxInt32 + 1), strconv.Itoa(math.MinInt32), strconv.Itoa(math.MinInt32 - 1),
		strconv.Itoa(math.MaxUint32), strconv.Itoa(math.MaxUint32 + 1),
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616",
		"1b", "1k", "1kb", "2M", "2mB", "1gb", "1.5gb", "gb", "1t", "1 mb", "99999999999gb", "10%", "101%",
		"1kk", "10KB ", " 10kb", "-5kb", "kb", "50 %", "-50%", "%", "0%", "1.5%", "8589934592gb", "99999999999999999999gb", "18446744073709551615",
		"always", "EverySec", "allkeys-lfu", "volatile-ttl", "verbose", "warning", "save now", "save nosave", "force save", "default now", "now  save",
		"swapdb", "panic", "systemd", "local3", "json", "1 2 3", "1 2 3000", "127.0.0.1:9121", "hostname", "allchannels", "clients", "relative", "TLSv1.2 TLSv1.3",
		"900 1", "900 1 300 10", "0 1", "1 -1", "900", "900 x", "+900 +1", "900  1", "99999999999999999999 1",
		"normal 1 2 3", "replica 1gb 2mb 3 NORMAL 1 2 3", "slave 1 1", "other 1 2 3", "normal 1 2 -3", "normal x 2 3", "normal 99999999999gb 1 1",
		"50 99 99.9", "50 101", "0.5 99.123456789", "nan", "inf", "1e1", ".5",
		"A", "AKE", "KEA", "AKEn", "AKEm", "Kx", "g$lshzxetdnmKE", "gg", "y", "KEAnm",
		"a/b", "file.name", "with space", "{title} {port}", "{x}", "a.b-c", "a_b", strings.Repeat("h", 255), strings.Repeat("h", 256), "quo\"te\\", "\x01\xff",
	}
	return append(list, row.value.lines(defaults())...)
}

// TestSetAsRedis sets every parameter of Redis to everything, on both sides,
// and compares the replies and what CONFIG GET shows afterwards.
func TestSetAsRedis(t *testing.T) {
	real := startRedis(t)
	ours := parse(t)
	known := differences()
	names := slices.Sorted(maps.Keys(real.get("*")))
	names = append(names, "use-exit-on-panic", "rdb-key-save-delay", "key-load-delay", "loading-process-events-interval-bytes")
	for _, name := range names {
		row := lookup(name)
		if row == nil {
			t.Errorf("redis-server knows %s", name)
			continue
		}
		for _, value := range candidates(row) {
			compareSet(t, real, ours, known, name, value)
		}
	}
	for _, d := range known {
		if !d.used {
			t.Errorf("no case needs this difference any more: %v %q: %s", d.names, d.values, d.reason)
		}
	}
}

func compareSet(t *testing.T, real *realRedis, ours *Config, known []*difference, name, value string) {
	t.Helper()
	for _, d := range known {
		if d.covers(name, value) {
			d.used = true
			return
		}
	}
	before := real.get(name)[name]
	want, got := real.set([2]string{name, value}), replyOf(ours.Set([][2]string{{name, value}}))
	if got != want {
		t.Errorf("CONFIG SET %s %q:\n redis %s\n quipu %s", name, value, want, got)
	}
	if want != "OK" {
		return
	}
	if want, got := real.get(name)[name], valueOf(ours, name); got != want {
		t.Errorf("CONFIG GET %s after %q: redis %q, quipu %q", name, value, want, got)
	}
	if reply := real.set([2]string{name, before}); reply != "OK" {
		t.Fatalf("putting %s back to %q: %s", name, before, reply)
	}
	if err := ours.Set([][2]string{{name, before}}); err != nil {
		t.Fatalf("putting %s back to %q: %v", name, before, err)
	}
}

// replyOf is the reply that the error of Set makes.
func replyOf(err error) string {
	if err != nil {
		return err.Error()
	}
	return "OK"
}

// valueOf returns the value of one parameter.
func valueOf(c *Config, name string) string {
	found := c.Get(name)
	if len(found) != 1 {
		return fmt.Sprintf("%d parameters", len(found))
	}
	return found[0][1]
}

// parse makes a configuration from arguments.
func parse(t *testing.T, args ...string) *Config {
	t.Helper()
	c, err := Parse(args, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestDefaultsAsRedis compares the defaults, but for the few that are ours.
func TestDefaultsAsRedis(t *testing.T) {
	real := startRedis(t).get("*")
	ours := parse(t)
	different := []string{
		"port", "unixsocket", "save", "dir", // given to the real one
		"appendonly", "appendfsync", // chosen otherwise here
	}
	for name, want := range real {
		if got := valueOf(ours, name); got != want && !slices.Contains(different, name) {
			t.Errorf("%s: redis %q, quipu %q", name, want, got)
		}
	}
}

// TestSeveralPairsAsRedis compares replies to CONFIG SET with several pairs, and
// that a refusal leaves everything as it was.
func TestSeveralPairsAsRedis(t *testing.T) {
	real, ours := startRedis(t), parse(t)
	for _, line := range []string{
		"maxmemory 1mb timeout 5",
		"maxmemory 2mb timeout x",
		"maxmemory 3mb nosuch 1 timeout x",
		"nosuch 1 other 2",
		"NoSuch 1",
		"maxmemory 4mb MAXMEMORY 5mb",
		"maxmemory 4mb maxmemory x",
		"lua-time-limit 1 busy-reply-threshold 2",
		"slave-priority 5 replica-priority 6",
		"daemonize yes maxmemory x",
		"maxmemory x daemonize yes",
		"DAEMONIZE yes",
		"dbfilename x",
		"dir /tmp",
		"databases 5",
		"Timeout 7 HZ 1000",
		"SLAVE-PRIORITY x",
		"save 5 maxmemory 1",
		"maxmemory 1 save 5",
	} {
		var pairs [][2]string
		for pair := range slices.Chunk(strings.Fields(line), 2) {
			pairs = append(pairs, [2]string{pair[0], pair[1]})
		}
		if want, got := real.set(pairs...), replyOf(ours.Set(pairs)); got != want {
			t.Errorf("CONFIG SET %s:\n redis %s\n quipu %s", line, want, got)
		}
		for _, name := range []string{"maxmemory", "timeout", "lua-time-limit", "slave-priority", "hz", "save"} {
			if want, got := real.get(name)[name], valueOf(ours, name); got != want && name != "save" {
				t.Errorf("%s after CONFIG SET %s: redis %q, quipu %q", name, line, want, got)
			}
		}
	}
}

// TestGetAsRedis compares which names patterns find.
func TestGetAsRedis(t *testing.T) {
	real, ours := startRedis(t), parse(t)
	for _, line := range []string{
		"maxmemory", "MaxMemory", "maxmem*", "MAXMEM*", "*", "*slave*", "*-max-*", "max[a-m]emory", "max[^a]emory", "max[m-a]emory",
		"tim?out", "?", "**", "*a*b*c*d*e*", "h[z", "h[z]", "h[", "[", "h[\\z]", "*\\-size", "\\maxmemory", "lua*", "busy* lua*", "hz hz HZ",
		"watchdog-period", "watchdog*", "nosuch", "nosuch*", "timeout maxmemory*", "[-a]*", "*[0-9]*", "*]", "maxmemory?", "[^]*", "[]]*",
	} {
		patterns := strings.Fields(line)
		want := slices.Sorted(maps.Keys(real.get(patterns...)))
		var got []string
		for _, pair := range ours.Get(patterns...) {
			if row := lookup(pair[0]); !ownParameter(row) {
				got = append(got, pair[0])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("CONFIG GET %s:\n redis %q\n quipu %q", line, want, got)
		}
	}
}

// ownParameter reports whether Redis does not know the parameter.
func ownParameter(row *param) bool {
	return slices.Contains([]string{
		"admin-address", "checkpoint-interval", "checkpoint-log-size", "client-write-timeout", "commit-stall-timeout",
		"inline-max-size", "log-format", "log-segment-size", "max-arguments", "store-cache-size", "tls-handshake-timeout",
		"unauthenticated-max-args", "unauthenticated-max-bulk-len",
	}, row.name)
}

// TestLinesAsRedis has both sides read files of a line that may be wrong and one
// that certainly is, and compares which is refused and why.
func TestLinesAsRedis(t *testing.T) {
	known := map[string]string{
		`user alice on >secret ~* +@all`: "ACL users are refused, not ignored",
		`loadmodule /x.so`:               "modules are refused when they are named, not when they fail to load",
		`cluster-enabled yes`:            "not supported yet",
		`replicaof 127.0.0.1 6379`:       "not supported yet",
		`aclfile users.acl`:              "ACL users are refused, not ignored",
		`maxmemory gb`:                   "a size without digits is a slip of the pen, not zero",
		`some.module yes`:                "modules are not supported: a parameter of one is unknown at once",
		`unixsocketperm ""`:              "an empty number is not one",
		`some.module`:                    "modules are not supported: a parameter of one is unknown at once",
		`databases 0`:                    "the upper bound is lower here",
	}
	for _, line := range wrongAndRightLines {
		want, got := readByRedis(t, line), readByUs(t, line)
		_, differs := known[line]
		if (got == want) == differs {
			t.Errorf("%s (a known difference: %v)\n redis %q\n quipu %q", line, differs, want, got)
		}
	}
}

var wrongAndRightLines = []string{
	`maxmemory 1gb`, `MAXMEMORY 1gb`, `"maxmemory" "1gb"`, `'maxmemory' '1gb'`, `maxmemory`, `maxmemory 1 2`, `maxmemory gb`, `maxmemory x`,
	`maxmemory "1gb`, `maxmemory 1gb"`, `maxmemory '1gb`, `maxmemory "1"gb`, `maxmemory 1"gb"`, `maxmemory "\x31gb"`, `   # comment`, `#`, `	maxmemory	1gb	`,
	`save`, `save ""`, `save 1`, `save 1 1`, `save 1 1 2 2`, `save 1 1 2`, `save "1 1"`, `save x 1`, `save -1 1`,
	`bind`, `bind ""`, `bind a b c`, `bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17`,
	`client-output-buffer-limit normal 1 1 1`, `client-output-buffer-limit normal 1 1`, `client-output-buffer-limit x 1 1 1`, `client-output-buffer-limit`,
	`client-output-buffer-limit "normal 1 1 1"`, `client-output-buffer-limit slave 1gb 1mb 5 pubsub 0 0 0`,
	`loglevel notice`, `loglevel NOTICE`, `loglevel chatty`, `loglevel notice debug`, `appendfsync sometimes`, `supervised never`,
	`unixsocketperm 770`, `unixsocketperm 999`, `unixsocketperm 1000`, `unixsocketperm ""`, `databases 0`, `tcp-backlog -1`, `io-threads 129`,
	`enable-debug-command local`, `enable-debug-command maybe`, `daemonize maybe`, `shutdown-on-sigterm save now`, `shutdown-on-sigterm save nosave`, `shutdown-on-sigterm`,
	`replicaof no one`, `replicaof 127.0.0.1`, `replicaof 127.0.0.1 6379`, `slaveof no one`, `cluster-enabled no`, `cluster-enabled yes`, `aclfile ""`, `aclfile users.acl`,
	`oom-score-adj-values 1 2 3`, `oom-score-adj-values 1 2`, `oom-score-adj-values 1 2 5000`, `latency-tracking-info-percentiles 50 60`, `latency-tracking-info-percentiles 200`, `latency-tracking-info-percentiles ""`,
	`notify-keyspace-events Ex`, `notify-keyspace-events q`, `notify-keyspace-events E x`, `dir`, `dir a b`, `dbfilename a/b`, `appendfilename ""`, `appenddirname a/b`,
	`list-max-ziplist-entries 5`, `list-max-ziplist-value 5`, `lua-replicate-commands yes`, `lua-replicate-commands`, `hash-max-ziplist-entries 5`, `slave-priority 5`,
	`nosuch`, `nosuch 1`, `include`, `include a b`, `include /nonexistent/*.conf`, `rename-command GET`, `rename-command GET ""`, `rename-command GET a b`, `user`, `user alice on >secret ~* +@all`,
	`user default on nopass ~* &* +@all`, `user default on nopass sanitize-payload ~* &* +@all`, `loadmodule`, `loadmodule /x.so`, `some.module yes`, `some.module`, `"`, `'`, `""`, `\`, `hz 0`, `hz 9999`, `hz x`, `proc-title-template {x}`,
}

const lastLine = "no-such-directive x"

// readByRedis returns what redis-server says of the first line it refuses.
func readByRedis(t *testing.T, line string) string {
	t.Helper()
	cmd := exec.Command("redis-server", "-")
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader(line + "\n" + lastLine + "\n")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("redis-server accepted %q", lastLine)
	}
	_, said, _ := strings.Cut(string(out), ">>> ")
	return strings.TrimSpace(said)
}

func readByUs(t *testing.T, line string) string {
	t.Helper()
	_, err := Parse([]string{"-"}, strings.NewReader(line+"\n"+lastLine+"\n"))
	if err == nil {
		t.Fatalf("%q was accepted", lastLine)
	}
	_, said, _ := strings.Cut(err.Error(), ">>> ")
	return strings.TrimSpace(said)
}

// TestArgumentsAsRedis compares how arguments become lines.
func TestArgumentsAsRedis(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	writeFile(t, empty, "")
	for _, args := range [][]string{
		{"--port"},
		{"--port", "--port"},
		{"--port", "x"},
		{"--port", "1", "2"},
		{"--port 1 2"},
		{"--port 1", "2"},
		{"x"},
		{"-x"},
		{"--"},
		{"--", "x"},
		{"--maxmemory", "1gb", "--port", "--save"},
		{"--save", "--port", "x"},
		{"--save", "--nosuch", "1"},
		{"--save", "1", "1", "--nosuch"},
		{"--SAVE", "--nosuch"},
		{"--save"},
		{"--save", ""},
		{"--maxmemory", `1"gb`},
		{"--requirepass", "a b", "--nosuch", `q"\`},
		{"--requirepass", "--x", "--nosuch", "\x01"},
		{"--nosuch", "-", "--port", "1"},
		{"--port", "1", "-x"},
		{"--port ", "x"},
		{"--bind", "--nosuch", "y"},
		{"--appendfsync", "sometimes"},
		{"--slaveof", "no", "one", "--nosuch"},
	} {
		// A file comes first, so that the first argument is not taken for one.
		args = slices.Concat([]string{empty}, args, strings.Fields("--"+lastLine))
		want := refusedByRedis(t, args)
		_, err := Parse(args, nil)
		if err == nil {
			t.Fatalf("%q: accepted", args)
		}
		if _, got, _ := strings.Cut(err.Error(), ">>> "); strings.TrimSpace(got) != want {
			t.Errorf("%q:\n redis %q\n quipu %q", args, want, got)
		}
	}
}

func refusedByRedis(t *testing.T, args []string) string {
	t.Helper()
	out, err := exec.Command("redis-server", args...).CombinedOutput()
	if err == nil {
		t.Fatalf("redis-server accepted %q", args)
	}
	_, said, _ := strings.Cut(string(out), ">>> ")
	return strings.TrimSpace(said)
}

// TestReadsWhatRedisRewrote has a real server rewrite its file and reads it.
func TestReadsWhatRedisRewrote(t *testing.T) {
	real := startRedis(t, "# a comment", "lua-time-limit 77", "slave-priority 5", "maxmemory 1024mb", `proc-title-template "q {title}"`)
	for _, pair := range [][2]string{
		{"requirepass", `a"b c`},
		{"maxmemory", "2gb"},
		{"save", "9 9 99 99"},
		{"latency-tracking-info-percentiles", ""},
		{"client-output-buffer-limit", "normal 1gb 1mb 5"},
		{"notify-keyspace-events", "KEA"},
		{"shutdown-on-sigterm", "save force"},
		{"maxmemory-clients", "5%"},
		{"oom-score-adj-values", "1 2 3"},
		{"slowlog-log-slower-than", "-1"},
	} {
		if reply := real.set(pair); reply != "OK" {
			t.Fatalf("CONFIG SET %v: %s", pair, reply)
		}
	}
	if reply := real.reply([]any{"CONFIG", "REWRITE"}); reply != "OK" {
		t.Fatal(reply)
	}
	ours := parse(t, filepath.Join(real.dir, "redis.conf"))
	for name, want := range real.get("*") {
		if got := valueOf(ours, name); got != want && name != "appendonly" && name != "appendfsync" {
			t.Errorf("%s: redis %q, quipu %q", name, want, got)
		}
	}
}
