package config

import "time"

func watchGroup() group {
	return group{title: "Watching", rows: []*param{
		{
			name:  "slowlog-log-slower-than",
			value: in(func(v *Values) *time.Duration { return &v.SlowlogLogSlowerThan }, duration(time.Microsecond, -1, maxInt64)),
			def:   "10000",
			doc: `
Microseconds. Commands that take longer to execute go to the slow log (SLOWLOG
GET). The time is that of execution: waiting for the disk and sending the reply do
not count. 0 logs every command, -1 none.`,
		},
		{
			name:  "slowlog-max-len",
			value: in(func(v *Values) *int { return &v.SlowlogMaxLen }, integer(0, maxInt64)),
			def:   "128",
			doc: `
How many commands the slow log keeps; the oldest give way. It is in memory, and
SLOWLOG RESET frees it.`,
		},
		{
			name:  "acllog-max-len",
			value: in(func(v *Values) *int { return &v.ACLLogMaxLen }, integer(0, maxInt64)),
			def:   "128",
			doc: `
How many refused passwords ACL LOG keeps; the oldest give way. It is in memory, and
ACL LOG RESET frees it.`,
		},
		{
			name:    "latency-monitor-threshold",
			value:   in(func(v *Values) *time.Duration { return &v.LatencyMonitorThreshold }, duration(time.Millisecond, 0, maxInt64)),
			def:     "0",
			example: "latency-monitor-threshold 100",
			doc: `
Milliseconds. Events of the server that take at least this long (a slow command, a
commit that replies wait for, a round of removing expired keys) are kept for LATENCY
LATEST and its like. 0 keeps none.`,
		},
		{
			name:  "latency-tracking",
			value: in(func(v *Values) *bool { return &v.LatencyTracking }, yesNo()),
			def:   "yes",
			doc: `
Keep a histogram of the execution times of every command, for INFO latencystats and
LATENCY HISTOGRAM.`,
		},
		{
			name:  "latency-tracking-info-percentiles",
			value: in(func(v *Values) *[]float64 { return &v.LatencyTrackingQuantiles }, percentiles()),
			def:   "50 99 99.9",
			doc: `
The percentiles that INFO latencystats shows, 0 to 100, separated by spaces; an
empty string for none.`,
		},
	}}
}

func processGroup() group {
	return group{title: "The process", rows: []*param{
		{
			name:  "loglevel",
			value: in(func(v *Values) *LogLevel { return &v.LogLevel }, oneOf(logLevels)),
			def:   "notice",
			doc: `
How much is logged.

debug    everything, for those who change the server
verbose  what an operator seldom needs, but not a line per command
notice   what one wants to know in production
warning  only what somebody should act upon`,
		},
		{
			name:    "logfile",
			value:   in(func(v *Values) *string { return &v.LogFile }, text()),
			def:     `""`,
			mode:    atStart,
			example: "logfile /var/log/quipu/quipu.log",
			doc: `
The file to log to, which is appended to. Empty is standard output.`,
		},
		{
			name:  "log-format",
			value: in(func(v *Values) *LogFormat { return &v.LogFormat }, oneOf(logFormats)),
			def:   "text",
			mode:  atStart,
			doc: `
text writes lines of the shape that Redis writes, for people and for the scripts
that wait for "ready to accept connections" and the like. json writes an object a
line, for programs that collect logs.`,
		},
		{
			name:    "pidfile",
			value:   in(func(v *Values) *string { return &v.PidFile }, text()),
			def:     `""`,
			mode:    atStart,
			example: "pidfile /run/quipu.pid",
			doc: `
The file to write the number of the process to; it is removed at the end. That it
cannot be written does not stop the start.`,
		},
		{
			name:  "supervised",
			value: in(func(v *Values) *Supervision { return &v.Supervised }, oneOf(supervisions)),
			def:   "no",
			mode:  atStart,
			doc: `
systemd and auto tell the service manager that names its socket in $NOTIFY_SOCKET
(a unit with Type=notify) when the server is ready, and when it ends. upstart is
accepted and does what no does: nothing.`,
		},
	}}
}
