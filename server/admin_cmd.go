package server

import (
	"context"
	"errors"
	"strings"
	"time"

	"quipu/engine"
	"quipu/server/number"
	"quipu/server/resp"
)

// adminCommands returns the rows of the commands that operators and tools use to run a server: saving, time, replication, modules.
func adminCommands() []*Command {
	return []*Command{
		saveRow(), bgsaveRow(), lastsaveRow(), bgrewriteaofRow(),
		timeRow(), roleRow(), waitRow(), replicaofRow(), slaveofRow(), failoverRow(), moduleRow(),
	}
}

// inExec reports whether EXEC runs the command: the slots of the whole transaction are locked then, and nothing may wait.
func (c *Call) inExec() bool { return c == &c.Conn.inner }

func saveRow() *Command {
	return &Command{
		Name: "save", Arity: 1, Flags: FlagAdmin | FlagNoscript | FlagNoAsyncLoading | FlagNoMulti,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "1.0.0",
		Summary:    "Writes a checkpoint and waits for it.",
		Complexity: "O(N) where N is the total number of keys in all databases",
		Run:        save,
	}
}

// save writes a checkpoint and answers when it is complete.
func save(c *Call) error {
	err := c.Srv.engine.Checkpoint(context.Background())
	if errors.Is(err, engine.ErrCheckpointRunning) {
		return ErrSaveInProgress
	}
	if err != nil {
		return checkpointFailed(err)
	}
	c.Out.OK()
	return nil
}

// checkpointFailed tells the client why, since whoever asks for a checkpoint is who has to act.
func checkpointFailed(err error) error { return replyErrorf("ERR the checkpoint failed: %v", err) }

func bgsaveRow() *Command {
	return &Command{
		Name: "bgsave", Arity: -1, Flags: FlagAdmin | FlagNoscript | FlagNoAsyncLoading,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "1.0.0",
		Summary:    "Starts a checkpoint and does not wait for it.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "schedule", Type: ArgPureToken, Token: "SCHEDULE", Since: "3.2.2", Flags: ArgOptional},
		},
		Run: bgsave,
	}
}

// bgsave starts a checkpoint.
func bgsave(c *Call) error {
	if len(c.Args) > 2 || (len(c.Args) == 2 && !strings.EqualFold(string(c.Args[1]), "SCHEDULE")) {
		return ErrSyntax
	}
	err := c.Srv.engine.StartCheckpoint()
	switch {
	case errors.Is(err, engine.ErrCheckpointRunning):
		return ErrSaveInProgress
	case err != nil:
		return checkpointFailed(err)
	case c.inExec():
		c.Out.Simple("Background saving scheduled")
	default:
		c.Out.Simple("Background saving started")
	}
	return nil
}

func bgrewriteaofRow() *Command {
	return &Command{
		Name: "bgrewriteaof", Arity: 1, Flags: FlagAdmin | FlagNoscript | FlagNoAsyncLoading,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "1.0.0",
		Summary:    "Starts a checkpoint, after which the commit log before it is dropped.",
		Complexity: "O(1)",
		Run:        bgrewriteaof,
	}
}

// bgrewriteaof starts a checkpoint too: it is what makes the log before it superfluous. As in Redis, it waits for one that runs.
func bgrewriteaof(c *Call) error {
	running := c.Srv.engine.ScheduleCheckpoint()
	switch {
	case running, c.inExec():
		c.Out.Simple("Background append only file rewriting scheduled")
	default:
		c.Out.Simple("Background append only file rewriting started")
	}
	return nil
}

func lastsaveRow() *Command {
	return &Command{
		Name: "lastsave", Arity: 1, Flags: FlagLoading | FlagStale | FlagFast,
		Categories: CatAdmin | CatFast | CatDangerous, Group: "server", Since: "1.0.0",
		Summary:    "Returns the time of the last complete checkpoint.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output"},
		Run:        lastsave,
	}
}

func lastsave(c *Call) error {
	c.Out.Int(c.Srv.lastSave().Unix())
	return nil
}

// lastSave returns when the last checkpoint was complete; like Redis, the start of the server if there was none since.
func (s *Server) lastSave() time.Time {
	if saved := s.engine.LastSaved(); saved.After(s.started) {
		return saved
	}
	return s.started
}

func timeRow() *Command {
	return &Command{
		Name: "time", Arity: 1, Flags: FlagLoading | FlagStale | FlagFast,
		Categories: CatFast, Group: "server", Since: "2.6.0",
		Summary:    "Returns the time of the server.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output"},
		Run:        timeNow,
	}
}

// timeNow answers with the seconds since 1970 and the microseconds of the current second.
func timeNow(c *Call) error {
	now := time.Now()
	c.Out.Array(2)
	c.Out.BulkInt(now.Unix())
	c.Out.BulkInt(int64(now.Nanosecond() / 1000))
	return nil
}

func roleRow() *Command {
	return &Command{
		Name: "role", Arity: 1, Flags: FlagNoscript | FlagLoading | FlagStale | FlagFast,
		Categories: CatAdmin | CatFast | CatDangerous, Group: "server", Since: "2.8.12",
		Summary:    "Returns the role of the server in replication.",
		Complexity: "O(1)",
		Run:        role,
	}
}

// role answers as a primary without replicas. The offset is that of Redis's replication stream, which does not exist here.
func role(c *Call) error {
	c.Out.Array(3)
	c.Out.BulkString("master")
	c.Out.Int(0)
	c.Out.Array(0)
	return nil
}

func waitRow() *Command {
	return &Command{
		Name: "wait", Arity: 3, Flags: FlagNoscript,
		Categories: CatSlow | CatConnection, Group: "generic", Since: "3.0.0",
		Summary:    "Waits until the writes of this connection have reached a number of replicas.",
		Complexity: "O(1)",
		Tips:       []string{"request_policy:all_shards", "response_policy:agg_min"},
		Args: []Arg{
			{Name: "numreplicas", Type: ArgInteger},
			{Name: "timeout", Type: ArgInteger},
		},
		Run: wait, Waits: true,
	}
}

// wait answers with the number of replicas that have the writes of this connection: none. Whoever asks for some waits for the whole
// timeout, as with a Redis that has no replicas; 0 is no timeout.
func wait(c *Call) error {
	replicas, ok := number.ParseInt(c.Args[1])
	if !ok {
		return ErrNotInteger
	}
	millis, ok := number.ParseInt(c.Args[2])
	switch {
	case !ok:
		return ErrTimeoutNotInteger
	case millis < 0:
		return ErrTimeoutNegative
	}
	if replicas > 0 && !c.inExec() {
		return c.block(blocked{
			timeout: time.Duration(min(millis, maxBlockMillis)) * time.Millisecond,
			expired: func(out *resp.Writer) { out.Int(0) },
		})
	}
	c.Out.Int(0)
	return nil
}

// hold waits for d, or until the connection or the server ends. CLIENT LIST shows the client as blocked meanwhile.
func (c *Conn) hold(d time.Duration) {
	c.setFlag(clientBlocked, true)
	defer c.setFlag(clientBlocked, false)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.done:
		c.closing = true
	case <-c.srv.stopping:
		c.closing = true
	}
	c.tick()
}

func replicaofRow() *Command {
	return &Command{
		Name: "replicaof", Arity: 3, Flags: FlagAdmin | FlagNoscript | FlagStale | FlagNoAsyncLoading,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "5.0.0",
		Summary:    "Follows another server, or follows none.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "args", Type: ArgOneOf, Sub: []Arg{
				{Name: "host-port", Type: ArgBlock, Sub: []Arg{
					{Name: "host"},
					{Name: "port", Type: ArgInteger},
				}},
				{Name: "no-one", Type: ArgBlock, Sub: []Arg{
					{Name: "no", Type: ArgPureToken, Token: "NO"},
					{Name: "one", Type: ArgPureToken, Token: "ONE"},
				}},
			}},
		},
		Run: replicaof,
	}
}

// replicaof accepts only what is true already: that there is no primary to follow.
func replicaof(c *Call) error {
	if equalFold(c.Args[1], "no") && equalFold(c.Args[2], "one") {
		c.Out.OK()
		return nil
	}
	if port, ok := number.ParseInt(c.Args[2]); !ok || port < 0 || port > 65535 {
		return ErrMasterPort
	}
	return ErrNoReplication
}

func slaveofRow() *Command {
	return &Command{
		Name: "slaveof", Arity: 3, Flags: FlagAdmin | FlagNoscript | FlagStale | FlagNoAsyncLoading,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "1.0.0",
		Summary:    "Follows another server, or follows none.",
		Complexity: "O(1)",
		DocFlags:   []string{"deprecated"},
		Deprecated: "5.0.0", ReplacedBy: "`REPLICAOF`",
		Args: []Arg{
			{Name: "args", Type: ArgOneOf, Sub: []Arg{
				{Name: "host-port", Type: ArgBlock, Sub: []Arg{
					{Name: "host"},
					{Name: "port", Type: ArgInteger},
				}},
				{Name: "no-one", Type: ArgBlock, Sub: []Arg{
					{Name: "no", Type: ArgPureToken, Token: "NO"},
					{Name: "one", Type: ArgPureToken, Token: "ONE"},
				}},
			}},
		},
		Run: replicaof,
	}
}

func moduleRow() *Command {
	return &Command{
		Name: "module", Arity: -2,
		Categories: CatSlow, Group: "server", Since: "4.0.0",
		Summary:    "A container for the commands of modules.",
		Complexity: "Depends on subcommand.",
		Sub: []*Command{
			helpRow("5.0.0", CatSlow),
			moduleListRow(),
		},
	}
}

func moduleListRow() *Command {
	return &Command{
		Name: "list", Arity: 2, Flags: FlagAdmin | FlagNoscript,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "4.0.0",
		Summary:    "Lists the loaded modules, of which there are none.",
		Complexity: "O(N) where N is the number of loaded modules.",
		Tips:       []string{"nondeterministic_output_order"},
		Run:        moduleList,
	}
}

// moduleList answers that there are no modules.
func moduleList(c *Call) error {
	c.Out.Array(0)
	return nil
}
