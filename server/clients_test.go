package server

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain fails where goroutines are left that do not end.
func TestMain(m *testing.M) {
	code := m.Run()
	left := goleak.Find()
	for deadline := time.Now().Add(testTimeout); left != nil && time.Now().Before(deadline); {
		left = goleak.Find()
	}
	if code == 0 && left != nil {
		fmt.Fprintln(os.Stderr, left)
		code = 1
	}
	os.Exit(code)
}

func TestMonitor(t *testing.T) {
	ts := startServer(t)
	m := ts.dial()
	m.want("MONITOR", "OK")
	c := ts.dial()
	for _, line := range []string{
		`SET a "b\x01\n\"q"`, "AUTH x", "HELLO 2 AUTH default secret SETNAME me", "SELECT 3", "CONFIG GET port", "MULTI", "INCR n", "EXEC", "nonsense", "GET a", "RESET",
	} {
		c.do(line)
	}
	for _, want := range []string{
		`0 "SET" "a" "b\x01\n\"q"`, `0 "AUTH" "(redacted)"`, `0 "HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me"`, `3 "SELECT" "3"`,
		`3 "MULTI"`, `3 "INCR" "n"`, `3 "EXEC"`, `3 "GET" "a"`, `0 "RESET"`,
	} {
		line := m.read()
		_, rest, _ := strings.Cut(line, "[")
		where, command, _ := strings.Cut(rest, "] ")
		db, addr, _ := strings.Cut(where, " ")
		if db+" "+command != want || addr != c.sock.LocalAddr().String() {
			t.Errorf("got %s, want %s", line, want)
		}
	}
	m.send("GET a\r\n")
	if got := m.read(); got != "(error) ERR Replica can't interact with the keyspace" {
		t.Errorf("whoever listens asks for a key: %s", got)
	}
	m.want("RESET", "RESET")
	c.want("PING", "PONG")
	m.want("ECHO quiet", `"quiet"`)
	m.want("EXISTS a", "(integer) 1")
}

func TestClientListAndKill(t *testing.T) {
	ts := startServer(t)
	a, b := ts.dial(), ts.dial()
	a.want("CLIENT SETNAME first", "OK")
	b.want("SELECT 7", "OK")
	b.want("MULTI", "OK")
	b.want("PING", "QUEUED")
	list := a.do("CLIENT LIST")
	for _, want := range []string{"id=1 addr=" + a.sock.LocalAddr().String(), "laddr=" + ts.addr, "name=first", "db=7", "flags=x", "multi=1", "cmd=ping", "cmd=client|list", "resp=2"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is not in %s", want, list)
		}
	}
	a.want("CLIENT KILL ID 2", "(integer) 1")
	b.wantClosed()
	a.want("CLIENT KILL "+b.sock.LocalAddr().String(), "(error) ERR No such client")
	a.want("CLIENT KILL TYPE normal SKIPME no", "(integer) 1")
	a.wantClosed()
}

func TestClientReply(t *testing.T) {
	c := startServer(t).dial()
	c.send("CLIENT REPLY SKIP\r\nINCR a\r\nINCR a\r\n")
	if got := c.read(); got != "(integer) 2" {
		t.Errorf("after SKIP: got %s", got)
	}
	c.send("CLIENT REPLY OFF\r\nINCR a\r\nINCR a\r\nCLIENT REPLY SKIP\r\nINCR a\r\nCLIENT REPLY ON\r\nINCR a\r\n")
	if got := c.read() + c.read(); got != "OK(integer) 6" {
		t.Errorf("after OFF and ON: got %s", got)
	}
}

func TestClientPause(t *testing.T) {
	ts := startServer(t)
	c, admin := ts.dial(), ts.dial()
	admin.want("CLIENT PAUSE 100000 WRITE", "OK")
	c.want("GET a", "(nil)")
	c.send("PING\r\nINCR a\r\n")
	if got := c.read(); got != "PONG" {
		t.Errorf("got %s", got)
	}
	eventually(t, "the client waits", func() bool { return ts.Clients().Blocked == 1 })
	admin.want("GET a", "(nil)")
	admin.want("CLIENT UNPAUSE", "OK")
	if got := c.read(); got != "(integer) 1" {
		t.Errorf("got %s", got)
	}
	admin.want("CLIENT PAUSE 20", "OK")
	c.want("PING", "PONG") // it comes when the time is over
	admin.want("CLIENT PAUSE 100000 WRITE", "OK")
	c.send("INCR a\r\n")
	eventually(t, "the client waits", func() bool { return ts.Clients().Blocked == 1 })
	admin.want("CLIENT KILL TYPE normal", "(integer) 1")
	c.wantClosed()
	eventually(t, "the client is gone", func() bool { return ts.Clients().Blocked == 0 })
	admin.want("GET a", `"1"`) // what the pause held did not happen when its client went
}

// As in Redis, what a pause holds does not happen when its client hangs up meanwhile, however much of it there is.
func TestClientPauseHangUp(t *testing.T) {
	ts := startServer(t)
	admin := ts.dial()
	for _, sent := range []string{"INCR a\r\n", "INCR a\r\nINCR a\r\nGET", "MULTI\r\nINCR a\r\nEXEC\r\nGET a\r\n"} {
		c := ts.dial()
		admin.want("CLIENT PAUSE 100000 WRITE", "OK")
		c.send(sent)
		eventually(t, "the client waits", func() bool { return ts.Clients().Blocked == 1 })
		c.send("INCR a\r\n")
		c.sock.Close()
		eventually(t, "the client is gone", func() bool { return ts.Clients().Connected == 1 })
		admin.want("CLIENT UNPAUSE", "OK")
		admin.want("GET a", "(nil)")
	}
}

// What comes in during a pause is executed after it, in its order, and what was taken from the same buffer before that.
func TestClientPauseKeepsOrder(t *testing.T) {
	ts := startServer(t)
	c, admin := ts.dial(), ts.dial()
	for range 3 {
		admin.want("DEL l", "(integer) 0")
		admin.want("CLIENT PAUSE 100000 WRITE", "OK")
		c.send("PING\r\nRPUSH l 1\r\nRPUSH l 2\r\nRPUSH l ")
		eventually(t, "the client waits", func() bool { return ts.Clients().Blocked == 1 })
		admin.want("CLIENT PAUSE 200000 WRITE", "OK") // wakes it for another look
		c.send("3\r\n" + strings.Repeat("RPUSH l x\r\n", 1000) + "RPUSH l " + strings.Repeat("y", 10_000) + "\r\n")
		admin.want("CLIENT UNPAUSE", "OK")
		if got := c.read(); got != "PONG" {
			t.Errorf("got %s", got)
		}
		for i := range 1004 {
			if got := c.read(); got != fmt.Sprintf("(integer) %d", i+1) {
				t.Fatalf("reply %d: got %s", i, got)
			}
		}
		if got := c.do("LRANGE l 0 3"); got != admin.do("LRANGE l 0 3") || !strings.HasPrefix(got, `1) "1"`) {
			t.Errorf("got %s", got)
		}
		admin.want("LPOP l 4", "1) \"1\"\n2) \"2\"\n3) \"3\"\n4) \"x\"")
		admin.want("LTRIM l 1 0", "OK")
	}
}

// Of two transactions that watch the same counter, one fails: nothing is lost, nothing is counted twice.
func TestWatchRace(t *testing.T) {
	ts := startServer(t)
	const workers, each = 8, 50
	var wg sync.WaitGroup
	for range workers {
		c := ts.dial()
		wg.Go(func() {
			for done := 0; done < each; {
				c.do("WATCH n")
				var n int
				fmt.Sscanf(c.do("GET n"), `"%d"`, &n)
				c.do("MULTI")
				c.do(fmt.Sprintf("SET n %d", n+1))
				c.do("INCR total")
				if c.do("EXEC") != "(nil)" {
					done++
				}
			}
		})
	}
	wg.Wait()
	c := ts.dial()
	want := fmt.Sprintf("%q", fmt.Sprint(workers*each))
	c.want("GET n", want)
	c.want("GET total", want)
}

// Batches of several connections over the same counters: every increment counts once, and each connection sees its own in order.
func TestPipelinesOverSharedCounters(t *testing.T) {
	ts := startServer(t)
	const workers, rounds, depth, counters = 6, 40, 100, 7
	var wg sync.WaitGroup
	for range workers {
		c := ts.dial()
		wg.Go(func() {
			var batch strings.Builder
			for i := range depth {
				fmt.Fprintf(&batch, "INCRBY k%d 1\r\n", i%counters)
			}
			for range rounds {
				c.send(batch.String() + "MGET k0 k1\r\nPING\r\n")
				for range depth {
					if got := c.read(); !strings.HasPrefix(got, "(integer) ") {
						t.Errorf("got %s", got)
					}
				}
				c.read()
				if got := c.read(); got != "PONG" {
					t.Errorf("got %s", got)
				}
			}
		})
	}
	wg.Wait()
	c, sum := ts.dial(), 0
	for i := range counters {
		var n int
		fmt.Sscanf(c.do(fmt.Sprintf("GET k%d", i)), `"%d"`, &n)
		sum += n
	}
	if sum != workers*rounds*depth {
		t.Errorf("counted %d, want %d", sum, workers*rounds*depth)
	}
}

// The fast path allocates nothing, whatever the depth of the pipeline.
func TestPipelineDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector allocates; the figure is checked without it")
		return
	}
	ts := startServer(t, "--appendonly", "no", "--save", "")
	c := ts.dial()
	request := strings.Repeat("*3\r\n$6\r\nINCRBY\r\n$5\r\ncount\r\n$1\r\n1\r\n", 100)
	reply := make([]byte, 1<<16)
	round := func() {
		c.sock.Write([]byte(request))
		for lines := 0; lines < 100; {
			n, err := c.sock.Read(reply)
			if err != nil {
				t.Fatal(err)
			}
			lines += strings.Count(string(reply[:n]), "\n")
		}
	}
	for range 100 {
		round()
	}
	if perRound := testing.AllocsPerRun(200, round); perRound > 5 {
		t.Errorf("%.1f allocations per 100 commands, those of the test's own half included", perRound)
	}
}

// COPY and MOVE lock both their keys, in whichever databases these are: a key that is moved to and fro while databases are exchanged, inside
// and outside of transactions, is never lost and never there twice.
func TestMoveAcrossDatabases(t *testing.T) {
	ts := startServer(t)
	const workers, rounds = 4, 100
	ts.dial().want("SET wanderer 1", "OK")
	var wg sync.WaitGroup
	for w := range workers {
		c := ts.dial()
		wg.Go(func() {
			for i := range rounds {
				c.do(fmt.Sprintf("SELECT %d", i%2))
				move := fmt.Sprintf("MOVE wanderer %d", 1-i%2)
				if w%2 == 0 {
					c.do(move)
					c.do(fmt.Sprintf("COPY wanderer copy:%d DB 2 REPLACE", w))
					continue
				}
				c.do("MULTI")
				c.do(move)
				c.do(fmt.Sprintf("COPY wanderer copy:%d DB 3 REPLACE", w))
				if got := c.do("EXEC"); strings.Contains(got, "error") {
					t.Error(got)
				}
			}
		})
	}
	swapper := ts.dial()
	for range rounds / 4 {
		swapper.want("SWAPDB 0 1", "OK")
	}
	wg.Wait()
	c := ts.dial()
	there := c.do("EXISTS wanderer")
	c.want("SELECT 1", "OK")
	if there += c.do("EXISTS wanderer"); strings.Count(there, "1") != 1 {
		t.Errorf("in the two databases: %s", there)
	}
}

// A transaction with MOVE or COPY in it locks their keys and nothing else.
func TestMoveInTransactionLocksItsKeys(t *testing.T) {
	ts := startServer(t)
	c := &Conn{srv: ts.Server}
	for _, args := range []string{"move a 1", "copy b c db 2", "copy b c db 99", "set d 1"} {
		var words [][]byte
		for _, word := range strings.Fields(args) {
			words = append(words, []byte(word))
		}
		row, _ := ts.table.lookup(words)
		c.multi.queue = append(c.multi.queue, queuedCommand{row, words})
	}
	plan := c.planExec()
	var keys strings.Builder
	for _, key := range plan.keys {
		fmt.Fprintf(&keys, "%d:%s ", key.DB, key.Name)
	}
	if got, want := keys.String(), "0:a 1:a 0:b 0:c 2:c 0:b 0:c 0:d "; got != want || plan.everything {
		t.Errorf("locks %s (everything: %v), want %s", got, plan.everything, want)
	}
	c.txn = ts.engine.NewTxn()
	c.lockPlan(&plan)
	if !c.txn.Covers(plan.keys...) {
		t.Error("what it writes to several slots would not be one commit")
	}
	c.txn.Unlock()
}

// slowSocket takes its time for every write, and notes since when its connection has been waiting for it.
type slowSocket struct {
	net.Conn
	conn  *Conn
	since []int64
}

func (s *slowSocket) Write(b []byte) (int, error) {
	began := s.conn.shared.writing.Load()
	s.since = append(s.since, began)
	for int64(time.Since(s.conn.srv.started))|1 == began {
	}
	return len(b), nil
}

// A client that takes a long reply slowly, but steadily, is not stuck: each piece has the time of client-write-timeout.
func TestSlowReaderIsNotStuck(t *testing.T) {
	server := startServer(t)
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	sock := &slowSocket{Conn: near}
	c := server.newConn(sock)
	sock.conn, c.counts = c, server.stats.shard(1)
	c.out.Bulk(make([]byte, 1<<20))
	if err := c.write(&c.out); err != nil {
		t.Fatal(err)
	}
	long := sock.since[:len(sock.since)-1] // the last may be short
	if len(long) < 4 || !slices.IsSorted(long) || len(slices.Compact(long)) != len(long) {
		t.Errorf("the writes began at %v", sock.since)
	}
}
