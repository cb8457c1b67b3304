package server

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"quipu/server/config"
	"quipu/server/resp"
)

// monitorCommands returns the row of MONITOR.
func monitorCommands() []*Command {
	return []*Command{{
		Name: "monitor", Arity: 1, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "1.0.0", Complexity: "O(1), and a copy of every command from then on",
		Summary: "Shows every command that the server executes, as it executes it.",
		Run:     monitor,
	}}
}

func monitor(c *Call) error {
	if c.inExec() {
		return errMonitorInExec
	}
	c.Out.OK()
	c.Conn.holdMessages() // until the OK is sent; but whoever has read the OK can rely on being told
	c.Srv.monitoring.add(c.Conn)
	return nil
}

// monitors is the set of connections that MONITOR.
type monitors struct {
	srv *Server
	mu  struct {
		sync.Mutex
		conns []*Conn
	}
}

// add starts sending commands to c.
func (m *monitors) add(c *Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.Contains(m.mu.conns, c) {
		return
	}
	m.mu.conns = append(m.mu.conns, c)
	c.setFlag(clientMonitor, true)
	m.srv.gate.Or(gateMonitored)
}

// remove stops it.
func (m *monitors) remove(c *Conn) {
	if !c.monitors() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.conns = slices.DeleteFunc(m.mu.conns, func(x *Conn) bool { return x == c })
	c.setFlag(clientMonitor, false)
	if len(m.mu.conns) == 0 {
		m.srv.gate.And(^gateMonitored)
	}
}

// monitors reports whether the connection listens with MONITOR.
func (c *Conn) monitors() bool { return clientFlag(c.shared.flags.Load())&clientMonitor != 0 }

// send hands a line to every connection of the set.
func (m *monitors) send(line []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.mu.conns {
		c.enqueue(line)
	}
}

// feedMonitors shows a command that has been executed, as Redis does: with the database that is selected after it, without what would
// tell administrators' secrets.
func (c *Conn) feedMonitors(row *Command, args [][]byte) {
	if row.Flags&(FlagSkipMonitor|FlagAdmin) != 0 {
		return
	}
	c.srv.monitoring.send(monitorLine(time.Now(), c.db, c.addr, redacted(row, args)))
}

// monitorLine formats a command as a simple string of MONITOR.
func monitorLine(now time.Time, db int, addr string, args [][]byte) []byte {
	line := append(make([]byte, 0, 64+16*len(args)), '+')
	line = strconv.AppendInt(line, now.Unix(), 10)
	line = append(line, '.')
	micros := strconv.AppendInt(nil, int64(now.Nanosecond()/1000)+1_000_000, 10)
	line = append(line, micros[1:]...) // six digits
	line = append(line, " ["...)
	line = strconv.AppendInt(line, int64(db), 10)
	line = append(line, ' ')
	line = append(line, addr...)
	line = append(line, ']')
	for _, arg := range args {
		line = append(line, ' ')
		line = resp.AppendQuoted(line, arg)
	}
	return append(line, "\r\n"...)
}

// redacted returns args with passwords replaced, as Redis shows them in MONITOR and in the slow log.
func redacted(row *Command, args [][]byte) [][]byte {
	switch row.full {
	case "auth":
		return redact(args, 1, len(args))
	case "hello":
		for i := 2; i+2 < len(args); i++ {
			if equalFold(args[i], "auth") {
				return redact(args, i+1, i+3)
			}
		}
	case "config|set":
		return redactParameters(args)
	}
	return args
}

// redactParameters hides the values of those parameters of CONFIG SET that are secrets.
func redactParameters(args [][]byte) [][]byte {
	for i := 2; i+1 < len(args); i += 2 {
		if config.Sensitive(string(args[i])) {
			args = redact(args, i+1, i+2)
		}
	}
	return args
}

// redact returns a copy of args in which those from first to end are hidden.
func redact(args [][]byte, first, end int) [][]byte {
	shown := slices.Clone(args)
	for i := first; i < end; i++ {
		shown[i] = []byte("(redacted)")
	}
	return shown
}
