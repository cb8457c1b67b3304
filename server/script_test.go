package server

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestScripts runs the redis-cli sessions in testdata/*.txt. Each file begins with an empty server. Rewrite the expected replies with
// "go test ./server -run TestScripts -rewrite", and review the difference like code.
//
//	run [conn=NAME]     sends each line of the input (lines that begin with # are comments) on the connection NAME, one after the other,
//	                    and prints the replies as redis-cli does; with several lines, each reply follows its "> line"
//	read [conn=NAME] [n=N]  prints N (1) replies or pushes that come without a command
//	advance ms=N        moves the server's clock
//	server              starts a new, empty server with the parameters in the input ("--requirepass secret")
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if !strings.HasSuffix(path, ".txt") {
			return
		}
		s := &scriptRun{t: t}
		s.start(nil)
		datadriven.RunTest(t, path, s.directive)
	})
}

// scriptRun is the state of one script.
type scriptRun struct {
	t      *testing.T
	server *testServer
	conns  map[string]*testClient
}

// start starts a server and forgets the connections to the one before.
func (s *scriptRun) start(args []string) {
	s.server = startServer(s.t, args...)
	s.server.now.Store(1_700_000_000_000)
	s.conns = make(map[string]*testClient)
}

// conn returns the connection of a directive, "" being the usual one.
func (s *scriptRun) conn(d *datadriven.TestData) *testClient {
	name := ""
	d.MaybeScanArgs(s.t, "conn", &name)
	if s.conns[name] == nil {
		s.conns[name] = s.server.dial()
	}
	return s.conns[name]
}

// directive executes one directive and returns its output.
func (s *scriptRun) directive(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "run":
		return s.run(d)
	case "read":
		return s.read(d)
	case "advance":
		var millis string
		d.ScanArgs(t, "ms", &millis)
		n, err := strconv.ParseInt(millis, 10, 64)
		if err != nil {
			d.Fatalf(t, "advance: %v", err)
		}
		s.server.advance(time.Duration(n) * time.Millisecond)
		return ""
	case "server":
		args := strings.Fields(d.Input)
		for i, arg := range args {
			args[i] = strings.Trim(arg, `"`) // "" is the empty value
		}
		s.start(args)
		return ""
	}
	d.Fatalf(t, "unknown directive %q", d.Cmd)
	return ""
}

// run sends lines and returns what comes back.
func (s *scriptRun) run(d *datadriven.TestData) string {
	c := s.conn(d)
	var lines []string
	for _, line := range strings.Split(d.Input, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	var out strings.Builder
	for _, line := range lines {
		if len(lines) > 1 {
			fmt.Fprintf(&out, "> %s\n", line)
		}
		fmt.Fprintln(&out, strings.TrimRight(c.do(line), "\n"))
	}
	return out.String()
}

// read returns what comes without being asked for.
func (s *scriptRun) read(d *datadriven.TestData) string {
	n := 1
	d.MaybeScanArgs(s.t, "n", &n)
	c := s.conn(d)
	var out strings.Builder
	for range n {
		fmt.Fprintln(&out, strings.TrimRight(c.read(), "\n"))
	}
	return out.String()
}
