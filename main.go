// Quipu is a durable counter server that speaks the Redis protocol. This file is the architecture told in order: the configuration, the
// log, the engine with the store below it, the server above it, and the end.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"quipu/engine"
	"quipu/persist"
	"quipu/server"
	"quipu/server/config"
	"quipu/server/logging"
)

// The exit codes of the process.
const (
	exitOK      = 0
	exitFailure = 1   // could not start, lost its log, found damage
	exitForced  = 130 // a SIGINT cut the shutdown short
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run executes one of the program's commands and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var err error
	switch {
	case asksForHelp(args):
		_, err = io.WriteString(stdout, config.Usage)
	case len(args) > 0 && args[0] == "check":
		err = check(args[1:], stdout, stderr)
	case len(args) > 0 && args[0] == "ping":
		err = ping(args[1:], stdout)
	default:
		if err = setTimerSlack(); err == nil {
			err = serve(args, stdin, stdout)
		}
	}
	switch {
	case errors.Is(err, errLogged):
		return exitFailure
	case err != nil:
		fmt.Fprintln(stderr, err) //nolint:errcheck // there is no other place to tell
		return exitFailure
	}
	return exitOK
}

// asksForHelp reports whether one of the program's commands is to say what it is for, rather than take the question for its argument. Serving
// answers that itself.
func asksForHelp(args []string) bool {
	return len(args) == 2 && (args[0] == "check" || args[0] == "ping") && (args[1] == "-h" || args[1] == "--help")
}

// serve runs the server until a signal or SHUTDOWN ends it.
func serve(args []string, stdin io.Reader, stdout io.Writer) error {
	cfg, err := config.Parse(args, stdin)
	switch {
	case errors.Is(err, config.ErrHelp):
		_, err = io.WriteString(stdout, config.Usage)
		return err
	case errors.Is(err, config.ErrVersion):
		_, err = fmt.Fprintln(stdout, versionLine())
		return err
	case err != nil:
		return err
	}
	log, closeLog, err := openLog(cfg, stdout)
	if err != nil {
		return err
	}
	defer closeLog()
	if err := serveConfigured(cfg, log); err != nil {
		log.Error("Quipu ends because of an error", "error", err)
		return errLogged
	}
	return nil
}

// errLogged stands for an error that the log has.
var errLogged = errors.New("see the log")

// versionLine is what --version prints.
func versionLine() string {
	return fmt.Sprintf("Quipu server v=%s redis=%s go=%s bits=64", server.Version(), server.RedisVersion, strings.TrimPrefix(runtime.Version(), "go"))
}

// openLog returns the log that cfg describes, and what closes it.
func openLog(cfg *config.Config, stdout io.Writer) (*slog.Logger, func(), error) {
	v := cfg.Load()
	out, closeLog := stdout, func() {}
	if path := v.Path(v.LogFile); path != "" {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, nil, fmt.Errorf("logfile: %w", err)
		}
		out, closeLog = file, func() { file.Close() } //nolint:errcheck // every line was written at once
	}
	level := new(slog.LevelVar)
	level.Set(logLevel(v.LogLevel))
	cfg.OnChange([]string{"loglevel"}, func(_, v *config.Values) error {
		level.Set(logLevel(v.LogLevel))
		return nil
	})
	var handler slog.Handler = logging.NewHandler(out, level)
	if v.LogFormat == config.LogJSON {
		handler = logging.NewJSONHandler(out, level)
	}
	return slog.New(handler), closeLog, nil
}

// logLevel translates Redis's loglevel.
func logLevel(level config.LogLevel) slog.Level {
	switch level {
	case config.LogDebug:
		return slog.LevelDebug
	case config.LogVerbose:
		return logging.LevelVerbose
	case config.LogNotice:
		return slog.LevelInfo
	case config.LogWarning:
	}
	return slog.LevelWarn
}

// serveConfigured opens the store, starts the server on top of it, and ends both in the opposite order.
func serveConfigured(cfg *config.Config, log *slog.Logger) error {
	v := cfg.Load()
	signals := make(chan os.Signal, 2) // before the first line of the log: whoever has read that can have the process end in order
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	greet(cfg, log)
	tuneCollector()

	defer writePID(v.Path(v.PidFile), log)()

	files, err := claimFiles(cfg, log)
	if err != nil {
		return err
	}
	eng, err := openInterruptibly(cfg, files, signals, log)
	if err != nil {
		return err
	}
	srv, err := server.New(server.Options{Config: cfg, Engine: eng, Logger: log})
	if err != nil {
		return errors.Join(err, eng.Close())
	}
	if err := srv.Listen(); err != nil {
		return errors.Join(err, eng.Close())
	}
	admin, err := startAdmin(srv, v, log)
	if err != nil {
		return errors.Join(err, stop(srv, nil, eng, server.ShutdownRequest{NoSave: true}, log))
	}
	announce(v, log)
	tellSupervisor(v, "READY=1\nSTATUS=Ready to accept connections\n", log)

	request := waitForEnd(srv, signals, log)
	tellSupervisor(v, "STOPPING=1\n", log)
	go exitOnInterrupt(signals, log)
	return stop(srv, admin, eng, request, log)
}

// greet tells the log who starts, and with what.
func greet(cfg *config.Config, log *slog.Logger) {
	log.Info("Quipu is starting", "version", server.Version(), "redis", server.RedisVersion, "pid", os.Getpid(), "cores", runtime.GOMAXPROCS(0))
	if cfg.File() == "" {
		log.Info("no configuration file given: the defaults and the command line count")
	} else {
		log.Info("Configuration loaded", "file", cfg.File())
	}
	if ignored := cfg.Ignored(); len(ignored) > 0 {
		log.Warn("these parameters have no meaning here and are ignored: " + strings.Join(ignored, ", "))
	}
}

// collectorPercent is the garbage collector's target. The counters lie outside its heap, so that what it walks is small and mostly
// free of pointers; commands allocate next to nothing, so that a larger heap would save no work that shows.
const collectorPercent = 100

// tuneCollector sets the target, unless the environment does.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
}

// writePID writes the pidfile, if one is configured, and returns what removes it. As in Redis, a server that can not write it
// says so and serves.
func writePID(path string, log *slog.Logger) (remove func()) {
	if path == "" {
		return func() {}
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		log.Warn("Failed to write PID file", "error", err)
		return func() {}
	}
	return func() { os.Remove(path) } //nolint:errcheck // a leftover says nothing wrong for long
}

// openInterruptibly is openEngine, during which a signal ends the process at once: recovery changes nothing that the next start would not
// do over, and can take a while. The exit code is Redis's for this case.
func openInterruptibly(cfg *config.Config, storeFiles int, signals <-chan os.Signal, log *slog.Logger) (*engine.Engine, error) {
	opened := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-signals:
			log.Warn("Received shutdown signal during loading, exiting now.")
			os.Exit(exitFailure)
		case <-opened:
		}
	})
	defer watcher.Wait()
	defer close(opened)
	return openEngine(cfg, storeFiles, log)
}

// openEngine recovers the counters.
func openEngine(cfg *config.Config, storeFiles int, log *slog.Logger) (*engine.Engine, error) {
	v := cfg.Load()
	began := time.Now()
	eng, err := engine.Open(engine.Options{
		Databases: v.Databases, Dir: v.Dir, AppendOnly: v.AppendOnly, Fsync: fsyncPolicy(v.AppendFsync),
		MaxMemory: v.MaxMemory, Eviction: server.Eviction(v),
		CheckpointLogBytes: v.CheckpointLogSize, CheckpointInterval: v.CheckpointInterval,
		SegmentBytes: v.LogSegmentSize, StoreCacheBytes: v.StoreCacheSize, StoreFiles: storeFiles, StallTimeout: stallTimeout(v),
		Logger: log, Fatal: func(err error) { die(log, err) },
	})
	if err != nil {
		return nil, err
	}
	log.Info("data directory opened", "dir", v.Dir, "took", time.Since(began).Round(time.Millisecond))
	warnOfRedisFiles(cfg, log)
	if !v.AppendOnly {
		log.Warn("appendonly is no: a crash loses what has changed since the last checkpoint. With appendonly yes it loses nothing.")
	}
	followConfig(cfg, eng)
	return eng, nil
}

// warnOfRedisFiles tells those who come with the files of a Redis that these are not read.
func warnOfRedisFiles(cfg *config.Config, log *slog.Logger) {
	for _, named := range cfg.Get("dbfilename", "appenddirname") {
		path := filepath.Join(cfg.Load().Dir, named[1])
		if _, err := os.Stat(path); err == nil && named[1] != "" {
			log.Warn("Data of Redis is in the directory, and is not read: bring it over with DUMP and RESTORE.", "path", path)
		}
	}
}

// followConfig lets CONFIG SET reach the engine.
func followConfig(cfg *config.Config, eng *engine.Engine) {
	cfg.OnChange([]string{"appendfsync"}, func(_, v *config.Values) error {
		eng.SetFsync(fsyncPolicy(v.AppendFsync))
		return nil
	})
	cfg.OnChange([]string{"appendonly"}, func(_, v *config.Values) error { return eng.SetAppendOnly(v.AppendOnly) })
	cfg.OnChange([]string{"maxmemory"}, func(_, v *config.Values) error {
		eng.SetMaxMemory(v.MaxMemory)
		return nil
	})
	cfg.OnChange([]string{"checkpoint-log-size", "checkpoint-interval"}, func(_, v *config.Values) error {
		eng.SetCheckpointLimits(v.CheckpointLogSize, v.CheckpointInterval)
		return nil
	})
}

// stallTimeout returns commit-stall-timeout as the engine wants it, for which 0 is the default.
func stallTimeout(v *config.Values) time.Duration {
	if v.CommitStallTimeout == 0 {
		return engine.NoStallTimeout
	}
	return v.CommitStallTimeout
}

// fsyncPolicy translates appendfsync.
func fsyncPolicy(f config.Fsync) engine.FsyncPolicy {
	switch f {
	case config.FsyncAlways:
		return engine.FsyncAlways
	case config.FsyncEverySecond:
		return engine.FsyncEverySec
	case config.FsyncNever:
	}
	return engine.FsyncNo
}

// die ends the process at once, when it can not keep its promise any more: log or store can no longer be written, or the store not be
// read.
func die(log *slog.Logger, err error) {
	if errors.Is(err, persist.ErrDamaged) {
		log.Error("FATAL: the data directory is damaged, and nothing more is acknowledged: it would be lost with what has to be restored.", "error", err)
	} else {
		log.Error("FATAL: the data directory can no longer be written. Nothing that was acknowledged is lost, and nothing more is acknowledged. "+
			"Check the disk, then start again.", "error", err)
	}
	os.Exit(exitFailure)
}

// startAdmin starts the HTTP endpoint, if one is configured.
func startAdmin(srv *server.Server, v *config.Values, log *slog.Logger) (*server.Admin, error) {
	if v.AdminAddress == "" {
		return nil, nil
	}
	admin, err := srv.StartAdmin(v.AdminAddress)
	if err != nil {
		return nil, err
	}
	log.Info("The admin endpoint is ready", "address", admin.Addr())
	return admin, nil
}

// announce logs the lines that scripts wait for.
func announce(v *config.Values, log *slog.Logger) {
	if v.Port != 0 && len(v.Bind) > 0 {
		log.Info("The server is now ready to accept connections on port " + strconv.Itoa(v.Port))
	}
	if v.TLSPort != 0 && len(v.Bind) > 0 {
		log.Info("The server is now ready to accept TLS connections on port " + strconv.Itoa(v.TLSPort))
	}
	if path := v.Path(v.UnixSocket); path != "" {
		log.Info("The server is now ready to accept connections at " + path)
	}
}

// tellSupervisor sends the service manager a message, where the configuration asks for it and there is one.
func tellSupervisor(v *config.Values, state string, log *slog.Logger) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" || !v.Supervised.Systemd() {
		return
	}
	sock, err := net.Dial("unixgram", path) // a leading @ is an abstract socket, to Go and to systemd
	if err == nil {
		_, err = io.WriteString(sock, state)
		err = errors.Join(err, sock.Close())
	}
	if err != nil {
		log.Warn("The service manager can not be told how the server fares", "socket", path, "error", err)
	}
}

// waitForEnd returns when somebody wants the server to end.
func waitForEnd(srv *server.Server, signals <-chan os.Signal, log *slog.Logger) server.ShutdownRequest {
	select {
	case sig := <-signals:
		log.Warn("Received " + signalName(sig) + ", scheduling shutdown... SIGINT ends the process at once")
		return server.ShutdownRequest{}
	case request := <-srv.ShutdownRequests():
		log.Warn("User requested shutdown...")
		return request
	}
}

// signalName returns the name by which operators know a signal.
func signalName(sig os.Signal) string {
	if sig == syscall.SIGINT {
		return "SIGINT"
	}
	return "SIGTERM"
}

// exitOnInterrupt ends the process when the operator does not want to wait any longer and presses Ctrl-C once more. As in Redis, a second
// SIGTERM is none of that: who ends a group of processes, as timeout does, often sends it to one of them twice, and without a log the
// checkpoint that is under way is all that keeps what changed.
func exitOnInterrupt(signals <-chan os.Signal, log *slog.Logger) {
	for sig := range signals {
		if sig == syscall.SIGINT {
			log.Warn("You insist... exiting without a checkpoint")
			os.Exit(exitForced)
		}
	}
}

// drainTimeout is how long connections may take to finish what they have read before they are cut.
const drainTimeout = 10 * time.Second

// stop ends everything: first nothing new comes in, then what was acknowledged is checkpointed, then the files are closed.
func stop(srv *server.Server, admin *server.Admin, eng *engine.Engine, request server.ShutdownRequest, log *slog.Logger) error {
	patience := drainTimeout
	if request.Now {
		patience = 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if cut := srv.Close(ctx); cut > 0 {
		log.Warn("connections were cut", "connections", cut)
	}
	var err error
	if admin != nil {
		err = admin.Close(ctx)
	}
	if srv.Saves(request) {
		failed := lastCheckpoint(eng, log)
		if failed != nil && request.Force {
			log.Error("SHUTDOWN FORCE: going on without the last checkpoint", "error", failed)
			failed = nil
		}
		err = errors.Join(err, failed)
	}
	if e := eng.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("close the data directory: %w", e))
	}
	if err == nil {
		log.Warn("Quipu is now ready to exit, bye bye...")
	}
	return err
}

// lastCheckpoint writes what changed since the last one. One that is under way is waited for, since it may have begun too early.
func lastCheckpoint(eng *engine.Engine, log *slog.Logger) error {
	began := time.Now()
	err := eng.Checkpoint(context.Background())
	for errors.Is(err, engine.ErrCheckpointRunning) {
		time.Sleep(10 * time.Millisecond)
		err = eng.Checkpoint(context.Background())
	}
	if err != nil {
		return fmt.Errorf("checkpoint at shutdown: %w", err)
	}
	log.Info("Checkpoint written on shutdown", "took", time.Since(began).Round(time.Millisecond))
	return nil
}
