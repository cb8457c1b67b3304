package server

import (
	"errors"
	"math"

	"quipu/server/number"
	"quipu/server/rdb"
)

// dumpCommands returns the rows of the commands that carry a value from one server to another, in Redis's own format.
func dumpCommands() []*Command { return []*Command{dumpRow(), restoreRow()} }

func dumpRow() *Command {
	return &Command{
		Name: "dump", Arity: 2, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatRead | CatSlow, Group: "generic", Since: "2.6.0",
		Summary:    "Returns the value of a key in the serialised form that RESTORE takes.",
		Complexity: "O(N) for a value of N bytes.",
		Tips:       []string{"nondeterministic_output"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        dump,
	}
}

func dump(c *Call) error {
	if at, found := c.Txn.Peek(c.Keys[0]); !found || isString(at.Kind) {
		c.Txn.Get(c.Keys[0]) // counts, which the views of collections do by themselves
	}
	v, err := dumped(c, c.Keys[0])
	switch {
	case err != nil:
		return err
	case v == nil:
		c.Out.Null()
	default:
		c.Out.Bulk(rdb.AppendPaced(nil, v, c.Txn.Toil))
	}
	return nil
}

func restoreRow() *Command {
	return &Command{
		Name: "restore", Arity: -4, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyOW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatSlow | CatDangerous, Group: "generic", Since: "2.6.0",
		Summary:    "Creates a key from the serialised form that DUMP returns.",
		Complexity: "O(N) for a value of N bytes.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "ttl", Type: ArgInteger},
			{Name: "serialized-value"},
			{Name: "replace", Type: ArgPureToken, Token: "REPLACE", Since: "3.0.0", Flags: ArgOptional},
			{Name: "absttl", Type: ArgPureToken, Token: "ABSTTL", Since: "5.0.0", Flags: ArgOptional},
			{Name: "seconds", Type: ArgInteger, Token: "IDLETIME", Since: "5.0.0", Flags: ArgOptional},
			{Name: "frequency", Type: ArgInteger, Token: "FREQ", Since: "5.0.0", Flags: ArgOptional},
		},
		Run: restore,
	}
}

// restore makes its checks in Redis's order: the words, the name, the time, the payload.
func restore(c *Call) error {
	o, err := parseRestoreOptions(c.Args[4:])
	if err != nil {
		return err
	}
	if _, taken := c.Txn.Peek(c.Keys[0]); taken && !o.replace {
		return errBusyKey
	}
	ttlMillis, ok := number.ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	if ttlMillis < 0 {
		return errRestoreTTL
	}
	v, err := decodeDump(c, c.Args[3])
	if err != nil {
		return err
	}
	if err := putRestored(c, v, o.expireAt(ttlMillis, c.Txn.Now())); err != nil {
		return err
	}
	switch {
	case o.hasIdle:
		c.Txn.SetIdle(c.Keys[0], o.idle)
	case o.hasFreq:
		c.Txn.SetFreq(c.Keys[0], o.freq)
	}
	c.Out.OK()
	return nil
}

// restoreOptions is what the words after the payload of RESTORE ask for.
type restoreOptions struct {
	replace, absolute bool
	hasIdle, hasFreq  bool
	idle, freq        int64 // seconds, and the counter of an lfu policy
}

// parseRestoreOptions reads the words after the payload.
func parseRestoreOptions(args [][]byte) (o restoreOptions, err error) {
	for i := 0; i < len(args); i++ {
		more := i+1 < len(args)
		switch {
		case isWord(args[i], "REPLACE"):
			o.replace = true
		case isWord(args[i], "ABSTTL"):
			o.absolute = true
		case isWord(args[i], "IDLETIME") && more && !o.hasFreq:
			i++
			o.hasIdle = true
			o.idle, err = parseWithin(args[i], math.MaxInt64, errRestoreIdle)
		case isWord(args[i], "FREQ") && more && !o.hasIdle:
			i++
			o.hasFreq = true
			o.freq, err = parseWithin(args[i], math.MaxUint8, errRestoreFreq)
		default:
			err = ErrSyntax
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

// parseWithin reads an integer from 0 to limit; another one gives the error outside.
func parseWithin(arg []byte, limit int64, outside error) (int64, error) {
	n, ok := number.ParseInt(arg)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n < 0 || n > limit:
		return 0, outside
	}
	return n, nil
}

// expireAt returns the expiry in Unix milliseconds for the time argument of RESTORE; 0 is none.
func (o *restoreOptions) expireAt(ttlMillis, now int64) int64 {
	switch {
	case ttlMillis == 0 || o.absolute:
		return ttlMillis
	case ttlMillis > math.MaxInt64-now:
		return 1 // in Redis the sum wraps around, into the past
	}
	return ttlMillis + now
}

// decodeDump returns the value in a payload. It may be in parts of the payload's bytes.
func decodeDump(c *Call, payload []byte) (rdb.Value, error) {
	v, err := rdb.Decode(payload, int(c.Srv.cfg.Load().ProtoMaxBulkLen))
	switch {
	case errors.Is(err, rdb.ErrPayload):
		return nil, errDumpChecksum
	case err != nil:
		return nil, errDumpFormat
	}
	return v, nil
}
