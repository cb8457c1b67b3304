package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// subject is one of the two servers compared.
type subject struct {
	name   string // the column of the table
	binary string
	// compactCommand is what makes the server write its state as compactly as it can, with an append-only file.
	compactCommand string
}

// mode is a persistence mode, by its part of row names and its words in the table, with the arguments that
// choose it in either server.
type mode struct {
	name, title string
	args        []string
}

var (
	modeNone     = mode{"none", "no persistence", []string{"--appendonly", "no", "--save", ""}}
	modeAlways   = mode{"always", "`appendfsync always`", []string{"--appendonly", "yes", "--appendfsync", "always", "--save", ""}}
	modeEverysec = mode{"everysec", "`appendfsync everysec`", []string{"--appendonly", "yes", "--appendfsync", "everysec", "--save", ""}}
)

const (
	// startTimeout is how long a server may take to answer. Redis reads ten million counters in several seconds.
	startTimeout = 5 * time.Minute
	// pollStart is the resolution of a start. pollWork is that of work in the background: asking oftener
	// would be a load of its own.
	pollStart = 500 * time.Microsecond
	pollWork  = 10 * time.Millisecond
)

// server is a running subject.
type server struct {
	subject subject
	addr    string
	dir     string
	args    []string
	cpus    string

	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
	output  string        // file of what it printed
}

// newServer prepares a server on a data directory of its own; start starts it.
func (b *bench) newServer(s subject, m mode, extra ...string) (*server, error) {
	dir, err := os.MkdirTemp(b.scratch, s.name+"-")
	if err != nil {
		return nil, fmt.Errorf("making a data directory: %w", err)
	}
	return &server{
		subject: s,
		dir:     filepath.Join(dir, "data"),
		output:  filepath.Join(dir, "output"),
		args:    append(append([]string{}, m.args...), extra...),
		cpus:    b.opts.serverCPUs,
	}, os.Mkdir(filepath.Join(dir, "data"), 0o755)
}

// startServer starts a server on an empty directory and waits until it answers.
func (b *bench) startServer(ctx context.Context, s subject, m mode, extra ...string) (*server, error) {
	srv, err := b.newServer(s, m, extra...)
	if err != nil {
		return nil, err
	}
	if err := srv.start(ctx); err != nil {
		return nil, err
	}
	return srv, srv.waitUntil(ctx, pollStart, answersPing)
}

// start starts the process and returns at once.
func (s *server) start(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	output, err := os.OpenFile(s.output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening the server's output: %w", err)
	}
	defer output.Close()
	command := []string{s.subject.binary, "--port", strconv.Itoa(port), "--dir", s.dir}
	command = pinned(s.cpus, append(command, s.args...))
	s.process = exec.CommandContext(ctx, command[0], command[1:]...)
	s.process.Stdout, s.process.Stderr = output, output
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", s.subject.name, err)
	}
	ended := make(chan struct{})
	s.ended = ended
	go func(process *exec.Cmd) {
		_ = process.Wait() // how it ended is in its output
		close(ended)
	}(s.process)
	return nil
}

// waitUntil calls ready, once in every interval, until it answers true, the server ends, or startTimeout passes. A
// refused connection and an error reply (LOADING) mean: not yet.
func (s *server) waitUntil(ctx context.Context, interval time.Duration, ready func(*conn) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	poll := time.NewTicker(interval)
	defer poll.Stop()
	for {
		ok, err := s.ask(ready)
		if ok || err != nil {
			return err
		}
		select {
		case <-poll.C:
		case <-s.ended:
			return fmt.Errorf("%s ended instead of answering; its output:\n%s", s.subject.name, s.tail())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; its output:\n%s", s.subject.name, ctx.Err(), s.tail())
		}
	}
}

// ask asks once over a connection of its own.
func (s *server) ask(ready func(*conn) (bool, error)) (bool, error) {
	c, err := dial(s.addr)
	if err != nil {
		return false, nil // not listening yet
	}
	defer c.close()
	ok, err := ready(c)
	var refused refusal
	var network net.Error
	if errors.As(err, &refused) || errors.As(err, &network) || errors.Is(err, io.EOF) {
		return false, nil
	}
	return ok, err
}

func answersPing(c *conn) (bool, error) {
	reply, err := c.do("PING")
	return reply == "PONG", err
}

// pid is the process whose CPU and memory count.
func (s *server) pid() int { return s.process.Process.Pid }

// kill is kill -9.
func (s *server) kill() {
	_ = s.process.Process.Kill() // it may have ended by itself
	<-s.ended
}

// discard ends the server without ceremony and removes what it has written.
func (s *server) discard() {
	if s.process != nil {
		s.kill()
	}
	_ = os.RemoveAll(filepath.Dir(s.dir)) // the scratch directory goes at the end in any case
}

// tail is the end of what the server printed.
func (s *server) tail() string {
	output, err := os.ReadFile(s.output)
	if err != nil {
		return err.Error()
	}
	return string(output[max(0, len(output)-2000):])
}

// call runs one command over a connection of its own.
func (s *server) call(args ...string) (any, error) {
	c, err := dial(s.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.do(args...)
}

// quiesce waits until the server writes nothing in the background.
func (s *server) quiesce(ctx context.Context) error {
	return s.waitUntil(ctx, pollWork, func(c *conn) (bool, error) {
		info, err := c.info("persistence")
		if err != nil {
			return false, err
		}
		for _, field := range []string{"rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"} {
			if value := info[field]; value != "" && value != "0" {
				return false, nil
			}
		}
		return true, nil
	})
}

// background runs a command such as BGSAVE and waits until its work is done.
func (s *server) background(ctx context.Context, command string) error {
	if err := s.quiesce(ctx); err != nil {
		return err
	}
	if _, err := s.call(command); err != nil {
		return err
	}
	return s.quiesce(ctx)
}

// freePort asks the kernel for a port that nobody uses now. Somebody might take it before the server does;
// then the server says so and the row fails.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
