package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/pprof/profile"
)

// profileFor is how long the profile is taken: at a hundred samples a second, one in a thousand can be seen.
const profileFor = 10 * time.Second

// profile runs the closed loads that -run selects against Quipu, one after the other on a fresh server, and stores the CPU profile of its
// servers meanwhile: all of them in one file, each load with the same weight.
func (b *bench) profile(ctx context.Context) error {
	var taken []*profile.Profile
	for _, p := range populations() {
		for _, l := range p.loads {
			if !b.wants(l) {
				continue
			}
			b.log.Info("profiling", "load", l.name, "for", profileFor)
			of, err := b.profileOf(ctx, p, l)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			taken = append(taken, of)
		}
	}
	if len(taken) == 0 {
		return fmt.Errorf("-profile needs closed loads such as incrby/always/p16; -run %v selects none", b.opts.rows)
	}
	merged, err := profile.Merge(taken)
	if err != nil {
		return fmt.Errorf("merging the profiles: %w", err)
	}
	return store(anonymous(merged), b.opts.profileFile)
}

// anonymous removes what tells of the machine and of the build: a profile that is kept should differ from the next only in what it measured.
func anonymous(p *profile.Profile) *profile.Profile {
	for _, m := range p.Mapping {
		m.File, m.BuildID = "", ""
	}
	p.TimeNanos, p.Comments = 0, nil
	return p.Compact()
}

func store(p *profile.Profile, name string) error {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("creating the profile: %w", err)
	}
	return errors.Join(p.Write(file), file.Close())
}

func (b *bench) profileOf(ctx context.Context, on population, load closedLoad) (*profile.Profile, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	admin := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	srv, err := b.startServer(ctx, b.quipu, load.mode, "--admin-address", admin)
	if err != nil {
		return nil, err
	}
	defer srv.discard()
	if err := on.fill(b.opts, srv.addr); err != nil {
		return nil, fmt.Errorf("making the %s: %w", on.name, err)
	}
	return b.profileUnder(ctx, srv, load, admin)
}

// profileUnder keeps the load running, by the native generator, until the profile is there.
func (b *bench) profileUnder(ctx context.Context, srv *server, l closedLoad, admin string) (*profile.Profile, error) {
	load := b.traffic(l)
	var stop atomic.Bool
	ended := make(chan error, 1)
	go func() {
		ended <- eachConn(srv.addr, connections, func(c *conn, id int) error {
			return c.drive(maxKeys, load.pipeline, load.requestsOf(id), func(int, time.Duration) bool { return !stop.Load() })
		})
	}()
	fetched, err := fetchProfile(ctx, admin)
	stop.Store(true)
	return fetched, errors.Join(err, <-ended)
}

func fetchProfile(ctx context.Context, admin string) (*profile.Profile, error) {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", admin, int(profileFor.Seconds()))
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for the profile: %w", err)
	}
	answer, err := http.DefaultClient.Do(asked)
	if err != nil {
		return nil, fmt.Errorf("fetching the profile: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching the profile: %s", strings.ToLower(answer.Status))
	}
	return profile.Parse(answer.Body)
}
