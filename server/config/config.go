package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// ErrNoConfigFile is the reply to CONFIG REWRITE of a server that was started
// without a file.
var ErrNoConfigFile = errors.New("ERR The server is running without a config file")

// errDirFixed vetoes CONFIG SET dir where protected parameters may be set: the
// open store cannot move. Redis can, because dir only says where the next dump
// goes.
var errDirFixed = errors.New("the data directory cannot be changed while the server runs")

// Config is the configuration of a running server: the values in force, the
// hooks that carry a change out, and the file it came from. Make one with
// [Parse]. All methods may be called at any time from any goroutine.
type Config struct {
	current atomic.Pointer[Values]
	mu      sync.Mutex // serialises changes and rewrites; guards hooks
	hooks   []hook

	file    string // absolute; "" without one
	cwd     string // the working directory at start
	ignored []string
}

// hook is one subscription.
type hook struct {
	rows  []*param
	apply func(old, new *Values) error
}

// Load returns the values in force. It costs one atomic load; take it once per
// batch of work and the batch sees one configuration.
func (c *Config) Load() *Values { return c.current.Load() }

// File returns the absolute path of the configuration file, "" if there is none.
func (c *Config) File() string { return c.file }

// Ignored returns the names of the parameters that the file or the command line
// set and that have no meaning here, each once, in order of appearance. The
// caller must not modify it.
func (c *Config) Ignored() []string { return c.ignored }

// OnChange has apply called whenever [Config.Set] is about to change the value
// of any of the named parameters, once per Set however many of them change.
// Hooks run in the order of their registration, in the goroutine of Set, before
// [Config.Load] returns the new values. An error of apply is a veto: the hooks
// that have run are run again with old and new exchanged, in reverse order,
// nothing changes, and the error ends the reply to CONFIG SET. apply must not
// call Set, Rewrite or OnChange. A name that is not in the table is a broken
// invariant: OnChange panics.
func (c *Config) OnChange(names []string, apply func(old, new *Values) error) {
	h := hook{apply: apply}
	for _, name := range names {
		row := lookup(name)
		if row == nil {
			panic(fmt.Sprintf("config: no parameter is named %q", name))
		}
		h.rows = append(h.rows, row)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = append(c.hooks, h)
}

// Set carries out CONFIG SET for a client that is not local: pairs of a name
// and a value, all of them or none. The text of its error is the error reply,
// code included, byte for byte that of Redis 7 where Redis has the error.
func (c *Config) Set(pairs [][2]string) error { return c.set(pairs, false) }

// SetLocal is [Config.Set] for a client that is connected through the unix
// socket or from a loopback address, which enable-protected-configs may favour.
func (c *Config) SetLocal(pairs [][2]string) error { return c.set(pairs, true) }

// assignment is one pair of CONFIG SET, looked up.
type assignment struct {
	row   *param
	name  string // as registered: the primary name or the alias, in lower case
	value string
}

func (c *Config) set(pairs [][2]string, local bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.Load()
	todo, err := settable(pairs, old.EnableProtectedConfigs.Allows(local))
	if err != nil {
		return err
	}
	next := old.clone()
	for _, a := range todo {
		if err := a.assign(next); err != nil {
			return refuse(a.name, err)
		}
	}
	next.Dir = absolute(c.cwd, next.Dir)
	if err := c.runHooks(todo, old, next); err != nil {
		return err
	}
	c.current.Store(next)
	return nil
}

// assign parses the value into v. Where a line of a file adds to what is there,
// CONFIG SET replaces it.
func (a assignment) assign(v *Values) error {
	words := splitValue(a.row.value, a.value)
	if a.row.additive {
		if err := a.row.value.set(v, nil); err != nil {
			return err
		}
	}
	return a.row.value.set(v, words)
}

// settable looks the pairs up and refuses what must not be set at run time.
func settable(pairs [][2]string, protectedToo bool) ([]assignment, error) {
	var todo []assignment
	for _, pair := range pairs {
		row := lookup(pair[0])
		if row == nil {
			return nil, fmt.Errorf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", pair[0])
		}
		if err := row.mayChange(protectedToo); err != nil {
			return nil, refuse(pair[0], err)
		}
		name := strings.ToLower(pair[0])
		if slices.ContainsFunc(todo, func(a assignment) bool { return a.name == name }) {
			return nil, refuse(pair[0], errDuplicate)
		}
		todo = append(todo, assignment{row, name, pair[1]})
	}
	return todo, nil
}

// refuse words the reply to a CONFIG SET that fails because of one argument.
func refuse(name string, err error) error {
	return fmt.Errorf("ERR CONFIG SET failed (possibly related to argument '%s') - %w", name, err)
}

// runHooks calls the hooks that next concerns, and takes those calls back if
// one of them fails.
func (c *Config) runHooks(todo []assignment, old, next *Values) error {
	var done []hook
	for _, h := range c.hooks {
		name, concerned := h.concerns(todo, old, next)
		if !concerned {
			continue
		}
		if err := h.apply(old, next); err != nil {
			return refuse(name, errors.Join(err, undo(done, old, next)))
		}
		done = append(done, h)
	}
	return nil
}

// undo runs hooks backwards, in reverse order.
func undo(done []hook, old, next *Values) error {
	var failed error
	for _, h := range slices.Backward(done) {
		if err := h.apply(next, old); err != nil {
			failed = errors.Join(failed, fmt.Errorf("restoring the previous setting: %w", err))
		}
	}
	return failed
}

// concerns reports whether the hook watches something that changes, and the
// name by which the client called the first such thing.
func (h hook) concerns(todo []assignment, old, next *Values) (name string, yes bool) {
	for _, a := range todo {
		if slices.Contains(h.rows, a.row) && a.row.value.get(old) != a.row.value.get(next) {
			return a.name, true
		}
	}
	return "", false
}

// absolute resolves a path against the directory the process was started in.
func absolute(cwd, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(cwd, path)
}
