package server

import (
	"fmt"
	"strings"
	"time"

	"quipu/server/config"
)

// diagnoseLatency words the report of LATENCY DOCTOR: what was seen, and for each kind of event what to do about it.
func diagnoseLatency(events []latencyHistory, cfg *config.Values) string {
	if cfg.LatencyMonitorThreshold <= 0 {
		return "The latency monitor is off, so there is nothing to diagnose. Turn it on with " +
			"\"CONFIG SET latency-monitor-threshold <milliseconds>\": what takes at least that long is then recorded.\n"
	}
	if len(events) == 0 {
		return fmt.Sprintf("No latency spike of %d ms or more has been recorded.\n", cfg.LatencyMonitorThreshold.Milliseconds())
	}
	var b strings.Builder
	b.WriteString("Latency spikes have been recorded:\n\n")
	for i, h := range events {
		s := h.summary()
		fmt.Fprintf(&b, "%d. %s: %d latency spikes (average %dms, mean deviation %dms, period %.2f sec). Worst all time event %dms.\n",
			i+1, h.name, s.spikes, s.averageMillis, s.deviationMillis, s.periodSeconds, h.maxMillis)
	}
	b.WriteString("\nAdvice:\n\n")
	for _, advice := range latencyAdvice(events, cfg) {
		b.WriteString("- " + advice + "\n")
	}
	return b.String()
}

// latencyAdvice returns what an operator can do about the given events.
func latencyAdvice(events []latencyHistory, cfg *config.Values) []string {
	var advice []string
	for _, h := range events {
		switch h.name {
		case latencyCommand, latencyFastCommand:
			advice = append(advice, slowCommandAdvice(cfg))
		case latencyCommit:
			advice = append(advice, commitAdvice(cfg)...)
		}
	}
	return advice
}

// slowCommandAdvice looks whether the slow log would show which commands were slow.
func slowCommandAdvice(cfg *config.Values) string {
	threshold := cfg.SlowlogLogSlowerThan
	if threshold < 0 || threshold > cfg.LatencyMonitorThreshold {
		return fmt.Sprintf("Commands were slow, and the slow log does not say which: its threshold is above that of the latency "+
			"monitor. Try \"CONFIG SET slowlog-log-slower-than %d\".", cfg.LatencyMonitorThreshold/time.Microsecond)
	}
	return "Commands were slow: SLOWLOG GET says which. Commands over many keys (KEYS, a long MSET, FLUSHALL) and over big values " +
		"take time in proportion."
}

// commitAdvice is about a disk that cannot follow.
func commitAdvice(cfg *config.Values) []string {
	advice := []string{"The disk was slow to take a commit, and the replies waited for it. Look at the disk's own figures (iostat -x), " +
		"at what else writes to it, and at log_* and checkpoint_* in INFO persistence."}
	if cfg.AppendFsync == config.FsyncAlways {
		advice = append(advice, "With \"appendfsync everysec\" replies do not wait for the disk; a power cut may then cost the last "+
			"second of writes, a crash of the process nothing.")
	}
	return advice
}
