package server

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Nothing that a client sends may cost more than it pays for, or cost another client anything. The same is tried on a real process, in
// numbers and with its memory watched, in compat_test.

func TestQuitEndsThePipeline(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	c.send("SET a 1\r\nQUIT\r\nSET a 2\r\nINCR a\r\n")
	if got := c.read() + c.read(); got != "OKOK" {
		t.Errorf("got %q", got)
	}
	c.wantClosed()
	ts.dial().want("GET a", `"1"`)
}

func TestHTTPIsRefused(t *testing.T) {
	for _, start := range []string{"POST / HTTP/1.1", "Host: localhost", "post / x"} {
		ts := startServer(t)
		c := ts.dial()
		c.send("SET before 1\r\n")
		c.read()
		c.send(start + "\r\nSET stolen 1\r\n\r\n")
		c.wantClosed()
		ts.dial().want("EXISTS stolen", "(integer) 0")
		if !strings.Contains(ts.log.String(), "Possible SECURITY ATTACK detected") {
			t.Error("the log does not tell")
		}
	}
}

func TestProtocolErrors(t *testing.T) {
	for input, want := range map[string]string{
		"*1\r\n$9223372036854775807\r\n":        "(error) ERR Protocol error: invalid bulk length",
		"*1\r\n$-1\r\n":                         "(error) ERR Protocol error: invalid bulk length",
		"*9223372036854775807\r\n":              "(error) ERR Protocol error: invalid multibulk length",
		"*1\r\nPING\r\n":                        "(error) ERR Protocol error: expected '$', got 'P'",
		"SET a \"b\r\n":                         "(error) ERR Protocol error: unbalanced quotes in request",
		strings.Repeat("x", 70_000):             "(error) ERR Protocol error: too big inline request",
		"*1\r\n$" + strings.Repeat("1", 70_000): "(error) ERR Protocol error: too big bulk count string",
	} {
		ts := startServer(t)
		c := ts.dial()
		go io.WriteString(c.sock, "PING\r\n"+input+"PING\r\n") // the server may close before it has read all
		if got := c.read(); got != "PONG" {
			t.Errorf("before %.30q: got %s", input, got)
		}
		if got := c.read(); got != want && got != closedText {
			t.Errorf("%.30q: got %s, want %s", input, got, want)
		}
		c.wantClosed()
	}
}

func TestGuestLimits(t *testing.T) {
	ts := startServer(t, "--requirepass", "secret")
	c := ts.dial()
	c.send("*11\r\n")
	if got, want := c.read(), "(error) ERR Protocol error: unauthenticated multibulk length"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.wantClosed()

	c = ts.dial()
	c.send("*2\r\n$4\r\nAUTH\r\n$20000\r\n")
	if got, want := c.read(), "(error) ERR Protocol error: unauthenticated bulk length"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.wantClosed()

	c = ts.dial() // what follows AUTH in the same packet has the limits of a known client
	big := strings.Repeat("v", 20_000)
	c.send(fmt.Sprintf("AUTH secret\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n%s\r\n", len(big), big))
	if got := c.read() + c.read(); got != "OKOK" {
		t.Errorf("got %q", got)
	}
}

func TestByteAtATime(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	for _, b := range []byte("*3\r\n$6\r\nINCRBY\r\n$1\r\na\r\n$2\r\n42\r\nPING\r\n") {
		c.send(string(b))
	}
	if got := c.read() + c.read(); got != "(integer) 42PONG" {
		t.Errorf("got %q", got)
	}
}

func TestManyArguments(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	const n = 200_000
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n$3\r\nDEL\r\n", n)
	for range n - 1 {
		b.WriteString("$1\r\nk\r\n")
	}
	go c.sock.Write(b.Bytes())
	if got := c.read(); got != "(integer) 0" {
		t.Errorf("got %s", got)
	}
}

// A client that asks for much and reads nothing costs what the socket holds and one buffer; it is dropped when its time is over, and
// others do not notice.
func TestReaderThatNeverReads(t *testing.T) {
	ts := startServer(t, "--client-write-timeout", "1")
	before, most := inUse(), 0
	deaf := ts.dial()
	deaf.want("SET big "+strings.Repeat("x", 60_000), "OK")
	go func() {
		for range 10_000 {
			if _, err := io.WriteString(deaf.sock, strings.Repeat("GET big\r\n", 1000)); err != nil {
				return
			}
		}
	}()
	other := ts.dial()
	eventually(t, "the client is dropped", func() bool {
		other.want("PING", "PONG")
		most = max(most, inUse())
		return ts.clients.Len() == 1
	})
	if grown := most - before; grown > 8<<20 {
		t.Errorf("%d KiB in use", grown>>10)
	}
	if !strings.Contains(ts.log.String(), "does not read its replies") {
		t.Error("the log does not tell")
	}
}

func TestMonitorThatNeverReads(t *testing.T) {
	ts := startServer(t, "--client-output-buffer-limit", "pubsub 1mb 0 0")
	deaf := ts.dial()
	deaf.want("MONITOR", "OK")
	c := ts.dial()
	value := strings.Repeat("x", 60_000)
	eventually(t, "the client is dropped", func() bool {
		c.want("SET a "+value, "OK")
		return ts.clients.Len() == 1
	})
	if !strings.Contains(ts.log.String(), "does not keep up") {
		t.Error("the log does not tell")
	}
}

func TestReplyLimit(t *testing.T) {
	ts := startServer(t, "--client-output-buffer-limit", "normal 1mb 0 0")
	c := ts.dial()
	c.want("SET big "+strings.Repeat("x", 60_000), "OK")
	c.send("MGET" + strings.Repeat(" big", 30) + "\r\n")
	c.wantClosed()
	// A limit that is smaller than what is collected before it is sent.
	ts.set("client-output-buffer-limit", "normal 100000 0 0")
	for _, keys := range []int{2, 8} {
		c = ts.dial()
		c.want("STRLEN big", "(integer) 60000")
		c.send("MGET" + strings.Repeat(" big", keys) + "\r\n")
		c.wantClosed()
	}
}

// TestTinyReplyLimit: a limit of a byte does not keep anybody from small replies, so that it can be taken back.
func TestTinyReplyLimit(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	c.want("SET small "+strings.Repeat("x", 16_000), "OK")
	c.want("SET large "+strings.Repeat("x", 17_000), "OK")
	c.want(`CONFIG SET client-output-buffer-limit "normal 1 0 0"`, "OK")
	c.want("GET small", `"`+strings.Repeat("x", 16_000)+`"`)
	c.send("GET large\r\n")
	c.wantClosed()
	c = ts.dial()
	c.want(`CONFIG SET client-output-buffer-limit "normal 0 0 0"`, "OK")
	c.want("GET large", `"`+strings.Repeat("x", 17_000)+`"`)
}

func TestTransactionLimit(t *testing.T) {
	ts := startServer(t, "--client-query-buffer-limit", "1mb")
	c := ts.dial()
	c.want("MULTI", "OK")
	value := strings.Repeat("x", 60_000)
	for range 20 {
		io.WriteString(c.sock, "SET a "+value+"\r\n")
	}
	for got := c.read(); got != closedText; got = c.read() {
		if got != "QUEUED" {
			t.Fatalf("got %s", got)
		}
	}
}

func TestMaxClients(t *testing.T) {
	ts := startServer(t, "--maxclients", "2")
	a, b := ts.dial(), ts.dial()
	a.want("PING", "PONG")
	b.want("PING", "PONG")
	c := ts.dial()
	if got, want := c.read(), "(error) ERR max number of clients reached"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.wantClosed()
	a.sock.Close()
	eventually(t, "there is room again", func() bool { return ts.clients.Len() < 2 })
	ts.dial().want("PING", "PONG")
	if n := ts.stats.Traffic().RejectedConnections; n != 1 {
		t.Errorf("%d connections rejected, want 1", n)
	}
}

func TestIdleClientsAreClosed(t *testing.T) {
	ts := startServer(t)
	idle, monitor := ts.dial(), ts.dial()
	monitor.want("MONITOR", "OK")
	idle.want("PING", "PONG")
	if got := monitor.read(); !strings.HasSuffix(got, `"PING"`) {
		t.Errorf("got %s", got)
	}
	ts.set("timeout", "1")
	idle.wantClosed()
	ts.set("timeout", "0") // the next client may be slow
	busy := ts.dial()
	busy.want("PING", "PONG") // and the monitor, which was silent all the time, is still told
	if got := monitor.read(); !strings.HasSuffix(got, `"PING"`) {
		t.Errorf("got %s", got)
	}
}

// A thousand show what each costs; ten thousand are compat_test's.
func TestIdleConnectionsCostLittle(t *testing.T) {
	ts := startServer(t)
	const n = 1000
	before := inUse()
	for range n {
		sock, err := net.Dial("tcp", ts.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer sock.Close()
		c := newTestClient(t, sock)
		c.want("PING", "PONG")
	}
	perConn := (inUse() - before) / n
	t.Logf("%d bytes per connection, the test's own half included", perConn)
	if perConn > 32<<10 {
		t.Errorf("%d bytes per idle connection", perConn)
	}
}

// Hundreds of handshakes that are begun and not ended take no client's turn, and end when their time is over.
func TestHalfOpenHandshakes(t *testing.T) {
	certs := newCertificates(t)
	port := freePort(t)
	ts := startListening(t, "--tls-port", port, "--tls-cert-file", certs.cert, "--tls-key-file", certs.key, "--tls-ca-cert-file", certs.ca,
		"--tls-auth-clients", "no", "--tls-handshake-timeout", "3000", "--bind", "127.0.0.1")
	addr := "127.0.0.1:" + port
	const n = 300
	before := inUse()
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" // the first bytes of one
	for i := range n {
		sock, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer sock.Close()
		io.WriteString(sock, hello[:i%len(hello)])
	}
	eventually(t, "all have begun", func() bool { return ts.clients.Len() == n })
	ts.set("tls-handshake-timeout", "60000") // of those to come: a loaded machine takes its time
	sock, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: certs.pool})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	served, plain := newTestClient(t, sock), ts.dial()
	eventually(t, "all have been let go", func() bool {
		served.want("PING", "PONG")
		plain.want("PING", "PONG")
		return ts.clients.Len() == 2
	})
	if grown := inUse() - before; grown > n*(32<<10) {
		t.Errorf("%d bytes per handshake are left", grown/n)
	}
}

// inUse returns the bytes of heap and stacks in use.
func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}

// A panic in a command ends its connection, and gives back the locks that the command held.
func TestPanicEndsOneConnection(t *testing.T) {
	ts := startPreparedServer(t, vfs.NewMem(), func(s *Server) {
		s.table.byName["strlen"].Run = func(*Call) error { panic("on purpose") }
	})
	c := ts.dial()
	c.send("STRLEN a\r\n")
	c.wantClosed()
	other := ts.dial()
	other.want("INCR a", "(integer) 1")
	c = ts.dial()
	c.send("MULTI\r\nGET a\r\nSTRLEN a\r\nEXEC\r\n")
	for c.read() != closedText {
	}
	other.want("PING", "PONG")
	if !strings.Contains(ts.log.String(), "on purpose") {
		t.Error("the log does not tell")
	}
	other.want("DBSIZE", "(integer) 1")
}

// A transaction that a panic interrupts after a change ends the process, while nothing of it can have been committed.
func TestPanicInATransactionEndsTheProcess(t *testing.T) {
	ts := startPreparedServer(t, vfs.NewMem(), func(s *Server) {
		s.table.byName["strlen"].Run = func(*Call) error { panic("on purpose") }
	})
	ts.expectEnd.Store(true)
	c := ts.dial()
	c.send("MULTI\r\nINCR a\r\nSTRLEN a\r\nEXEC\r\n")
	for c.read() != closedText {
	}
	eventually(t, "the engine gives up", ts.ended.Load)
}

func TestShutdownLetsCommandsFinish(t *testing.T) {
	ts := startServer(t)
	idle, c := ts.dial(), ts.dial()
	idle.want("PING", "PONG")
	c.send("SHUTDOWN NOSAVE\r\n")
	select {
	case r := <-ts.ShutdownRequests():
		if !r.NoSave || r.Save || r.Now {
			t.Errorf("asked for %+v", r)
		}
	case <-time.After(testTimeout):
		t.Fatal("nothing was asked for")
	}
	c.wantClosed()
	idle.want("INCR a", "(integer) 1") // nothing ends before its owner says so
}
