package server

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// blockedClients waits until so many clients are blocked.
func (ts *testServer) blockedClients(n int) {
	ts.t.Helper()
	eventually(ts.t, fmt.Sprintf("%d clients are blocked", n), func() bool { return ts.Clients().Blocked == n })
}

// sendBlocking sends a command that has to wait, and returns when it does.
func (c *testClient) sendBlocking(ts *testServer, line string) {
	c.t.Helper()
	blocked := ts.Clients().Blocked
	c.send(line + "\r\n")
	ts.blockedClients(blocked + 1)
}

// wantNext fails the test if the next reply, in one line, is not the expected one.
func (c *testClient) wantNext(reply string) {
	c.t.Helper()
	if got := oneLine(c.read()); got != reply {
		c.t.Errorf("got %s, want %s", got, reply)
	}
}

func oneLine(reply string) string { return strings.Join(strings.Fields(reply), " ") }

// TestBlockedClientsAreServedInOrder: first come, first served, and each gets one element of a push of several.
func TestBlockedClientsAreServedInOrder(t *testing.T) {
	ts := startServer(t)
	pusher := ts.dial()
	var waiters []*testClient
	for range 4 {
		c := ts.dial()
		c.sendBlocking(ts, "BLPOP list 0")
		waiters = append(waiters, c)
	}
	pusher.want("RPUSH list a b c", "(integer) 3")
	for i, element := range []string{"a", "b", "c"} {
		waiters[i].wantNext(fmt.Sprintf(`1) "list" 2) "%s"`, element))
	}
	pusher.want("EXISTS list", "(integer) 0")
	pusher.want("RPUSH list d", "(integer) 1")
	waiters[3].wantNext(`1) "list" 2) "d"`)
	ts.blockedClients(0)
}

// TestTransactionServesAtItsEnd: who waits sees what a transaction leaves, not what it does.
func TestTransactionServesAtItsEnd(t *testing.T) {
	ts := startServer(t)
	c, waiter := ts.dial(), ts.dial()
	waiter.sendBlocking(ts, "BLPOP a b 0")
	for _, line := range []string{"MULTI", "RPUSH a 1", "DEL a", "RPUSH b 2", "RPUSH a 3", "LPUSH a 4", "LLEN a"} {
		c.do(line)
	}
	c.send("EXEC\r\n")
	c.wantNext("1) (integer) 1 2) (integer) 1 3) (integer) 1 4) (integer) 1 5) (integer) 2 6) (integer) 2")
	waiter.wantNext(`1) "a" 2) "4"`)
	c.want("LLEN a", "(integer) 1")
}

// TestServedBetweenPipelinedCommands: a push serves before the next command of the same pipeline runs.
func TestServedBetweenPipelinedCommands(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	popper, mover := ts.dial(), ts.dial()
	popper.sendBlocking(ts, "BRPOP list 0")
	mover.sendBlocking(ts, "BLMOVE list elsewhere LEFT RIGHT 0") // in another slot
	c.send("RPUSH list a\r\nLLEN list\r\nRPUSH list b c\r\nLLEN list\r\nLRANGE elsewhere 0 -1\r\n")
	for _, want := range []string{"(integer) 1", "(integer) 0", "(integer) 2", "(integer) 1", `1) "b"`} {
		c.wantNext(want)
	}
	popper.wantNext(`1) "list" 2) "a"`)
	mover.wantNext(`"b"`)
}

// TestMoveToWhereMemoryDoesNotKnow: an element is moved to a list that does not exist, as only the store can tell.
func TestMoveToWhereMemoryDoesNotKnow(t *testing.T) {
	ts := startServer(t)
	c, mover := ts.dial(), ts.dial()
	c.want("SET {elsewhere}:neighbour 1", "OK")
	c.want("SAVE", "OK")
	ts.eng.SetMaxMemory(1)
	eventually(t, "nothing is in memory", func() bool { return ts.eng.Stats().Evicted > 0 })
	ts.eng.SetMaxMemory(0)
	mover.sendBlocking(ts, "BLMOVE list elsewhere LEFT RIGHT 0")
	c.want("RPUSH list a", "(integer) 1")
	mover.wantNext(`"a"`)
	c.want("LRANGE elsewhere 0 -1", `1) "a"`)
}

// TestMovesChain: what one blocked client moves wakes the next, across slots.
func TestMovesChain(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	var movers []*testClient
	for i := range 5 {
		m := ts.dial()
		m.sendBlocking(ts, fmt.Sprintf("BRPOPLPUSH stage:%d stage:%d 0", i, i+1))
		movers = append(movers, m)
	}
	c.want("LPUSH stage:0 ball", "(integer) 1")
	for _, m := range movers {
		m.wantNext(`"ball"`)
	}
	c.want("LINDEX stage:5 0", `"ball"`)
}

// TestMoversToSeveralTargets: each needs locks of its own, and is served once, also if another was served or refused before it.
func TestMoversToSeveralTargets(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	c.want("SET target:1 string", "OK")
	var movers []*testClient
	for i := range 4 {
		m := ts.dial()
		m.sendBlocking(ts, fmt.Sprintf("BLMOVE queue target:%d LEFT RIGHT 0", i))
		movers = append(movers, m)
	}
	c.want("RPUSH queue a b c", "(integer) 3")
	for i, reply := range []string{`"a"`, "(error) WRONGTYPE Operation against a key holding the wrong kind of value", `"b"`, `"c"`} {
		movers[i].wantNext(reply)
	}
	c.want("EXISTS queue", "(integer) 0")
	c.want("LRANGE target:3 0 -1", `1) "c"`)
}

// TestMoversBeforeWhoWaitsForTheirs: all who wait for what a transaction has made come before those who wait for what they move, although
// they need locks that the transaction did not have.
func TestMoversBeforeWhoWaitsForTheirs(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	last, first, second := ts.dial(), ts.dial(), ts.dial()
	last.sendBlocking(ts, "BLPOP target 0")
	first.sendBlocking(ts, "BLMOVE one target LEFT LEFT 0")
	second.sendBlocking(ts, "BLMOVE two target LEFT LEFT 0")
	for _, line := range []string{"MULTI", "RPUSH one a", "RPUSH two b"} {
		c.do(line)
	}
	c.send("EXEC\r\n")
	c.wantNext("1) (integer) 1 2) (integer) 1")
	first.wantNext(`"a"`)
	second.wantNext(`"b"`)
	last.wantNext(`1) "target" 2) "b"`)
	c.want("LRANGE target 0 -1", `1) "a"`)
}

// TestEveryWayToAppear: a list comes into being in more ways than by a push.
func TestEveryWayToAppear(t *testing.T) {
	for _, lines := range [][]string{
		{"RPUSH other x", "RENAME other list"},
		{"RPUSH other x", "RENAMENX other list"},
		{"RPUSH other x", "COPY other list"},
		{"SELECT 1", "RPUSH list x", "MOVE list 0"},
		{"SELECT 1", "RPUSH list x", "SWAPDB 0 1"},
		{"RPUSH other x", "LMOVE other list LEFT LEFT"},
		{"SET list string", "DEL list", "LPUSH list x"},
		{"RPUSH other x", "SORT other ALPHA STORE list"},
		{"SET list string", "RPUSH other x", "SORT other ALPHA STORE list"}, // which Redis 7.0 does not notice
	} {
		t.Run(oneLine(lines[len(lines)-1]), func(t *testing.T) {
			ts := startServer(t)
			c, waiter := ts.dial(), ts.dial()
			waiter.sendBlocking(ts, "BLPOP list 0")
			for _, line := range lines {
				c.do(line)
			}
			waiter.wantNext(`1) "list" 2) "x"`)
		})
	}
}

// TestWrongTypes: who waits for a list does not care for a string that takes its place, but is told of a target that is no list.
func TestWrongTypes(t *testing.T) {
	ts := startServer(t)
	c, popper, mover := ts.dial(), ts.dial(), ts.dial()
	popper.sendBlocking(ts, "BLPOP list 0")
	mover.sendBlocking(ts, "BLMOVE source target LEFT LEFT 0")
	c.want("SET list string", "OK")
	c.want("SET target string", "OK")
	c.want("RPUSH source x", "(integer) 1")
	mover.wantNext("(error) WRONGTYPE Operation against a key holding the wrong kind of value")
	c.want("LLEN source", "(integer) 1")
	ts.blockedClients(1)
	c.want("DEL list", "(integer) 1")
	c.want("RPUSH list y", "(integer) 1")
	popper.wantNext(`1) "list" 2) "y"`)
	popper.want("BLPOP target 0", "(error) WRONGTYPE Operation against a key holding the wrong kind of value")
}

func TestBlockTimeout(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	for _, line := range []string{"BLPOP a b 0.01", "BRPOP a 0.01", "BLMOVE a b LEFT LEFT 0.01", "BRPOPLPUSH a b 0.01", "BLMPOP 0.01 1 a LEFT"} {
		c.want(line, "(nil)")
	}
	c.want("RPUSH a x", "(integer) 1") // nobody is left to take it
	c.want("LLEN a", "(integer) 1")
}

// TestClientUnblock ends waits from outside.
func TestClientUnblock(t *testing.T) {
	ts := startServer(t)
	c, waiter := ts.dial(), ts.dial()
	id := strings.TrimPrefix(waiter.do("CLIENT ID"), "(integer) ")
	c.want("CLIENT UNBLOCK "+id, "(integer) 0")
	for _, reason := range []struct{ word, reply string }{
		{"", "(nil)"},
		{" TIMEOUT", "(nil)"},
		{" ERROR", "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK"},
	} {
		waiter.sendBlocking(ts, "BLPOP list 0")
		c.want("CLIENT UNBLOCK "+id+reason.word, "(integer) 1")
		waiter.wantNext(reason.reply)
	}
	c.want("CLIENT UNBLOCK "+id+" ERROR", "(integer) 0")
	waiter.want("PING", "PONG")
}

// TestClientUnblockEndsWait: WAIT is not flagged as blocking, and waits like the commands that are.
func TestClientUnblockEndsWait(t *testing.T) {
	ts := startServer(t)
	c, waiter := ts.dial(), ts.dial()
	id := strings.TrimPrefix(waiter.do("CLIENT ID"), "(integer) ")
	waiter.sendBlocking(ts, "WAIT 1 0")
	c.want("CLIENT UNBLOCK "+id, "(integer) 1")
	waiter.wantNext("(integer) 0")
	waiter.sendBlocking(ts, "WAIT 1 0")
	c.want("CLIENT UNBLOCK "+id+" ERROR", "(integer) 1")
	waiter.wantNext("(error) UNBLOCKED client unblocked via CLIENT UNBLOCK")
	waiter.sendBlocking(ts, "WAIT 1 0")
	waiter.sock.Close()
	ts.blockedClients(0)
}

// TestBlockedCommandsAreAccounted: a blocked command is an entry of the slow log when it is served, and a failure where
// that was an error or somebody has unblocked the client, with TIMEOUT, too.
func TestBlockedCommandsAreAccounted(t *testing.T) {
	ts := startServer(t, "--slowlog-log-slower-than", "0")
	c, waiter := ts.dial(), ts.dial()
	id := strings.TrimPrefix(waiter.do("CLIENT ID"), "(integer) ")
	served := func() int { return strings.Count(c.do("SLOWLOG GET -1"), `"BLMOVE"`) }
	waiter.sendBlocking(ts, "BLMOVE from to LEFT LEFT 0")
	if n := served(); n != 0 {
		t.Errorf("%d entries of a command that is blocked", n)
	}
	c.want("RPUSH from x", "(integer) 1")
	waiter.wantNext(`"x"`)
	waiter.sendBlocking(ts, "BLMOVE from to LEFT LEFT 0")
	c.want("CLIENT UNBLOCK "+id+" ERROR", "(integer) 1")
	waiter.wantNext("(error) UNBLOCKED client unblocked via CLIENT UNBLOCK")
	waiter.sendBlocking(ts, "BLMOVE from to LEFT LEFT 0")
	c.want("CLIENT UNBLOCK "+id+" TIMEOUT", "(integer) 1")
	waiter.wantNext("(nil)")
	waiter.sendBlocking(ts, "BLMOVE from wrong LEFT LEFT 0")
	c.want("SET wrong type", "OK")
	c.want("RPUSH from x", "(integer) 1")
	waiter.wantNext("(error) WRONGTYPE Operation against a key holding the wrong kind of value")
	waiter.want("PING", "PONG") // so that the entry is there
	if n := served(); n != 2 {
		t.Errorf("%d entries, want those of the two that were served", n)
	}
	if stats := c.do("INFO commandstats"); !regexp.MustCompile(`cmdstat_blmove:calls=4,.*,failed_calls=3`).MatchString(stats) {
		t.Error(stats)
	}
}

// TestPipelineBehindBlockingCommand: what a client sends behind it waits.
func TestPipelineBehindBlockingCommand(t *testing.T) {
	ts := startServer(t)
	c, waiter := ts.dial(), ts.dial()
	waiter.sendBlocking(ts, "SET before 1\r\nBLPOP list 0\r\nINCR after\r\nBLPOP list 0\r\nINCR after")
	waiter.wantNext("OK")
	waiter.send("INCR after\r\n")
	c.want("GET after", "(nil)")
	c.want("RPUSH list x y", "(integer) 2")
	for _, want := range []string{`1) "list" 2) "x"`, "(integer) 1", `1) "list" 2) "y"`, "(integer) 2", "(integer) 3"} {
		waiter.wantNext(want)
	}
}

// TestBlockedClientLeaves: its hanging up is noticed at once, and it takes nothing with it.
func TestBlockedClientLeaves(t *testing.T) {
	ts := startServer(t)
	c, quitter, killed, waiter := ts.dial(), ts.dial(), ts.dial(), ts.dial()
	quitter.sendBlocking(ts, "BLPOP list 0")
	id := strings.TrimPrefix(killed.do("CLIENT ID"), "(integer) ")
	killed.sendBlocking(ts, "BLPOP list 0")
	waiter.sendBlocking(ts, "BLPOP list 0")
	quitter.sock.Close()
	ts.blockedClients(2)
	c.want("CLIENT KILL ID "+id, "(integer) 1")
	killed.wantClosed()
	ts.blockedClients(1)
	c.want("RPUSH list x", "(integer) 1")
	waiter.wantNext(`1) "list" 2) "x"`)
	eventually(t, "the connections are gone", func() bool { return ts.clients.Len() == 2 })
}

// TestShutdownWithBlockedClients: they do not keep the server.
func TestShutdownWithBlockedClients(t *testing.T) {
	ts := startServer(t)
	waiter := ts.dial()
	waiter.sendBlocking(ts, "BLPOP list 0")
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if cut := ts.Close(ctx); cut > 0 {
		t.Errorf("%d connections did not end by themselves", cut)
	}
	waiter.wantClosed()
}

// TestBlockedClientIsShown: CLIENT LIST, INFO.
func TestBlockedClientIsShown(t *testing.T) {
	ts := startServer(t, "--timeout", "1")
	c, waiter := ts.dial(), ts.dial()
	waiter.sendBlocking(ts, "BRPOP list 0")
	if list := c.do("CLIENT LIST"); !strings.Contains(list, "flags=b ") || !strings.Contains(list, "cmd=brpop") {
		t.Error(list)
	}
	if info := c.do("INFO clients"); !strings.Contains(info, "blocked_clients:1") {
		t.Error(info)
	}
	ts.closeLate(time.Since(ts.started) + time.Hour) // a client that waits is not idle
	c = ts.dial()
	c.want("RPUSH list x", "(integer) 1")
	waiter.wantNext(`1) "list" 2) "x"`)
}

// TestNoBlockingWithinTransactions: the commands behave as if their time were up.
func TestNoBlockingWithinTransactions(t *testing.T) {
	ts := startServer(t)
	c := ts.dial()
	for _, line := range []string{"MULTI", "BLPOP a 0", "BLMOVE a b LEFT LEFT 0", "BLMPOP 0 1 a LEFT"} {
		c.do(line)
	}
	c.send("EXEC\r\n")
	c.wantNext("1) (nil) 2) (nil) 3) (nil)")
}

// TestRepliesOffWhileBlocked: the reply that the client does not want is the one that it waited for.
func TestRepliesOffWhileBlocked(t *testing.T) {
	ts := startServer(t)
	c, waiter := ts.dial(), ts.dial()
	waiter.sendBlocking(ts, "CLIENT REPLY SKIP\r\nBLPOP list 0")
	waiter.send("PING\r\n")
	c.want("RPUSH list x", "(integer) 1")
	waiter.wantNext("PONG")
	waiter.sendBlocking(ts, "CLIENT REPLY OFF\r\nBLPOP list 0\r\nCLIENT REPLY ON")
	c.want("RPUSH list x", "(integer) 1")
	waiter.wantNext("OK")
}
