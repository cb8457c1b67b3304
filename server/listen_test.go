package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// freePort returns a port that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

// certificates are a CA, and a server and a client that it vouches for, as PEM files.
type certificates struct {
	dir                           string
	ca, cert, key, client, cliKey string
	pool                          *x509.CertPool
}

func newCertificates(t *testing.T) *certificates {
	t.Helper()
	c := &certificates{dir: t.TempDir(), pool: x509.NewCertPool()}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	c.ca = c.write(t, "ca.pem", "CERTIFICATE", der)
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	c.pool.AddCert(parsed)
	c.cert, c.key = c.issue(t, "server", ca, caKey)
	c.client, c.cliKey = c.issue(t, "client", ca, caKey)
	return c
}

// issue makes a certificate and its key.
func (c *certificates) issue(t *testing.T, name string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, &private.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return c.write(t, name+".pem", "CERTIFICATE", der), c.write(t, name+".key", "PRIVATE KEY", keyDER)
}

func (c *certificates) write(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startListening starts a server that binds its own addresses.
func startListening(t *testing.T, args ...string) *testServer {
	t.Helper()
	ts := startServer(t, args...)
	if err := ts.Listen(); err != nil {
		t.Fatal(err)
	}
	return ts
}

func TestTLS(t *testing.T) {
	certs := newCertificates(t)
	port := freePort(t)
	ts := startListening(t, "--tls-port", port, "--tls-cert-file", certs.cert, "--tls-key-file", certs.key, "--tls-ca-cert-file", certs.ca,
		"--tls-auth-clients", "yes", "--tls-handshake-timeout", "60000", "--bind", "127.0.0.1")
	addr := "127.0.0.1:" + port

	halfOpen, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer halfOpen.Close()

	pair, err := tls.LoadX509KeyPair(certs.client, certs.cliKey)
	if err != nil {
		t.Fatal(err)
	}
	sock, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: certs.pool, Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	c := newTestClient(t, sock)
	c.want("INCR a", "(integer) 1")
	c.want("CLIENT KILL TYPE normal", "(integer) 1") // the half-open one counts
	wantHangUp(t, halfOpen)

	stranger, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: certs.pool})
	if err == nil { // TLS 1.3 tells only with the first read
		defer stranger.Close()
		newTestClient(t, stranger).wantClosed()
	}
	ts.set("tls-handshake-timeout", "300") // not before: a loaded machine may take longer for one that goes on
	again, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	wantHangUp(t, again)
	ts.dial().want("GET a", `"1"`)
}

// tls-ciphers bounds what a client of TLS 1.2 may speak, also when it is set while the server runs.
func TestTLSCiphers(t *testing.T) {
	certs := newCertificates(t)
	port := freePort(t)
	ts := startListening(t, "--tls-port", port, "--tls-cert-file", certs.cert, "--tls-key-file", certs.key, "--tls-auth-clients", "no",
		"--tls-ciphers", "AES256+SHA1", "--bind", "127.0.0.1")
	speaks := func(suite uint16) bool {
		sock, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: certs.pool, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}})
		if err != nil {
			return false
		}
		defer sock.Close()
		newTestClient(t, sock).want("PING", "PONG")
		return true
	}
	kinds := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	for i, suite := range kinds {
		if got := speaks(suite); got != (i == 0) {
			t.Errorf("%s: %v", tls.CipherSuiteName(suite), got)
		}
	}
	ts.set("tls-ciphers", "AESGCM")
	for i, suite := range kinds {
		if got := speaks(suite); got != (i == 1) {
			t.Errorf("%s after CONFIG SET: %v", tls.CipherSuiteName(suite), got)
		}
	}
	if reply := ts.dial().do("CONFIG SET tls-ciphers NOSUCH"); !strings.Contains(reply, "ERR CONFIG SET failed") {
		t.Error(reply)
	}
}

// wantHangUp waits until the server has closed sock, in whose handshake it heard nothing.
func wantHangUp(t *testing.T, sock net.Conn) {
	t.Helper()
	sock.SetReadDeadline(time.Now().Add(testTimeout))
	if _, err := sock.Read(make([]byte, 1)); err != io.EOF && !strings.Contains(err.Error(), "reset") {
		t.Errorf("a half-open handshake ended with %v", err)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quipu.sock")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close() // as a killed server leaves it
	startListening(t, "--unixsocket", path, "--unixsocketperm", "600")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if perm := info.Mode().Perm(); perm != 0o600 {
		t.Errorf("permissions %o, want 600", perm)
	}
	sock, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	c := newTestClient(t, sock)
	c.want("PING", "PONG")
	if list := c.do("CLIENT LIST"); !strings.Contains(list, "addr="+path+":0") || !strings.Contains(list, "flags=U") {
		t.Errorf("CLIENT LIST shows %s", list)
	}
	other := startServer(t, "--unixsocket", path)
	if err := other.Listen(); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second server on the socket: %v", err)
	}
}

func TestBind(t *testing.T) {
	port, next := freePort(t), freePort(t)
	ts := startListening(t, "--port", port, "--bind", "127.0.0.1", "-192.0.2.1", "-::1")
	dial := func(port string) error {
		sock, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			defer sock.Close()
			newTestClient(t, sock).want("PING", "PONG")
		}
		return err
	}
	if err := dial(port); err != nil {
		t.Error(err)
	}
	c := ts.dial()
	c.want("CONFIG SET port "+next, "OK")
	if err := dial(next); err != nil {
		t.Error(err)
	}
	if err := dial(port); err == nil {
		t.Error("the old port still answers")
	}
	// One address of a port and all of them exclude each other.
	for _, bind := range []string{"*", "127.0.0.1", "* -::1", "127.0.0.1 -192.0.2.1"} {
		c.want(`CONFIG SET bind "`+bind+`"`, "OK")
		if err := dial(next); err != nil {
			t.Error(bind, err)
		}
	}
	for _, bind := range []string{"999.999.999.999", "* 192.0.2.1"} {
		c.want(`CONFIG SET bind "`+bind+`"`, "(error) ERR CONFIG SET failed (possibly related to argument 'bind') - "+
			"Failed to bind to specified addresses.")
		if err := dial(next); err != nil {
			t.Error("what was listened on before is gone:", err)
		}
	}
	other := startListening(t, "--port", freePort(t), "--bind", "127.0.0.1")
	used := other.Addrs()[0].(*net.TCPAddr).Port
	c.want(fmt.Sprint("CONFIG SET port ", used), "(error) ERR CONFIG SET failed (possibly related to argument 'port') - "+
		"Unable to listen on this port. Check server logs.")
	if err := dial(next); err != nil {
		t.Error("what was listened on before is gone:", err)
	}
	taken := startServer(t, "--port", next, "--bind", "127.0.0.1")
	if err := taken.Listen(); err == nil {
		t.Error("two servers on one port")
	}
	missing := startServer(t, "--port", freePort(t), "--bind", "192.0.2.1")
	if err := missing.Listen(); err == nil {
		t.Error("an address that this machine does not have was accepted")
	}
	nowhere := startServer(t)
	if err := nowhere.Listen(); err == nil {
		t.Error("a server without any address was accepted")
	}
}

// TestListenErrors: what can not be listened on is named once, with the reason.
func TestListenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	_, err = bind(addr)
	if want := "listen on " + addr + ": bind: address already in use"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = startServer(t).StartAdmin(addr)
	if want := "listen on admin-address " + addr + ": bind: address already in use"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	path := t.TempDir() + "/nosuch/sock"
	err = startServer(t, "--unixsocket", path).Listen()
	if want := "listen on unix socket " + path + ": bind: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAdminEndpoint(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	c.want("INCR a", "(integer) 1")
	c.want("SELECT 3", "OK")
	c.want("SET b 1 EX 1000", "OK")
	c.want("SET c 1", "OK")
	c.want("SAVE", "OK")
	admin, err := ts.StartAdmin("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) (int, string) {
		resp, err := client.Get("http://" + admin.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	for path, want := range map[string]string{
		"/":                         "/debug/pprof/",
		"/healthz":                  "ok",
		"/readyz":                   "ready",
		"/debug/pprof/":             "goroutine",
		"/debug/pprof/heap?debug=1": "heap profile",
	} {
		if status, body := get(path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.60s", path, status, body)
		}
	}
	for _, path := range []string{"/nosuch", "/metrics/", "/healthz/x"} {
		if status, _ := get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, status)
		}
	}
	_, metrics := get("/metrics")
	for _, want := range []string{
		`quipu_commands_total{command="incr"} 1`, "quipu_commits_total", "quipu_connected_clients", `quipu_command_duration_seconds_count{family="string"} 3`,
		"quipu_log_bytes_total", "quipu_expired_fields_total 0", "quipu_memory_used_bytes", "go_goroutines", "process_resident_memory_bytes",
		`quipu_keys{db="0"} 1`, `quipu_keys_expiring{db="0"} 0`, `quipu_keys{db="3"} 2`, `quipu_keys_expiring{db="3"} 1`,
		"quipu_commit_wait_seconds_count 3", `quipu_commit_wait_seconds_bucket{le="+Inf"} 3`, "quipu_checkpoint_last_failed 0",
		"quipu_checkpoint_last_success_timestamp_seconds 1.", `redis_version="7.0.15"`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(metrics, `quipu_keys{db="1"}`) {
		t.Error("an empty database has a line")
	}
	problems, err := promlint.New(strings.NewReader(metrics)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := admin.Close(ctx); err != nil {
		t.Error(err)
	}
}

// scriptedListener brings what it was given, then waits to be closed.
type scriptedListener struct {
	net.Listener
	errs  []error
	socks []net.Conn
	done  chan struct{}
}

func (l *scriptedListener) Accept() (net.Conn, error) {
	switch {
	case len(l.errs) > 0:
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	case len(l.socks) > 0:
		sock := l.socks[0]
		l.socks = l.socks[1:]
		return sock, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *scriptedListener) Close() error {
	close(l.done)
	return nil
}

// foreignConn is a connection that seems to come from elsewhere.
type foreignConn struct{ net.Conn }

func (foreignConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(203, 0, 113, 9), Port: 1234}
}

// connPair returns both ends of a TCP connection.
func connPair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

func TestProtectedMode(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "(error) DENIED Redis is running in protected mode"},
		{[]string{"--protected-mode", "no"}, "PONG"},
		{[]string{"--requirepass", "secret"}, "(error) NOAUTH"},
	} {
		ts := startServer(t, tc.args...)
		client, server := connPair(t)
		ts.Serve(&scriptedListener{socks: []net.Conn{foreignConn{server}}, done: make(chan struct{})})
		if got := newTestClient(t, client).do("PING"); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%v: got %s, want %s", tc.args, got, tc.want)
		}
	}
}

func TestAcceptBacksOff(t *testing.T) {
	ts := startServer(t)
	client, server := connPair(t)
	full := &net.OpError{Op: "accept", Err: syscall.EMFILE}
	ts.Serve(&scriptedListener{errs: []error{full, full, full}, socks: []net.Conn{server}, done: make(chan struct{})})
	newTestClient(t, client).want("PING", "PONG")
	for _, pause := range []string{"retry=5ms", "retry=10ms", "retry=20ms"} {
		if !strings.Contains(ts.log.String(), pause) {
			t.Errorf("the log lacks %s", pause)
		}
	}
}

// A change of the limits reaches connections that are there already.
func TestLimitsFollowTheConfiguration(t *testing.T) {
	ts := startServer(t)
	c, admin := ts.dial(), ts.dial()
	c.want("PING", "PONG")
	admin.want("CONFIG SET proto-max-bulk-len 1mb", "OK")
	c.send("*2\r\n$4\r\nECHO\r\n$1048577\r\n")
	if got, want := c.read(), "(error) ERR Protocol error: invalid bulk length"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.wantClosed()
}

// CONFIG SET tcp-keepalive holds for the connections that come after it.
func TestKeepAliveAtRunTime(t *testing.T) {
	server := startServer(t)
	keeps := func() bool {
		c := server.dial()
		conn := server.clients.get(c.ask("CLIENT", "ID").Int)
		on := 0
		raw, err := innermost(conn.sock).(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		err = raw.Control(func(fd uintptr) { on, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) })
		if err != nil {
			t.Fatal(err)
		}
		return on != 0
	}
	if !keeps() {
		t.Error("by default connections are not kept alive")
	}
	server.set("tcp-keepalive", "0")
	if keeps() {
		t.Error("tcp-keepalive 0 was ignored")
	}
}

// A server that ends opens no new addresses.
func TestNoListenerAfterClose(t *testing.T) {
	server := startServer(t)
	server.Close(t.Context())
	if err := server.listenTCP(server.cfg.Load()); err == nil {
		t.Error("it listens again")
	}
}
