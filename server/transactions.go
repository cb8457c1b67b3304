package server

import (
	"bytes"
	"slices"
	"strings"

	"quipu/engine"
	"quipu/server/number"
)

// transactionCommands returns the rows of MULTI and what belongs to it.
func transactionCommands() []*Command {
	return []*Command{
		{
			Name: "multi", Arity: 1, Flags: FlagNoscript | FlagLoading | FlagStale | FlagFast | FlagAllowBusy,
			Categories: CatFast | CatTransaction, Group: "transactions", Since: "1.2.0", Complexity: "O(1)",
			Summary: "Begins a transaction: what follows is queued until EXEC.",
			Run:     multi,
		},
		{
			Name: "exec", Arity: 1, Flags: FlagNoscript | FlagLoading | FlagStale | FlagSkipSlowlog,
			Categories: CatSlow | CatTransaction, Group: "transactions", Since: "1.2.0", Complexity: "Depends on commands in the transaction",
			Summary: "Executes the queued commands as one atomic step.",
			Run:     exec,
		},
		{
			Name: "discard", Arity: 1, Flags: FlagNoscript | FlagLoading | FlagStale | FlagFast | FlagAllowBusy,
			Categories: CatFast | CatTransaction, Group: "transactions", Since: "2.0.0", Complexity: "O(N), when N is the number of queued commands",
			Summary: "Drops the queued commands and ends the transaction.",
			Run:     discard,
		},
		{
			Name: "watch", Arity: -2, Flags: FlagNoscript | FlagLoading | FlagStale | FlagFast | FlagAllowBusy, First: 1, Last: -1, Step: 1,
			KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Last: -1, Step: 1}},
			Categories: CatFast | CatTransaction, Group: "transactions", Since: "2.2.0", Complexity: "O(1) for every key.",
			Summary: "Lets the next EXEC fail if one of the keys has changed by then.",
			Args:    []Arg{{Name: "key", Type: ArgKey, Flags: ArgMultiple}},
			Run:     watch,
		},
		{
			Name: "unwatch", Arity: 1, Flags: FlagNoscript | FlagLoading | FlagStale | FlagFast | FlagAllowBusy,
			Categories: CatFast | CatTransaction, Group: "transactions", Since: "2.2.0", Complexity: "O(1)",
			Summary: "Forgets the watched keys.",
			Run:     unwatch,
		},
	}
}

// transaction is what a connection keeps between MULTI and EXEC, and between WATCH and EXEC.
type transaction struct {
	active  bool
	spoiled bool // a command could not be queued: EXEC refuses
	queue   []queuedCommand
	bytes   int64 // memory of the queue

	watch   *engine.Watch // nil until the first WATCH
	watched []engine.Key  // own their names
}

// queuedCommand is a command that waits for EXEC. It owns its arguments.
type queuedCommand struct {
	row  *Command
	args [][]byte
}

// queuedOverhead is what a queued command costs beside the bytes of its arguments, and queuedArgOverhead each of these.
const (
	queuedOverhead    = 32
	queuedArgOverhead = 24
)

// growsMemory reports whether a queued command is one that is refused while memory is full.
func (m *transaction) growsMemory() bool {
	return slices.ContainsFunc(m.queue, func(q queuedCommand) bool { return q.row.Is(FlagDenyOOM) })
}

// writes reports whether a queued command is one that writes.
func (m *transaction) writes() bool {
	return slices.ContainsFunc(m.queue, func(q queuedCommand) bool { return q.row.Is(FlagWrite) })
}

// runsInsideMulti reports whether the command runs at once although a transaction is open.
func (cmd *Command) runsInsideMulti() bool {
	if cmd.parent != nil {
		return false
	}
	switch cmd.Name {
	case "multi", "exec", "discard", "watch", "quit", "reset":
		return true
	}
	return false
}

// queue copies a command to the open transaction. The queue is bounded by client-query-buffer-limit, as if it were still being received.
func (c *Conn) queue(row *Command, args [][]byte) {
	m := &c.multi
	m.queue = append(m.queue, queuedCommand{row, copyArgs(args)})
	m.bytes += queuedOverhead
	for _, arg := range args {
		m.bytes += queuedArgOverhead + int64(len(arg))
	}
	if m.bytes > c.srv.cfg.Load().ClientQueryBufferLimit {
		c.srv.log.Warn("client closed: its transaction reached client-query-buffer-limit", "client", c.addr, "bytes", m.bytes)
		c.closing = true
		return
	}
	c.shared.queued.Store(int32(len(m.queue)))
	c.shared.queueBytes.Store(m.bytes)
	c.out.Simple("QUEUED")
}

// copyArgs copies args into memory of their own.
func copyArgs(args [][]byte) [][]byte {
	size := 0
	for _, arg := range args {
		size += len(arg)
	}
	own, buf := make([][]byte, len(args)), make([]byte, 0, size)
	for i, arg := range args {
		from := len(buf)
		buf = append(buf, arg...)
		own[i] = buf[from:len(buf):len(buf)]
	}
	return own
}

func multi(c *Call) error {
	if c.Conn.multi.active {
		return ErrNestedMulti
	}
	c.Conn.multi.active = true
	c.Conn.shared.queued.Store(0)
	c.Conn.setFlag(clientMulti, true)
	c.Out.OK()
	return nil
}

func discard(c *Call) error {
	if !c.Conn.multi.active {
		return ErrDiscardNoMulti
	}
	c.Conn.endMulti()
	c.Out.OK()
	return nil
}

// watch notes the keys, whose slots are locked.
func watch(c *Call) error {
	m := &c.Conn.multi
	if m.active {
		return ErrWatchInMulti
	}
	if m.watch == nil {
		m.watch = new(engine.Watch)
	}
	for _, key := range c.Keys {
		if m.watches(key) {
			continue
		}
		c.Txn.Peek(key) // what has expired goes now, and counts as absent from the start
		c.Txn.Watch(key, m.watch)
		m.watched = append(m.watched, c.Srv.engine.Key(int(key.DB), bytes.Clone(key.Name)))
	}
	c.Out.OK()
	return nil
}

// watches reports whether key is watched already.
func (m *transaction) watches(key engine.Key) bool {
	return slices.ContainsFunc(m.watched, func(k engine.Key) bool { return k.DB == key.DB && bytes.Equal(k.Name, key.Name) })
}

func unwatch(c *Call) error {
	c.Conn.unwatch()
	c.Out.OK()
	return nil
}

// unwatch forgets the watched keys.
func (c *Conn) unwatch() {
	if len(c.multi.watched) == 0 {
		return
	}
	c.srv.engine.Unwatch(c.multi.watch)
	c.multi.watch, c.multi.watched = nil, nil
}

// endMulti forgets the transaction and the watched keys.
func (c *Conn) endMulti() {
	c.unwatch()
	c.multi = transaction{}
	c.shared.queued.Store(-1)
	c.shared.queueBytes.Store(0)
	c.setFlag(clientMulti, false)
}

// exec runs the queued commands under one round of locks, so that they are one commit. It is part of dispatch rather than a handler: it is
// the one command that locks.
func exec(call *Call) error {
	c := call.Conn
	switch {
	case !c.multi.active:
		return ErrExecNoMulti
	case c.multi.spoiled:
		c.endMulti()
		return ErrExecAborted
	}
	plan := c.planExec()
	c.lockPlan(&plan)
	if c.multi.touched(c.txn) {
		c.unlock()
		c.endMulti()
		call.Out.NullArray()
		return nil
	}
	queue := c.multi.queue
	c.multi.active = false // the commands see a client outside MULTI
	call.Out.Array(len(queue))
	c.denyBlocking = true
	for i, q := range queue {
		c.executeQueued(q, plan.keys[plan.from(i):plan.ends[i]])
	}
	c.denyBlocking = false
	c.unlock()
	c.endMulti()
	return nil
}

// touched reports whether a watched key has changed, or has expired, since WATCH. The watched keys are locked.
func (m *transaction) touched(txn *engine.Txn) bool {
	if m.watch == nil {
		return false
	}
	for _, key := range m.watched {
		txn.Peek(key) // removes it if its time has come, which marks the watch
	}
	return m.watch.Dirty()
}

// execPlan is what EXEC locks: the keys of all queued commands, then the watched ones.
type execPlan struct {
	keys       []engine.Key
	ends       []int // command i uses keys[from(i):ends[i]]
	everything bool  // some command needs what no list of keys names
	write      bool
}

// from returns where the keys of command i begin.
func (p *execPlan) from(i int) int {
	if i == 0 {
		return 0
	}
	return p.ends[i-1]
}

// planExec hashes the keys of the queue. A SELECT in it moves the commands behind it to another database.
func (c *Conn) planExec() execPlan {
	plan := execPlan{ends: make([]int, 0, len(c.multi.queue))}
	db := c.db
	var positions []int
	for _, q := range c.multi.queue {
		positions = q.row.KeyPositions(positions[:0], q.args)
		for _, pos := range positions {
			plan.keys = append(plan.keys, c.srv.engine.Key(db, q.args[pos]))
		}
		plan.keys = c.appendElsewhere(plan.keys, q.row, q.args)
		plan.ends = append(plan.ends, len(plan.keys))
		plan.everything = plan.everything || q.row.needsEverything(q.args)
		plan.write = plan.write || q.row.Is(FlagWrite)
		if n, err := c.selected(q); err == nil {
			db = n
		}
	}
	plan.keys = append(plan.keys, c.multi.watched...)
	return plan
}

// selected returns the database that a queued command will select, if it is a SELECT that will succeed.
func (c *Conn) selected(q queuedCommand) (int, error) {
	if q.row.full != "select" {
		return 0, ErrInvalidDB
	}
	return c.srv.parseDB(q.args[1])
}

// needsEverything reports whether, inside a transaction, the command can only run with every slot locked: it says so, or it looks at
// counters without naming them (KEYS, SCAN, DBSIZE), for which it would take locks of its own while the transaction holds others.
func (cmd *Command) needsEverything(args [][]byte) bool {
	if cmd.locksAll(args) {
		return true
	}
	if cmd.Locks == LockKeys && (cmd.First > 0 || cmd.GetKeys != nil) {
		return false
	}
	return cmd.Group != "connection" && cmd.Group != "transactions"
}

// lockPlan takes the locks of a plan.
func (c *Conn) lockPlan(plan *execPlan) {
	switch {
	case plan.everything && !plan.write:
		c.txn.LockAllToRead()
	case plan.everything:
		c.txn.LockAll()
	case len(plan.keys) > 0:
		c.txn.Lock(plan.keys, plan.write)
	default:
		return
	}
	c.locked = true
}

// unlock gives the locks back, if any are held, after the clients that wait for what was written have got it.
func (c *Conn) unlock() {
	if !c.locked {
		return
	}
	c.attend()
	c.locked = false
	c.txn.Unlock()
	c.attendLater()
}

// executeQueued runs one command of the transaction, whose locks are held.
func (c *Conn) executeQueued(q queuedCommand, keys []engine.Key) {
	start := c.tick()
	mark := c.out.Len()
	c.inner = c.call
	c.inner.Args, c.inner.Keys, c.inner.Cmd = q.args, keys, q.row
	c.txn.CountViews(!q.row.Is(FlagWrite))
	err := q.row.Run(&c.inner)
	c.remember(q.row, keys)
	c.finish(q.row, q.args, err, mark, start)
	c.inner.Args, c.inner.Keys = nil, nil
}

// abortExec ends the transaction after an EXEC that was refused before it ran, and returns the error to answer with.
func (c *Conn) abortExec(err error) error {
	c.endMulti()
	return replyError("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(err.Error(), "ERR "))
}

// parseDB returns the database that arg numbers.
func (s *Server) parseDB(arg []byte) (int, error) {
	n, ok := number.ParseInt(arg)
	switch {
	case !ok || n != int64(int32(n)): // Redis reads it as a C int
		return 0, ErrNotInteger
	case n < 0 || n >= int64(s.databases):
		return 0, ErrDBOutOfRange
	}
	return int(n), nil
}
