package server

import (
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const misconf = "(error) MISCONF Errors writing to the AOF file: No space left on device"

// TestFullDisk: a server that starts on a full disk answers what reads, refuses what writes as Redis does, and goes on when there is room.
func TestFullDisk(t *testing.T) {
	fs := vfs.NewMem()
	ts := startServerOn(t, fs)
	c := ts.dial()
	c.want("SET counter 41", "OK")
	c.want("SET soon x PX 1000", "OK")
	c.want("PFADD log a b c", "(integer) 1")
	c.want("HSET hash field value", "(integer) 1")
	ts.stop()

	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20, TotalBytes: 1 << 30})
	ts = startServerOn(t, fs)
	ts.advance(time.Hour)
	c = ts.dial()
	for range 2 {
		c.want("GET counter", `"41"`)
		c.want("GET soon", "(nil)")
		c.want("PFCOUNT log", "(integer) 3")
		c.want("HGET hash field", `"value"`)
		for _, line := range []string{"INCR counter", "DEL counter", "EXPIRE counter 10", "PING", "FLUSHALL", "SORT counter", "GETEX counter"} {
			c.want(line, misconf)
		}
		c.want("ECHO hello", `"hello"`)
	}
	c.want("MULTI", "OK")
	c.want("GET counter", "QUEUED")
	c.want("INCR counter", misconf)
	c.want("EXEC", "(error) EXECABORT Transaction discarded because of previous errors.")
	c.want("MULTI", "OK")
	c.want("GET counter", "QUEUED")
	c.want("EXEC", `1) "41"`)
	if info := c.do("INFO persistence"); !strings.Contains(info, "aof_last_write_status:err") {
		t.Error(info)
	}

	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 30})
	eventually(t, "there is room", func() bool { return !ts.eng.Full() })
	c.want("INCR counter", "(integer) 42")
	c.want("PING", "PONG")
}

// TestShutdownOnAFullDisk: the server ends in order; the log has everything.
func TestShutdownOnAFullDisk(t *testing.T) {
	fs := vfs.NewMem()
	startServerOn(t, fs).stop()
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20, TotalBytes: 1 << 30})
	ts := startServerOn(t, fs)
	c := ts.dial()
	c.send("SHUTDOWN\r\n")
	if request := <-ts.ShutdownRequests(); ts.Saves(request) {
		t.Error("a checkpoint would be written")
	}
}
