package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"quipu/engine"
)

// ShutdownRequest is what a client asked for with SHUTDOWN.
type ShutdownRequest struct {
	// Save is whether the last checkpoint is to be written although the configuration would not have it, NoSave that it is not,
	// although the configuration would.
	Save, NoSave bool
	// Now is whether connections are cut without waiting for them.
	Now bool
	// Force is whether the server ends in order even if the last checkpoint fails. The log has what the checkpoint has not.
	Force bool
}

// shutdownState carries a request to the owner of the server.
type shutdownState struct {
	requests chan ShutdownRequest
}

// ShutdownRequests delivers what SHUTDOWN asks for. Its owner answers with Close.
func (s *Server) ShutdownRequests() <-chan ShutdownRequest { return s.shutdown.requests }

// shutdownCommands returns the row of SHUTDOWN.
func shutdownCommands() []*Command {
	return []*Command{{
		Name: "shutdown", Arity: -1, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale | FlagNoMulti | FlagAllowBusy,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "1.0.0",
		Complexity: "O(N) when saving, where N is the number of keys that changed since the last checkpoint, otherwise O(1)",
		Summary:    "Writes a checkpoint and ends the server.",
		Args: []Arg{
			{Name: "nosave_save", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "nosave", Type: ArgPureToken, Token: "NOSAVE"},
				{Name: "save", Type: ArgPureToken, Token: "SAVE"},
			}},
			{Name: "now", Type: ArgPureToken, Token: "NOW", Flags: ArgOptional, Since: "7.0.0"},
			{Name: "force", Type: ArgPureToken, Token: "FORCE", Flags: ArgOptional, Since: "7.0.0"},
			{Name: "abort", Type: ArgPureToken, Token: "ABORT", Flags: ArgOptional, Since: "7.0.0"},
		},
		Run: shutdownServer,
	}}
}

// parseShutdown reads the arguments of SHUTDOWN.
func parseShutdown(args [][]byte) (r ShutdownRequest, abort bool, err error) {
	for _, arg := range args {
		switch {
		case equalFold(arg, "nosave"):
			r.NoSave = true
		case equalFold(arg, "save"):
			r.Save = true
		case equalFold(arg, "now"):
			r.Now = true
		case equalFold(arg, "force"):
			r.Force = true
		case equalFold(arg, "abort"):
			abort = true
		default:
			return r, abort, ErrSyntax
		}
	}
	if r.Save && r.NoSave || abort && r != (ShutdownRequest{}) {
		return r, abort, ErrSyntax
	}
	return r, abort, nil
}

// shutdownServer writes a checkpoint while clients are still served, so that little is left to write when they no longer are, and asks the
// owner to end the server. It has no reply but that the connection closes, unless the checkpoint fails.
func shutdownServer(c *Call) error {
	request, abort, err := parseShutdown(c.Args[1:])
	switch {
	case err != nil:
		return err
	case abort:
		return ErrNoShutdown // a shutdown that has begun is not undone
	}
	if c.Srv.Saves(request) {
		err := c.Srv.engine.Checkpoint(context.Background())
		if err != nil && !errors.Is(err, engine.ErrCheckpointRunning) && !request.Force {
			c.Srv.log.Error("SHUTDOWN refused: the checkpoint failed", "error", err)
			return ErrShuttingDown
		}
	}
	select {
	case c.Srv.shutdown.requests <- request:
	default: // one is on its way already
	}
	c.Conn.closing = true
	return nil
}

// Saves reports whether a shutdown writes a checkpoint: as in Redis, not where nothing is configured to outlive the process. Nor can one be
// written to a disk that has been full since the start, when nothing can have changed.
func (s *Server) Saves(r ShutdownRequest) bool {
	v := s.cfg.Load()
	if s.engine.Limited() {
		return false
	}
	return r.Save || !r.NoSave && (v.AppendOnly || len(v.SavePoints) > 0)
}

// Close stops accepting, lets every connection finish the commands that it has read, with their replies, and returns when all
// goroutines of the server have ended. Connections that take longer than ctx allows are cut, and their number is returned.
func (s *Server) Close(ctx context.Context) (cut int) {
	s.stopOnce.Do(func() { close(s.stopping) })
	s.gate.Or(gateDraining)
	s.listeners.stop()
	for _, c := range s.clients.all() {
		c.sock.SetReadDeadline(longAgo) //nolint:errcheck // then it is closed already
	}
	drained := make(chan struct{})
	go func() {
		s.wg.Wait() // who accepts may be about to add a connection
		s.connWG.Wait()
		close(drained)
	}()
	select {
	case <-drained:
	case <-ctx.Done():
		conns := s.clients.all()
		cut = len(conns)
		for _, c := range conns {
			c.kill()
		}
		<-drained
	}
	return cut
}

// limiter lets something through at most once per period.
type limiter struct {
	every time.Duration
	mu    sync.Mutex
	last  time.Time
}

// allow reports whether it may happen now.
func (l *limiter) allow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() && now.Sub(l.last) < l.every {
		return false
	}
	l.last = now
	return true
}
