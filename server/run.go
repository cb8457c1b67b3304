package server

import (
	"errors"
	"time"

	"quipu/engine"
	"quipu/server/resp"
)

// The fast path: commands that only touch the keys they name run together, under one round of locks, with nothing allocated and the
// clock read once.

const (
	// maxRun is the most commands that run under one round of locks. Beyond a hundred the cost of a round no longer shows, and the
	// slots of a run are closed to others until its end.
	maxRun = 128
	// maxRunKeys is the most keys of a run. A command with more takes the general path.
	maxRunKeys = 512
)

// batch is the working space for the commands of one buffer. Connections borrow one while they have something to do, so that idle ones
// cost nothing.
type batch struct {
	cmds [maxRun]resp.Command

	// The run that was collected last: rows[i] uses keys[ends[i-1]:ends[i]].
	rows  [maxRun]*Command
	ends  [maxRun]int
	keys  []engine.Key
	write bool

	members []engine.Member // that are loaded ahead

	used, usedMembers int // keys and members that may hold something
}

// newBatch makes a batch for the server's pool.
func newBatch() any {
	return &batch{keys: make([]engine.Key, 0, maxRunKeys), members: make([]engine.Member, 0, engine.MaxMembers)}
}

// process executes all complete commands of the buffer.
func (c *Conn) process() {
	p := c.resume()
	b, at, n, more := p.batch, p.at, p.end, true
	for {
		if at = c.steps(b, at, n); c.stalled {
			c.postpone(b, at, n)
			return
		}
		clear(b.cmds[:n]) // they alias the connection's buffer
		if !more || c.closing || c.waiter != nil {
			break
		}
		at = 0
		n, more = c.parse(b)
	}
	clear(b.keys[:b.used])
	clear(b.members[:b.usedMembers])
	b.used, b.usedMembers = 0, 0
	c.call.Args, c.call.Keys = nil, nil
	c.srv.batches.Put(b)
}

// parse takes the next commands from the buffer, and reports whether there may be more. A guest's commands come one at a time: the AUTH
// among them lifts the limits of what follows. A command that may block is the last of its batch: while it waits, the buffer takes what
// comes in, and whatever was taken from it is gone.
func (c *Conn) parse(b *batch) (n int, more bool) {
	c.followLimits()
	limit := maxRun
	if !c.authed {
		limit = 1
	}
	for n < limit {
		ok, err := c.reader.Next(&b.cmds[n])
		if err != nil && n > 0 {
			return n, true // these first: the error comes again
		}
		if err != nil {
			c.protocolError(err)
			return 0, false
		}
		if !ok {
			return n, false
		}
		n++
		if c.mayBlock(b.cmds[n-1].Args[0]) {
			break
		}
	}
	return n, true
}

// mayBlock reports whether a command of that name may block.
func (c *Conn) mayBlock(name []byte) bool {
	if len(name) == 0 || !c.srv.table.blockingInitials[name[0]] {
		return false
	}
	row := c.srv.table.find(name)
	return row != nil && row.mayBlock()
}

// protocolError answers a violation of the protocol and ends the connection.
func (c *Conn) protocolError(err error) {
	c.closing = true
	var violation resp.ProtocolError
	if errors.As(err, &violation) {
		c.writeError(replyError("ERR " + violation.Error()))
	}
	c.srv.log.Info("client closed: protocol error", "client", c.addr, "error", err)
}

// steps executes the commands from at to n and returns how far it came: not to the end where the connection ends or stalls.
func (c *Conn) steps(b *batch, at, n int) int {
	for at < n && !c.closing && !c.stalled {
		at += c.step(b, at, n)
	}
	return at
}

// step executes the command at i, or a run that starts there, and returns how many commands it executed: none if the connection stalls.
func (c *Conn) step(b *batch, i, n int) int {
	done := 0
	if c.plain() {
		if run := c.collect(b, i, n); run > 0 {
			done = c.executeRun(b, i, run)
		}
	}
	if done == 0 {
		c.mark = c.out.Len()
		c.dispatch(b.cmds[i].Args)
		if c.stalled {
			return 0
		}
		if c.waiter == nil { // else it has not been answered
			c.applyReplyMode()
		}
		c.tellOwn()
		done = 1
	}
	if c.out.Len() >= flushThreshold {
		c.flush() //nolint:errcheck // it sets closing, which ends the batch
	}
	return done
}

// plain reports whether nothing but the commands themselves decides how they run.
func (c *Conn) plain() bool {
	return c.authed && !c.multi.active && c.replies == repliesOn && !c.tracking.on && c.srv.gate.Load()&(gateMonitored|gatePaused) == 0 &&
		!c.srv.engine.OutOfMemory() && !c.srv.engine.Full() && c.reader.Size() < bulkBytes
}

// row returns the row of a name, or nil.
func (c *Conn) row(name []byte) *Command {
	f := &c.found
	if len(name) == f.size && string(name) == string(f.name[:f.size]) {
		return f.row
	}
	row := c.srv.table.find(name)
	if row != nil {
		f.row, f.size = row, copy(f.name[:], name)
	}
	return row
}

// collect gathers the longest run of commands from i on that can execute under one round of locks, and hashes their keys.
func (c *Conn) collect(b *batch, i, n int) int {
	b.keys, b.write = b.keys[:0], false
	run := 0
	for ; i+run < n; run++ {
		args := b.cmds[i+run].Args
		row := c.row(args[0])
		if row == nil || !row.keyed || !row.arityOK(len(args)) || len(b.keys)+len(args) > maxRunKeys {
			break
		}
		c.appendKeys(b, row, args)
		b.rows[run], b.ends[run] = row, len(b.keys)
		b.write = b.write || row.Flags&FlagWrite != 0
	}
	b.used = max(b.used, len(b.keys))
	return run
}

// appendKeys hashes the keys of one command.
func (c *Conn) appendKeys(b *batch, row *Command, args [][]byte) {
	if row.Last == 1 {
		b.keys = c.srv.engine.AppendKey(b.keys, c.db, args[1])
		return
	}
	last := row.Last
	if last < 0 {
		last += len(args)
	}
	for i := row.First; i <= last && i < len(args); i += row.Step {
		b.keys = append(b.keys, c.srv.engine.Key(c.db, args[i]))
	}
}

// executeRun executes the collected run, whose first command is at first, and returns how many of its commands it executed: fewer than
// run if the replies grew so large that they must be sent first.
func (c *Conn) executeRun(b *batch, first, run int) int {
	start := c.clock
	keys, done := b.keys, 0
	for done < run && c.out.Len() < flushThreshold {
		n := c.txn.LockBatch(keys, b.ends[done:run], b.write)
		c.locked = true
		c.touchMembers(b, first, done, done+n)
		n = c.runLocked(b, keys, first, done, done+n)
		c.locked = false
		c.txn.Unlock()
		c.attendLater()
		used := b.ends[done+n-1]
		keys = keys[used:]
		done += n
		for i := done; i < run; i++ {
			b.ends[i] -= used
		}
	}
	c.accountRun(b, first, done, c.tick()-start)
	return done
}

// touchMembers has the memory loaded that the commands from done to end of a run need of the elements that they name.
func (c *Conn) touchMembers(b *batch, first, done, end int) {
	members := b.members[:0]
	for i := done; i < end; i++ {
		row := b.rows[i]
		if row.Member == 0 {
			continue
		}
		args := b.cmds[first+i].Args
		for at := row.Member; at < len(args) && len(members) < engine.MaxMembers; at += row.MemberStep {
			members = append(members, engine.Member{Key: b.ends[i] - 1, Name: args[at]})
			if row.MemberStep == 0 {
				break
			}
		}
	}
	if len(members) > 0 {
		c.txn.TouchMembers(members)
		b.usedMembers = max(b.usedMembers, len(members))
	}
}

// runLocked executes the commands from done to end of the run, whose locks are held, and returns how many it executed: at least one.
func (c *Conn) runLocked(b *batch, keys []engine.Key, first, done, end int) int {
	call, from := &c.call, 0
	for i := done; i < end; i++ {
		row := b.rows[i]
		call.Args, call.Keys, call.Cmd = b.cmds[first+i].Args, keys[from:b.ends[i]], row
		from = b.ends[i]
		mark := c.out.Len()
		c.txn.CountViews(!row.Is(FlagWrite))
		if err := row.Run(call); err != nil {
			c.out.Truncate(mark)
			c.writeError(err)
			c.counts.commands[row.index].failed.Add(1)
		}
		if c.txn.HasReady() {
			c.attend()
		}
		if c.out.Len() >= flushThreshold || len(c.attention.later) > 0 {
			return i + 1 - done
		}
	}
	return end - done
}

// accountRun shares the time of a run equally among its commands.
func (c *Conn) accountRun(b *batch, first, done int, took time.Duration) {
	share := took / time.Duration(done)
	slow := share >= time.Duration(c.srv.slowest.Load())
	for i := 0; i < done; {
		row, n := b.rows[i], 1
		for i+n < done && b.rows[i+n] == row {
			n++
		}
		c.account(row, uint64(n), 0, share*time.Duration(n))
		if slow {
			c.noteSlow(row, b.cmds[first+i].Args, share)
		}
		i += n
	}
	c.shared.lastRow.Store(b.rows[done-1])
}
