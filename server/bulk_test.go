package server

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestBulkGate: what is under way stays within the limit, or is alone.
func TestBulkGate(t *testing.T) {
	const limit = 100
	g := newBulkGate(limit)
	var underWay, inside, large atomic.Int64
	var all sync.WaitGroup
	for i := range int64(50) {
		all.Go(func() {
			for j := range int64(50) {
				bytes := 1 + (i*7+j*13)%60
				if (i+j)%20 == 0 {
					bytes += 2 * limit
				}
				g.enter(bytes)
				n, sum := inside.Add(1), underWay.Add(bytes)
				if sum > limit && n > 1 {
					t.Errorf("%d bytes of %d are under way", sum, n)
				}
				if sum > limit {
					large.Add(1)
				}
				underWay.Add(-bytes)
				inside.Add(-1)
				g.leave(bytes)
			}
		})
	}
	all.Wait()
	if large.Load() == 0 || g.mu.underWay != 0 {
		t.Error(large.Load(), "large ones,", g.mu.underWay, "left")
	}
}

// TestBulk: many connections write long values at once, in pipelines and transactions, beside one that counts. All get through, and all is there.
func TestBulk(t *testing.T) {
	ts := startPreparedServer(t, vfs.NewMem(), func(s *Server) { s.bulk = newBulkGate(2 * bulkBytes) })
	value := strings.Repeat("v", bulkBytes)
	bulk := func(name string) string {
		return fmt.Sprintf("$%d\r\n%s\r\n$%d\r\n%s\r\n", len(name), name, len(value), value)
	}
	var all sync.WaitGroup
	for i := range 4 {
		c := ts.dial()
		all.Go(func() {
			c.send("*3\r\n$3\r\nSET\r\n" + bulk(fmt.Sprintf("set:%d", i)) + "*3\r\n$6\r\nGETSET\r\n" + bulk(fmt.Sprintf("getset:%d", i)) + "INCR sets\r\n")
			c.wantNext("OK")
			c.wantNext("(nil)")
			c.read()
			c.send("MULTI\r\n*3\r\n$3\r\nSET\r\n" + bulk(fmt.Sprintf("multi:%d", i)) + "INCR sets\r\nEXEC\r\n")
			c.wantNext("OK")
			c.wantNext("QUEUED")
			c.wantNext("QUEUED")
			c.read()
		})
	}
	counter := ts.dial()
	for i := range 200 {
		counter.want("INCR counter", fmt.Sprintf("(integer) %d", i+1))
	}
	all.Wait()
	for i := range 4 {
		for _, kind := range []string{"set", "getset", "multi"} {
			counter.want(fmt.Sprintf("STRLEN %s:%d", kind, i), fmt.Sprintf("(integer) %d", len(value)))
		}
	}
	counter.want("GET sets", `"8"`)
	if ts.bulk.mu.underWay != 0 {
		t.Error(ts.bulk.mu.underWay, "bytes are left")
	}
}
