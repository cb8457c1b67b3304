package server

import (
	"math"

	"quipu/server/number"
)

// databaseCommands returns the rows of the commands that treat a database as a whole.
func databaseCommands() []*Command {
	return []*Command{dbSizeRow(), flushDBRow(), flushAllRow(), swapDBRow()}
}

// targetDB parses the number of a database that COPY or MOVE names.
func (s *Server) targetDB(arg []byte) (int, error) {
	n, ok := number.ParseInt(arg)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n < math.MinInt32 || n > math.MaxInt32:
		return 0, errIntRange
	case n < 0 || n >= int64(s.databases):
		return 0, ErrDBOutOfRange
	}
	return int(n), nil
}

func dbSizeRow() *Command {
	return &Command{
		Name: "dbsize", Arity: 1, Flags: FlagReadonly | FlagFast,
		Categories: CatKeyspace | CatRead | CatFast, Group: "server", Since: "1.0.0",
		Summary:    "Returns the number of keys in the database.",
		Complexity: "O(1)",
		Tips:       []string{"request_policy:all_shards", "response_policy:agg_sum"},
		Run:        dbSize,
	}
}

func dbSize(c *Call) error {
	c.Out.Int(c.Txn.Len(c.Conn.db))
	return nil
}

// flushModeArg is accepted and means nothing: memory is given back in the background either way.
func flushModeArg() Arg {
	return Arg{Name: "async", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
		{Name: "async", Type: ArgPureToken, Token: "ASYNC", Since: "4.0.0"},
		{Name: "sync", Type: ArgPureToken, Token: "SYNC", Since: "6.2.0"},
	}}
}

func flushDBRow() *Command {
	return &Command{
		Name: "flushdb", Arity: -1, Flags: FlagWrite, Locks: LockEverything,
		Categories: CatKeyspace | CatWrite | CatSlow | CatDangerous, Group: "server", Since: "1.0.0",
		Summary:    "Deletes all keys of the database.",
		Complexity: "O(N) for N keys in the database.",
		Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		Args:       []Arg{flushModeArg()},
		Run:        flushDB,
	}
}

func flushDB(c *Call) error {
	if err := checkFlushMode(c); err != nil {
		return err
	}
	c.Txn.FlushDB(c.Conn.db)
	c.Srv.tracker.flushed(c.Conn)
	c.Out.OK()
	return nil
}

func flushAllRow() *Command {
	return &Command{
		Name: "flushall", Arity: -1, Flags: FlagWrite, Locks: LockEverything,
		Categories: CatKeyspace | CatWrite | CatSlow | CatDangerous, Group: "server", Since: "1.0.0",
		Summary:    "Deletes all keys of all databases.",
		Complexity: "O(N) for N keys in all databases.",
		Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		Args:       []Arg{flushModeArg()},
		Run:        flushAll,
	}
}

func flushAll(c *Call) error {
	if err := checkFlushMode(c); err != nil {
		return err
	}
	c.Txn.FlushAll()
	c.Srv.tracker.flushed(c.Conn)
	c.Out.OK()
	return nil
}

// checkFlushMode accepts nothing, ASYNC or SYNC. They make no difference here: the engine lets go of whole tables, which the
// collector frees behind the answer.
func checkFlushMode(c *Call) error {
	args := c.Args[1:]
	if len(args) == 0 || len(args) == 1 && (isWord(args[0], "SYNC") || isWord(args[0], "ASYNC")) {
		return nil
	}
	return ErrSyntax
}

func swapDBRow() *Command {
	return &Command{
		Name: "swapdb", Arity: 3, Flags: FlagWrite | FlagFast, Locks: LockEverything,
		Categories: CatKeyspace | CatWrite | CatFast | CatDangerous, Group: "server", Since: "4.0.0",
		Summary:    "Exchanges two databases.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "index1", Type: ArgInteger}, {Name: "index2", Type: ArgInteger}},
		Run:        swapDB,
	}
}

func swapDB(c *Call) error {
	a, ok := parseInt32(c.Args[1])
	if !ok {
		return errFirstDB
	}
	b, ok := parseInt32(c.Args[2])
	if !ok {
		return errSecondDB
	}
	n := c.Srv.databases
	if a < 0 || a >= n || b < 0 || b >= n {
		return ErrDBOutOfRange
	}
	c.Txn.SwapDB(a, b)
	c.Out.OK()
	return nil
}

// parseInt32 parses an integer that fits in 32 bits.
func parseInt32(arg []byte) (int, bool) {
	n, ok := number.ParseInt(arg)
	return int(n), ok && n >= math.MinInt32 && n <= math.MaxInt32
}
