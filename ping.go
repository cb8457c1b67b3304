package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// pingTimeout bounds ping: a container's health check has little more.
const pingTimeout = 3 * time.Second

// ping asks a running server for a sign of life. A server that wants a password first lives too.
func ping(args []string, stdout io.Writer) error {
	addr := "127.0.0.1:6379"
	if len(args) > 0 {
		addr = args[0]
	}
	network := "tcp"
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	conn, err := net.DialTimeout(network, addr, pingTimeout)
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	defer conn.Close()                            //nolint:errcheck // nothing is left to be said on it
	conn.SetDeadline(time.Now().Add(pingTimeout)) //nolint:errcheck // then the read fails
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return fmt.Errorf("ping %s: %w", addr, err)
	}
	line, err := bufio.NewReader(io.LimitReader(conn, 1024)).ReadString('\n')
	if err != nil {
		return fmt.Errorf("ping %s: %w", addr, err)
	}
	line = strings.TrimSpace(line)
	if line != "+PONG" && !strings.HasPrefix(line, "-NOAUTH") {
		return fmt.Errorf("ping %s: %s", addr, line)
	}
	_, err = fmt.Fprintln(stdout, "PONG")
	return err
}
