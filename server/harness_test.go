package server

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/engine"
	"quipu/server/config"
	"quipu/server/logging"
	"quipu/server/resp"
)

// testServer is a server in this process, on a free loopback port, with its files in memory and a clock that the test moves.
type testServer struct {
	*Server
	t    testing.TB
	addr string
	eng  *engine.Engine
	cfg  *config.Config
	now  atomic.Int64 // unix milliseconds
	log  *logLines

	expectEnd atomic.Bool // the test wants the engine to give up
	ended     atomic.Bool // and it has
	stopped   bool
}

// gaveUp stands for the end of the process.
func (ts *testServer) gaveUp(err error) {
	ts.ended.Store(true)
	if !ts.expectEnd.Load() {
		ts.t.Error("the engine gave up:", err)
	}
}

// startServer starts a server with the given command-line parameters and ends it with the test.
func startServer(t testing.TB, args ...string) *testServer {
	t.Helper()
	return startServerOn(t, vfs.NewMem(), args...)
}

// startServerOn is startServer on a file system that the caller may keep.
func startServerOn(t testing.TB, fs vfs.FS, args ...string) *testServer {
	t.Helper()
	return startPreparedServer(t, fs, func(*Server) {}, args...)
}

// startPreparedServer is startServerOn, with a chance to change the server before it accepts connections.
func startPreparedServer(t testing.TB, fs vfs.FS, prepare func(*Server), args ...string) *testServer {
	t.Helper()
	ts := &testServer{t: t, log: new(logLines)}
	ts.now.Store(time.Now().UnixMilli())
	var file []string
	if len(args) > 0 && !strings.HasPrefix(args[0], "--") {
		file, args = args[:1], args[1:]
	}
	cfg, err := config.Parse(slices.Concat(file, []string{"--dir", "/data", "--port", "0"}, args), nil)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(logging.NewHandler(ts.log, slog.LevelDebug))
	v := cfg.Load()
	policies := map[config.Fsync]engine.FsyncPolicy{
		config.FsyncAlways: engine.FsyncAlways, config.FsyncEverySecond: engine.FsyncEverySec, config.FsyncNever: engine.FsyncNo,
	}
	ts.cfg = cfg
	ts.eng, err = engine.Open(engine.Options{
		Dir: v.Dir, FS: fs, Databases: v.Databases, AppendOnly: v.AppendOnly, Fsync: policies[v.AppendFsync],
		MaxMemory: v.MaxMemory, Logger: log, Clock: ts.now.Load, Fatal: ts.gaveUp,
	})
	if err != nil {
		t.Fatal(err)
	}
	if ts.Server, err = New(Options{Config: cfg, Engine: ts.eng, Logger: log}); err != nil {
		t.Fatal(err)
	}
	prepare(ts.Server)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ts.addr = ln.Addr().String()
	ts.Serve(ln)
	t.Cleanup(ts.stop)
	return ts
}

// stop ends the server and the engine, before the test does or then.
func (ts *testServer) stop() {
	if ts.stopped {
		return
	}
	ts.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if cut := ts.Close(ctx); cut > 0 {
		ts.t.Errorf("%d connections did not end by themselves", cut)
	}
	if err := ts.eng.Close(); err != nil {
		ts.t.Error("close engine:", err)
	}
	if ts.t.Failed() {
		ts.t.Logf("the server's log:\n%s", ts.log)
	}
	// The test's end still refers to ts, and a test that starts hundreds of servers, each with its disk in memory, has no room for all of them.
	ts.Server, ts.eng, ts.cfg = nil, nil, nil
}

// set changes a parameter, as CONFIG SET does.
func (ts *testServer) set(name, value string) {
	ts.t.Helper()
	if err := ts.cfg.Set([][2]string{{name, value}}); err != nil {
		ts.t.Fatal(err)
	}
}

// advance moves the clock.
func (ts *testServer) advance(d time.Duration) { ts.now.Add(d.Milliseconds()) }

// testClient is a connection that speaks in lines, as redis-cli does.
type testClient struct {
	t    testing.TB
	sock net.Conn
	in   *bufio.Reader
}

// testTimeout bounds everything that a test waits for: long enough for a loaded machine, and for one that stands still for minutes, so that it
// is only reached by a hang.
const testTimeout = 5 * time.Minute

// dial connects to the server; the connection ends with the test.
func (ts *testServer) dial() *testClient {
	ts.t.Helper()
	sock, err := net.Dial("tcp", ts.addr)
	if err != nil {
		ts.t.Fatal(err)
	}
	ts.t.Cleanup(func() { sock.Close() })
	return newTestClient(ts.t, sock)
}

func newTestClient(t testing.TB, sock net.Conn) *testClient {
	return &testClient{t, sock, bufio.NewReader(sock)}
}

// send writes text as it is.
func (c *testClient) send(text string) {
	c.t.Helper()
	c.sock.SetWriteDeadline(time.Now().Add(testTimeout))
	if _, err := io.WriteString(c.sock, text); err != nil {
		c.t.Fatalf("send %.60q: %v", text, err)
	}
}

// closedText is what read returns at the end of the connection.
const closedText = "(connection closed)"

// read returns the next reply as redis-cli shows it.
func (c *testClient) read() string {
	c.t.Helper()
	c.sock.SetReadDeadline(time.Now().Add(testTimeout))
	reply, err := resp.ReadReply(c.in)
	switch {
	case err == nil:
		return reply.String()
	case isTimeout(err):
		c.t.Fatal("no reply came")
	}
	return closedText
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// do sends a line and returns its reply.
func (c *testClient) do(line string) string {
	c.t.Helper()
	c.send(line + "\r\n")
	return c.read()
}

// want sends a line and fails the test if the reply is not the expected one.
func (c *testClient) want(line, reply string) {
	c.t.Helper()
	if got := c.do(line); got != reply {
		c.t.Errorf("%s: got %s, want %s", line, got, reply)
	}
}

// wantClosed fails the test unless the connection ends without another reply.
func (c *testClient) wantClosed() {
	c.t.Helper()
	if got := c.read(); got != closedText {
		c.t.Errorf("got %s, want the connection closed", got)
	}
}

// logLines collects the server's log.
type logLines struct {
	mu   sync.Mutex
	text []byte
}

func (l *logLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, line...)
	return len(line), nil
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// eventually waits until ok is true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(testTimeout); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}
