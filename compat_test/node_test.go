package compat

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// binary is the quipu that TestMain built.
var binary string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "quipu-compat-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	binary = filepath.Join(dir, "quipu")
	build := exec.Command("go", "build", "-o", binary, "quipu")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build quipu:", err)
		return 1
	}
	return m.Run()
}

// node is a running quipu.
type node struct {
	t    testing.TB
	dir  string
	file string // of its configuration; "": none
	port string
	args []string
	// files is how many files the process may open, if it may not open more; 0: as many as the test.
	files int
	cmd   *exec.Cmd
	log   *logBuffer
	done  chan struct{} // closed when the process has ended
}

// logBuffer keeps what the process printed and tells when it is ready.
type logBuffer struct {
	mu    sync.Mutex
	text  strings.Builder
	begun chan struct{} // closed by the first line: signals end the process in order from then on
	ready chan struct{}
}

// readyLine is what Redis, and Quipu, log when they serve.
const readyLine = "The server is now ready to accept connections on port"

func (b *logBuffer) follow(r io.Reader) {
	begun, ready := false, false
	for lines := bufio.NewScanner(r); lines.Scan(); {
		b.mu.Lock()
		b.text.WriteString(lines.Text() + "\n")
		b.mu.Unlock()
		if !begun {
			begun = true
			close(b.begun)
		}
		if !ready && strings.Contains(lines.Text(), readyLine) {
			ready = true
			close(b.ready)
		}
	}
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// freePort returns a port that nothing listens on now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its number was wanted
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// startNode starts a quipu with a data directory of its own; args go to its command line.
func startNode(t testing.TB, args ...string) *node {
	t.Helper()
	n := &node{t: t, dir: t.TempDir(), port: freePort(t), args: args}
	n.start()
	t.Cleanup(n.kill)
	return n
}

// start starts the process on the node's directory and waits until it serves.
func (n *node) start() {
	n.t.Helper()
	n.launch()
	select {
	case <-n.log.ready:
	case <-n.done:
		n.t.Fatalf("quipu ended instead of serving:\n%s", n.log)
	case <-time.After(patience):
		n.t.Fatalf("quipu does not serve after %v:\n%s", patience, n.log)
	}
}

// launch starts the process on the node's directory.
func (n *node) launch() {
	n.t.Helper()
	args := append([]string{"--port", n.port, "--dir", n.dir}, n.args...)
	if n.file != "" {
		args = append([]string{n.file}, args...)
	}
	n.cmd = exec.Command(binary, args...)
	if n.files > 0 {
		n.cmd = exec.Command("sh", append([]string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, n.files), binary}, args...)...)
	}
	n.log = &logBuffer{begun: make(chan struct{}), ready: make(chan struct{})}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	n.cmd.Stderr = n.cmd.Stdout
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.done = make(chan struct{})
	go func() {
		n.log.follow(out)
		_ = n.cmd.Wait() // how it ended is asked of ProcessState
		close(n.done)
	}()
}

// kill ends the process as kill -9 does. It may be called when it has ended.
func (n *node) kill() {
	_ = n.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-n.done
}

// terminate asks the process to end, as an init system does, and returns its exit code.
func (n *node) terminate() int {
	n.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.t.Fatal(err)
	}
	<-n.done
	return n.cmd.ProcessState.ExitCode()
}

func (n *node) addr() string { return "127.0.0.1:" + n.port }

// options are those of a go-redis client that never sends a command twice, and has patience.
func (n *node) options() *redis.Options {
	return &redis.Options{
		Addr: n.addr(), MaxRetries: -1, DisableIdentity: true, DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience,
	}
}

// client returns a go-redis client with these options.
func (n *node) client() *redis.Client {
	c := redis.NewClient(n.options())
	n.t.Cleanup(func() { _ = c.Close() })
	return c
}

// tool runs a program of Redis against the node and returns what it printed; it must succeed.
func (n *node) tool(name string, args ...string) string {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, append([]string{"-p", n.port}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
