package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// openLoad sends requests at fixed times, whether or not earlier ones were answered, and takes latency from the
// time when a request was due. It is one thread on bare sockets: anything between it and the kernel would
// be late now and then, and its lateness would count as the server's.
type openLoad struct {
	began    time.Time
	interval time.Duration // between two requests
	next     request
	sockets  []openSocket
	polled   []unix.PollFd // one per socket
	buffer   []byte

	sent, answered int
	samples        []sample
	lateness       []time.Duration // how late the generator itself was with each request
	stop           atomic.Bool
}

// openSocket is a connection with the requests that wait for their replies, oldest first.
type openSocket struct {
	fd        int
	due       []time.Duration
	midLine   bool // a reply's first byte has come, its line end not yet
	isRefusal bool // the line under way is an error reply
}

// sample is one request: when it was due, from the beginning of the load, and how long after that its reply came.
type sample struct{ due, latency time.Duration }

// answerTimeout is how long the replies still due may take when the load has ended.
const answerTimeout = 30 * time.Second

// newOpenLoad connects.
func newOpenLoad(addr string, perSecond float64, next request) (*openLoad, error) {
	l := &openLoad{
		interval: time.Duration(float64(time.Second) / perSecond),
		next:     next,
		buffer:   make([]byte, 64<<10),
		samples:  make([]sample, 0, int(perSecond)*10),
		lateness: make([]time.Duration, 0, int(perSecond)*10),
	}
	for range connections {
		fd, err := connect(addr)
		if err != nil {
			l.close()
			return nil, err
		}
		l.sockets = append(l.sockets, openSocket{fd: fd})
		l.polled = append(l.polled, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	return l, nil
}

// connect opens a non-blocking socket to an address of the IPv4 loopback.
func connect(addr string) (int, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, fmt.Errorf("address %q: %w", addr, err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return 0, fmt.Errorf("address %q: %w", addr, err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("making a socket: %w", err)
	}
	target := &unix.SockaddrInet4{Port: number, Addr: [4]byte(net.ParseIP(host).To4())}
	err = errors.Join(
		unix.Connect(fd, target),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetNonblock(fd, true),
	)
	if err != nil {
		_ = unix.Close(fd)
		return 0, fmt.Errorf("connecting to %s: %w", addr, err)
	}
	return fd, nil
}

func (l *openLoad) close() {
	for i := range l.sockets {
		_ = unix.Close(l.sockets[i].fd)
	}
}

// run sends until stop is set and returns when every reply is there.
func (l *openLoad) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.began = time.Now()
	var ended time.Time
	for {
		if err := l.sendDue(); err != nil {
			return err
		}
		if l.stop.Load() {
			if l.answered == l.sent {
				return nil
			}
			if ended.IsZero() {
				ended = time.Now()
			} else if time.Since(ended) > answerTimeout {
				return fmt.Errorf("%d requests were not answered within %v", l.sent-l.answered, answerTimeout)
			}
		}
		if err := l.await(); err != nil {
			return err
		}
	}
}

// sendDue sends what is due by now.
func (l *openLoad) sendDue() error {
	for !l.stop.Load() {
		due := time.Duration(l.sent) * l.interval
		late := time.Since(l.began) - due
		if late < 0 {
			return nil
		}
		socket := &l.sockets[l.sent%len(l.sockets)]
		l.buffer = l.next(l.buffer[:0], l.sent)
		// Requests are far smaller than a socket's buffer: it takes one whole unless the server has not read for minutes.
		if n, err := unix.Write(socket.fd, l.buffer); err != nil || n < len(l.buffer) {
			return fmt.Errorf("sending: %d of %d bytes: %w", n, len(l.buffer), err)
		}
		socket.due = append(socket.due, due)
		l.lateness = append(l.lateness, late)
		l.sent++
	}
	return nil
}

// await sleeps until the next request is due or a reply is there, and reads the replies.
func (l *openLoad) await() error {
	wait := time.Duration(l.sent)*l.interval - time.Since(l.began)
	if l.stop.Load() {
		wait = time.Millisecond
	}
	timeout := unix.NsecToTimespec(max(0, int64(wait)))
	ready, err := unix.Ppoll(l.polled, &timeout, nil)
	if errors.Is(err, unix.EINTR) {
		return nil
	} else if err != nil {
		return fmt.Errorf("waiting for replies: %w", err)
	}
	for i := 0; ready > 0 && i < len(l.polled); i++ {
		if l.polled[i].Revents == 0 {
			continue
		}
		ready--
		if err := l.receive(&l.sockets[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *openLoad) receive(socket *openSocket) error {
	l.buffer = l.buffer[:cap(l.buffer)]
	n, err := unix.Read(socket.fd, l.buffer)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("receiving: %w", err)
	case n == 0:
		return errors.New("receiving: the server closed the connection")
	}
	return l.takeReplies(socket, l.buffer[:n], time.Since(l.began))
}

// takeReplies counts the line ends: each reply of the load is one line. Lines may come in pieces.
func (l *openLoad) takeReplies(socket *openSocket, received []byte, now time.Duration) error {
	for _, char := range received {
		if !socket.midLine {
			socket.midLine, socket.isRefusal = true, char == '-'
		}
		if char != '\n' {
			continue
		}
		socket.midLine = false
		if socket.isRefusal {
			return fmt.Errorf("an error reply: %w", refusal(received))
		}
		if len(socket.due) == 0 {
			return errors.New("a reply to nothing")
		}
		due := socket.due[0]
		socket.due = socket.due[1:]
		l.samples = append(l.samples, sample{due: due, latency: now - due})
		l.answered++
	}
	return nil
}
