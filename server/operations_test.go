package server

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"quipu/engine"
	"quipu/server/config"
	"quipu/server/resp"
)

// TestSlowLogKeepsTheNewest is about what is kept of a command, and of many.
func TestSlowLogKeepsTheNewest(t *testing.T) {
	var log slowLog
	now := time.Unix(1_700_000_000, 0)
	for n := range 5 {
		log.add([][]byte{[]byte("ping"), fmt.Append(nil, n)}, 1500*time.Nanosecond, now, "1.2.3.4:5", "joe", 3)
	}
	newest := log.newest(2)
	want := []slowEntry{
		{id: 4, unixTime: 1_700_000_000, micros: 1, args: []string{"ping", "4"}, addr: "1.2.3.4:5", name: "joe"},
		{id: 3, unixTime: 1_700_000_000, micros: 1, args: []string{"ping", "3"}, addr: "1.2.3.4:5", name: "joe"},
	}
	if !slices.EqualFunc(newest, want, func(a, b slowEntry) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("got %v, want %v", newest, want)
	}
	if all := log.newest(-1); len(all) != 3 || log.len() != 3 {
		t.Errorf("%d entries, want 3", len(all))
	}
	log.reset()
	log.add(nil, 0, now, "", "", 0)
	if log.len() != 0 || len(log.newest(-1)) != 0 {
		t.Error("slowlog-max-len 0 keeps nothing")
	}
	log.add(nil, 0, now, "", "", 1)
	if id := log.newest(1)[0].id; id != 6 {
		t.Errorf("identifier %d after a reset, want 6: they go on", id)
	}
}

// TestSlowLogCutsArguments holds the rules of Redis for long commands.
func TestSlowLogCutsArguments(t *testing.T) {
	long := bytes.Repeat([]byte("x"), slowLogMaxArgBytes)
	args := [][]byte{long, append(slices.Clone(long), "yy"...)}
	if got := slowArgs(args); got[0] != string(long) || got[1] != string(long)+"... (2 more bytes)" {
		t.Errorf("got %q", got)
	}
	many := make([][]byte, slowLogMaxArgs)
	if got := slowArgs(many); len(got) != slowLogMaxArgs || got[31] != "" {
		t.Errorf("32 arguments became %q", got)
	}
	many = make([][]byte, 81)
	if got := slowArgs(many); len(got) != slowLogMaxArgs || got[30] != "" || got[31] != "... (50 more arguments)" {
		t.Errorf("81 arguments became %q", got)
	}
}

// TestLatencyMonitor is about what counts as a spike, and about samples of the same second.
func TestLatencyMonitor(t *testing.T) {
	var m latencyMonitor
	second := func(n int64) time.Time { return time.Unix(1_700_000_000+n, 0) }
	m.add("command", second(0), time.Second, 0)
	m.add("command", second(0), 9*time.Millisecond, 10*time.Millisecond)
	if len(m.histories()) != 0 {
		t.Fatal("recorded what is below the threshold")
	}
	for n := range int64(latencySamples + 5) {
		m.add("command", second(n), time.Duration(20+n)*time.Millisecond, 10*time.Millisecond)
		m.add("command", second(n), 15*time.Millisecond, 10*time.Millisecond)
	}
	h, _ := m.history("command")
	first, last := h.samples[0], h.samples[len(h.samples)-1]
	if len(h.samples) != latencySamples || first.millis != 25 || last.millis != 20+latencySamples+4 || h.maxMillis != last.millis {
		t.Errorf("%d samples, first %v, last %v, worst %d", len(h.samples), first, last, h.maxMillis)
	}
	if low, high := h.lowHigh(); low != 25 || high != last.millis {
		t.Errorf("from %d to %d", low, high)
	}
	m.add("fast-command", second(0), time.Second, time.Millisecond)
	if n := m.reset("nosuch", "command"); n != 1 || len(m.histories()) != 1 {
		t.Errorf("reset forgot %d events", n)
	}
	if n := m.reset(); n != 1 || len(m.histories()) != 0 {
		t.Errorf("reset forgot %d events", n)
	}
}

// spikes is a history that was also produced by a real Redis; its summary and its graph were copied from there.
func spikes() latencyHistory {
	return latencyHistory{name: "command", maxMillis: 300, samples: []latencySample{
		{1795424085, 20}, {1795424086, 50}, {1795424087, 300}, {1795424088, 11},
	}}
}

func TestLatencySummary(t *testing.T) {
	want := latencySummary{spikes: 4, averageMillis: 95, deviationMillis: 102, periodSeconds: 1}
	if got := spikes().summary(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLatencyGraph(t *testing.T) {
	want := "command - high 300 ms, low 11 ms (all time high 300 ms)\n" + strings.Repeat("-", 80) + "\n" +
		"  # \n  | \n  | \n_o|_\n    \n4321\nssss\n"
	if got := drawLatency(spikes(), 1795424089); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	h := latencyHistory{name: "x"}
	for n := range int64(graphColumns + 1) {
		h.samples = append(h.samples, latencySample{unixTime: n, millis: 7})
	}
	lines := strings.Split(drawLatency(h, 90_000), "\n")
	if got := lines[5]; got != strings.Repeat("_", graphColumns) {
		t.Errorf("equal samples are drawn as %q", got)
	}
	if got, want := lines[9:], []string{"", " ", " ", " ", "_", " ", "1", "d", ""}; !slices.Equal(got, want) {
		t.Errorf("the second band is %q, want %q", got, want)
	}
}

func TestLatencyDoctor(t *testing.T) {
	cfg := &config.Values{LatencyMonitorThreshold: 10 * time.Millisecond, SlowlogLogSlowerThan: time.Second, AppendFsync: config.FsyncAlways}
	commit := spikes()
	commit.name = latencyCommit
	got := diagnoseLatency([]latencyHistory{spikes(), commit}, cfg)
	for _, want := range []string{
		"1. command: 4 latency spikes (average 95ms, mean deviation 102ms, period 1.00 sec). Worst all time event 300ms.\n",
		"2. aof-fsync-always: 4 latency spikes", "CONFIG SET slowlog-log-slower-than 10000", "appendfsync everysec",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
}

func TestMemoryDoctor(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		memory  memoryFigures
		engine  engine.Stats
		clients int
		want    string
	}{
		{memory: memoryFigures{used: 20 * mb, peak: 900 * mb, rss: 900 * mb}, want: "nothing to diagnose"},
		{memory: memoryFigures{used: 200 * mb, peak: 250 * mb, rss: 250 * mb}, want: "No memory problem"},
		{memory: memoryFigures{used: 200 * mb, peak: 900 * mb, rss: 250 * mb}, want: "High peak: 900.00M"},
		{memory: memoryFigures{used: 200 * mb, peak: 200 * mb, rss: 400 * mb}, want: "High overhead: 400.00M"},
		{memory: memoryFigures{used: 200 * mb, peak: 200 * mb, clients: 30 * mb}, clients: 10, want: "the 10 clients hold 30.00M"},
		{memory: memoryFigures{used: 200 * mb, peak: 200 * mb}, engine: engine.Stats{MaxMemory: 1, Loads: 5, Hits: 4}, want: "Too little memory"},
	} {
		if got := diagnoseMemory(c.memory, c.engine, c.clients); !strings.Contains(got, c.want) {
			t.Errorf("%+v: got %q, want %q in it", c.memory, got, c.want)
		}
	}
}

// TestHistogramLabels holds the bucket ends that a real Redis shows.
func TestHistogramLabels(t *testing.T) {
	want := []int64{1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454, 16908, 33816, 67633}
	for i, micros := range want {
		if got := histogramLabel(firstHistogramStep + i); got != micros {
			t.Errorf("step %d: %d, want %d", firstHistogramStep+i, got, micros)
		}
	}
}

func TestHumanBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 1023: "1023B", 1024: "1.00K", 1536: "1.50K", 123456789: "117.74M", 25276502016: "23.54G", 1 << 62: "4.00E",
	} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestInfoSections is about which sections come, and in which order.
func TestInfoSections(t *testing.T) {
	standard := "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Keyspace"
	all := "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats Cluster Keyspace"
	c := startServer(t).dial()
	for line, want := range map[string]string{
		"INFO": standard, "INFO default": standard, "INFO all": all, "info EVERYTHING": all, "INFO nosuch": "",
		"INFO keyspace server": "Server Keyspace", "INFO server SERVER": "Server", "INFO nosuch cpu": "CPU",
		"INFO default commandstats": strings.Replace(standard, "Errorstats", "Commandstats Errorstats", 1),
	} {
		var titles []string
		for _, text := range strings.Split(string(c.ask(lineArgs(line)...).Text), "\r\n") {
			if title, ok := strings.CutPrefix(text, "# "); ok {
				titles = append(titles, title)
			}
		}
		if got := strings.Join(titles, " "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// infoOf returns the fields of INFO everything.
func infoOf(c *testClient) map[string]string {
	fields := make(map[string]string)
	for _, line := range strings.Split(string(c.ask("INFO", "everything").Text), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

// TestInfoTellsTheTruth compares what was done with what INFO tells of it.
func TestInfoTellsTheTruth(t *testing.T) {
	server := startServer(t, "--enable-debug-command", "yes")
	c := server.dial()
	c.want("SET a 1", "OK")
	c.want("INCR a", "(integer) 2")
	c.want("GET a", `"2"`)
	c.want("GET nosuch", "(nil)")
	c.do("INCR a b c")
	c.do("EXPIRE a 0")
	c.want("SAVE", "OK")
	got := infoOf(c)
	for name, want := range map[string]string{
		"redis_version": RedisVersion, "redis_mode": "standalone", "loading": "0", "cluster_enabled": "0", "role": "master",
		"connected_clients": "1", "keyspace_hits": "1", "keyspace_misses": "1", "total_error_replies": "1", "errorstat_ERR": "count=1",
		"rdb_changes_since_last_save": "0", "rdb_saves": "1", "rdb_last_bgsave_status": "ok", "aof_enabled": "1", "maxmemory": "0",
		"maxmemory_policy": "noeviction", "total_connections_received": "1",
	} {
		if got[name] != want {
			t.Errorf("%s:%s, want %s", name, got[name], want)
		}
	}
	if s := got["cmdstat_incr"]; !strings.HasPrefix(s, "calls=1,usec=") || !strings.HasSuffix(s, ",rejected_calls=1,failed_calls=0") {
		t.Errorf("cmdstat_incr:%s", s)
	}
	if s := got["latency_percentiles_usec_incr"]; !strings.HasPrefix(s, "p50=") || strings.Count(s, ",") != 2 {
		t.Errorf("latency_percentiles_usec_incr:%s", s)
	}
	c.want("CONFIG RESETSTAT", "OK")
	c.want("CONFIG SET latency-tracking no latency-tracking-info-percentiles 50", "OK")
	if got := infoOf(c); got["keyspace_hits"] != "0" || got["cmdstat_incr"] != "" || got["latency_percentiles_usec_incr"] != "" {
		t.Error("CONFIG RESETSTAT leaves", got)
	}
}

// TestInfoCountsExpiredFields has fields of a small hash and of a large one expire, who looks at them or not.
func TestInfoCountsExpiredFields(t *testing.T) {
	server := startServer(t, "--hash-max-listpack-entries", "2")
	c := server.dial()
	c.do("HSET small a 1 b 2")
	c.do("HSET large a 1 b 2 c 3 d 4")
	c.do("HPEXPIRE small 100 FIELDS 1 a")
	c.do("HPEXPIRE large 100 FIELDS 2 a b")
	server.advance(101 * time.Millisecond)
	c.want("HKEYS small", `1) "b"`)
	c.want("HLEN large", "(integer) 2")
	if got := infoOf(c); got["expired_subkeys"] != "3" || got["expired_keys"] != "0" {
		t.Errorf("expired_subkeys:%s expired_keys:%s, want 3 and 0", got["expired_subkeys"], got["expired_keys"])
	}
	c.want("CONFIG RESETSTAT", "OK")
	if got := infoOf(c)["expired_subkeys"]; got != "0" {
		t.Errorf("expired_subkeys:%s after CONFIG RESETSTAT", got)
	}
}

// TestLatencyOfSlowCommands makes a command slow enough for the slow log and for the latency monitor.
func TestLatencyOfSlowCommands(t *testing.T) {
	c := startServer(t, "--enable-debug-command", "yes", "--latency-monitor-threshold", "5", "--slowlog-log-slower-than", "5000").dial()
	c.want("DEBUG SLEEP 0.006", "OK")
	var entry resp.Reply // the only one, unless the machine has slowed down others
	for _, entry = range c.ask("SLOWLOG", "GET", -1).Elems {
		if string(entry.Elems[3].Elems[0].Text) == "DEBUG" {
			break
		}
	}
	if micros := entry.Elems[2].Int; micros < 5000 {
		t.Errorf("DEBUG SLEEP 0.006 took %d us", micros)
	}
	if args := entry.Elems[3].String(); args != "1) \"DEBUG\"\n2) \"SLEEP\"\n3) \"0.006\"" {
		t.Errorf("arguments %s", args)
	}
	latest := c.ask("LATENCY", "LATEST").Elems
	if !slices.ContainsFunc(latest, func(event resp.Reply) bool {
		return string(event.Elems[0].Text) == "command" && event.Elems[3].Int >= 5
	}) {
		t.Errorf("LATENCY LATEST: %v", latest)
	}
	if history := c.ask("LATENCY", "HISTORY", "command").Elems; len(history) == 0 {
		t.Errorf("LATENCY HISTORY: %v", history)
	}
	if graph := string(c.ask("LATENCY", "GRAPH", "command").Text); !strings.HasPrefix(graph, "command - high ") {
		t.Errorf("LATENCY GRAPH: %s", graph)
	}
	histogram := c.ask("LATENCY", "HISTOGRAM", "debug").Elems
	if len(histogram) != 2 || histogram[1].Elems[1].Int != 1 {
		t.Errorf("LATENCY HISTOGRAM: %v", histogram)
	}
}

// TestWaitAnswersWhatCameBefore checks that a blocked WAIT does not hold back earlier replies of its pipeline, and ends with its client.
func TestWaitAnswersWhatCameBefore(t *testing.T) {
	server := startServer(t)
	c := server.dial()
	c.send("INCR a\r\nWAIT 1 0\r\n")
	if got := c.read(); got != "(integer) 1" {
		t.Errorf("got %s", got)
	}
	eventually(t, "the client is blocked", func() bool { return server.Clients().Blocked == 1 })
	server.dial().want("CLIENT KILL TYPE normal SKIPME yes", "(integer) 1")
	c.wantClosed()
}

// TestWaitEnds checks that a WAIT that nothing will ever answer ends when its client hangs up, and by CLIENT UNBLOCK.
func TestWaitEnds(t *testing.T) {
	server := startServer(t)
	lost, kept := server.dial(), server.dial()
	id := kept.ask("CLIENT", "ID").Int
	lost.send("WAIT 1 0\r\n")
	kept.send("WAIT 1 0\r\nPING\r\n")
	eventually(t, "the clients are blocked", func() bool { return server.Clients().Blocked == 2 })
	lost.sock.Close()
	eventually(t, "who has hung up is gone", func() bool { return server.Clients().Connected == 1 })
	server.dial().want(fmt.Sprintf("CLIENT UNBLOCK %d", id), "(integer) 1")
	for _, want := range []string{"(integer) 0", "PONG"} {
		if got := kept.read(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestDebugSleepStopsCounters checks that other connections wait for their keys meanwhile, and not for anything else.
func TestDebugSleepStopsCounters(t *testing.T) {
	server := startServer(t, "--enable-debug-command", "yes")
	sleeper, other := server.dial(), server.dial()
	id := sleeper.ask("CLIENT", "ID").Int
	sleeper.send("DEBUG SLEEP 3600\r\n")
	eventually(t, "the server sleeps", func() bool { return server.Clients().Blocked == 1 })
	other.want("PING", "PONG")
	other.send("INCR a\r\n")
	server.dial().want(fmt.Sprintf("CLIENT KILL ID %d", id), "(integer) 1")
	if got := other.read(); got != "(integer) 1" {
		t.Errorf("got %s", got)
	}
}

// TestMemoryUsageOfKeys checks that a longer value is told to take more.
func TestMemoryUsageOfKeys(t *testing.T) {
	c := startServer(t).dial()
	c.do("SET small 1")
	c.do("SET big " + strings.Repeat("x", 5000))
	small, big := c.ask("MEMORY", "USAGE", "small").Int, c.ask("MEMORY", "USAGE", "big", "SAMPLES", 0).Int
	if small <= 0 || big < small+5000 {
		t.Errorf("a small value takes %d bytes, one of 5000 bytes %d", small, big)
	}
	stats := c.ask("MEMORY", "STATS").Elems
	if len(stats)%2 != 0 || string(stats[0].Text) != "peak.allocated" || stats[1].Int <= 0 {
		t.Errorf("MEMORY STATS: %v", stats)
	}
	if text := string(c.ask("MEMORY", "MALLOC-STATS").Text); !strings.Contains(text, "/memory/classes/total:bytes ") {
		t.Errorf("MEMORY MALLOC-STATS: %s", text)
	}
}

// TestSlowLogHidesPasswords looks for secrets in what the slow log keeps.
func TestSlowLogHidesPasswords(t *testing.T) {
	c := startServer(t, "--slowlog-log-slower-than", "0").dial()
	c.do("AUTH hunter2")
	c.do("HELLO 2 AUTH default hunter2")
	c.do("CONFIG SET masterauth hunter2 timeout 0 requirepass hunter2")
	c.do("AUTH default hunter2")
	entries := c.ask("SLOWLOG", "GET", -1)
	text := fmt.Sprint(entries)
	if strings.Contains(text, "hunter2") || len(entries.Elems) != 4 {
		t.Errorf("the slow log: %s", text)
	}
	if want := "\"masterauth\"\n      4) \"(redacted)\"\n      5) \"timeout\"\n      6) \"0\""; !strings.Contains(text, want) {
		t.Errorf("parameters that are no secret should be there: %s", text)
	}
}

// TestVitals is about rates, also after CONFIG RESETSTAT, and about peaks.
func TestVitals(t *testing.T) {
	var v vitals
	start := time.Unix(1_700_000_000, 0)
	v.tick(start, Traffic{Commands: 10, NetInput: 100, NetOutput: 1000})
	if got := v.current(); got != (trafficRates{}) {
		t.Errorf("rates after one sample: %+v", got)
	}
	v.tick(start.Add(2*time.Second), Traffic{Commands: 30, NetInput: 300, NetOutput: 5000})
	if got, want := v.current(), (trafficRates{commands: 10, inputBytes: 100, outputBytes: 2000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	v.tick(start.Add(3*time.Second), Traffic{Commands: 4, NetInput: 40, NetOutput: 400})
	if got, want := v.current(), (trafficRates{commands: 4, inputBytes: 40, outputBytes: 400}); got != want {
		t.Errorf("after a reset: got %+v, want %+v", got, want)
	}
	for _, used := range []int64{5, 9, 7} {
		v.noteMemory(used)
	}
	if peak, first := v.noteMemory(8); peak != 9 || first != 5 {
		t.Errorf("peak %d, first %d, want 9 and 5", peak, first)
	}
}

// TestWaitIsNotSlow checks that the time for which WAIT waits is not its own.
func TestWaitIsNotSlow(t *testing.T) {
	c := startServer(t, "--slowlog-log-slower-than", "1000000").dial() // a second: much more than a loaded machine takes for its own part
	c.want("WAIT 1 1000", "(integer) 0")
	if got := c.do("SLOWLOG GET"); strings.Contains(got, "WAIT") {
		t.Error(got)
	}
}

// A round of the background removal that takes long is a spike of the latency monitor.
func TestExpireCycleIsMonitored(t *testing.T) {
	ts := startServer(t, "--latency-monitor-threshold", "1")
	c := ts.dial()
	const keys, each = 200, 100
	var batch strings.Builder
	for i := range keys * each {
		fmt.Fprintf(&batch, "SET k%d 1 PX 1000\r\n", i)
		if i%each == each-1 {
			c.send(batch.String())
			batch.Reset()
			for range each {
				c.read()
			}
		}
	}
	ts.advance(2 * time.Second)
	eventually(t, "the keys are gone", func() bool { return c.do("DBSIZE") == "(integer) 0" })
	eventually(t, "there is a spike", func() bool { return strings.Contains(c.do("LATENCY LATEST"), `"expire-cycle"`) })
}

// While memory is full, EXEC is refused if a queued command would take more, as in Redis.
func TestExecIsRefusedWhenFull(t *testing.T) {
	ts := startServer(t)
	find := func(name string) *Command { return ts.table.byName[name] }
	c := &Conn{srv: ts.Server}
	c.multi.active = true
	c.multi.queue = []queuedCommand{{row: find("get")}, {row: find("del")}}
	if c.refusedWhenFull(find("exec")) || c.refusedWhenFull(find("discard")) || !c.refusedWhenFull(find("get")) {
		t.Error("what frees memory is refused, or what is queued is not")
	}
	c.multi.queue = append(c.multi.queue, queuedCommand{row: find("set")})
	if !c.refusedWhenFull(find("exec")) {
		t.Error("EXEC of a SET is not refused")
	}
}

// A BGREWRITEAOF during a checkpoint is not lost: another follows.
func TestRewriteDuringCheckpoint(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	c.want("INCR a", "(integer) 1")
	before := ts.eng.Stats().Checkpoints
	reply := c.do("BGREWRITEAOF")
	if !strings.HasPrefix(reply, "Background append only file rewriting ") {
		t.Errorf("got %s", reply)
	}
	c.do("SAVE")
	c.do("BGREWRITEAOF")
	eventually(t, "there are checkpoints", func() bool { return ts.eng.Stats().Checkpoints >= before+2 })
}

// A checkpoint that failed leaves LASTSAVE at the one before.
func TestLastSaveKeepsTheLastGoodOne(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	c.want("INCR a", "(integer) 1")
	c.want("SAVE", "OK")
	saved := ts.lastSave()
	c.want("INCR a", "(integer) 2")
	failing, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ts.eng.Checkpoint(failing); err == nil {
		t.Fatal("the checkpoint did not fail")
	}
	if got := ts.lastSave(); !got.Equal(saved) || saved.Equal(ts.started) {
		t.Errorf("saved at %v, then at %v", saved, got)
	}
}

func TestRunningCheckpointSeconds(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		running bool
		since   time.Time
		want    int64
	}{
		{false, time.Time{}, -1},
		{true, time.Time{}, 0},
		{true, now.Add(-5500 * time.Millisecond), 5},
	} {
		r := infoReport{now: now, engine: engine.Stats{CheckpointRunning: test.running, CheckpointSince: test.since}}
		if got := r.runningCheckpointSeconds(); got != test.want {
			t.Errorf("%v since %v: %d, want %d", test.running, test.since, got, test.want)
		}
	}
}
