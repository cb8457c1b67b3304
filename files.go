package main

import (
	"fmt"
	"log/slog"
	"strconv"

	"quipu/persist"
	"quipu/server/config"
)

// A process may have only so many files open (ulimit -n), and every client is one. What the log and the store need is set aside: a log
// that cannot open its next segment ends the process, and no number of connections may bring that about.

const (
	// maxStoreFiles is how many tables the store keeps open at most.
	maxStoreFiles = persist.DefaultStoreFiles
	// minStoreFiles is as many as it gets where there are few: enough for the tables of some ten million counters.
	minStoreFiles = 128
	// otherFiles are for segments of the log, listeners, the clients that are being turned away, the admin endpoint, and Go's runtime.
	otherFiles = 96
)

// fileShares says how many files are for what.
type fileShares struct{ clients, store int }

// shareFiles divides limit files among the store and as many as clients clients.
func shareFiles(limit, clients int) fileShares {
	store := min(maxStoreFiles, max(limit/4, minStoreFiles))
	return fileShares{clients: min(clients, max(limit-store-otherFiles, 0)), store: store}
}

// claimFiles sees to it that the process may open the files that maxclients asks for. Where it may not, it lowers maxclients, as Redis
// does, and CONFIG SET does not raise it beyond that. It returns how many files are for the store.
func claimFiles(cfg *config.Config, log *slog.Logger) (forStore int, err error) {
	wanted := cfg.Load().MaxClients
	limit, known := raiseFileLimit(wanted + maxStoreFiles + otherFiles)
	if !known {
		return maxStoreFiles, nil
	}
	shares := shareFiles(limit, wanted)
	switch {
	case shares.clients == 0:
		return 0, fmt.Errorf("the process may open %d files (ulimit -n), which is too few to serve anybody: it takes more than %d",
			limit, minStoreFiles+otherFiles)
	case shares.clients < wanted:
		log.Warn("The process may open too few files for so many clients: maxclients is lowered. Raise the limit (ulimit -n, LimitNOFILE).",
			"limit", limit, "maxclients", wanted, "lowered", shares.clients)
		if err := cfg.Set([][2]string{{"maxclients", strconv.Itoa(shares.clients)}}); err != nil {
			return 0, fmt.Errorf("lower maxclients: %w", err)
		}
	}
	cfg.OnChange([]string{"maxclients"}, func(_, v *config.Values) error {
		limit, _ := raiseFileLimit(v.MaxClients + shares.store + otherFiles)
		if room := limit - shares.store - otherFiles; room < v.MaxClients {
			//lint:ignore ST1005 Redis's words
			return fmt.Errorf("The operating system is not able to handle the specified number of clients, try with %d", room)
		}
		return nil
	})
	return shares.store, nil
}
