package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// refusal is an error reply of a server.
type refusal string

func (r refusal) Error() string { return string(r) }

// replyTimeout is how long a server may take for a batch before the benchmark gives up on it.
const replyTimeout = 2 * time.Minute

// conn is one client connection. It trusts the server, which a benchmark may.
type conn struct {
	raw    net.Conn
	reader *bufio.Reader
	out    []byte
}

func dial(addr string) (*conn, error) {
	raw, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return &conn{raw: raw, reader: bufio.NewReaderSize(raw, 64<<10)}, nil
}

func (c *conn) close() { _ = c.raw.Close() }

// do sends one command and returns its reply: string, int64, nil, or []any of these. An error reply comes
// back as a refusal.
func (c *conn) do(args ...string) (any, error) {
	c.out = appendCommand(c.out[:0], args...)
	if err := c.flush(); err != nil {
		return nil, err
	}
	reply, err := c.readReply()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	return reply, nil
}

// flush writes what out holds.
func (c *conn) flush() error {
	if err := c.raw.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return fmt.Errorf("setting the deadline: %w", err)
	}
	if _, err := c.raw.Write(c.out); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	c.out = c.out[:0]
	return nil
}

func (c *conn) readReply() (any, error) {
	line, err := c.readLine()
	if err != nil {
		return nil, err
	}
	switch kind, rest := line[0], string(line[1:]); kind {
	case '+':
		return rest, nil
	case '-':
		return nil, refusal(rest)
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		return c.readBulk(rest)
	case '*':
		return c.readArray(rest)
	default:
		return nil, fmt.Errorf("a reply that starts with %q", line)
	}
}

func (c *conn) readBulk(length string) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return nil, err
	}
	bulk := make([]byte, n+2)
	if _, err := io.ReadFull(c.reader, bulk); err != nil {
		return nil, fmt.Errorf("reading a reply: %w", err)
	}
	return string(bulk[:n]), nil
}

func (c *conn) readArray(length string) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return nil, err
	}
	elements := make([]any, n)
	for i := range elements {
		if elements[i], err = c.readReply(); err != nil {
			return nil, err
		}
	}
	return elements, nil
}

// readLine returns a line without its end, valid until the next read.
func (c *conn) readLine() ([]byte, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("reading a reply: %w", err)
	}
	if len(line) < 3 {
		return nil, fmt.Errorf("a reply without content: %q", line)
	}
	return line[:len(line)-2], nil
}

// skipReplies reads n replies and lets them go. An error reply, also inside an array, comes back as a refusal.
func (c *conn) skipReplies(n int) error {
	for ; n > 0; n-- {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		switch line[0] {
		case ':', '+':
		case '-':
			return refusal(line[1:])
		case '$':
			err = c.skipBulk(string(line[1:]))
		case '*':
			var elements int
			elements, err = strconv.Atoi(string(line[1:]))
			n += elements
		default:
			err = fmt.Errorf("a reply that starts with %q", line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) skipBulk(length string) error {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return err
	}
	if _, err := c.reader.Discard(n + 2); err != nil {
		return fmt.Errorf("reading a reply: %w", err)
	}
	return nil
}

// info returns the fields of a section of INFO.
func (c *conn) info(section string) (map[string]string, error) {
	reply, err := c.do("INFO", section)
	if err != nil {
		return nil, err
	}
	text, ok := reply.(string)
	if !ok {
		return nil, errors.New("INFO: not a string")
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

func appendCommand(dst []byte, args ...string) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(args)), 10)
	dst = append(dst, "\r\n"...)
	for _, arg := range args {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(arg)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(dst, arg...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}
