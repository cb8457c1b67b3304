package config

import "time"

// acceptedRows returns the parameters of Redis 7.0 that have no meaning here.
// They are parsed and bounded as there, remembered, shown and written back, so
// that files, tests and tools made for Redis go on working; nothing reads them.
func acceptedRows() []*param {
	var all []*param
	for _, part := range [][]*param{
		acceptedProcessRows(), acceptedDumpRows(), acceptedReplicationRows(),
		acceptedClusterRows(), acceptedTLSRows(), acceptedMemoryRows(), acceptedEncodingRows(),
		acceptedOtherRows(), hiddenRows(),
	} {
		all = append(all, part...)
	}
	return all
}

// integerRow is the row of a meaningless number.
func integerRow(name, alias, def string, low, high int64) *param {
	return &param{name: name, alias: alias, def: def, value: keep(integer(low, high))}
}

// sizeRow is the row of a meaningless number of bytes.
func sizeRow(name, alias, def string, low, high int64) *param {
	return &param{name: name, alias: alias, def: def, value: keep(size(low, high))}
}

// switchRow is the row of a meaningless yes or no.
func switchRow(name, alias, def string) *param {
	return &param{name: name, alias: alias, def: def, value: keep(yesNo())}
}

// textRow is the row of a meaningless string, empty by default.
func textRow(name, alias string) *param {
	return &param{name: name, alias: alias, def: `""`, value: keep(text())}
}

// fixed makes rows immutable at run time.
func fixed(rows ...*param) []*param {
	for _, row := range rows {
		row.mode = atStart
	}
	return rows
}

// refusedRows are the parameters that have no meaning here and cannot be turned
// on either, because somebody relies on their effect and would miss it.
func refusedRows() []*param {
	return fixed(
		&param{name: "cluster-enabled", def: "no", value: keep(onlyNo("cluster mode is not supported yet"))},
		&param{name: "replicaof", alias: "slaveof", def: `""`, value: keep(noMaster())},
		&param{name: "aclfile", def: `""`, value: keep(text(onlyEmpty("ACL users are not supported: the rules of this file would not be enforced")))},
	)
}

func acceptedProcessRows() []*param {
	return append(fixed(
		switchRow("daemonize", "", "no"),
		switchRow("always-show-logo", "", "no"),
		switchRow("set-proc-title", "", "yes"),
		switchRow("disable-thp", "", "yes"),
		switchRow("syslog-enabled", "", "no"),
		&param{name: "syslog-ident", def: "redis", value: keep(text())},
		&param{name: "syslog-facility", def: "local0", value: keep(oneWord(
			"user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"))},
		textRow("server_cpulist", ""),
		textRow("bio_cpulist", ""),
		textRow("aof_rewrite_cpulist", ""),
		textRow("bgsave_cpulist", ""),
		integerRow("io-threads", "", "1", 1, 128),
		switchRow("io-threads-do-reads", "", "no"),
		integerRow("socket-mark-id", "", "0", 0, maxUint32),
	),
		&param{name: "proc-title-template", def: `"{title} {listen-addr} {server-mode}"`, value: keep(text(titleTemplate))},
		switchRow("crash-log-enabled", "", "yes"),
		switchRow("crash-memcheck-enabled", "", "yes"),
		&param{name: "oom-score-adj", def: "no", value: keep(oneWord("no", "yes", "relative", "absolute"))},
		&param{name: "oom-score-adj-values", def: "0 200 800", value: keep(integers(3, -2000, 2000,
			"Invalid oom-score-adj-values, elements must be between -2000 and 2000."))},
		textRow("ignore-warnings", ""),
		textRow("bind-source-addr", ""),
		integerRow("shutdown-timeout", "", "10", 0, maxInt32),
		&param{name: "shutdown-on-sigint", def: "default", value: keep(signalFlags())},
		&param{name: "shutdown-on-sigterm", def: "default", value: keep(signalFlags())},
		switchRow("dynamic-hz", "", "yes"),
		&param{name: "hz", def: "10", value: keep(clamped(1, 500))},
	)
}

func acceptedDumpRows() []*param {
	return append(fixed(
		switchRow("rdbchecksum", "", "yes"),
		&param{name: "appendfilename", def: "appendonly.aof", value: keep(
			text(notEmpty("appendfilename"), baseName("appendfilename", "filename")))},
		&param{name: "appenddirname", def: "appendonlydir", value: keep(
			text(notEmpty("appenddirname"), baseName("appenddirname", "dirname")))},
	),
		&param{name: "dbfilename", def: "dump.rdb", mode: protected, value: keep(text(baseName("dbfilename", "filename")))},
		switchRow("rdbcompression", "", "yes"),
		switchRow("rdb-del-sync-files", "", "no"),
		switchRow("rdb-save-incremental-fsync", "", "yes"),
		switchRow("stop-writes-on-bgsave-error", "", "yes"),
		switchRow("no-appendfsync-on-rewrite", "", "no"),
		integerRow("auto-aof-rewrite-percentage", "", "100", 0, maxInt32),
		sizeRow("auto-aof-rewrite-min-size", "", "64mb", 0, maxInt64),
		switchRow("aof-load-truncated", "", "yes"),
		switchRow("aof-use-rdb-preamble", "", "yes"),
		switchRow("aof-timestamp-enabled", "", "no"),
		switchRow("aof-rewrite-incremental-fsync", "", "yes"),
		switchRow("aof-disable-auto-gc", "", "no"),
		&param{name: "sanitize-dump-payload", def: "no", value: keep(oneWord("no", "yes", "clients"))},
	)
}

func acceptedReplicationRows() []*param {
	return []*param{
		{name: "masterauth", def: `""`, secret: true, value: keep(text())},
		{name: "masteruser", def: `""`, secret: true, value: keep(text())},
		switchRow("replica-serve-stale-data", "slave-serve-stale-data", "yes"),
		switchRow("replica-read-only", "slave-read-only", "yes"),
		switchRow("replica-lazy-flush", "slave-lazy-flush", "no"),
		switchRow("replica-ignore-maxmemory", "slave-ignore-maxmemory", "yes"),
		switchRow("replica-ignore-disk-write-errors", "", "no"),
		switchRow("replica-announced", "", "yes"),
		textRow("replica-announce-ip", "slave-announce-ip"),
		integerRow("replica-announce-port", "slave-announce-port", "0", 0, 65535),
		integerRow("replica-priority", "slave-priority", "100", 0, maxInt32),
		integerRow("min-replicas-to-write", "min-slaves-to-write", "0", 0, maxInt32),
		integerRow("min-replicas-max-lag", "min-slaves-max-lag", "10", 0, maxInt32),
		switchRow("repl-diskless-sync", "", "yes"),
		integerRow("repl-diskless-sync-delay", "", "5", 0, maxInt32),
		integerRow("repl-diskless-sync-max-replicas", "", "0", 0, maxInt32),
		{name: "repl-diskless-load", def: "disabled", value: keep(oneWord("disabled", "on-empty-db", "swapdb"))},
		integerRow("repl-ping-replica-period", "repl-ping-slave-period", "10", 1, maxInt32),
		integerRow("repl-timeout", "", "60", 1, maxInt32),
		switchRow("repl-disable-tcp-nodelay", "", "no"),
		sizeRow("repl-backlog-size", "", "1mb", 1, maxInt64),
		integerRow("repl-backlog-ttl", "", "3600", 0, maxInt64),
		{name: "propagation-error-behavior", def: "ignore", value: keep(oneWord("ignore", "panic", "panic-on-replicas"))},
	}
}

func acceptedClusterRows() []*param {
	return append(fixed(
		&param{name: "cluster-config-file", def: "nodes.conf", value: keep(text())},
		integerRow("cluster-port", "", "0", 0, 65535),
	),
		&param{name: "cluster-node-timeout", def: "15000", value: keep(duration(time.Millisecond, 0, maxInt64))},
		integerRow("cluster-replica-validity-factor", "cluster-slave-validity-factor", "10", 0, maxInt32),
		integerRow("cluster-migration-barrier", "", "1", 0, maxInt32),
		switchRow("cluster-allow-replica-migration", "", "yes"),
		switchRow("cluster-require-full-coverage", "", "yes"),
		switchRow("cluster-replica-no-failover", "cluster-slave-no-failover", "no"),
		switchRow("cluster-allow-reads-when-down", "", "no"),
		switchRow("cluster-allow-pubsubshard-when-down", "", "yes"),
		sizeRow("cluster-link-sendbuf-limit", "", "0", 0, maxInt64),
		textRow("cluster-announce-ip", ""),
		&param{name: "cluster-announce-hostname", def: `""`, value: keep(text(hostName))},
		integerRow("cluster-announce-port", "", "0", 0, 65535),
		integerRow("cluster-announce-tls-port", "", "0", 0, 65535),
		integerRow("cluster-announce-bus-port", "", "0", 0, 65535),
		&param{name: "cluster-preferred-endpoint-type", def: "ip", value: keep(oneWord("ip", "hostname", "unknown-endpoint"))},
	)
}

func acceptedTLSRows() []*param {
	return []*param{
		switchRow("tls-replication", "", "no"),
		switchRow("tls-cluster", "", "no"),
		textRow("tls-client-cert-file", ""),
		textRow("tls-client-key-file", ""),
		{name: "tls-client-key-file-pass", def: `""`, secret: true, value: keep(text())},
		textRow("tls-dh-params-file", ""),
		textRow("tls-ciphersuites", ""),
		switchRow("tls-prefer-server-ciphers", "", "no"),
		integerRow("tls-session-cache-size", "", "20480", 0, maxInt32),
		integerRow("tls-session-cache-timeout", "", "300", 0, maxInt32),
	}
}

func acceptedMemoryRows() []*param {
	return []*param{
		{name: "maxmemory-clients", def: "0", value: keep(sizeOrPercent())},
		integerRow("maxmemory-eviction-tenacity", "", "10", 0, 100),
		integerRow("active-expire-effort", "", "1", 1, 10),
		switchRow("lazyfree-lazy-eviction", "", "no"),
		switchRow("lazyfree-lazy-expire", "", "no"),
		switchRow("lazyfree-lazy-server-del", "", "no"),
		switchRow("lazyfree-lazy-user-del", "", "no"),
		switchRow("lazyfree-lazy-user-flush", "", "no"),
		switchRow("activerehashing", "", "yes"),
		switchRow("activedefrag", "", "no"),
		sizeRow("active-defrag-ignore-bytes", "", "100mb", 1, maxInt64),
		integerRow("active-defrag-threshold-lower", "", "10", 0, 1000),
		integerRow("active-defrag-threshold-upper", "", "100", 0, 1000),
		integerRow("active-defrag-cycle-min", "", "1", 1, 99),
		integerRow("active-defrag-cycle-max", "", "25", 1, 99),
		integerRow("active-defrag-max-scan-fields", "", "1000", 1, maxInt64),
		switchRow("jemalloc-bg-thread", "", "yes"),
	}
}

func acceptedEncodingRows() []*param {
	return []*param{
		integerRow("list-max-listpack-size", "list-max-ziplist-size", "-2", -1<<31, maxInt32),
		integerRow("list-compress-depth", "", "0", 0, maxInt32),
		sizeRow("stream-node-max-bytes", "", "4096", 0, maxInt64),
		integerRow("stream-node-max-entries", "", "100", 0, maxInt64),
	}
}

func acceptedOtherRows() []*param {
	return append(fixed(
		&param{name: "enable-module-command", def: "no", value: keep(oneOf(accesses))},
	),
		&param{name: "notify-keyspace-events", def: `""`, value: keep(keyspaceFlags())},
		integerRow("busy-reply-threshold", "lua-time-limit", "5000", 0, maxInt64),
		&param{name: "acl-pubsub-default", def: "resetchannels", value: keep(oneWord("allchannels", "resetchannels"))},
	)
}

// hiddenRows are what Redis has for its own tests; no pattern shows them.
func hiddenRows() []*param {
	rows := []*param{
		switchRow("use-exit-on-panic", "", "no"),
		integerRow("rdb-key-save-delay", "", "0", -1<<31, maxInt32),
		integerRow("key-load-delay", "", "0", -1<<31, maxInt32),
		integerRow("watchdog-period", "", "0", 0, maxInt32),
		integerRow("loading-process-events-interval-bytes", "", "2097152", 1024, maxInt32),
	}
	for _, row := range rows {
		row.hidden = true
	}
	return rows
}
