package compat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Hostile clients against the real process. Whatever they send, three things hold: the process lives, its memory grows by no more than the
// attack is worth, and another client goes on counting.

const (
	kib = 1 << 10
	mib = 1 << 20
	// patience bounds every wait: long enough for a loaded machine, and for one that stands still for minutes, so that only a hang reaches it.
	patience = 5 * time.Minute
)

const (
	// perConnection is what a connection costs that has nothing in its buffers, bytes: its goroutine's stack, its state, a buffer of 1 KiB.
	perConnection = 12 * kib
	// unnoticed is how many times what is in use the heap may grow to: the collector lets it double before it looks, and takes for used
	// what comes while it looks, which is as much again where it hardly gets to run.
	unnoticed = 4
	// aside is what the process grows by in its first seconds, whatever is done to it, bytes: pages of the program that were not used
	// before, threads, what the collector lets the rest of the heap double by.
	aside = 16 * mib
)

// attacks are what hostile clients do, and what that may make the process hold at once: what the limits allow one such client, times the
// clients. What a buffer has left behind while it grew is the collector's to find.
var attacks = []struct {
	name   string
	args   []string
	holds  int64 // bytes
	attack func(s *siege)
}{
	// inline-max-size, 64 KiB, in a buffer of twice that.
	{"an inline line without end", nil, 16 * 128 * kib, func(s *siege) { s.eachOf(16, func() { s.flood("", "x", "too big inline request") }) }},
	{"an open quote without end", nil, 16 * 128 * kib, func(s *siege) { s.eachOf(16, func() { s.flood(`SET a "`, "x", "too big inline request") }) }},
	{"a count without end", nil, 16 * 128 * kib, func(s *siege) { s.eachOf(16, func() { s.flood("*", "1", "too big mbulk count string") }) }},
	{"a length without end", nil, 16 * 128 * kib, func(s *siege) { s.eachOf(16, func() { s.flood("*1\r\n$", "1", "too big bulk count string") }) }},
	{
		"a command beyond client-query-buffer-limit",
		[]string{"--client-query-buffer-limit", "1mb"},
		8 * mib,
		func(s *siege) { s.eachOf(8, func() { s.flood("*2\r\n$4\r\nECHO\r\n$500000000\r\n", "x", "") }) },
	},
	{
		"arguments without end",
		[]string{"--client-query-buffer-limit", "1mb"},
		8 * (mib + 150_000*16), // the arguments that fit, and their places
		func(s *siege) { s.eachOf(8, func() { s.flood("*1000000\r\n", "$1\r\nk\r\n", "") }) },
	},
	{"much announced and nothing sent", nil, 500 * perConnection, func(s *siege) {
		for range 500 {
			s.send(s.dial(), "*1048576\r\n$536870912\r\n")
		}
	}},
	{"a byte at a time", nil, mib, func(s *siege) { s.eachOf(4, s.trickle) }},
	// Of an argument: itself, a slice, a hashed key, its position, its slot.
	{"a million one-byte arguments", nil, 1_000_000 * (8 + 24 + 48 + 8 + 16), func(s *siege) {
		for range 3 {
			s.million()
		}
	}},
	// The same, with a buffer of 512 KiB for what was on the wire, of four at a time and of the four before them: they have been answered, but
	// may not have had their turn to let go of it. All keep a buffer of 16 KiB.
	{
		"a large command each, and then nothing", nil, 8*(512*kib+20_000*(24+48+8+16)) + 200*(perConnection+16*kib),
		func(s *siege) { s.eachOf(4, s.swell) },
	},
	// A buffer that was lent, and what one read brings.
	{"readers that never read", []string{"--client-write-timeout", "1"}, 50 * (192*kib + 16*kib + perConnection), (*siege).deaf},
	{
		"a reply beyond client-output-buffer-limit",
		[]string{"--client-output-buffer-limit", "normal 4mb 0 0"},
		4 * (4*mib + 5*mib), // it grows by a quarter, and is there twice meanwhile
		func(s *siege) {
			s.ask("SET big " + strings.Repeat("x", 60_000))
			s.eachOf(4, func() { s.wantClosed(s.send(s.dial(), "MGET"+strings.Repeat(" big", 1000)+"\r\n"), "") })
		},
	},
	{"what follows QUIT", nil, mib, func(s *siege) {
		s.wantClosed(s.send(s.dial(), "QUIT\r\n"+strings.Repeat("INCR stolen\r\n", 100_000)), "+OK\r\n")
	}},
	{"a browser that was lied to", nil, mib, func(s *siege) {
		for _, start := range []string{"POST / HTTP/1.1", "Host: 127.0.0.1", "post / x", "host: x"} {
			s.wantClosed(s.send(s.dial(), start+"\r\nINCR stolen\r\n\r\n"), "")
		}
	}},
	{"lengths that are none", nil, mib, func(s *siege) {
		for _, head := range []string{"$9223372036854775807", "$-1", "$536870913", "$+1", "$ 1", "$0x1", "$1_0", "$", "$1.0", "$18446744073709551617"} {
			s.wantClosed(s.send(s.dial(), "*1\r\n"+head+"\r\n"), "invalid bulk length")
		}
		for _, head := range []string{"*9223372036854775807", "*1048577", "*+1", "*1x", "*18446744073709551617"} {
			s.wantClosed(s.send(s.dial(), head+"\r\n"), "invalid multibulk length")
		}
	}},
	{"noise", nil, mib, func(s *siege) { s.eachOf(8, s.noise) }},
	{"strangers without the password", []string{"--requirepass", "secret"}, mib, func(s *siege) {
		for range 100 {
			s.wantClosed(s.send(s.dial(), "*11\r\n"), "unauthenticated multibulk length")
			s.wantClosed(s.send(s.dial(), "*2\r\n$4\r\nAUTH\r\n$16385\r\n"), "unauthenticated bulk length")
			s.wantClosed(s.send(s.dial(), "INCR stolen\r\nQUIT\r\n"), "-NOAUTH Authentication required.\r\n+OK\r\n")
		}
	}},
}

func TestHostileClients(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			s := besiege(t, a.args...)
			s.attack = a.attack
			s.withstand(unnoticed*a.holds + aside)
		})
	}
}

// idleConnections is the figure that a server of this kind is asked for.
const idleConnections = 10_000

// TestIdleConnections keeps ten thousand connections open that have all said something, and one that works.
func TestIdleConnections(t *testing.T) {
	allowFiles(t, idleConnections+200)
	s := besiege(t, "--maxclients", fmt.Sprint(idleConnections+10))
	s.attack = func(s *siege) {
		socks := make([]net.Conn, idleConnections)
		for i := range socks {
			socks[i] = s.send(s.dial(), "PING\r\n")
		}
		for _, sock := range socks {
			if got := s.read(sock, len("+PONG\r\n")); got != "+PONG\r\n" {
				t.Fatalf("got %q", got)
			}
		}
		if got := s.ask("PING"); got != "PONG" {
			t.Errorf("got %q", got)
		}
	}
	const each = 16 * kib // of which 9 are in use
	s.withstand(idleConnections * each)
}

// allowFiles raises the limit of open files, which the node inherits.
func allowFiles(t *testing.T, n uint64) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur >= n {
		return
	}
	limit.Cur, limit.Max = n, max(limit.Max, n)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatalf("%d open files are needed (ulimit -n): %v", n, err)
	}
}

// siege is a node, those who attack it, and a bystander who counts.
type siege struct {
	t      *testing.T
	node   *node
	client *redis.Client
	attack func(s *siege)

	mu    sync.Mutex
	socks []net.Conn
}

func besiege(t *testing.T, args ...string) *siege {
	s := &siege{t: t, node: startNode(t, args...)}
	options := s.node.options()
	options.PoolSize = 2
	if len(args) > 1 && args[0] == "--requirepass" {
		options.Password = args[1]
	}
	s.client = redis.NewClient(options)
	t.Cleanup(func() { _ = s.client.Close() })
	return s
}

// withstand runs the attack and checks what must hold: the process may grow by growth bytes.
func (s *siege) withstand(growth int64) {
	s.t.Helper()
	s.ask("SET warm " + strings.Repeat("x", 100))
	before := s.rss()
	over, watched := make(chan struct{}), make(chan struct{})
	var counted, peak atomic.Int64
	go func() {
		defer close(watched)
		for done := false; !done; {
			select {
			case <-over:
				done = true
			default:
			}
			if err := s.client.Incr(s.t.Context(), "bystander").Err(); err != nil {
				s.t.Error("the bystander:", err)
				return
			}
			counted.Add(1)
			peak.Store(max(peak.Load(), s.rss()))
		}
	}()
	s.attack(s)
	close(over)
	<-watched
	s.t.Logf("grew by %d KiB of %d while the bystander counted to %d", (peak.Load()-before)>>10, growth>>10, counted.Load())
	if grown := peak.Load() - before; grown > growth {
		s.t.Errorf("the process grew by %d KiB, more than %d", grown>>10, growth>>10)
	}
	s.disperse()
	if n, err := s.client.Get(s.t.Context(), "bystander").Int64(); err != nil || n != counted.Load() {
		s.t.Errorf("the bystander has counted to %d (%v), the server to %d", counted.Load(), err, n)
	}
	if n := s.client.Exists(s.t.Context(), "stolen").Val(); n != 0 {
		s.t.Error("something was executed that must not be")
	}
	select {
	case <-s.node.done:
		s.t.Errorf("the process has ended:\n%s", s.node.log)
	default:
	}
	if strings.Contains(s.node.log.String(), "panicked") {
		s.t.Errorf("something panicked:\n%s", s.node.log)
	}
}

// disperse ends all attackers.
func (s *siege) disperse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sock := range s.socks {
		_ = sock.Close()
	}
}

// rss returns the resident memory of the process, bytes.
func (s *siege) rss() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.node.cmd.Process.Pid))
	if err != nil {
		s.t.Error(err)
		return 0
	}
	var size, resident int64
	if _, err := fmt.Fscan(bytes.NewReader(status), &size, &resident); err != nil {
		s.t.Error(err)
	}
	return resident * int64(os.Getpagesize())
}

// ask has the bystander send a line, and returns the reply.
func (s *siege) ask(line string) string {
	var args []any
	for _, word := range strings.Fields(line) {
		args = append(args, word)
	}
	reply, err := s.client.Do(s.t.Context(), args...).Text()
	if err != nil {
		s.t.Errorf("%.40s: %v", line, err)
	}
	return reply
}

// eachOf has n attackers do the same at once.
func (s *siege) eachOf(n int, attack func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(attack)
	}
	wg.Wait()
}

// dial connects an attacker, who stays to the end unless the server closes.
func (s *siege) dial() net.Conn {
	sock, err := net.Dial("tcp", s.node.addr())
	if err != nil {
		s.t.Error(err)
		return deadSocket{}
	}
	_ = sock.SetDeadline(time.Now().Add(patience))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks = append(s.socks, sock)
	return sock
}

// deadSocket stands for a connection that did not come about, which has been reported.
type deadSocket struct{ net.Conn }

func (deadSocket) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (deadSocket) Read([]byte) (int, error)  { return 0, io.EOF }
func (deadSocket) Close() error              { return nil }

// send writes text; that the server closes meanwhile is no error.
func (s *siege) send(sock net.Conn, text string) net.Conn {
	_, _ = io.WriteString(sock, text)
	return sock
}

// read returns the next n bytes of the server, or fewer if it closes.
func (s *siege) read(sock net.Conn, n int) string {
	b := make([]byte, n)
	got, err := io.ReadFull(sock, b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Error("no reply came")
	}
	return string(b[:got])
}

// wantClosed fails the test unless the server says something with text in it, nothing for "", and closes. What it says may be lost when it
// closes on data that it has not read; then nothing is compared.
func (s *siege) wantClosed(sock net.Conn, text string) {
	s.t.Helper()
	got, err := io.ReadAll(sock)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.t.Errorf("the connection was not closed; %.40q came", got)
	case err == nil && (text == "" && len(got) > 0 || !strings.Contains(string(got), text)):
		s.t.Errorf("got %.80q, want %q", got, text)
	}
}

// flood sends head and then one thing until the server has enough of it.
func (s *siege) flood(head, body, complaint string) {
	sock := s.send(s.dial(), head)
	chunk := []byte(strings.Repeat(body, 64<<10/len(body)))
	const enough = 256 * mib // no limit of these attacks is near
	for sent := 0; sent < enough; sent += len(chunk) {
		if _, err := sock.Write(chunk); err != nil {
			s.wantClosed(sock, complaint)
			return
		}
	}
	s.t.Errorf("the server took %d bytes", enough)
}

// trickle sends a command of a thousand arguments a byte at a time.
func (s *siege) trickle() {
	const n = 1000
	command := fmt.Sprintf("*%d\r\n$6\r\nEXISTS\r\n", n) + strings.Repeat("$1\r\nk\r\n", n-1)
	sock := s.dial()
	for i := range len(command) {
		if _, err := sock.Write([]byte{command[i]}); err != nil {
			s.t.Error(err)
			return
		}
	}
	if got := s.read(sock, 4); got != ":0\r\n" {
		s.t.Errorf("got %q", got)
	}
}

// million sends one command of a million arguments of a byte each.
func (s *siege) million() {
	const n = 1_000_000
	sock := s.dial()
	var command bytes.Buffer
	fmt.Fprintf(&command, "*%d\r\n$3\r\nDEL\r\n", n)
	for range n - 1 {
		command.WriteString("$1\r\nk\r\n")
	}
	if _, err := sock.Write(command.Bytes()); err != nil {
		s.t.Error(err)
	}
	if got := s.read(sock, 4); got != ":0\r\n" {
		s.t.Errorf("got %q", got)
	}
}

// swell has fifty clients send a command of twenty thousand different keys one after the other, and stay.
func (s *siege) swell() {
	const n = 20_000
	var command bytes.Buffer
	fmt.Fprintf(&command, "*%d\r\n$3\r\nDEL\r\n", n+1)
	for i := range n {
		fmt.Fprintf(&command, "$8\r\n%08d\r\n", i)
	}
	for range 50 {
		sock := s.dial()
		if _, err := sock.Write(command.Bytes()); err != nil {
			s.t.Error(err)
		}
		if got := s.read(sock, 4); got != ":0\r\n" {
			s.t.Errorf("got %q", got)
		}
	}
}

// deaf has fifty clients ask for three megabytes again and again, and read nothing, until the server has closed all of them.
func (s *siege) deaf() {
	s.ask("SET big " + strings.Repeat("x", 60_000))
	s.eachOf(50, func() {
		sock := s.dial()
		request := []byte(strings.Repeat("GET big\r\n", 50))
		for range 100_000 {
			if _, err := sock.Write(request); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					s.t.Error("a client that reads nothing is still connected")
				}
				return
			}
		}
		s.t.Error("the server reads on, without end")
	})
}

// noise sends random bytes, some of which look like the protocol.
func (s *siege) noise() {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	words := []string{"*", "$", "\r\n", "1", "2", "-", "PING", "GET", "\x00", "\"", "'", " ", "99999", "*1\r\n$4\r\nPING\r\n", "EVAL", "\xff"}
	for range 50 {
		sock := s.dial()
		var b strings.Builder
		for range rng.IntN(2000) {
			b.WriteString(words[rng.IntN(len(words))])
		}
		s.send(sock, b.String())
		if tcp, ok := sock.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		if _, err := io.Copy(io.Discard, sock); errors.Is(err, os.ErrDeadlineExceeded) {
			s.t.Error("the connection hangs")
		}
	}
}
