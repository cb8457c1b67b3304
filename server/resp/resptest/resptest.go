// Package resptest runs a real redis-server beside a test, which is the specification of the packages that
// speak Redis's formats. The server listens on a unix socket in a directory of its own, so tests need no port.
package resptest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quipu/server/resp"
)

// timeout is how long a test waits for what takes milliseconds, also where the whole machine stands still for minutes.
const timeout = 5 * time.Minute

// Server is a running redis-server without persistence.
type Server struct {
	// Socket is the path of the unix socket on which it listens.
	Socket string
}

// Start runs redis-server with the extra arguments until the end of the test. The test fails where the program
// is not installed.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	dir, err := os.MkdirTemp("", "redis") // tb.TempDir can be too long for a socket's name
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{Socket: filepath.Join(dir, "sock")}
	base := []string{"--port", "0", "--unixsocket", s.Socket, "--dir", dir, "--save", ""}
	cmd := exec.Command("redis-server", append(base, args...)...)
	log, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("run redis-server (tools/apt-deps.sh installs it): %v", err)
	}
	drained := make(chan struct{})
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-drained // Wait closes the pipe, so the reading has to end first
		_ = cmd.Wait()
	})
	waitReady(tb, log, drained)
	return s
}

// waitReady returns when the log says that the server accepts connections, and goes on reading the log.
func waitReady(tb testing.TB, log io.Reader, drained chan<- struct{}) {
	tb.Helper()
	ready := make(chan bool, 1)
	go func() {
		defer close(drained)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "ready to accept connections") {
				ready <- true
				break
			}
		}
		close(ready)
		_, _ = io.Copy(io.Discard, log)
	}()
	select {
	case ok := <-ready:
		if !ok {
			tb.Fatal("redis-server ended before it was ready")
		}
	case <-time.After(timeout):
		tb.Fatal("redis-server does not become ready")
	}
}

// Client is a connection to a Server.
type Client struct {
	tb   testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// Dial returns a connection that is closed at the end of the test.
func (s *Server) Dial(tb testing.TB) *Client {
	tb.Helper()
	conn, err := net.Dial("unix", s.Socket)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return &Client{tb: tb, conn: conn, in: bufio.NewReader(conn)}
}

// Close ends the connection before the test does.
func (c *Client) Close() { c.conn.Close() }

// Send writes bytes as they are.
func (c *Client) Send(raw []byte) {
	c.tb.Helper()
	c.deadline()
	if _, err := c.conn.Write(raw); err != nil {
		c.tb.Fatal(err)
	}
}

// Receive reads one reply, or returns io.EOF where the server has closed the connection.
func (c *Client) Receive() (resp.Reply, error) {
	c.deadline()
	return resp.ReadReply(c.in)
}

// ReceiveBytes returns the next size bytes as they are.
func (c *Client) ReceiveBytes(size int) []byte {
	c.tb.Helper()
	c.deadline()
	raw := make([]byte, size)
	if n, err := io.ReadFull(c.in, raw); err != nil {
		c.tb.Fatalf("received %q: %v", raw[:n], err)
	}
	return raw
}

// Do sends one command and returns the reply to it.
func (c *Client) Do(args ...any) resp.Reply {
	c.tb.Helper()
	c.Send(AppendCommand(nil, args...))
	reply, err := c.Receive()
	if err != nil {
		c.tb.Fatalf("reply to %.100q: %v", args, err)
	}
	return reply
}

// deadline makes a test that waits in vain fail.
func (c *Client) deadline() {
	if err := c.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		c.tb.Fatal(err)
	}
}

// AppendCommand appends a command as clients send it. Arguments that are no strings or bytes are formatted.
func AppendCommand(dst []byte, args ...any) []byte {
	dst = fmt.Appendf(dst, "*%d\r\n", len(args))
	for _, arg := range args {
		text, ok := arg.([]byte)
		if !ok {
			text = fmt.Append(nil, arg)
		}
		dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(text), text)
	}
	return dst
}
