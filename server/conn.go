package server

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"quipu/engine"
	"quipu/server/config"
	"quipu/server/resp"
)

// flushThreshold is how many bytes of replies a batch may collect before they are sent although more commands wait: large enough that a
// system call for each is nothing, small enough that a deep pipeline costs no memory.
const flushThreshold = 128 << 10

// Conn is one client. Its fields belong to the goroutine that serves it, but for those in shared and push.
type Conn struct {
	id        int64
	srv       *Server
	sock      net.Conn
	addr      string // the client's, as CLIENT LIST shows it
	localAddr string
	follower  follower // sock, if it can wait between turns; else nil, and reading waits
	loopback  bool     // over the unix socket or a loopback address
	created   time.Duration

	reader *resp.Reader
	ruled  *config.Values // the configuration whose limits the reader has
	out    resp.Writer
	txn    *engine.Txn
	locked bool // txn holds locks: whoever recovers from a panic has to give them back
	call   Call
	inner  Call // of the commands that EXEC runs
	counts *statsShard

	db       int
	name     string // CLIENT SETNAME
	libName  string // CLIENT SETINFO
	libVer   string
	authed   bool // has passed AUTH, or came while no password was set
	replies  replyMode
	mark     int  // where in out the reply to the command in progress begins
	closing  bool // no more commands: send what there is, then close
	multi    transaction
	tracking tracking

	ended     bool          // the next turn is not to come
	brisk     int           // turns in a row that came soon after the one before
	clock     time.Duration // since Server.started, at the last tick
	found     foundCommand
	waiter    *waiter // nil: the client is not blocked
	stalled   bool    // CLIENT PAUSE holds the next command
	stalledIn uint64  // the round of the pause
	postponed postponed
	attention attention
	// denyBlocking: commands must not wait, since they run together.
	denyBlocking bool
	keys         []engine.Key // of the command in progress, outside runs
	positions    []int

	shared sharedState
	push   pushQueue
	done   chan struct{} // closed when the connection is being torn down by another goroutine
}

// sharedState is what other goroutines may look at or change: CLIENT LIST, CLIENT KILL, timeouts.
type sharedState struct {
	lastActive atomic.Int64 // nanoseconds since Server.started
	writing    atomic.Int64 // when the write in progress began, same clock; 0: none
	lastRow    atomic.Pointer[Command]
	db         atomic.Int32
	queued     atomic.Int32 // commands in MULTI, -1 outside
	queueBytes atomic.Int64
	protocol   atomic.Int32
	flags      atomic.Uint32
	queryBytes atomic.Int32 // memory of the read buffer
	waiting    atomic.Int32 // bytes in it that are no complete command yet
	replyBytes atomic.Int32 // memory of the reply buffer
	redirect   atomic.Int64 // who is told of changed keys: 0 this client, -1 tracking is off
	waiter     atomic.Pointer[waiter]
	killed     atomic.Bool
	unlooked   atomic.Bool // waits without having looked for the end of the stream
	label      atomic.Pointer[clientLabel]
}

// clientLabel is what a client said of itself.
type clientLabel struct{ name, libName, libVer string }

// foundCommand remembers the last lookup: clients repeat themselves.
type foundCommand struct {
	row  *Command
	size int
	name [maxCommandName]byte // as sent
}

// publishSizes tells CLIENT LIST about the buffers. They seldom change, so that mostly nothing is written.
func (c *Conn) publishSizes() {
	if size := int32(c.reader.Size()); size != c.shared.queryBytes.Load() {
		c.shared.queryBytes.Store(size)
		raise(&c.srv.stats.queryPeak, int64(size))
	}
	if size := int32(c.out.Size()); size != c.shared.replyBytes.Load() {
		c.shared.replyBytes.Store(size)
	}
	if n := int32(c.reader.Buffered()); n != c.shared.waiting.Load() {
		c.shared.waiting.Store(n)
	}
}

// flush waits until everything that the pending replies tell of is as durable as the policy asks, and sends them.
func (c *Conn) flush() error {
	err := c.sendReplies()
	c.releasePushes()
	return err
}

// sendReplies is flush without what waits for it.
func (c *Conn) sendReplies() error {
	if c.out.Len() == 0 {
		return nil
	}
	if need := c.txn.Need(); need != 0 {
		if err := c.waitForCommit(need); err != nil {
			c.closing = true
			return err
		}
	}
	if c.overOutputLimit() {
		c.closing = true
		c.out.Reset()
		return errOutputLimit
	}
	err := c.write(&c.out)
	c.out.Reset()
	if err != nil {
		c.closing = true
		return err
	}
	return nil
}

// errOutputLimit ends a connection whose reply is larger than client-output-buffer-limit allows.
var errOutputLimit = errors.New("output buffer limit reached")

// overOutputLimit reports whether the replies exceed client-output-buffer-limit.
func (c *Conn) overOutputLimit() bool {
	n := int64(c.out.Len())
	if n >= flushThreshold {
		raise(&c.srv.stats.outputPeak, n)
	}
	if !c.out.Overflowed() {
		return false
	}
	c.srv.log.Warn("client closed: its reply exceeds client-output-buffer-limit", "client", c.addr, "bytes", n,
		"limit", c.srv.cfg.Load().ClientOutputBufferLimit.Normal.HardBytes)
	return true
}

// waitForCommit waits for commit need, and tells the latency monitor if that took long.
func (c *Conn) waitForCommit(need uint64) error {
	if err := c.srv.engine.Wait(need); err != nil {
		return fmt.Errorf("wait for commit %d: %w", need, err)
	}
	c.txn.ClearNeed()
	before := c.clock
	took := c.tick() - before // also for write: what the disk took is not the client's fault
	c.counts.noteCommitWait(took)
	if threshold := time.Duration(c.srv.latencyThreshold.Load()); threshold > 0 {
		c.srv.latency.add(latencyCommit, time.Now(), took, threshold)
	}
	return nil
}

// write sends the replies. The peer has client-write-timeout to take them, or each piece of them (steadyWriter); the janitor closes the socket
// when it does not, which is cheaper than a deadline per write: a timer costs more than the rest of this function.
func (c *Conn) write(replies *resp.Writer) error {
	c.push.writeMu.Lock()
	c.shared.writing.Store(int64(c.clock) | 1) // never 0
	n, err := replies.WriteTo(steadyWriter{c})
	c.shared.writing.Store(0)
	c.push.writeMu.Unlock()
	c.counts.netOut.Add(uint64(n))
	c.counts.writes.Add(1)
	return err
}

// steadyWriter writes to a connection's socket. Each piece of long replies has its own time: who takes a long reply slowly is not stuck.
type steadyWriter struct{ c *Conn }

// longReplies is from when on replies are worth a look at the clock for each piece, the short last one too: most batches are shorter.
const longReplies = 64 << 10

// Write implements io.Writer.
func (w steadyWriter) Write(b []byte) (int, error) {
	if w.c.out.Len() >= longReplies {
		w.c.shared.writing.Store(int64(time.Since(w.c.srv.started)) | 1)
	}
	return w.c.sock.Write(b)
}

// tick reads the clock and returns it.
func (c *Conn) tick() time.Duration {
	c.clock = time.Since(c.srv.started)
	return c.clock
}

// guest reports whether the client still has to authenticate.
func (c *Conn) guest() bool { return !c.authed && c.srv.cfg.Load().RequirePass != "" }

// followLimits gives the reader the limits in force, if CONFIG SET may have changed them. A guest's change with AUTH as well.
func (c *Conn) followLimits() {
	if v := c.srv.cfg.Load(); v != c.ruled || !c.authed {
		c.ruled = v
		c.reader.SetLimits(c.limits(v))
		c.out.SetLimit(replyLimit(v.ClientOutputBufferLimit.Normal.HardBytes))
	}
}

// uncountedReply is how much of its replies does not count against a client's output buffer limit. In Redis every client has such a
// buffer to itself, so that a limit of a few bytes does not keep anybody from setting another.
const uncountedReply = 16 << 10

// replyLimit returns how many bytes of replies a client may have at once under a hard limit, 0 for no bound.
func replyLimit(hard int64) int {
	if hard == 0 {
		return 0
	}
	return int(min(hard, math.MaxInt-uncountedReply) + uncountedReply)
}

// limits returns what the client may send.
func (c *Conn) limits(v *config.Values) resp.Limits {
	return resp.Limits{
		Args: v.MaxArguments, Bulk: int(v.ProtoMaxBulkLen), Inline: int(v.InlineMaxSize),
		Query: int(v.ClientQueryBufferLimit), Guest: c.guest(),
		GuestArgs: v.UnauthenticatedMaxArgs, GuestBulk: int(v.UnauthenticatedMaxBulk),
	}
}

// noteReadError tells the log why a connection ends, where that is worth a line.
func (c *Conn) noteReadError(err error) {
	switch {
	case errors.Is(err, resp.ErrQueryTooLong):
		c.srv.log.Warn("client closed: it reached client-query-buffer-limit", "client", c.addr)
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
	default:
		c.srv.log.Debug("client closed", "client", c.addr, "error", err)
	}
}

// cleanUp ends the connection, after a panic too: that is one client's end, not the server's.
func (c *Conn) cleanUp() {
	if fault := recover(); fault != nil {
		c.srv.log.Error("a command panicked: its client is closed", "client", c.addr, "command", c.call.name(),
			"panic", fault, "stack", string(debug.Stack()))
		if c.call.name() == "exec" {
			c.txn.Fail(errHalfTransaction)
		}
	}
	if c.locked {
		c.txn.Unlock()
	}
	c.deliver()
	if c.waiter != nil {
		c.waiter.leave()
		c.endWait()
	}
	c.unwatch()
	c.stopTracking()
	c.srv.monitoring.remove(c)
	c.setUnlooked(false)
	c.kill()
	c.push.wait()
	closeSocket(c.sock)
}

// errHalfTransaction ends the process: after a restart none of the transaction has happened, which is what its client is to believe.
var errHalfTransaction = errors.New("a command panicked in the middle of a transaction that has changed something")

// kill ends the connection: nothing more is read or written. Any goroutine may call it; the one that serves the connection closes the
// socket. Close itself would wait until nobody uses the socket, and may be asked for by who holds what its user waits for.
func (c *Conn) kill() {
	if c.shared.killed.Swap(true) {
		return
	}
	c.srv.clients.remove(c)     // it is not listed any more, and not killed again
	c.sock.SetDeadline(longAgo) //nolint:errcheck // then it is closed already
	close(c.done)
	c.push.stop()
}

// longAgo is a deadline that has passed: who reads looks up.
var longAgo = time.Unix(1, 0)

// goesOn reports whether nobody has asked for the connection's end. Close and kill first leave word and then set a deadline, so who sets one
// asks afterwards.
func (c *Conn) goesOn() bool { return c.srv.gate.Load()&gateDraining == 0 && !c.shared.killed.Load() }

// liftDeadline lets reads take as long as they like, unless the connection is to end.
func (c *Conn) liftDeadline() {
	c.sock.SetReadDeadline(time.Time{}) //nolint:errcheck // then it is closed, which the next read will tell
	if !c.goesOn() {
		c.closing = true
	}
}

// closeSocket closes the transport itself: TLS would first try to say goodbye to a peer that may not be reading.
func closeSocket(sock net.Conn) {
	innermost(sock).Close() //nolint:errcheck // nothing is left to be done about a socket that does not close
}

// innermost returns the transport itself.
func innermost(sock net.Conn) net.Conn {
	for {
		outer, ok := sock.(interface{ NetConn() net.Conn })
		if !ok {
			return sock
		}
		sock = outer.NetConn()
	}
}

// local reports whether the client is on this machine.
func (c *Conn) local() bool { return c.loopback }

// fd returns the socket's file descriptor, -1 if it is closed.
func (c *Conn) fd() int {
	fd := -1
	if s, ok := innermost(c.sock).(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			raw.Control(func(n uintptr) { fd = int(n) }) //nolint:errcheck // closed: -1
		}
	}
	return fd
}

// pushQueue holds what is sent to a client that did not ask for it just now: MONITOR lines, invalidations. A goroutine of its own
// writes it, since the one that serves the connection may be waiting for the next command.
type pushQueue struct {
	writeMu sync.Mutex // serialises writes to the socket

	mu struct {
		sync.Mutex
		pending   []byte
		running   bool
		held      bool // until the replies before it are sent
		stopped   bool
		softSince time.Time // when pending exceeded the soft limit; zero: it does not
	}
	wg sync.WaitGroup
}
