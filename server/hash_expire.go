package server

import (
	"quipu/engine"
	"quipu/server/number"
)

// The expiry of single fields, as Redis has it since 7.4. Unlike the expiry of keys it can not lie before 1970, and has an end.

// hashExpireCommands returns the rows of the commands about the expiry of fields.
func hashExpireCommands() []*Command {
	return []*Command{
		hExpireRow(), hpexpireRow(), hExpireAtRow(), hpexpireAtRow(),
		httlRow(), hpttlRow(), hExpireTimeRow(), hpexpireTimeRow(), hPersistRow(),
	}
}

// maxFieldExpiry is the last Unix time in milliseconds at which Redis lets a field expire, in the year 4199: it keeps such times in 46
// bits.
const maxFieldExpiry = 1<<46 - 1

// What the commands about the expiry of fields answer for each field.
const (
	fieldMissing  = -2
	fieldNoExpiry = -1
	fieldNotMet   = 0 // the condition
	fieldSet      = 1
	fieldDeleted  = 2 // the expiry lies in the past
)

// fieldsArg is the argument of the commands that take a counted list of fields.
func fieldsArg() Arg {
	return Arg{Name: "fields", Type: ArgBlock, Token: "FIELDS", Sub: []Arg{
		{Name: "numfields", Type: ArgInteger},
		{Name: "field", Flags: ArgMultiple},
	}}
}

// parseFields reads "FIELDS numfields field ...", which must be all of args, and returns the fields. badCount is what the command answers
// to a number that is none, or less than one.
func parseFields(c *Call, args [][]byte, badCount error) ([][]byte, error) {
	if len(args) == 0 || !isWord(args[0], "FIELDS") {
		return nil, errFieldsMissing
	}
	if len(args) == 1 {
		return nil, errArity(c.Cmd.FullName())
	}
	n, ok := number.ParseInt(args[1])
	if !ok || n < 1 {
		return nil, badCount
	}
	if n != int64(len(args)-2) {
		return nil, errFieldsCount
	}
	return args[2:], nil
}

// hashAndFields returns the hash and the fields of a command that is "key FIELDS numfields field ...".
func hashAndFields(c *Call) (h engine.Hash, fields [][]byte, err error) {
	if h, err = c.Txn.Hash(c.Keys[0]); err != nil {
		return h, nil, err
	}
	fields, err = parseFields(c, c.Args[2:], errFieldsNumber)
	return h, fields, err
}

// parseFieldExpiry returns the Unix time in milliseconds that is arg units of unitMillis after base. It may lie in the past.
func parseFieldExpiry(c *Call, arg []byte, unitMillis, base int64) (int64, error) {
	n, ok := number.ParseInt(arg)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n < 0:
		return 0, errFieldExpireNegative
	case n > maxFieldExpiry/unitMillis || n*unitMillis > maxFieldExpiry-base:
		return 0, errExpireTime(c.Cmd.FullName())
	}
	return n*unitMillis + base, nil
}

func hExpireRow() *Command {
	return fieldExpiryRow("hexpire", hExpire, Arg{Name: "seconds", Type: ArgInteger}, "Lets fields of a hash expire after so many seconds.")
}

// fieldExpiryRow returns the row of HEXPIRE or one of its kin, which differ in their time argument only.
func fieldExpiryRow(name string, run func(c *Call) error, time Arg, summary string) *Command {
	return &Command{
		Name: name, Arity: -6, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "7.4.0",
		Summary:    summary,
		Complexity: "O(N) for N fields.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			time,
			expiryConditionArg(""),
			fieldsArg(),
		},
		Run: run,
	}
}

func hExpire(c *Call) error { return setFieldExpiry(c, 1000, c.Txn.Now()) }

func hpexpireRow() *Command {
	return fieldExpiryRow("hpexpire", hpexpire, Arg{Name: "milliseconds", Type: ArgInteger},
		"Lets fields of a hash expire after so many milliseconds.")
}

func hpexpire(c *Call) error { return setFieldExpiry(c, 1, c.Txn.Now()) }

func hExpireAtRow() *Command {
	return fieldExpiryRow("hexpireat", hExpireAt, Arg{Name: "unix-time-seconds", Type: ArgUnixTime},
		"Lets fields of a hash expire at a Unix time in seconds.")
}

func hExpireAt(c *Call) error { return setFieldExpiry(c, 1000, 0) }

func hpexpireAtRow() *Command {
	return fieldExpiryRow("hpexpireat", hpexpireAt, Arg{Name: "unix-time-milliseconds", Type: ArgUnixTime},
		"Lets fields of a hash expire at a Unix time in milliseconds.")
}

func hpexpireAt(c *Call) error { return setFieldExpiry(c, 1, 0) }

// setFieldExpiry lets fields expire Args[2] units of unitMillis after base (Unix milliseconds), if the condition allows it, and answers
// what became of each.
func setFieldExpiry(c *Call, unitMillis, base int64) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	at, err := parseFieldExpiry(c, c.Args[2], unitMillis, base)
	if err != nil {
		return err
	}
	rest := c.Args[3:]
	condition := fieldCondition(rest[0])
	if condition != 0 {
		rest = rest[1:]
	}
	fields, err := parseFields(c, rest, errFieldsPositive)
	if err != nil {
		return err
	}
	c.Out.Array(len(fields))
	for _, field := range fields {
		c.Out.Int(expireField(c, &h, field, at, condition))
	}
	return nil
}

// fieldCondition returns the condition that the word is, 0 for none. There is at most one.
func fieldCondition(word []byte) expireCondition {
	switch {
	case isWord(word, "NX"):
		return onlyIfNone
	case isWord(word, "XX"):
		return onlyIfSome
	case isWord(word, "GT"):
		return onlyIfLater
	case isWord(word, "LT"):
		return onlyIfSooner
	}
	return 0
}

// expireField lets a field expire at Unix milliseconds at, if it exists and the condition allows it, and returns what to answer.
func expireField(c *Call, h *engine.Hash, field []byte, at int64, condition expireCondition) int64 {
	v, found := h.Get(field)
	switch {
	case !found:
		return fieldMissing
	case !condition.allow(v.ExpireAt, at):
		return fieldNotMet
	case at <= c.Txn.Now():
		h.Delete(field)
		return fieldDeleted
	}
	h.SetExpiry(field, at)
	return fieldSet
}

func httlRow() *Command {
	return fieldTimeRow("httl", httl, []string{"nondeterministic_output"}, "Returns the seconds that fields of a hash have left to live.")
}

// fieldTimeRow returns the row of HTTL or one of its kin.
func fieldTimeRow(name string, run func(c *Call) error, tips []string, summary string) *Command {
	return &Command{
		Name: name, Arity: -5, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatHash | CatFast, Group: "hash", Since: "7.4.0",
		Summary:    summary,
		Complexity: "O(N) for N fields.",
		Tips:       tips,
		Args:       []Arg{{Name: "key", Type: ArgKey}, fieldsArg()},
		Run:        run,
	}
}

func httl(c *Call) error { return answerFieldExpiry(c, 1000, c.Txn.Now()) }

func hpttlRow() *Command {
	return fieldTimeRow("hpttl", hpttl, []string{"nondeterministic_output"},
		"Returns the milliseconds that fields of a hash have left to live.")
}

func hpttl(c *Call) error { return answerFieldExpiry(c, 1, c.Txn.Now()) }

func hExpireTimeRow() *Command {
	return fieldTimeRow("hexpiretime", hExpireTime, nil, "Returns the Unix times in seconds at which fields of a hash expire.")
}

func hExpireTime(c *Call) error { return answerFieldExpiry(c, 1000, 0) }

func hpexpireTimeRow() *Command {
	return fieldTimeRow("hpexpiretime", hpexpireTime, nil, "Returns the Unix times in milliseconds at which fields of a hash expire.")
}

func hpexpireTime(c *Call) error { return answerFieldExpiry(c, 1, 0) }

// answerFieldExpiry answers, for each field, the time from base (Unix milliseconds) to its expiry in units of unitMillis. Seconds are
// rounded up, those of keys to the nearest.
func answerFieldExpiry(c *Call, unitMillis, base int64) error {
	h, fields, err := hashAndFields(c)
	if err != nil {
		return err
	}
	c.Out.Array(len(fields))
	for _, field := range fields {
		v, found := h.Get(field)
		switch {
		case !found:
			c.Out.Int(fieldMissing)
		case v.ExpireAt == 0:
			c.Out.Int(fieldNoExpiry)
		default:
			c.Out.Int((v.ExpireAt - base + unitMillis - 1) / unitMillis)
		}
	}
	return nil
}

func hPersistRow() *Command {
	return &Command{
		Name: "hpersist", Arity: -5, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "7.4.0",
		Summary:    "Removes the expiry of fields of a hash.",
		Complexity: "O(N) for N fields.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, fieldsArg()},
		Run:        hPersist,
	}
}

func hPersist(c *Call) error {
	h, fields, err := hashAndFields(c)
	if err != nil {
		return err
	}
	c.Out.Array(len(fields))
	for _, field := range fields {
		c.Out.Int(persistField(&h, field))
	}
	return nil
}

// persistField removes the expiry of a field and returns what to answer.
func persistField(h *engine.Hash, field []byte) int64 {
	v, found := h.Get(field)
	switch {
	case !found:
		return fieldMissing
	case v.ExpireAt == 0:
		return fieldNoExpiry
	}
	h.SetExpiry(field, 0)
	return fieldSet
}
