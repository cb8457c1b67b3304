package server

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"quipu/server/resp/resptest"
)

// trackingLines are a story told by several clients: "NAME: command" sends a command and reads the reply, "NAME<" reads what comes by
// itself. NAME# stands for the client's identifier. That nothing else comes is seen by what comes next.
const trackingLines = `
c: HELLO 3
c: CLIENT TRACKING on
c: CLIENT TRACKINGINFO
c: GET a
w: SET a 1
c<
w: SET a 2
c: MGET a b a
w: MSET b 1 x 1 a 1
c<
c<
c: EXISTS a b
w: EXPIRE a 100
c<
c: TTL a
w: EXPIREAT a 33177117420
c<
c: TTL a
w: EXPIREAT a 33177117420
c<
c: TTL a
w: PERSIST a
c<
c: TTL a
w: PERSIST a
w: APPEND a x
c<
c: GET a
w: DEL a
c<
c: GET a
w: DEL a
w: SET a 1
c<
c: STRLEN a
w: GETEX a
w: GETDEL a
c<
c: GET a
w: INCR b
c<
w: RENAME b a
c<
c: GET a
w: SELECT 3
w: SET a elsewhere
c<
w: SELECT 0
c: GET a
c: SET a mine
c<
c: GET a
c: APPEND a s
c<
c: MULTI
c: GET a
c: SET a in
c: GET a
c: SET b in
c: EXEC
c<
c: GET b
w: SET a out
c<
w: SET b out
c<
c: GET a
c: SET nothing x
c: INCR a
w: FLUSHDB
c<
c: GET a
w: FLUSHALL
c<
c: FLUSHALL
c<
c: SET a 1
w: SWAPDB 0 1
w: SWAPDB 0 1
c: GET a
w: MULTI
w: SET a 2
w: SET a 3
w: EXEC
c<
c: CLIENT TRACKING on NOLOOP
c: CLIENT TRACKINGINFO
c: GET a
c: SET a 4
c: GET a
w: SET a 5
c<
c: FLUSHALL
c<
c: CLIENT TRACKING on BCAST
c: CLIENT TRACKING on OPTIN
c: CLIENT TRACKING on OPTOUT
c: CLIENT TRACKING on OPTIN OPTOUT
c: CLIENT TRACKING off
c: CLIENT TRACKINGINFO
c: CLIENT GETREDIR
c: CLIENT CACHING yes
c: CLIENT TRACKING on OPTIN
c: CLIENT CACHING no
c: CLIENT CACHING maybe
c: GET a
c: CLIENT CACHING yes
c: CLIENT TRACKINGINFO
c: CLIENT ID x
c: GET b
c: CLIENT TRACKINGINFO
c: GET a
w: SET a 1
w: SET b 1
c<
c: CLIENT CACHING yes
c: MULTI
c: GET a
c: GET b
c: EXEC
c: GET c
w: SET c 1
w: SET a 1
c<
w: SET b 1
c<
c: CLIENT TRACKING off
c: CLIENT TRACKING on OPTOUT
c: CLIENT CACHING yes
c: CLIENT CACHING no
c: CLIENT TRACKINGINFO
c: GET a
c: GET b
w: SET a 1
w: SET b 1
c<
c: CLIENT TRACKING off
c: CLIENT TRACKING on BCAST PREFIX user: PREFIX use
c: CLIENT TRACKING on BCAST PREFIX page: PREFIX page:1 PREFIX user:
c: CLIENT TRACKING on PREFIX user:
c: CLIENT TRACKING on BCAST OPTIN
c: CLIENT TRACKING on BCAST OPTOUT
c: CLIENT TRACKING on BCAST PREFIX user: PREFIX page:
c: CLIENT TRACKINGINFO
c: CLIENT TRACKING on BCAST PREFIX user:1
c: CLIENT TRACKING on BCAST PREFIX u
c: CLIENT TRACKING on BCAST PREFIX extra
c: CLIENT TRACKINGINFO
c: CLIENT TRACKING on
c: GET user:1
w: SET other 1
w: MSET user:2 1 user:1 1
c<
w: DEL user:1 user:2 nosuch user:3
c<
c: SET user:1 mine
c<
c: CLIENT TRACKING on BCAST NOLOOP
c: CLIENT TRACKINGINFO
w: FLUSHALL
c<
c: CLIENT TRACKING off
c: CLIENT TRACKING on BCAST NOLOOP
c: CLIENT TRACKINGINFO
c: SET user:1 mine
c: MSET b 1 a 1
w: MSET b 1 a 1 c 1
c<
w: MULTI
w: SET b 1
w: DEL a
w: INCR n
w: EXEC
c<
c: CLIENT TRACKING off
w: SET a 1
r: HELLO 3
d: CLIENT TRACKING on REDIRECT 99999
d: CLIENT TRACKING on REDIRECT r# REDIRECT c#
d: CLIENT TRACKING on REDIRECT x
d: CLIENT TRACKING on REDIRECT r#
d: CLIENT GETREDIR
d: GET a
d: GET b
w: SET a 1
r<
d: SET b mine
r<
d: CLIENT TRACKING on REDIRECT r# NOLOOP
d: GET a
d: SET a 1
d: GET a
w: FLUSHDB
r<
r: QUIT
d: HELLO 3
d: GET a
w: SET a 1
d<
d: CLIENT TRACKINGINFO
d: RESET
d: CLIENT TRACKINGINFO
c: HELLO 3
c: CLIENT TRACKING on
c: GET e
w: SET e 1 PX 1
c<
c: GET a
w: SELECT 16
w: SELECT 1
w: MOVE a 0
w: SET a 2
c<
w: COPY a b
c: GET b
w: MOVE a 0
w: COPY a b REPLACE
c<
c: GET s
w: SETRANGE s 0 ""
w: SETNX s x
c<
c: GET s
w: SETNX s x
w: GETSET s x
c<
c: DUMP s
w: SET s x
c<
c: OBJECT ENCODING s
w: SET s x
c<
c: TOUCH s
w: SET s x
c<
c: MEMORY USAGE s
w: SET s x
c<
c: INCR s
w: SET s x
c: TYPE s
w: SET s x
c<
`

// TestTrackingAgreesWithRedis tells the story to a real Redis and to Quipu.
func TestTrackingAgreesWithRedis(t *testing.T) {
	redis := resptest.Start(t)
	real := tellTracking(t, func() net.Conn { return dialUnix(t, redis.Socket) })
	ts := startServer(t)
	ours := tellTracking(t, func() net.Conn { return ts.dial().sock })
	for i := range real {
		if real[i] != ours[i] {
			t.Fatalf("step %d: Redis and Quipu say\n%s\n%s\nafter\n%s", i, real[i], ours[i], strings.Join(ours[max(i-5, 0):i], "\n"))
		}
	}
}

func dialUnix(t *testing.T, path string) net.Conn {
	sock, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sock.Close() })
	return sock
}

// tellTracking returns what the clients of the story hear, without what differs from one server to the next.
func tellTracking(t *testing.T, dial func() net.Conn) []string {
	s := cast{t: t, dial: dial, clients: make(map[string]*testClient), ids: make(map[string]string)}
	var heard []string
	for _, step := range strings.Split(strings.TrimSpace(trackingLines), "\n") {
		heard = append(heard, step+" -> "+s.play(step))
	}
	return heard
}

// cast is the clients of a story, who appear when they are first named.
type cast struct {
	t       *testing.T
	dial    func() net.Conn
	clients map[string]*testClient
	ids     map[string]string
}

func (s *cast) client(name string) *testClient {
	if s.clients[name] == nil {
		s.clients[name] = newTestClient(s.t, s.dial())
		s.ids[name] = strings.TrimPrefix(s.clients[name].do("CLIENT ID"), "(integer) ")
	}
	return s.clients[name]
}

// play executes one step and returns what comes of it, with names in place of identifiers.
func (s *cast) play(step string) string {
	if name, ok := strings.CutSuffix(step, "<"); ok {
		if got := s.client(name).read(); strings.Contains(got, "redir") {
			return s.anonymous(got)
		} else {
			return got
		}
	}
	name, line, _ := strings.Cut(step, ": ")
	c := s.client(name)
	for other, id := range s.ids {
		line = strings.ReplaceAll(line, other+"#", id)
	}
	reply := c.do(line)
	if strings.HasPrefix(line, "HELLO") || strings.HasPrefix(line, "MEMORY") {
		return ""
	}
	if strings.Contains(line, "GETREDIR") || strings.Contains(reply, "redirect") {
		return s.anonymous(reply)
	}
	return reply
}

func (s *cast) anonymous(text string) string {
	for name, id := range s.ids {
		text = strings.ReplaceAll(text, "(integer) "+id, name+"#")
	}
	return text
}

// The table of read keys is bounded: who reads one more has some other key invalidated.
func TestTrackingTableIsBounded(t *testing.T) {
	ts := startServer(t, "--tracking-table-max-keys", "10")
	c := ts.dial()
	c.do("HELLO 3")
	c.want("CLIENT TRACKING on", "OK")
	told := map[string]bool{}
	for i := range 15 {
		c.send(fmt.Sprintf("GET k%d\r\n", i))
	}
	for range 15 + 5 {
		if got := c.read(); got != "(nil)" {
			told[got] = true
		}
	}
	if len(told) != 5 || ts.tracker.table.keys.Load() != 10 || ts.tracker.table.items.Load() != 10 {
		t.Errorf("told of %v, %d keys left", told, ts.tracker.table.keys.Load())
	}
	c.want("CLIENT TRACKING off", "OK")
	if n := ts.tracker.table.keys.Load(); n != 0 {
		t.Errorf("%d keys are left although nobody tracks", n)
	}
}

// Clients that come, read a key and leave do not pile up in the table.
func TestTrackingForgetsClients(t *testing.T) {
	ts := startServer(t)
	stays := ts.dial()
	stays.want("CLIENT TRACKING on", "OK")
	for range 200 {
		c := ts.dial()
		c.want("CLIENT TRACKING on", "OK")
		c.want("GET k", "(nil)")
		c.sock.Close()
		eventually(t, "it has left", func() bool { return ts.clients.Len() == 1 })
	}
	if n := ts.tracker.table.items.Load(); n > 8 {
		t.Errorf("%d clients are remembered", n)
	}
}

// A message never overtakes the reply whose value it invalidates: what a client keeps after all is quiet is what the server has.
func TestTrackingKeepsCachesRight(t *testing.T) {
	for _, mode := range []string{"on", "on BCAST PREFIX k"} {
		ts := startServer(t)
		const rounds = 300
		var wg sync.WaitGroup
		for range 2 {
			w := ts.dial()
			wg.Go(func() {
				for i := range rounds {
					w.do(fmt.Sprintf("INCR k%d", i%3))
				}
			})
		}
		reader := ts.dial()
		reader.do("HELLO 3")
		reader.want("CLIENT TRACKING "+mode, "OK")
		cache := map[string]string{}
		for i := range rounds {
			reader.cachedGet(cache, fmt.Sprintf("k%d", i%3))
		}
		wg.Wait()
		for i := range 3 { // what is on its way comes before the reply of a command after it
			ts.dial().do(fmt.Sprintf("SET k%d end", i))
		}
		ts.dial().do("SET kend end")
		reader.cachedGet(cache, "kend")
		for i := range 3 {
			key := fmt.Sprintf("k%d", i)
			eventually(t, "the client is told", func() bool { return reader.cachedGet(cache, key) == `"end"` })
		}
	}
}

// cachedGet reads a key unless the cache has it, and takes in what comes meanwhile.
func (c *testClient) cachedGet(cache map[string]string, key string) string {
	c.send("ECHO sync\r\n")
	for got := c.read(); got != `"sync"`; got = c.read() {
		c.drop(cache, got)
	}
	if _, known := cache[key]; !known {
		c.send("GET " + key + "\r\n")
		got := c.read()
		for strings.Contains(got, "invalidate") {
			c.drop(cache, got)
			got = c.read()
		}
		cache[key] = got
	}
	return cache[key]
}

// drop removes from the cache what a message names.
func (c *testClient) drop(cache map[string]string, message string) {
	for key := range cache {
		if strings.Contains(message, `"`+key+`"`) {
			delete(cache, key)
		}
	}
}
