package server

import (
	"slices"
	"time"

	"quipu/engine"
)

// resolve returns the row that args call, and what stands against running it: the checks that need no look at the client.
func (c *Conn) resolve(args [][]byte) (*Command, error) {
	row, unknown := c.srv.table.lookup(args)
	switch {
	case row == nil:
		return nil, errUnknown(args)
	case unknown:
		return nil, errUnknownSub(args)
	case !row.arityOK(len(args)):
		return row, errArity(row.full)
	case row.Run == nil:
		return row, errArity(row.full)
	}
	return row, nil
}

// dispatch checks and runs one command that is not part of a run, in the order of Redis's checks.
func (c *Conn) dispatch(args [][]byte) {
	row, err := c.resolve(args)
	if row == nil && isHTTP(args[0]) {
		c.refuseHTTP()
		return
	}
	if err == nil {
		c.shared.lastRow.Store(row)
		err = c.permit(row)
	}
	if err != nil {
		c.reject(row, err)
		return
	}
	if c.srv.gate.Load()&gatePaused != 0 && c.postponeIfPaused(row) {
		return
	}
	if c.multi.active && !row.runsInsideMulti() {
		c.queue(row, args)
		return
	}
	if bytes := c.bulk(row, args); bytes > 0 {
		c.executeBulk(row, args, bytes)
		return
	}
	c.execute(row, args)
}

// permit makes the checks that depend on the client.
func (c *Conn) permit(row *Command) error {
	switch {
	case row.Is(FlagProtected) && !debugAllowed(c):
		return ErrDebugNotAllowed
	case !row.Is(FlagNoAuth) && c.guest():
		return ErrNoAuth
	case c.multi.active && row.Is(FlagNoMulti):
		return ErrDeniedInMulti
	case c.srv.engine.OutOfMemory() && c.refusedWhenFull(row):
		return ErrOutOfMemory
	case c.srv.engine.Full() && c.refusedOnFullDisk(row):
		return ErrDiskFull
	case row.Flags&(FlagWrite|FlagReadonly|FlagMayReplicate) != 0 && c.monitors():
		return errMonitorKeyspace
	}
	return nil
}

// refusedWhenFull reports whether the command is refused while memory is full. In MULTI nearly all are, since the queue takes memory.
func (c *Conn) refusedWhenFull(row *Command) bool {
	return row.Is(FlagDenyOOM) || c.multi.active && !row.runsInsideMulti() || row.full == "exec" && c.multi.growsMemory()
}

// refusedOnFullDisk reports whether the command is refused while the disk is full: as in Redis, what writes, and PING, so that who looks
// after the server notices.
func (c *Conn) refusedOnFullDisk(row *Command) bool {
	return row.Is(FlagWrite) || row.full == "ping" || row.full == "exec" && c.multi.writes()
}

// reject answers with an error a command that was not executed. Inside MULTI it spoils the transaction.
func (c *Conn) reject(row *Command, err error) {
	if row != nil {
		c.counts.commands[row.index].rejected.Add(1)
	}
	if c.multi.active {
		c.multi.spoiled = true
	}
	if row != nil && row.Name == "exec" && row.parent == nil {
		err = c.abortExec(err)
	}
	c.writeError(err)
}

// writeError answers with err and counts it. What is no answer to a client is logged, and the client is told so.
func (c *Conn) writeError(err error) {
	reply, known := errorReply(err)
	if !known {
		c.srv.stats.unexpected.Add(1)
		c.srv.log.Error("command failed", "client", c.addr, "command", c.call.name(), "error", err)
	}
	c.srv.stats.noteError(reply.text)
	c.out.Error(reply.text)
}

// execute locks what the row needs, runs the command and accounts for it.
func (c *Conn) execute(row *Command, args [][]byte) {
	start := c.clock
	mark := c.out.Len()
	c.call.Args, c.call.Cmd = args, row
	keys := c.callKeys(row, args)
	c.call.Keys = keys
	c.lock(row, args, keys)
	c.holdPushes(row)
	c.txn.CountViews(!row.Is(FlagWrite))
	err := row.Run(&c.call)
	c.remember(row, keys)
	c.unlock()
	c.finish(row, args, err, mark, start)
	c.forgetCaching(row)
	clear(c.keys) // they alias the connection's buffer
}

// lock takes the locks of the row.
func (c *Conn) lock(row *Command, args [][]byte, keys []engine.Key) {
	switch {
	case row.locksAll(args):
		c.txn.LockAll()
	case row.Locks != LockKeys || len(keys) == 0:
		return
	case row.WritesOne:
		c.txn.LockToWriteOne(keys)
	default:
		c.txn.Lock(keys, row.Is(FlagWrite))
	}
	c.locked = true
}

// callKeys hashes the keys of a call. The result is valid until the next call.
func (c *Conn) callKeys(row *Command, args [][]byte) []engine.Key {
	c.positions = row.KeyPositions(c.positions[:0], args)
	c.keys = slices.Grow(c.keys[:0], len(c.positions))
	for _, pos := range c.positions {
		c.keys = append(c.keys, c.srv.engine.Key(c.db, args[pos]))
	}
	c.keys = c.appendElsewhere(c.keys, row, args)
	keys := c.keys
	if cap(c.keys) > maxKeptKeys {
		c.keys, c.positions = nil, nil
	}
	return keys
}

// appendElsewhere adds the key that the row names in another database, if any.
func (c *Conn) appendElsewhere(keys []engine.Key, row *Command, args [][]byte) []engine.Key {
	if row.Elsewhere == nil {
		return keys
	}
	if name, db, ok := row.Elsewhere(c.srv, args); ok {
		keys = append(keys, c.srv.engine.Key(db, name))
	}
	return keys
}

// maxKeptKeys is the most key slots that a connection keeps between commands.
const maxKeptKeys = 64

// finish turns what a handler returned into the reply's end and the statistics.
func (c *Conn) finish(row *Command, args [][]byte, err error, mark int, start time.Duration) {
	failed := uint64(0)
	if err != nil {
		failed = 1
		c.out.Truncate(mark)
		c.writeError(err)
	}
	took := c.tick() - start
	c.account(row, 1, failed, took)
	if c.waiter == nil {
		c.noteSlow(row, args, took)
	} else {
		c.waiter.took = took // it is noted when it is over
	}
	if c.srv.gate.Load()&gateMonitored != 0 {
		c.feedMonitors(row, args)
	}
}

// account adds n calls of row, which took nanos together, to the connection's share of the statistics.
func (c *Conn) account(row *Command, n, failed uint64, took time.Duration) {
	counts := &c.counts.commands[row.index]
	counts.note(n, uint64(max(took, 0)), c.srv.latencyTracking.Load())
	if failed > 0 {
		counts.failed.Add(failed)
	}
}

// noteSlow offers a command to the slow log and to the latency monitor.
func (c *Conn) noteSlow(row *Command, args [][]byte, took time.Duration) {
	if took < time.Duration(c.srv.slowest.Load()) {
		return
	}
	v := c.srv.cfg.Load()
	if limit := v.SlowlogLogSlowerThan; limit >= 0 && took >= limit && !row.Is(FlagSkipSlowlog) {
		c.srv.slow.add(redacted(row, args), took, time.Now(), c.addr, c.name, int64(v.SlowlogMaxLen))
	}
	event := latencyCommand
	if row.Is(FlagFast) {
		event = latencyFastCommand
	}
	c.srv.latency.add(event, time.Now(), took, v.LatencyMonitorThreshold)
}

// name returns the name of the command in progress, for logs.
func (c *Call) name() string {
	if c.Cmd == nil {
		return ""
	}
	return c.Cmd.full
}

// isHTTP reports whether a command's name is the start of an HTTP request that somebody's browser was tricked into sending.
func isHTTP(name []byte) bool {
	var buf [maxCommandName]byte
	switch string(lower(&buf, name)) {
	case "post", "host:":
		return true
	}
	return false
}

// refuseHTTP ends the connection without executing anything else of it.
func (c *Conn) refuseHTTP() {
	c.closing = true
	if c.srv.attacks.allow(time.Now()) {
		c.srv.log.Warn("Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Quipu: "+
			"a browser that was made to talk to it by a foreign page. Connection aborted.", "client", c.addr)
	}
}
