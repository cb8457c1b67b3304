package server

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"quipu/server/config"
)

// The sections of INFO. The fields are those of Redis 7, in its order, as far as a truthful value exists; what the server has and Redis
// has not follows them. A field of something that does not exist here is 0, as in a Redis that does not use it: dashboards look for it.

// infoServer tells what is running.
func infoServer(r *infoReport) {
	revision, dirty := buildRevision()
	executable, _ := os.Executable() // a name that can not be found is left empty
	uptime := r.now.Sub(r.srv.started)
	r.text("redis_version", RedisVersion)
	r.text("quipu_version", Version())
	r.text("redis_git_sha1", revision)
	r.bool("redis_git_dirty", dirty)
	r.text("redis_build_id", buildID())
	r.text("redis_mode", "standalone")
	r.text("os", hostSystem())
	r.int("arch_bits", strconv.IntSize)
	r.text("monotonic_clock", "Go runtime")
	r.text("multiplexing_api", pollerName)
	r.text("atomicvar_api", "sync/atomic")
	r.text("gcc_version", "0.0.0") // as in a Redis that another compiler has built
	r.text("go_version", runtime.Version())
	r.int("process_id", int64(os.Getpid()))
	r.text("process_supervised", supervisor(r.cfg))
	r.text("run_id", r.srv.runID)
	r.int("tcp_port", int64(cmp.Or(r.cfg.Port, r.cfg.TLSPort)))
	r.int("server_time_usec", r.now.UnixMicro())
	r.int("uptime_in_seconds", int64(uptime.Seconds()))
	r.int("uptime_in_days", int64(uptime/(24*time.Hour)))
	for _, hz := range r.srv.cfg.Get("hz") { // it has no meaning here
		r.text("hz", hz[1])
		r.text("configured_hz", hz[1])
	}
	r.int("lru_clock", lruClock(r.now))
	r.text("executable", executable)
	r.text("config_file", r.srv.cfg.File())
	r.zeros("io_threads_active")
}

// lruClock returns the seconds of a time in the 24 bits that Redis keeps of them.
func lruClock(at time.Time) int64 { return at.Unix() & (1<<24 - 1) }

// supervisor names what watches over the process.
func supervisor(v *config.Values) string {
	if v.Supervised.Systemd() && os.Getenv("NOTIFY_SOCKET") != "" {
		return "systemd"
	}
	return "no"
}

// infoClients tells who is connected.
func infoClients(r *infoReport) {
	r.int("connected_clients", int64(r.clients.Connected))
	r.zeros("cluster_connections")
	r.int("maxclients", int64(r.cfg.MaxClients))
	r.int("client_recent_max_input_buffer", r.clients.LargestQuery)
	r.int("client_recent_max_output_buffer", r.clients.LargestReply)
	r.int("blocked_clients", int64(r.clients.Blocked))
	r.int("tracking_clients", int64(r.clients.Tracking))
	r.zeros("clients_in_timeout_table")
	r.int("monitor_clients", int64(r.clients.Monitors))
}

// infoMemory tells where the memory is.
func infoMemory(r *infoReport) {
	m := r.memory
	r.bytes("used_memory", m.used)
	r.bytes("used_memory_rss", m.rss)
	r.bytes("used_memory_peak", m.peak)
	r.percent("used_memory_peak_perc", m.used, m.peak)
	r.int("used_memory_overhead", m.overhead)
	r.int("used_memory_startup", m.startup)
	r.int("used_memory_dataset", m.dataset)
	r.percent("used_memory_dataset_perc", m.dataset, max(m.used-m.startup, m.dataset))
	r.int("allocator_allocated", m.used)
	r.int("allocator_active", m.active)
	r.int("allocator_resident", m.active)
	r.bytes("total_system_memory", m.system)
	infoMemoryOfScripts(r)
	r.bytes("maxmemory", r.cfg.MaxMemory)
	r.text("maxmemory_policy", r.cfg.MaxMemoryPolicy.String())
	r.decimal("allocator_frag_ratio", ratio(m.active, m.used))
	r.int("allocator_frag_bytes", m.active-m.used)
	r.decimal("allocator_rss_ratio", 1)
	r.zeros("allocator_rss_bytes")
	r.decimal("rss_overhead_ratio", ratio(m.rss, m.active))
	r.int("rss_overhead_bytes", m.rss-m.active)
	r.decimal("mem_fragmentation_ratio", ratio(m.rss, m.used))
	r.int("mem_fragmentation_bytes", m.rss-m.used)
	r.int("mem_not_counted_for_evict", m.overhead)
	r.zeros("mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves")
	r.int("mem_clients_normal", m.clients)
	r.zeros("mem_cluster_links", "mem_aof_buffer")
	r.text("mem_allocator", "go")
	r.zeros("active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects")
	r.int("entry_page_bytes", r.engine.PageBytes)
	r.int("entry_blob_bytes", r.engine.BlobBytes)
	r.int("entry_side_bytes", r.engine.SideBytes)
	r.int("store_cache_bytes", r.engine.Persist.CacheBytes)
	r.int("entries_dropped", r.engine.Evicted)
	r.int("entries_read_back", r.engine.Loads)
}

// infoMemoryOfScripts writes the fields of scripts and functions, in their place among those of memory.
func infoMemoryOfScripts(r *infoReport) {
	r.zeros("used_memory_lua", "used_memory_vm_eval")
	r.text("used_memory_lua_human", humanBytes(0))
	r.zeros("used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries",
		"used_memory_vm_functions")
	r.bytes("used_memory_vm_total", 0)
	r.zeros("used_memory_functions")
	r.bytes("used_memory_scripts", 0)
}

// diskTrouble returns an error while writes are refused for want of room. Other trouble with the log ends the process.
func (s *Server) diskTrouble() error {
	if s.engine.Full() {
		return ErrDiskFull
	}
	return nil
}

// infoPersistence tells what is on disk. A checkpoint is at once what Redis calls an RDB save and what it calls an AOF rewrite.
func infoPersistence(r *infoReport) {
	s, last := r.engine, r.engine.LastCheckpoint
	r.zeros("loading", "async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age")
	r.decimal("current_fork_perc", 0)
	r.zeros("current_save_keys_processed", "current_save_keys_total")
	r.int("rdb_changes_since_last_save", s.ChangesSinceCheckpoint)
	r.bool("rdb_bgsave_in_progress", s.CheckpointRunning)
	r.int("rdb_last_save_time", r.srv.lastSave().Unix())
	r.status("rdb_last_bgsave_status", last.Err)
	r.int("rdb_last_bgsave_time_sec", r.lastCheckpointSeconds())
	r.int("rdb_current_bgsave_time_sec", r.runningCheckpointSeconds())
	r.int("rdb_saves", s.Checkpoints)
	r.zeros("rdb_last_cow_size", "rdb_last_load_keys_expired")
	r.int("rdb_last_load_keys_loaded", s.LoadedKeys)
	r.bool("aof_enabled", s.AppendOnly)
	r.bool("aof_rewrite_in_progress", s.CheckpointRunning)
	r.zeros("aof_rewrite_scheduled")
	r.int("aof_last_rewrite_time_sec", r.lastCheckpointSeconds())
	r.int("aof_current_rewrite_time_sec", r.runningCheckpointSeconds())
	r.status("aof_last_bgrewrite_status", last.Err)
	r.int("aof_rewrites", s.Checkpoints)
	r.zeros("aof_rewrites_consecutive_failures")
	r.status("aof_last_write_status", r.srv.diskTrouble())
	r.zeros("aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size")
	if s.AppendOnly {
		r.int("aof_current_size", s.Persist.LogBytes+s.Persist.StoreBytes)
		r.int("aof_base_size", s.Persist.StoreBytes)
		r.zeros("aof_pending_rewrite", "aof_buffer_length", "aof_pending_bio_fsync", "aof_delayed_fsync")
	}
	infoLogAndStore(r)
}

// lastCheckpointSeconds returns how long the last checkpoint took, -1 if there was none.
func (r *infoReport) lastCheckpointSeconds() int64 {
	if r.engine.Checkpoints == 0 {
		return -1
	}
	return int64(r.engine.LastCheckpoint.Took.Seconds())
}

// runningCheckpointSeconds returns for how long a checkpoint has been running, -1 if none is.
func (r *infoReport) runningCheckpointSeconds() int64 {
	switch {
	case !r.engine.CheckpointRunning:
		return -1
	case r.engine.CheckpointSince.IsZero():
		return 0
	}
	return int64(r.now.Sub(r.engine.CheckpointSince).Seconds())
}

// infoLogAndStore writes the fields that Redis has not: commits, the commit log, checkpoints, the store, loading in the background.
func infoLogAndStore(r *infoReport) {
	s, p := r.engine, r.engine.Persist
	r.int("commits", s.Commits)
	r.int("commit_rows", s.CommitRows)
	r.int("commit_bytes", s.CommitBytes)
	r.int("commit_waiting_clients", s.HeldReplies)
	r.int("log_records", p.Records)
	r.int("log_record_bytes", p.RecordBytes)
	r.int("log_bytes", p.LogBytes)
	r.int("log_segments", p.Segments)
	r.int("log_syncs", p.Syncs)
	r.int("log_sync_usec", p.SyncTime.Microseconds())
	r.int("checkpoints", s.Checkpoints)
	r.int("checkpoint_last_rows", s.LastCheckpoint.Rows)
	r.int("checkpoint_last_usec", s.LastCheckpoint.Took.Microseconds())
	r.int("store_rows_written", p.StoreRows)
	r.int("store_row_bytes_written", p.StoreRowBytes)
	r.int("store_bytes", p.StoreBytes)
	r.int("store_tables", p.StoreTables)
	r.int("store_compaction_read_bytes", p.CompactionRead)
	r.int("store_compaction_written_bytes", p.CompactionWritten)
	r.int("store_cache_hits", p.CacheHits)
	r.int("store_cache_misses", p.CacheMisses)
	r.bool("background_load_in_progress", s.Loading)
	r.int("background_load_keys_loaded", s.LoadedKeys)
	r.int("background_load_keys_total", s.LoadableKeys)
}

// infoStats tells what has been done since the start, or since CONFIG RESETSTAT.
func infoStats(r *infoReport) {
	t, rates := r.traffic, r.srv.vitals.current()
	r.int("total_connections_received", int64(t.Connections))
	r.int("total_commands_processed", int64(t.Commands))
	r.int("instantaneous_ops_per_sec", int64(rates.commands))
	r.int("total_net_input_bytes", int64(t.NetInput))
	r.int("total_net_output_bytes", int64(t.NetOutput))
	r.zeros("total_net_repl_input_bytes", "total_net_repl_output_bytes")
	r.decimal("instantaneous_input_kbps", rates.inputBytes/1024)
	r.decimal("instantaneous_output_kbps", rates.outputBytes/1024)
	r.decimal("instantaneous_input_repl_kbps", 0)
	r.decimal("instantaneous_output_repl_kbps", 0)
	r.int("rejected_connections", int64(t.RejectedConnections))
	r.zeros("sync_full", "sync_partial_ok", "sync_partial_err")
	r.int("expired_subkeys", r.engine.ExpiredFields) // of Redis 7.4
	r.int("expired_keys", r.engine.Expired)
	r.decimal("expired_stale_perc", 0)
	r.zeros("expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds")
	r.int("evicted_keys", r.engine.EvictedKeys)
	r.zeros("evicted_clients", "total_eviction_exceeded_time", "current_eviction_exceeded_time")
	r.int("keyspace_hits", r.engine.Hits)
	r.int("keyspace_misses", r.engine.Misses)
	r.zeros("pubsub_channels", "pubsub_patterns", "pubsubshard_channels", "latest_fork_usec", "total_forks",
		"migrate_cached_sockets", "slave_expires_tracked_keys", "active_defrag_hits", "active_defrag_misses",
		"active_defrag_key_hits", "active_defrag_key_misses", "total_active_defrag_time", "current_active_defrag_time")
	tracker := &r.srv.tracker
	r.int("tracking_total_keys", tracker.table.keys.Load())
	r.int("tracking_total_items", tracker.table.items.Load())
	r.int("tracking_total_prefixes", int64(tracker.broadcasts.prefixes()))
	r.int("unexpected_error_replies", int64(t.UnexpectedErrors))
	r.int("total_error_replies", int64(t.ErrorReplies))
	r.zeros("dump_payload_sanitizations")
	r.int("total_reads_processed", int64(t.Reads))
	r.int("total_writes_processed", int64(t.Writes))
	r.zeros("io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks", "reply_buffer_expands")
}

// infoReplication tells that there is none: a primary without replicas.
func infoReplication(r *infoReport) {
	r.text("role", "master")
	r.zeros("connected_slaves")
	r.text("master_failover_state", "no-failover")
	r.text("master_replid", r.srv.runID)
	r.text("master_replid2", strings.Repeat("0", len(r.srv.runID)))
	r.zeros("master_repl_offset")
	r.int("second_repl_offset", -1)
	r.zeros("repl_backlog_active", "repl_backlog_size", "repl_backlog_first_byte_offset", "repl_backlog_histlen")
}

// infoCPU tells the time that the process has spent. Redis tells that of its main thread too; here all threads are alike.
func infoCPU(r *infoReport) {
	times := readCPU()
	r.text("used_cpu_sys", cpuSeconds(times.system))
	r.text("used_cpu_user", cpuSeconds(times.user))
	r.text("used_cpu_sys_children", cpuSeconds(0))
	r.text("used_cpu_user_children", cpuSeconds(0))
}

func cpuSeconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

// infoCommandstats tells how often each command was called, and how long that took.
func infoCommandstats(r *infoReport) {
	for _, cmd := range r.srv.table.rows {
		s := r.srv.stats.Command(cmd)
		if s.Calls == 0 && s.Rejected == 0 && s.Failed == 0 {
			continue
		}
		usec := float64(s.Nanos) / float64(time.Microsecond)
		perCall := usec / math.Max(float64(s.Calls), 1)
		r.text("cmdstat_"+cmd.FullName(), fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			s.Calls, int64(usec), perCall, s.Rejected, s.Failed))
	}
}

// infoErrorstats tells how often each kind of error was the answer.
func infoErrorstats(r *infoReport) {
	for _, e := range r.srv.stats.Errors() {
		r.text("errorstat_"+e.Code, fmt.Sprintf("count=%d", e.Count))
	}
}

// infoLatencystats tells how long commands took, as percentiles.
func infoLatencystats(r *infoReport) {
	if !r.cfg.LatencyTracking {
		return
	}
	for _, cmd := range r.srv.table.rows {
		l := r.srv.stats.Command(cmd).Latency
		if l.Total == 0 {
			continue
		}
		parts := make([]string, len(r.cfg.LatencyTrackingQuantiles))
		for i, percent := range r.cfg.LatencyTrackingQuantiles {
			usec := float64(l.Percentile(percent)) / float64(time.Microsecond)
			parts[i] = fmt.Sprintf("p%s=%.3f", strconv.FormatFloat(percent, 'f', -1, 64), usec)
		}
		r.text("latency_percentiles_usec_"+cmd.FullName(), strings.Join(parts, ","))
	}
}

// infoCluster tells that this is a single node.
func infoCluster(r *infoReport) { r.zeros("cluster_enabled") }

// infoKeyspace tells what each database holds; an empty one has no line.
func infoKeyspace(r *infoReport) {
	for db := range r.cfg.Databases {
		keys, expires, avgTTLMillis := r.call.Txn.Keyspace(db)
		if keys > 0 {
			r.text("db"+strconv.Itoa(db), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", keys, expires, avgTTLMillis))
		}
	}
}
