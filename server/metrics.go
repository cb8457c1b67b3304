package server

import (
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"quipu/engine"
)

// latencyBounds are the upper bounds of the buckets of quipu_command_duration_seconds: from a fraction of a counter's increment to what a
// disk makes somebody wait.
var latencyBounds = []time.Duration{
	500 * time.Nanosecond, time.Microsecond, 2 * time.Microsecond, 5 * time.Microsecond, 10 * time.Microsecond, 50 * time.Microsecond,
	100 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, time.Second, 10 * time.Second,
}

// commitBounds are those of quipu_commit_wait_seconds: from a quick disk to one that hangs.
var commitBounds = []time.Duration{
	20 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 200 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 500 * time.Millisecond, time.Second, 10 * time.Second,
}

// metric is a figure that is read when it is asked for.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*sample) float64
}

// sample is what one scrape looks at: every figure of it is from about the same time.
type sample struct {
	srv     *Server
	engine  engine.Stats
	traffic Traffic
	clients ClientTotals
}

// collector gives the server's figures to Prometheus. It keeps none of its own: all are counted anyway, for INFO.
type collector struct {
	srv     *Server
	metrics []metric
	latency *prometheus.Desc
	calls   *prometheus.Desc
	failed  *prometheus.Desc
	errors  *prometheus.Desc
	commit  *prometheus.Desc
	keys    *prometheus.Desc
	expires *prometheus.Desc
	build   *prometheus.Desc
}

// newCollector returns the collector of s.
func newCollector(s *Server) *collector {
	return &collector{
		srv: s, metrics: serverMetrics(),
		latency: prometheus.NewDesc("quipu_command_duration_seconds", "Time in command handlers, by family.", []string{"family"}, nil),
		calls:   prometheus.NewDesc("quipu_commands_total", "Commands executed.", []string{"command"}, nil),
		failed:  prometheus.NewDesc("quipu_commands_failed_total", "Commands executed that answered with an error.", []string{"command"}, nil),
		errors:  prometheus.NewDesc("quipu_error_replies_total", "Error replies, by code.", []string{"code"}, nil),
		commit:  prometheus.NewDesc("quipu_commit_wait_seconds", "Time for which batches of replies waited for their commit.", nil, nil),
		keys:    prometheus.NewDesc("quipu_keys", "Keys, in memory or not, by database; an empty one but the first has no line.", []string{"db"}, nil),
		expires: prometheus.NewDesc("quipu_keys_expiring", "Keys that have an expiry, by database.", []string{"db"}, nil),
		build:   prometheus.NewDesc("quipu_build_info", "1, labelled with what runs.", []string{"version", "redis_version", "goversion"}, nil),
	}
}

// counter and gauge describe a figure without labels.
func counter(name, help string, read func(*sample) float64) metric {
	return metric{prometheus.NewDesc("quipu_"+name, help, nil, nil), prometheus.CounterValue, read}
}

func gauge(name, help string, read func(*sample) float64) metric {
	return metric{prometheus.NewDesc("quipu_"+name, help, nil, nil), prometheus.GaugeValue, read}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		ch <- m.desc
	}
	for _, desc := range []*prometheus.Desc{c.latency, c.calls, c.failed, c.errors, c.commit, c.keys, c.expires, c.build} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	now := &sample{srv: c.srv, engine: c.srv.engine.Stats(), traffic: c.srv.stats.Traffic(), clients: c.srv.Clients()}
	for _, m := range c.metrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read(now))
	}
	c.collectCommands(ch)
	c.collectKeys(ch)
	waits, nanos := c.srv.stats.CommitWaits()
	ch <- prometheus.MustNewConstHistogram(c.commit, waits.Total, time.Duration(nanos).Seconds(), waits.cumulative(commitBounds))
	ch <- prometheus.MustNewConstMetric(c.build, prometheus.GaugeValue, 1, Version(), RedisVersion, runtime.Version())
	for _, e := range c.srv.stats.Errors() {
		ch <- prometheus.MustNewConstMetric(c.errors, prometheus.CounterValue, float64(e.Count), e.Code)
	}
}

// collectKeys tells what each database holds.
func (c *collector) collectKeys(ch chan<- prometheus.Metric) {
	txn := c.srv.engine.NewTxn()
	for db := range c.srv.cfg.Load().Databases {
		keys, expires, _ := txn.Keyspace(db)
		if keys == 0 && db > 0 {
			continue
		}
		label := strconv.Itoa(db)
		ch <- prometheus.MustNewConstMetric(c.keys, prometheus.GaugeValue, float64(keys), label)
		ch <- prometheus.MustNewConstMetric(c.expires, prometheus.GaugeValue, float64(expires), label)
	}
}

// family adds up the commands of one group.
type family struct {
	latency LatencyCounts
	nanos   uint64
}

// collectCommands gives the figures of every command that was called, and of the families.
func (c *collector) collectCommands(ch chan<- prometheus.Metric) {
	families := make(map[string]*family)
	for _, row := range c.srv.table.rows {
		st := c.srv.stats.Command(row)
		if st.Calls == 0 {
			continue
		}
		ch <- prometheus.MustNewConstMetric(c.calls, prometheus.CounterValue, float64(st.Calls), row.full)
		ch <- prometheus.MustNewConstMetric(c.failed, prometheus.CounterValue, float64(st.Failed), row.full)
		f := families[row.Group]
		if f == nil {
			f = new(family)
			families[row.Group] = f
		}
		f.nanos += st.Nanos
		f.latency.merge(&st.Latency)
	}
	for name, f := range families {
		ch <- prometheus.MustNewConstHistogram(c.latency, f.latency.Total, time.Duration(f.nanos).Seconds(), f.latency.cumulative(latencyBounds), name)
	}
}

// cumulative returns the counts at bounds as Prometheus wants them.
func (l *LatencyCounts) cumulative(bounds []time.Duration) map[float64]uint64 {
	counts := make(map[float64]uint64, len(bounds))
	for _, bound := range bounds {
		counts[bound.Seconds()] = l.CountUpTo(bound)
	}
	return counts
}

// merge adds the counts of other.
func (l *LatencyCounts) merge(other *LatencyCounts) {
	for i, n := range other.counts {
		l.counts[i] += n
	}
	l.Total += other.Total
}

// flagValue is 1 or 0.
func flagValue(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// lastSuccess returns when a checkpoint was last complete.
func lastSuccess(s *sample) float64 {
	at := s.srv.engine.LastSaved()
	if at.IsZero() {
		return 0
	}
	return float64(at.UnixMilli()) / 1000
}

// serverMetrics lists the figures without labels.
func serverMetrics() []metric {
	return []metric{
		gauge("uptime_seconds", "Time since the start.", func(s *sample) float64 { return time.Since(s.srv.started).Seconds() }),
		gauge("connected_clients", "Connections.", func(s *sample) float64 { return float64(s.clients.Connected) }),
		gauge("blocked_clients", "Connections that wait.", func(s *sample) float64 { return float64(s.clients.Blocked) }),
		gauge("client_buffer_bytes", "Memory of all connections' buffers.", func(s *sample) float64 { return float64(s.clients.QueryBytes + s.clients.ReplyBytes) }),
		counter("connections_received_total", "Connections accepted.", func(s *sample) float64 { return float64(s.traffic.Connections) }),
		counter("connections_rejected_total", "Connections refused because of maxclients.", func(s *sample) float64 { return float64(s.traffic.RejectedConnections) }),
		counter("net_input_bytes_total", "Bytes received from clients.", func(s *sample) float64 { return float64(s.traffic.NetInput) }),
		counter("net_output_bytes_total", "Bytes sent to clients.", func(s *sample) float64 { return float64(s.traffic.NetOutput) }),
		counter("reads_total", "Reads from sockets: each brings a batch of commands.", func(s *sample) float64 { return float64(s.traffic.Reads) }),
		counter("writes_total", "Writes to sockets: each takes the replies to a batch.", func(s *sample) float64 { return float64(s.traffic.Writes) }),

		gauge("memory_used_bytes", "Memory of all entries.", func(s *sample) float64 { return float64(s.engine.UsedMemory) }),
		gauge("memory_page_bytes", "Memory of the compact tables.", func(s *sample) float64 { return float64(s.engine.PageBytes) }),
		gauge("memory_blob_bytes", "Memory of strings and small collections that are too long for the tables.", func(s *sample) float64 { return float64(s.engine.BlobBytes) }),
		gauge("memory_side_bytes", "Memory of what does not fit into the tables.", func(s *sample) float64 { return float64(s.engine.SideBytes) }),
		gauge("memory_max_bytes", "maxmemory; 0 for no limit.", func(s *sample) float64 { return float64(s.engine.MaxMemory) }),
		counter("keyspace_hits_total", "Reads that found their key.", func(s *sample) float64 { return float64(s.engine.Hits) }),
		counter("keyspace_misses_total", "Reads that did not.", func(s *sample) float64 { return float64(s.engine.Misses) }),
		counter("expired_keys_total", "Keys removed because their time had come.", func(s *sample) float64 { return float64(s.engine.Expired) }),
		counter("expired_fields_total", "Fields of hashes removed because their time had come.", func(s *sample) float64 { return float64(s.engine.ExpiredFields) }),
		counter("evicted_keys_total", "Keys deleted because memory was full, under a policy that deletes.", func(s *sample) float64 { return float64(s.engine.EvictedKeys) }),
		counter("cache_drops_total", "Clean entries dropped from memory.", func(s *sample) float64 { return float64(s.engine.Evicted) }),
		counter("cache_loads_total", "Entries read back from the store, or looked for there: reads without one were cache hits.", func(s *sample) float64 { return float64(s.engine.Loads) }),
		counter("changes_total", "Writes.", func(s *sample) float64 { return float64(s.engine.Changes) }),
		gauge("changes_since_checkpoint", "Writes since the last checkpoint.", func(s *sample) float64 { return float64(s.engine.ChangesSinceCheckpoint) }),
		gauge("loading", "Whether counters are being loaded in the background.", func(s *sample) float64 { return flagValue(s.engine.Loading) }),

		counter("commits_total", "Commits written to the log.", func(s *sample) float64 { return float64(s.engine.Commits) }),
		counter("commit_rows_total", "Values in all commits; divided by the commits, the batch size.", func(s *sample) float64 { return float64(s.engine.CommitRows) }),
		counter("commit_bytes_total", "Bytes of all commits.", func(s *sample) float64 { return float64(s.engine.CommitBytes) }),
		gauge("held_replies", "Connections whose replies wait for a commit.", func(s *sample) float64 { return float64(s.engine.HeldReplies) }),
		gauge("checkpoint_running", "Whether a checkpoint is being written.", func(s *sample) float64 { return flagValue(s.engine.CheckpointRunning) }),
		counter("checkpoints_total", "Checkpoints written.", func(s *sample) float64 { return float64(s.engine.Checkpoints) }),
		gauge("checkpoint_last_failed", "Whether the last checkpoint failed; the log then keeps what it should have written.", func(s *sample) float64 { return flagValue(s.engine.LastCheckpoint.Err != nil) }),
		gauge("checkpoint_last_duration_seconds", "Length of the last checkpoint.", func(s *sample) float64 { return s.engine.LastCheckpoint.Took.Seconds() }),
		gauge("checkpoint_last_success_timestamp_seconds", "When the last successful checkpoint was complete, in unix time; 0 if this process has written none.", lastSuccess),
		counter("log_bytes_total", "Bytes appended to the log, framing included.", func(s *sample) float64 { return float64(s.engine.Persist.RecordBytes) }),
		gauge("log_uncovered_bytes", "Bytes of the log that the store does not cover yet: what a restart replays.", func(s *sample) float64 { return float64(s.engine.Persist.LogBytes) }),
		gauge("log_segments", "Segments of the log.", func(s *sample) float64 { return float64(s.engine.Persist.Segments) }),
		counter("log_syncs_total", "fsyncs of the log.", func(s *sample) float64 { return float64(s.engine.Persist.Syncs) }),
		counter("log_sync_seconds_total", "Time in them.", func(s *sample) float64 { return s.engine.Persist.SyncTime.Seconds() }),
		gauge("store_bytes", "Size of the store's tables on disk.", func(s *sample) float64 { return float64(s.engine.Persist.StoreBytes) }),
		gauge("store_tables", "Tables of the store.", func(s *sample) float64 { return float64(s.engine.Persist.StoreTables) }),
		gauge("store_cache_bytes", "Memory of the store's block cache.", func(s *sample) float64 { return float64(s.engine.Persist.CacheBytes) }),
		counter("store_cache_hits_total", "Block reads that the cache answered.", func(s *sample) float64 { return float64(s.engine.Persist.CacheHits) }),
		counter("store_cache_misses_total", "Block reads that went to the disk.", func(s *sample) float64 { return float64(s.engine.Persist.CacheMisses) }),
		counter("store_compaction_written_bytes_total", "Bytes that the store rewrote to keep itself in shape.", func(s *sample) float64 { return float64(s.engine.Persist.CompactionWritten) }),
		counter("checkpoint_rows_total", "Values written by checkpoints.", func(s *sample) float64 { return float64(s.engine.CheckpointRows) }),
	}
}
