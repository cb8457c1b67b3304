package server

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"quipu/engine"
	"quipu/server/config"
	"quipu/server/resp"
)

// RedisVersion is the version whose commands, replies and error texts Quipu keeps to, and which it tells clients that ask.
const RedisVersion = "7.0.15"

// Options are what a Server is built from. Config, Engine and Logger must be set.
type Options struct {
	Config *config.Config
	Engine *engine.Engine
	Logger *slog.Logger
}

// Server answers Redis clients out of an engine. New makes one, Listen binds its addresses, and Close ends it.
type Server struct {
	cfg       *config.Config
	engine    *engine.Engine
	log       *slog.Logger
	table     *commandTable
	stats     *Stats
	slow      slowLog
	refusals  aclLog
	latency   latencyMonitor
	vitals    vitals
	tidier    tidier // the janitor's
	started   time.Time
	runID     string // 40 hexadecimal digits, new at each start
	databases int

	// What the hot path asks of the configuration, kept where it costs one load.
	slowest          atomic.Int64 // nanoseconds from which on somebody wants to know of a command
	latencyThreshold atomic.Int64 // nanoseconds; 0: the latency monitor is off
	latencyTracking  atomic.Bool

	gate       atomic.Uint32 // gateMonitored, ...
	clients    registry
	monitoring monitors
	tracker    tracker
	paused     pauseState
	attacks    limiter
	listeners  listeners
	shutdown   shutdownState
	batches    sync.Pool
	bulk       *bulkGate
	turnedAway atomic.Int32 // clients that turnAway still talks to
	replies    resp.Buffers // for those that are large

	stopping    chan struct{} // closed when the server begins to end
	stopOnce    sync.Once
	janitorOnce sync.Once
	wg          sync.WaitGroup // the goroutines of listeners and janitor
	connWG      sync.WaitGroup // those of connections
}

// New builds a server. It does no I/O and starts nothing.
func New(o Options) (*Server, error) {
	v := o.Config.Load()
	table, err := newTable(commandRows(), v.Renames)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: o.Config, engine: o.Engine, log: o.Logger, table: table, stats: newStats(len(table.rows)),
		started: time.Now(), runID: newRunID(), databases: v.Databases, stopping: make(chan struct{}),
		attacks:  limiter{every: time.Minute},
		batches:  sync.Pool{New: newBatch},
		bulk:     newBulkGate(bulkLimit),
		shutdown: shutdownState{requests: make(chan ShutdownRequest, 1)},
	}
	s.monitoring.srv = s
	s.tracker.srv, s.tracker.table.seed = s, maphash.MakeSeed()
	s.observe(v)
	o.Config.OnChange([]string{"slowlog-log-slower-than", "latency-monitor-threshold", "latency-tracking"}, func(_, v *config.Values) error {
		s.observe(v)
		return nil
	})
	o.Engine.OnExpireCycle(func(took time.Duration) {
		s.latency.add(latencyExpiry, time.Now(), took, time.Duration(s.latencyThreshold.Load()))
	})
	o.Config.OnChange([]string{"bind", "port", "tls-port"}, s.relisten)
	o.Engine.SetLimits(collectionLimits(o.Config.Load()))
	o.Engine.SetEviction(Eviction(v))
	o.Config.OnChange(evictionParameters, func(_, v *config.Values) error {
		o.Engine.SetEviction(Eviction(v))
		return nil
	})
	o.Config.OnChange(collectionParameters, func(_, v *config.Values) error {
		o.Engine.SetLimits(collectionLimits(v))
		return nil
	})
	o.Config.OnChange(tlsParameters, s.reloadTLS)
	return s, nil
}

// commandRows returns the rows of all families.
func commandRows() []*Command {
	return slices.Concat(
		connectionCommands(), clientCommands(), transactionCommands(), monitorCommands(), shutdownCommands(),
		counterCommands(), stringCommands(), setCommands(), lcsCommands(), compareCommands(), bitmapCommands(), hyperLogLogCommands(),
		memberCommands(), memberPickCommands(), setAlgebraCommands(),
		hashCommands(), hashCountCommands(), hashWalkCommands(), hashExpireCommands(), hashFieldCommands(),
		zsetCommands(), zsetRangeCommands(), zsetRemoveCommands(), zsetPopCommands(), zsetCombineCommands(), zsetWalkCommands(),
		listCommands(), listPopCommands(), listMoveCommands(), sortCommands(),
		keyCommands(), expireCommands(), scanCommands(), dumpCommands(), objectCommands(), databaseCommands(),
		infoCommands(), configCommands(), commandCommands(), adminCommands(), aclCommands(), clusterCommands(),
		slowlogCommands(), latencyCommands(), memoryCommands(), debugCommands(),
	)
}

// newRunID returns the identifier of this run.
func newRunID() string {
	var id [20]byte
	rand.Read(id[:]) //nolint:errcheck // it never fails
	return hex.EncodeToString(id[:])
}

// observe keeps what the hot path needs to know of the slow log and the latency monitor.
func (s *Server) observe(v *config.Values) {
	slowest := int64(math.MaxInt64)
	if v.SlowlogLogSlowerThan >= 0 {
		slowest = int64(v.SlowlogLogSlowerThan)
	}
	if v.LatencyMonitorThreshold > 0 {
		slowest = min(slowest, int64(v.LatencyMonitorThreshold))
	}
	s.slowest.Store(slowest)
	s.latencyThreshold.Store(int64(v.LatencyMonitorThreshold))
	s.latencyTracking.Store(v.LatencyTracking)
}

// serve serves a socket that was accepted, from a goroutine of its own. The connection has its identifier when serve returns: identifiers
// tell who came first.
func (s *Server) serve(sock net.Conn) {
	c, v := s.newConn(sock), s.cfg.Load()
	if !s.clients.add(c, v.MaxClients) {
		s.stats.rejected.Add(1)
		s.turnAway(sock)
		return
	}
	s.connWG.Go(func() { s.welcome(c, v) })
}

// welcome serves a connection that is registered, and came while v was the configuration, unless it must be refused.
func (s *Server) welcome(c *Conn, v *config.Values) {
	sock := c.sock
	s.stats.connections.Add(1)
	if s.gate.Load()&gateDraining != 0 { // Close may not have seen it
		s.clients.remove(c)
		closeSocket(sock)
		return
	}
	if err := shakeHands(sock, v.TLSHandshakeTimeout); err != nil {
		s.log.Debug("client closed", "client", c.addr, "error", err)
		s.clients.remove(c)
		closeSocket(sock)
		return
	}
	if v.ProtectedMode && v.RequirePass == "" && !c.loopback {
		s.clients.remove(c)
		s.refuse(sock, ErrProtectedMode)
		return
	}
	c.serve()
}

// maxTurnedAway is how many clients may take their time to hear that there are too many: they have files open beyond maxclients.
const maxTurnedAway = 32

// turnAway refuses a connection because there are too many. A new socket takes a short text at once; TLS asks its peer for a handshake first.
func (s *Server) turnAway(sock net.Conn) {
	if _, secured := sock.(*tls.Conn); !secured {
		s.refuse(sock, ErrMaxClients)
		return
	}
	if s.turnedAway.Add(1) > maxTurnedAway {
		s.turnedAway.Add(-1)
		closeSocket(sock)
		return
	}
	s.connWG.Go(func() {
		defer s.turnedAway.Add(-1)
		s.refuse(sock, ErrMaxClients)
	})
}

// refuse tells a client why it is not let in, if it can be told at once, and closes the socket.
func (s *Server) refuse(sock net.Conn, why error) {
	sock.SetDeadline(time.Now().Add(time.Second)) //nolint:errcheck // then the write fails; over TLS it also reads, for the handshake
	fmt.Fprintf(sock, "-%s\r\n", why)             //nolint:errcheck // the client is closed in any case
	closeSocket(sock)
}

// newConn returns the state of a new connection.
func (s *Server) newConn(sock net.Conn) *Conn {
	c := &Conn{
		srv: s, sock: sock, addr: peerName(sock.RemoteAddr(), sock.LocalAddr()), localAddr: peerName(sock.LocalAddr(), sock.LocalAddr()),
		loopback: isLocal(sock.RemoteAddr()), created: time.Since(s.started), txn: s.engine.NewTxn(), done: make(chan struct{}),
	}
	c.follower, _ = sock.(follower)
	c.authed = s.cfg.Load().RequirePass == ""
	c.call = Call{Txn: c.txn, Out: &c.out, Conn: c, Srv: s}
	c.out.Borrow(&s.replies)
	c.reader = resp.NewReader(c.limits(s.cfg.Load()))
	c.shared.lastActive.Store(int64(c.created))
	c.shared.queued.Store(-1)
	c.shared.redirect.Store(-1)
	c.shared.protocol.Store(2)
	c.publishLabel()
	if sock.LocalAddr().Network() == "unix" {
		c.setFlag(clientUnix, true)
	}
	return c
}

// Table returns the top-level rows, sorted by name, for those who document them.
func (s *Server) Table() []*Command { return s.table.top }
