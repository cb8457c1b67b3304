package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// profileFor is how long the profile is taken: at a hundred samples a second, one in a thousand can be seen.
const profileFor = 10 * time.Second

// profile runs the first closed load that -run selects against Quipu and stores the CPU profile of its server meanwhile.
func (b *bench) profile(ctx context.Context) error {
	on, load, err := b.firstClosedLoad()
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	admin := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	srv, err := b.startServer(ctx, b.quipu, load.mode, "--admin-address", admin)
	if err != nil {
		return err
	}
	defer srv.discard()
	if err := on.fill(b.opts, srv.addr); err != nil {
		return fmt.Errorf("making the %s: %w", on.name, err)
	}
	b.log.Info("profiling", "load", load.name, "for", profileFor, "file", b.opts.profileFile)
	return b.profileUnder(ctx, srv, load, admin)
}

func (b *bench) firstClosedLoad() (population, closedLoad, error) {
	for _, p := range populations() {
		for _, l := range p.loads {
			if b.wants(l) {
				return p, l, nil
			}
		}
	}
	return population{}, closedLoad{}, fmt.Errorf("-profile needs a closed load such as incrby/always/p16; -run %v selects none", b.opts.rows)
}

// profileUnder keeps the load running, by the native generator, until the profile is there.
func (b *bench) profileUnder(ctx context.Context, srv *server, l closedLoad, admin string) error {
	load := b.traffic(l)
	var stop atomic.Bool
	ended := make(chan error, 1)
	go func() {
		ended <- eachConn(srv.addr, connections, func(c *conn, id int) error {
			return c.drive(maxKeys, load.pipeline, load.requestsOf(id), func(int, time.Duration) bool { return !stop.Load() })
		})
	}()
	fetched := b.fetchProfile(ctx, admin)
	stop.Store(true)
	return errors.Join(fetched, <-ended)
}

func (b *bench) fetchProfile(ctx context.Context, admin string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", admin, int(profileFor.Seconds()))
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("asking for the profile: %w", err)
	}
	answer, err := http.DefaultClient.Do(asked)
	if err != nil {
		return fmt.Errorf("fetching the profile: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("fetching the profile: %s", strings.ToLower(answer.Status))
	}
	file, err := os.Create(b.opts.profileFile)
	if err != nil {
		return fmt.Errorf("creating the profile: %w", err)
	}
	_, copied := io.Copy(file, answer.Body)
	return errors.Join(copied, file.Close())
}
