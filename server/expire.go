package server

import (
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// expireCommands returns the rows of the commands about the life of a key.
func expireCommands() []*Command {
	return []*Command{
		expireRow(), pexpireRow(), expireAtRow(), pexpireAtRow(),
		ttlRow(), pttlRow(), expireTimeRow(), pexpireTimeRow(), persistRow(),
	}
}

// expiryConditionArg is the condition on the expiry that there is already, of commands that have it since a version.
func expiryConditionArg(since string) Arg {
	return Arg{Name: "condition", Type: ArgOneOf, Since: since, Flags: ArgOptional, Sub: []Arg{
		{Name: "nx", Type: ArgPureToken, Token: "NX"},
		{Name: "xx", Type: ArgPureToken, Token: "XX"},
		{Name: "gt", Type: ArgPureToken, Token: "GT"},
		{Name: "lt", Type: ArgPureToken, Token: "LT"},
	}}
}

func expireRow() *Command {
	return &Command{
		Name: "expire", Arity: -3, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatFast, Group: "generic", Since: "1.0.0",
		Summary:    "Lets a key expire after so many seconds.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "seconds", Type: ArgInteger},
			expiryConditionArg("7.0.0"),
		},
		Run: expire,
	}
}

func expire(c *Call) error { return setExpiry(c, 1000, c.Txn.Now()) }

func pexpireRow() *Command {
	return &Command{
		Name: "pexpire", Arity: -3, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatFast, Group: "generic", Since: "2.6.0",
		Summary:    "Lets a key expire after so many milliseconds.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "milliseconds", Type: ArgInteger},
			expiryConditionArg("7.0.0"),
		},
		Run: pexpire,
	}
}

func pexpire(c *Call) error { return setExpiry(c, 1, c.Txn.Now()) }

func expireAtRow() *Command {
	return &Command{
		Name: "expireat", Arity: -3, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatFast, Group: "generic", Since: "1.2.0",
		Summary:    "Lets a key expire at a Unix time in seconds.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "unix-time-seconds", Type: ArgUnixTime},
			expiryConditionArg("7.0.0"),
		},
		Run: expireAt,
	}
}

func expireAt(c *Call) error { return setExpiry(c, 1000, 0) }

func pexpireAtRow() *Command {
	return &Command{
		Name: "pexpireat", Arity: -3, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatFast, Group: "generic", Since: "2.6.0",
		Summary:    "Lets a key expire at a Unix time in milliseconds.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "unix-time-milliseconds", Type: ArgUnixTime},
			expiryConditionArg("7.0.0"),
		},
		Run: pexpireAt,
	}
}

func pexpireAt(c *Call) error { return setExpiry(c, 1, 0) }

// setExpiry lets the key expire Args[2] units of unitMillis after base (Unix milliseconds), if the conditions allow it.
func setExpiry(c *Call, unitMillis, base int64) error {
	conditions, err := parseExpireConditions(c.Args[3:])
	if err != nil {
		return err
	}
	at, err := expireTimeOf(c, unitMillis, base)
	if err != nil {
		return err
	}
	v, found := c.Txn.Peek(c.Keys[0])
	if !found || !conditions.allow(v.ExpireAt, at) {
		c.Out.Int(0)
		return nil
	}
	expireKey(c, c.Keys[0], at)
	c.Out.Int(1)
	return nil
}

// expireTimeOf returns the Unix time in milliseconds that EXPIRE or one of its kin asks for. Unlike that of SET it may lie in the
// past, or before 1970: then the key goes at once.
func expireTimeOf(c *Call, unitMillis, base int64) (int64, error) {
	n, ok := number.ParseInt(c.Args[2])
	if !ok {
		return 0, ErrNotInteger
	}
	if n > math.MaxInt64/unitMillis || n < math.MinInt64/unitMillis || n*unitMillis > math.MaxInt64-base {
		return 0, errExpireTime(c.Cmd.FullName())
	}
	return n*unitMillis + base, nil
}

// expireKey lets an existing key expire at Unix milliseconds at; what has expired already is deleted.
func expireKey(c *Call, k engine.Key, at int64) {
	if at <= c.Txn.Now() {
		c.Txn.Delete(k)
		return
	}
	c.Txn.Expire(k, at)
}

// expireCondition is a set of the conditions NX, XX, GT and LT.
type expireCondition uint8

const (
	onlyIfNone   expireCondition = 1 << iota // NX: the key has no expiry
	onlyIfSome                               // XX: the key has one
	onlyIfLater                              // GT: the new expiry is later
	onlyIfSooner                             // LT: the new expiry is sooner
)

// parseExpireConditions reads the words after the time of EXPIRE. Repeating one is harmless.
func parseExpireConditions(args [][]byte) (expireCondition, error) {
	var cond expireCondition
	for _, arg := range args {
		switch {
		case isWord(arg, "NX"):
			cond |= onlyIfNone
		case isWord(arg, "XX"):
			cond |= onlyIfSome
		case isWord(arg, "GT"):
			cond |= onlyIfLater
		case isWord(arg, "LT"):
			cond |= onlyIfSooner
		default:
			return 0, errExpireOption(arg)
		}
	}
	if cond&onlyIfNone != 0 && cond != onlyIfNone {
		return 0, errExpireNX
	}
	if cond&onlyIfLater != 0 && cond&onlyIfSooner != 0 {
		return 0, errExpireGTLT
	}
	return cond, nil
}

// allow reports whether an expiry of current (0: none) may become next. None counts as endless.
func (cond expireCondition) allow(current, next int64) bool {
	endless := current == 0
	switch {
	case cond&onlyIfNone != 0 && !endless, cond&onlyIfSome != 0 && endless:
		return false
	case cond&onlyIfLater != 0:
		return !endless && next > current
	case cond&onlyIfSooner != 0:
		return endless || next < current
	}
	return true
}

// Answers of the TTL family for what has no time to tell.
const (
	noExpiry = -1
	noKey    = -2
)

func ttlRow() *Command {
	return &Command{
		Name: "ttl", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatRead | CatFast, Group: "generic", Since: "1.0.0",
		Summary:    "Returns the seconds that a key has left to live.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        ttl,
	}
}

func ttl(c *Call) error { return answerExpiry(c, 1000, c.Txn.Now()) }

func pttlRow() *Command {
	return &Command{
		Name: "pttl", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatRead | CatFast, Group: "generic", Since: "2.6.0",
		Summary:    "Returns the milliseconds that a key has left to live.",
		Complexity: "O(1)",
		Tips:       []string{"nondeterministic_output"},
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        pttl,
	}
}

func pttl(c *Call) error { return answerExpiry(c, 1, c.Txn.Now()) }

func expireTimeRow() *Command {
	return &Command{
		Name: "expiretime", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatRead | CatFast, Group: "generic", Since: "7.0.0",
		Summary:    "Returns the Unix time in seconds at which a key expires.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        expireTime,
	}
}

func expireTime(c *Call) error { return answerExpiry(c, 1000, 0) }

func pexpireTimeRow() *Command {
	return &Command{
		Name: "pexpiretime", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatRead | CatFast, Group: "generic", Since: "7.0.0",
		Summary:    "Returns the Unix time in milliseconds at which a key expires.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        pexpireTime,
	}
}

func pexpireTime(c *Call) error { return answerExpiry(c, 1, 0) }

// answerExpiry answers the time from base (Unix milliseconds) to the expiry of the key in units of unitMillis, rounded to the
// nearest.
func answerExpiry(c *Call, unitMillis, base int64) error {
	v, found := c.Txn.Look(c.Keys[0])
	switch {
	case !found:
		c.Out.Int(noKey)
	case v.ExpireAt == 0:
		c.Out.Int(noExpiry)
	default:
		left := uint64(max(v.ExpireAt-base, 0)) // unsigned: rounding up the last times must not overflow
		unit := uint64(unitMillis)
		c.Out.Int(int64((left + unit/2) / unit))
	}
	return nil
}

func persistRow() *Command {
	return &Command{
		Name: "persist", Arity: 2, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatKeyspace | CatWrite | CatFast, Group: "generic", Since: "2.2.0",
		Summary:    "Removes the expiry of a key.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        persist,
	}
}

func persist(c *Call) error {
	v, found := c.Txn.Peek(c.Keys[0])
	if !found || v.ExpireAt == 0 {
		c.Out.Int(0)
		return nil
	}
	c.Txn.Expire(c.Keys[0], 0)
	c.Out.Int(1)
	return nil
}
