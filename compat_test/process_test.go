package compat

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// What the process does beside serving: it tells its supervisor, it rewrites its file, it ends as it was asked to.

func TestSupervisorIsTold(t *testing.T) {
	dir, err := os.MkdirTemp("", "notify") // t.TempDir can be too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "notify")
	sock, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close() //nolint:errcheck // nothing is left to be read
	t.Setenv("NOTIFY_SOCKET", path)
	n := startNode(t, "--supervised", "systemd")
	wantMessage(t, sock, "READY=1")
	if info := n.client().Info(t.Context(), "server").Val(); !strings.Contains(info, "process_supervised:systemd") {
		t.Errorf("INFO server: %s", info)
	}
	if code := n.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantMessage(t, sock, "STOPPING=1")
}

// The process is called what its program is called, for those who look for it with ps, top or pkill.
func TestProcessName(t *testing.T) {
	n := startNode(t)
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", n.cmd.Process.Pid))
	if err != nil || string(name) != "quipu\n" {
		t.Errorf("the process is called %q (%v)", name, err)
	}
}

// Who comes with a redis.conf that says appendonly no, as Debian's does, learns from the log what that means here.
func TestNoLogIsNoticed(t *testing.T) {
	const notice = "appendonly is no"
	for _, appendOnly := range []string{"yes", "no"} {
		n := startNode(t, "--appendonly", appendOnly)
		if got := strings.Contains(n.log.String(), notice); got != (appendOnly == "no") {
			t.Errorf("appendonly %s, log:\n%s", appendOnly, n.log)
		}
	}
}

func wantMessage(t *testing.T, sock net.Conn, want string) {
	t.Helper()
	_ = sock.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 1000)
	n, err := sock.Read(b)
	if err != nil || !strings.HasPrefix(string(b[:n]), want) {
		t.Errorf("got %q (%v), want %s", b[:n], err, want)
	}
}

// CONFIG REWRITE changes the lines of what has changed, and leaves the others alone; the next start finds it.
func TestConfigRewrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "quipu.conf")
	before := "# ours\nmaxclients 500\n\n# the rest\nslowlog-max-len 77\n"
	if err := os.WriteFile(file, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, dir: t.TempDir(), port: freePort(t), file: file}
	n.start()
	t.Cleanup(func() { n.kill() })
	c, ctx := n.client(), t.Context()
	for _, command := range [][]any{{"CONFIG", "SET", "maxclients", "321", "timeout", "99"}, {"CONFIG", "REWRITE"}} {
		if err := c.Do(ctx, command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# ours\nmaxclients 321\n", "# the rest\nslowlog-max-len 77\n", "timeout 99\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the file lacks %q:\n%s", want, text)
		}
	}
	n.terminate()
	n.start()
	if got := n.client().ConfigGet(ctx, "timeout").Val()["timeout"]; got != "99" {
		t.Errorf("after a restart, timeout is %s", got)
	}
}

// Who comes with the files of a Redis is told that these are not read.
func TestRedisFilesAreNamed(t *testing.T) {
	n := &node{t: t, dir: t.TempDir(), port: freePort(t)}
	for _, name := range []string{"dump.rdb", "appendonlydir"} {
		if err := os.Mkdir(filepath.Join(n.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	n.start()
	t.Cleanup(n.kill)
	for _, name := range []string{"dump.rdb", "appendonlydir"} {
		if want := "is not read: bring it over with DUMP and RESTORE. path=" + filepath.Join(n.dir, name); !strings.Contains(n.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, n.log)
		}
	}
}

// Clients are files, and so is every segment of the log: however many connect, the log goes on.
func TestFilesAreSetAside(t *testing.T) {
	n := &node{t: t, dir: t.TempDir(), port: freePort(t), files: 400, args: []string{"--log-segment-size", "1mb", "--checkpoint-log-size", "4mb"}}
	n.start()
	t.Cleanup(n.kill)
	c, ctx := n.client(), t.Context()
	for range 2 * n.files {
		sock, err := net.DialTimeout("tcp", n.addr(), patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sock.Close() })
		if err := c.Ping(ctx).Err(); err != nil { // c was first: it is served whoever comes
			t.Fatal(err)
		}
	}
	value := strings.Repeat("v", 200<<10)
	for i := range 100 {
		if err := c.Set(ctx, strconv.Itoa(i), value, 0).Err(); err != nil {
			t.Fatalf("write %d: %v\n%s", i, err, n.log)
		}
	}
	err := c.ConfigSet(ctx, "maxclients", "4000000000").Err()
	if want := "The operating system is not able to handle the specified number of clients, try with "; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("CONFIG SET maxclients: %v", err)
	}
}

// CONFIG SET of what says when a checkpoint is due is obeyed at once.
func TestCheckpointLimitsAtRunTime(t *testing.T) {
	n := startNode(t, "--checkpoint-log-size", "1gb", "--checkpoint-interval", "0")
	c, ctx := n.client(), t.Context()
	value := strings.Repeat("v", 200<<10)
	for i := range 10 {
		if err := c.Set(ctx, strconv.Itoa(i), value, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.ConfigSet(ctx, "checkpoint-log-size", "1mb").Err(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !strings.Contains(c.Info(ctx, "persistence").Val(), "\r\ncheckpoints:1\r\n"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("there is no checkpoint")
		}
	}
}

// SHUTDOWN ends the process with exit code 0 in each of its forms, and nothing that was acknowledged is lost in any.
func TestShutdownForms(t *testing.T) {
	n := startNode(t)
	for i, form := range []string{"SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN SAVE", "SHUTDOWN NOW", "SHUTDOWN NOW SAVE FORCE"} {
		c := n.client()
		if got := c.Incr(t.Context(), "a").Val(); got != int64(i+1) {
			t.Errorf("%s: INCR answers %d, want %d", form, got, i+1)
		}
		if err := c.Do(t.Context(), "SHUTDOWN", "ABORT").Err(); err == nil || err.Error() != "ERR No shutdown in progress." {
			t.Errorf("SHUTDOWN ABORT: %v", err)
		}
		var args []any
		for _, word := range strings.Fields(form) {
			args = append(args, word)
		}
		if err := c.Do(t.Context(), args...).Err(); err == nil {
			t.Errorf("%s was answered", form)
		}
		waitEnd(t, n)
		if code := n.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("%s: exit code %d\n%s", form, code, n.log)
		}
		n.start()
	}
	if err := n.client().Do(t.Context(), "SHUTDOWN", "SAVE", "NOSAVE").Err(); err == nil || err == redis.Nil {
		t.Errorf("SHUTDOWN SAVE NOSAVE: %v", err)
	}
}

// TestSignalsDuringShutdown: once the process is about to end, another SIGTERM changes nothing, and SIGINT ends it at once.
func TestSignalsDuringShutdown(t *testing.T) {
	n := startNode(t, "--appendonly", "no", "--enable-debug-command", "yes")
	for _, second := range []struct {
		signal syscall.Signal
		code   int
		want   string // the counter after the next start
	}{{syscall.SIGTERM, 0, "1"}, {syscall.SIGINT, 130, "1"}} {
		c, busy := n.client(), n.client()
		if err := c.Incr(t.Context(), "a").Err(); err != nil {
			t.Fatal(err)
		}
		slept := make(chan struct{})
		go func() {
			_ = busy.Do(t.Context(), "DEBUG", "SLEEP", "1").Err() // the shutdown waits for it, so that it is not over too soon
			close(slept)
		}()
		n.await(t, "the sleep", func() bool { return strings.Contains(c.ClientList(t.Context()).Val(), "cmd=debug") })
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		n.await(t, "the shutdown", func() bool { return strings.Contains(n.log.String(), "Received SIGTERM, scheduling shutdown") })
		_ = n.cmd.Process.Signal(second.signal)
		waitEnd(t, n)
		<-slept
		if code := n.cmd.ProcessState.ExitCode(); code != second.code {
			t.Errorf("after SIGTERM and %v: exit code %d, want %d\n%s", second.signal, code, second.code, n.log)
		}
		n.start()
		if got := n.client().Get(t.Context(), "a").Val(); got != second.want {
			t.Errorf("after SIGTERM and %v: %q is there, want %s", second.signal, got, second.want)
		}
	}
}

// await waits until something is so.
func (n *node) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s:\n%s", what, n.log)
		}
	}
}

func waitEnd(t *testing.T, n *node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-n.done:
	case <-ctx.Done():
		t.Fatalf("the process did not end:\n%s", n.log)
	}
}

// TestSignalDuringRecovery asks the process to end while it reads a long log, earlier and later. It ends at once, as Redis does while it
// loads; the next start has everything.
func TestSignalDuringRecovery(t *testing.T) {
	n := startNode(t, "--checkpoint-log-size", "1gb", "--checkpoint-interval", "86400", "--appendfsync", "everysec",
		"--enable-debug-command", "yes")
	n.tool("redis-benchmark", "-q", "-n", "150000", "-r", "150000", "-P", "64", "-t", "incr,sadd,zadd,hset,lpush")
	n.tool("redis-benchmark", "-q", "-n", "100000", "-r", "100000", "-P", "64", "HINCRBY", "large", "field:__rand_int__", "1")
	before := n.summary()
	n.kill()
	began := time.Now()
	n.start()
	whole := time.Since(began)
	if got := n.summary(); got != before {
		t.Fatalf("after kill -9: %s, want %s", got, before)
	}
	n.kill()
	const times, most = 6, 60
	tries, during := 0, 0
	for ; tries < times || during == 0 && tries < most; tries++ {
		n.launch()
		select {
		case <-n.log.begun:
		case <-n.done:
			t.Fatalf("it ended by itself:\n%s", n.log)
		}
		time.Sleep(whole * time.Duration(tries%times) / times) // not to wait for anything: to end it at different times
		code := n.terminate()
		want := 0
		if strings.Contains(n.log.String(), "Received shutdown signal during loading") {
			during, want = during+1, 1
		}
		if code != want {
			t.Fatalf("exit code %d, want %d:\n%s", code, want, n.log)
		}
	}
	t.Logf("%d of %d recoveries were interrupted; one takes %v", during, tries, whole)
	if during == 0 {
		t.Error("recovery was never interrupted: the test does not show what it should")
	}
	n.start()
	if got := n.summary(); got != before {
		t.Fatalf("after recoveries that were cut short: %s, want %s", got, before)
	}
}

// summary says how many keys there are and what is in the collections that redis-benchmark writes.
func (n *node) summary() string {
	n.t.Helper()
	lines := "DBSIZE\nSCARD myset\nZCARD myzset\nHLEN myhash\nLLEN mylist\nHLEN large\nDEBUG DIGEST\n"
	cmd := exec.Command("redis-cli", "-p", n.port)
	cmd.Stdin = strings.NewReader(lines)
	out, err := cmd.CombinedOutput()
	if err != nil {
		n.t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// To have its timer slack, the process executes itself once more; who started it still knows it by its process id.
func TestTimerSlack(t *testing.T) {
	for _, given := range []string{"", "700"} {
		t.Setenv("QUIPU_TIMER_SLACK", given)
		n := startNode(t)
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", n.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains("\x00"+string(environ), "\x00QUIPU_TIMER_SLACK=0\x00") {
			t.Errorf("with %q the environment is %q", given, environ)
		}
		if code := n.terminate(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}

func TestTimerSlackIsChecked(t *testing.T) {
	for _, given := range []string{"none", "-1", "1000001", "1ms"} {
		cmd := exec.CommandContext(t.Context(), binary, "--port", freePort(t), "--dir", t.TempDir())
		cmd.Env = append(os.Environ(), "QUIPU_TIMER_SLACK="+given)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "want microseconds between 0 and 1000000") {
			t.Errorf("with %q: %v, %s", given, err, out)
		}
	}
}
