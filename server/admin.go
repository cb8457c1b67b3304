package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Admin is the HTTP endpoint of operators: /metrics, /healthz, /readyz and /debug/pprof. It is apart from the clients' ports because
// it knows no passwords: it belongs on a private address.
type Admin struct {
	http *http.Server
	ln   net.Listener
	log  *slog.Logger
	done chan struct{}
}

// StartAdmin serves the endpoint of s on addr until Close. extra are collectors of other parts of the process.
func (s *Server) StartAdmin(addr string, extra ...prometheus.Collector) (*Admin, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, listenError("admin-address "+addr, err)
	}
	a := &Admin{
		http: &http.Server{
			Handler:           s.adminHandler(extra),
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      2 * time.Minute, // a CPU profile takes 30 seconds unless told otherwise
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		},
		ln: ln, log: s.log, done: make(chan struct{}),
	}
	go a.serve()
	return a, nil
}

// serve answers until the listener is closed.
func (a *Admin) serve() {
	defer close(a.done)
	if err := a.http.Serve(a.ln); !errors.Is(err, http.ErrServerClosed) {
		a.log.Error("the admin endpoint failed", "error", err)
	}
}

// Addr returns the address that is listened on.
func (a *Admin) Addr() net.Addr { return a.ln.Addr() }

// Close ends the endpoint. Requests in progress are waited for as long as ctx allows.
func (a *Admin) Close(ctx context.Context) error {
	err := a.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("shut the admin endpoint down: %w", err), a.http.Close())
	}
	<-a.done
	return err
}

// adminHandler routes the endpoint's paths.
func (s *Server) adminHandler(extra []prometheus.Collector) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newCollector(s))
	registry.MustRegister(extra...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", adminIndex)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// adminIndex tells what there is, to whoever opens the address.
func adminIndex(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	//nolint:errcheck // the client has gone
	fmt.Fprint(w, `Quipu

/metrics       metrics, for Prometheus
/healthz       200 while the process lives
/readyz        200 while it takes commands, 503 while it shuts down
/debug/pprof/  profiles, for go tool pprof
`)
}

// healthz answers that the process lives.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok") //nolint:errcheck // the client has gone
}

// readyz answers whether the process takes commands: not once it shuts down.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if s.gate.Load()&gateDraining != 0 {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready") //nolint:errcheck // the client has gone
}
