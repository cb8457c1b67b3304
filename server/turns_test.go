package server

import (
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// makeBrisk has the client send so often that the server waits for it without a look at the socket.
func (c *testClient) makeBrisk() {
	c.t.Helper()
	for range 4 * briskTurns {
		c.want("PING", "PONG")
	}
}

// TestEndWithLastBytes has brisk clients end their stream in the same breath as their last command: that is answered, and the server closes.
func TestEndWithLastBytes(t *testing.T) {
	ts := startServer(t)
	var wg sync.WaitGroup
	for range 50 {
		c := ts.dial()
		wg.Go(func() {
			c.makeBrisk()
			c.sock.SetReadDeadline(time.Now().Add(testTimeout))
			io.WriteString(c.sock, "PING\r\n")
			c.sock.(*net.TCPConn).CloseWrite()
			if rest, err := io.ReadAll(c.in); err != nil || string(rest) != "+PONG\r\n" {
				t.Errorf("got %q, %v", rest, err)
			}
		})
	}
	wg.Wait()
}

// TestBriskClientRests has brisk clients say nothing for longer than the janitor needs to come by, again and again, over every transport.
func TestBriskClientRests(t *testing.T) {
	certs, port, path := newCertificates(t), freePort(t), filepath.Join(t.TempDir(), "quipu.sock")
	ts := startListening(t, "--tls-port", port, "--tls-cert-file", certs.cert, "--tls-key-file", certs.key, "--tls-auth-clients", "no",
		"--bind", "127.0.0.1", "--unixsocket", path)
	dials := map[string]func() (net.Conn, error){
		"tcp":  func() (net.Conn, error) { return net.Dial("tcp", ts.addr) },
		"unix": func() (net.Conn, error) { return net.Dial("unix", path) },
		"tls": func() (net.Conn, error) {
			return tls.Dial("tcp", net.JoinHostPort("127.0.0.1", port), &tls.Config{RootCAs: certs.pool})
		},
	}
	for name, dial := range dials {
		t.Run(name, func(t *testing.T) {
			sock, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			defer sock.Close()
			c := newTestClient(t, sock)
			for range 3 {
				c.makeBrisk()
				time.Sleep(3 * briskGap) // what must not happen has no event to wait for
				eventually(t, "a look at the socket", func() bool { return ts.clients.unlooked.Load() == 0 })
			}
			c.want("PING", "PONG")
		})
	}
}

// TestBriskClientBlocks has a brisk client wait for an element, which another one brings, and go on.
func TestBriskClientBlocks(t *testing.T) {
	ts := startServer(t)
	c, other := ts.dial(), ts.dial()
	for range 3 {
		c.makeBrisk()
		c.send("BLPOP jobs 0\r\nPING\r\n")
		eventually(t, "a blocked client", func() bool { return ts.Clients().Blocked == 1 })
		if n := ts.clients.unlooked.Load(); n != 0 {
			t.Errorf("%d connections are to be roused while they are blocked", n)
		}
		other.want("RPUSH jobs one", "(integer) 1")
		if got := c.read(); got != `1) "jobs"`+"\n"+`2) "one"` {
			t.Errorf("got %s", got)
		}
		if got := c.read(); got != "PONG" {
			t.Errorf("got %s", got)
		}
	}
}

// TestKillOfBusyClients kills clients that are in the middle of their turns, also from a transaction, which holds what they wait for.
func TestKillOfBusyClients(t *testing.T) {
	ts := startServer(t)
	admin := ts.dial()
	var wg sync.WaitGroup
	for i := range 200 {
		c := ts.dial()
		id := strings.TrimPrefix(c.do("CLIENT ID"), "(integer) ")
		wg.Go(func() {
			for {
				if _, err := io.WriteString(c.sock, strings.Repeat("INCR n\r\n", 100)); err != nil {
					return
				}
			}
		})
		wg.Go(func() { io.Copy(io.Discard, c.sock) })
		if i%2 == 0 {
			admin.want("CLIENT KILL ID "+id, "(integer) 1")
			continue
		}
		admin.want("MULTI", "OK")
		admin.want("INCR n", "QUEUED")
		admin.want("CLIENT KILL ID "+id, "QUEUED")
		if got := admin.do("EXEC"); !strings.HasSuffix(got, "2) (integer) 1") {
			t.Errorf("EXEC: got %s", got)
		}
	}
	wg.Wait()
	eventually(t, "the end of those who were killed", func() bool { return ts.clients.Len() == 1 })
}
