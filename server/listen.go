package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"quipu/server/config"
)

// listeners are the sockets that the server accepts connections on.
type listeners struct {
	mu struct {
		sync.Mutex
		tcp   map[string]net.Listener // by the address that was asked for, "tls " before it for TLS
		unix  net.Listener
		given []net.Listener // by Serve
		ended bool           // by stop: nothing is listened on any more
	}
	tls tlsState
}

// Listen binds every address that the configuration names, and starts accepting. When it returns without error, clients can connect.
func (s *Server) Listen() error {
	v := s.cfg.Load()
	if err := s.reloadTLS(nil, v); err != nil {
		return err
	}
	if err := s.listenTCP(v); err != nil {
		return err
	}
	if err := s.listenUnix(v); err != nil {
		return err
	}
	if len(s.Addrs()) == 0 {
		return errors.New("configured to not listen anywhere: set port, tls-port or unixsocket")
	}
	s.startJanitor()
	return nil
}

// Serve accepts connections from ln, which the server owns from now on, until Close. It returns at once.
func (s *Server) Serve(ln net.Listener) {
	l := &s.listeners
	l.mu.Lock()
	l.mu.given = append(l.mu.given, ln)
	l.mu.Unlock()
	s.startJanitor()
	s.wg.Go(func() { s.accept(ln, plain) })
}

// Addrs returns the addresses that are listened on: TCP, then TLS, then the unix socket.
func (s *Server) Addrs() []net.Addr {
	l := &s.listeners
	l.mu.Lock()
	defer l.mu.Unlock()
	var plain, secured []net.Addr
	for name, ln := range l.mu.tcp {
		if strings.HasPrefix(name, tlsPrefix) {
			secured = append(secured, ln.Addr())
		} else {
			plain = append(plain, ln.Addr())
		}
	}
	addrs := append(plain, secured...)
	if l.mu.unix != nil {
		addrs = append(addrs, l.mu.unix.Addr())
	}
	return addrs
}

// tlsPrefix marks the addresses of listeners that speak TLS.
const tlsPrefix = "tls "

// wanted returns the addresses that a configuration asks for, each with whether it may be missing on this machine.
func wanted(v *config.Values) map[string]bool {
	addrs := make(map[string]bool)
	for _, host := range v.Bind {
		host, optional := strings.CutPrefix(host, "-")
		if v.Port != 0 {
			addrs[net.JoinHostPort(host, strconv.Itoa(v.Port))] = optional
		}
		if v.TLSPort != 0 {
			addrs[tlsPrefix+net.JoinHostPort(host, strconv.Itoa(v.TLSPort))] = optional
		}
	}
	return addrs
}

// relisten follows a change of bind, port or tls-port. What went wrong is in the log, as Redis's answers say.
func (s *Server) relisten(old, v *config.Values) error {
	s.listeners.mu.Lock()
	bound := s.listeners.mu.tcp != nil
	s.listeners.mu.Unlock()
	if !bound {
		return nil // Listen will see it
	}
	err := s.listenTCP(v)
	switch {
	case err == nil:
		return nil
	case slices.Equal(old.Bind, v.Bind):
		s.log.Error("Can not listen on the new port", "error", err)
		return errPortTaken
	default:
		s.log.Error("Can not listen on the new addresses", "error", err)
		return errBindFailed
	}
}

// listenTCP brings the TCP listeners in line with v: it opens what is new before it closes what is no longer wanted, but for what would
// be in the way of the new. That is opened again when the new fails all the same.
func (s *Server) listenTCP(v *config.Values) error {
	l := &s.listeners
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.ended {
		return errShuttingDown
	}
	if l.mu.tcp == nil {
		l.mu.tcp = make(map[string]net.Listener)
	}
	addrs := wanted(v)
	opened, err := l.openMissing(addrs)
	if errors.Is(err, syscall.EADDRINUSE) {
		rivals := l.rivals(addrs)
		l.close(rivals)
		if opened, err = l.openMissing(addrs); err != nil {
			s.reopen(rivals)
		}
	}
	if err != nil {
		return err
	}
	l.close(l.unwanted(addrs))
	s.acceptFrom(opened)
	return nil
}

// openMissing opens all that is wanted and not listened on yet, or nothing. The lock is held.
func (l *listeners) openMissing(addrs map[string]bool) (map[string]net.Listener, error) {
	opened := make(map[string]net.Listener)
	for addr, optional := range addrs {
		if l.mu.tcp[addr] != nil {
			continue
		}
		ln, err := bind(addr)
		if err != nil && (!optional || !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.EAFNOSUPPORT)) {
			closeAll(opened)
			return nil, err
		}
		if err == nil {
			opened[addr] = ln
		}
	}
	return opened, nil
}

// unwanted returns what is listened on and not wanted. The lock is held.
func (l *listeners) unwanted(addrs map[string]bool) (names []string) {
	for addr := range l.mu.tcp {
		if _, keep := addrs[addr]; !keep {
			names = append(names, addr)
		}
	}
	return names
}

// rivals returns what is not wanted and has the port of something that is: "*" excludes any other address of its port, and the other way
// round. The lock is held.
func (l *listeners) rivals(addrs map[string]bool) []string {
	ports := make(map[string]bool)
	for addr := range addrs {
		ports[portOf(addr)] = true
	}
	return slices.DeleteFunc(l.unwanted(addrs), func(addr string) bool { return !ports[portOf(addr)] })
}

// portOf returns what stands behind the last colon.
func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// close stops listening on the named addresses. The lock is held.
func (l *listeners) close(names []string) {
	for _, addr := range names {
		l.mu.tcp[addr].Close() //nolint:errcheck // it is gone either way
		delete(l.mu.tcp, addr)
	}
}

// reopen listens again where it was just closed. The lock is held.
func (s *Server) reopen(names []string) {
	for _, addr := range names {
		ln, err := bind(addr)
		if err != nil {
			s.log.Error("Can not listen any more where it did before", "error", err)
			continue
		}
		s.acceptFrom(map[string]net.Listener{addr: ln})
	}
}

// acceptFrom accepts connections from new listeners. The lock is held.
func (s *Server) acceptFrom(opened map[string]net.Listener) {
	for addr, ln := range opened {
		s.listeners.mu.tcp[addr] = ln
		s.wg.Go(func() { s.accept(ln, s.wrapper(addr)) })
	}
}

// closeAll closes listeners that will not be used after all.
func closeAll(lns map[string]net.Listener) {
	for _, ln := range lns {
		ln.Close() //nolint:errcheck // it was never used
	}
}

// bind opens one TCP listener.
func bind(addr string) (net.Listener, error) {
	addr = strings.TrimPrefix(addr, tlsPrefix)
	network := "tcp"
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("parse listening address %q: %w", addr, err)
	}
	switch host {
	case "*":
		network, host = "tcp4", "0.0.0.0"
	case "::*":
		network, host = "tcp6", "::"
	}
	lc := net.ListenConfig{KeepAlive: -1} // accept sets it
	ln, err := lc.Listen(context.Background(), network, net.JoinHostPort(host, port))
	if err != nil {
		return nil, listenError(addr, err)
	}
	return ln, nil
}

// listenError says where the server can not listen, and why. The net package would say the first again.
func listenError(where string, err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("listen on %s: %w", where, err)
}

// keepAlive spreads the probes as Redis does: a third of the period apart, dead after three without an answer.
func keepAlive(period time.Duration) net.KeepAliveConfig {
	if period == 0 {
		return net.KeepAliveConfig{Enable: false}
	}
	return net.KeepAliveConfig{Enable: true, Idle: period, Interval: max(period/3, time.Second), Count: 3}
}

// listenUnix opens the unix socket, if one is configured. A socket that a dead process left is replaced.
func (s *Server) listenUnix(v *config.Values) error {
	path := v.Path(v.UnixSocket)
	if path == "" {
		return nil
	}
	if err := removeStaleSocket(path); err != nil {
		return err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return listenError("unix socket "+path, err)
	}
	if v.UnixSocketPerm != 0 {
		if err := os.Chmod(path, v.UnixSocketPerm); err != nil {
			ln.Close() //nolint:errcheck // the first error is the one to tell
			return fmt.Errorf("set permissions of unix socket: %w", err)
		}
	}
	l := &s.listeners
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.unix = ln
	s.wg.Go(func() { s.accept(ln, plain) })
	return nil
}

// removeStaleSocket removes a socket that nobody listens on. Redis removes any, even that of a server which runs.
func removeStaleSocket(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return nil // Listen will tell what is wrong with it
	}
	if sock, err := net.Dial("unix", path); err == nil {
		sock.Close() //nolint:errcheck // it only had to open
		return fmt.Errorf("listen on unix socket %s: another process does", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove stale unix socket: %w", err)
	}
	return nil
}

// setKeepAlive gives a new connection tcp-keepalive, as it is now.
func (s *Server) setKeepAlive(sock net.Conn) {
	if tcp, ok := sock.(*net.TCPConn); ok {
		tcp.SetKeepAliveConfig(keepAlive(s.cfg.Load().TCPKeepAlive)) //nolint:errcheck // a dead peer is then found later, or by a write
	}
}

// plain is the wrapper of connections without TLS.
func plain(sock net.Conn) net.Conn { return newTransport(sock) }

// wrapper returns what is to be put around the connections to addr.
func (s *Server) wrapper(addr string) func(net.Conn) net.Conn {
	if strings.HasPrefix(addr, tlsPrefix) {
		return s.listeners.tls.wrap
	}
	return plain
}

// The pauses of a listener that gets an error, which mostly means that file descriptors are used up.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// accept takes connections until the listener is closed. It waits longer after every error in a row, so that running out of file
// descriptors does not also cost a core.
func (s *Server) accept(ln net.Listener, wrap func(net.Conn) net.Conn) {
	pause := time.Duration(0)
	for {
		sock, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			pause = min(max(2*pause, minAcceptPause), maxAcceptPause)
			s.log.Warn("cannot accept a connection", "error", err, "retry", pause)
			select {
			case <-time.After(pause):
			case <-s.stopping:
			}
			continue
		}
		pause = 0
		s.setKeepAlive(sock)
		s.serve(wrap(sock))
	}
}

// errShuttingDown answers a change of the addresses that comes too late.
var errShuttingDown = errors.New("the server is shutting down")

// stop closes all listeners, for good.
func (l *listeners) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.ended = true
	closeAll(l.mu.tcp)
	for _, ln := range l.mu.given {
		ln.Close() //nolint:errcheck // it is gone either way
	}
	if l.mu.unix != nil {
		l.mu.unix.Close() //nolint:errcheck // it also removes the file; a leftover is harmless
	}
}

// isLocal reports whether addr is this machine's: the unix socket, or a loopback address.
func isLocal(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// peerName returns an address as CLIENT LIST shows it: ip:port, or the socket's path and ":0".
func peerName(addr, local net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String()
	}
	return local.String() + ":0"
}
