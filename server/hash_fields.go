package server

import (
	"quipu/engine"
	"quipu/server/number"
)

// hashFieldCommands returns the rows of the commands of Redis 8 that read or set fields and deal with their expiry, or their end, in the
// same step.
func hashFieldCommands() []*Command { return []*Command{hGetExRow(), hSetExRow(), hGetDelRow()} }

func hGetExRow() *Command {
	return &Command{
		Name: "hgetex", Arity: -5, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Notes: "writes because it may change the expiry", Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "8.0.0",
		Summary:    "Returns the values of fields of a hash and changes their expiry.",
		Complexity: "O(N) for N fields.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			fieldExpirationArg(Arg{Name: "persist", Type: ArgPureToken, Token: "PERSIST"}),
			fieldsArg(),
		},
		Run: hGetEx,
	}
}

// fieldExpirationArg is the optional argument that says when fields expire: one of four times, or another word.
func fieldExpirationArg(other Arg) Arg {
	return Arg{Name: "expiration", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
		{Name: "seconds", Type: ArgInteger, Token: "EX"},
		{Name: "milliseconds", Type: ArgInteger, Token: "PX"},
		{Name: "unix-time-seconds", Type: ArgUnixTime, Token: "EXAT"},
		{Name: "unix-time-milliseconds", Type: ArgUnixTime, Token: "PXAT"},
		other,
	}}
}

// hGetEx reads at most one word about the expiry, which must come before the fields.
func hGetEx(c *Call) error {
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	rest := c.Args[2:]
	word := setWordOf(rest[0]) & wordsGetEx
	at := int64(0)
	switch {
	case word&wordsTime != 0:
		if at, err = fieldExpiryOf(c, word, rest[1]); err != nil {
			return err
		}
		rest = rest[2:]
	case word == wordPersist:
		rest = rest[1:]
	}
	fields, err := parseFields(c, rest, errFieldsNumber)
	if err != nil {
		return err
	}
	c.Out.Array(len(fields))
	for _, field := range fields {
		if answerField(c, &h, field) && word != 0 {
			setOrEndField(c, &h, field, at)
		}
	}
	return nil
}

// fieldExpiryOf returns the Unix time in milliseconds that a word of wordsTime and its argument mean.
func fieldExpiryOf(c *Call, word setWord, arg []byte) (int64, error) {
	switch word {
	case wordEX:
		return parseFieldExpiry(c, arg, 1000, c.Txn.Now())
	case wordPX:
		return parseFieldExpiry(c, arg, 1, c.Txn.Now())
	case wordEXAT:
		return parseFieldExpiry(c, arg, 1000, 0)
	}
	return parseFieldExpiry(c, arg, 1, 0)
}

// setOrEndField lets an existing field expire at Unix milliseconds at, 0 for never. What has expired already is deleted.
func setOrEndField(c *Call, h *engine.Hash, field []byte, at int64) {
	if at != 0 && at <= c.Txn.Now() {
		h.Delete(field)
		return
	}
	h.SetExpiry(field, at)
}

func hSetExRow() *Command {
	return &Command{
		Name: "hsetex", Arity: -6, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "8.0.0",
		Summary:    "Sets fields of a hash and their expiry; on request only if all of them, or none, exist.",
		Complexity: "O(N) for N fields.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "condition", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "fnx", Type: ArgPureToken, Token: "FNX"},
				{Name: "fxx", Type: ArgPureToken, Token: "FXX"},
			}},
			fieldExpirationArg(Arg{Name: "keepttl", Type: ArgPureToken, Token: "KEEPTTL"}),
			{Name: "fields", Type: ArgBlock, Token: "FIELDS", Sub: []Arg{{Name: "numfields", Type: ArgInteger}, fieldValues("data")}},
		},
		Run: hSetEx,
	}
}

// hSetEx looks at the key only after all of its arguments.
func hSetEx(c *Call) error {
	o, err := parseHSetEx(c)
	if err != nil {
		return err
	}
	h, err := c.Txn.Hash(c.Keys[0])
	if err != nil {
		return err
	}
	if !o.met(&h) {
		c.Out.Int(0)
		return nil
	}
	for i := 0; i < len(o.pairs); i += 2 {
		if err := o.set(c, &h, o.pairs[i], o.pairs[i+1]); err != nil {
			return err
		}
	}
	c.Out.Int(1)
	return nil
}

// hSetExOptions is what the arguments of HSETEX ask for.
type hSetExOptions struct {
	onlyNew, onlyOld bool     // FNX, FXX
	expiry           setWord  // the word about the expiry, 0 for none
	at               int64    // Unix milliseconds, for the words of wordsTime
	pairs            [][]byte // fields and their values, in turn
}

// parseHSetEx reads the arguments after the key. The words before FIELDS come in any order.
func parseHSetEx(c *Call) (o hSetExOptions, err error) {
	for args := c.Args[2:]; len(args) > 0; {
		if isWord(args[0], "FIELDS") {
			o.pairs, err = parsePairs(c, args[1:])
			return o, err
		}
		if args, err = o.word(c, args); err != nil {
			return o, err
		}
	}
	return o, errArity(c.Cmd.FullName())
}

// word reads one word before FIELDS, with its argument, and returns what follows.
func (o *hSetExOptions) word(c *Call, args [][]byte) (rest [][]byte, err error) {
	expiry := setWordOf(args[0]) & (wordsTime | wordKeepTTL)
	isNew, isOld := isWord(args[0], "FNX"), isWord(args[0], "FXX")
	switch {
	case expiry != 0 && o.expiry != 0:
		return nil, errFieldExpiries
	case expiry&wordsTime != 0 && len(args) == 1:
		return nil, errFieldExpiryMissing
	case expiry&wordsTime != 0:
		o.expiry = expiry
		o.at, err = fieldExpiryOf(c, expiry, args[1])
		return args[2:], err
	case expiry != 0:
		o.expiry = expiry
	case !isNew && !isOld:
		return nil, errFieldWord(args[0])
	case o.onlyNew || o.onlyOld:
		return nil, errFieldConditions
	}
	o.onlyNew, o.onlyOld = o.onlyNew || isNew, o.onlyOld || isOld
	return args[1:], nil
}

// parsePairs reads "numfields field value ...".
func parsePairs(c *Call, args [][]byte) ([][]byte, error) {
	if len(args) < 3 {
		return nil, errArity(c.Cmd.FullName())
	}
	n, ok := number.ParseInt(args[0])
	if !ok || n < 1 {
		return nil, errFieldsInvalid
	}
	if pairs := args[1:]; len(pairs)%2 == 0 && n == int64(len(pairs)/2) {
		return pairs, nil
	}
	return nil, errArity(c.Cmd.FullName())
}

// met reports whether FNX or FXX is fulfilled: by none, or by all, of the fields being there.
func (o *hSetExOptions) met(h *engine.Hash) bool {
	if !o.onlyNew && !o.onlyOld {
		return true
	}
	for i := 0; i < len(o.pairs); i += 2 {
		if _, found := h.Get(o.pairs[i]); found != o.onlyOld {
			return false
		}
	}
	return true
}

// set stores one field as the options ask for. An expiry that has passed already leaves nothing behind.
func (o *hSetExOptions) set(c *Call, h *engine.Hash, field, value []byte) error {
	switch {
	case o.expiry == wordKeepTTL:
		_, err := h.SetKeepTTL(field, value)
		return err
	case o.expiry != 0 && o.at <= c.Txn.Now():
		h.Delete(field)
		return nil
	}
	if _, err := h.Set(field, value); err != nil {
		return err
	}
	if o.expiry != 0 {
		h.SetExpiry(field, o.at)
	}
	return nil
}

func hGetDelRow() *Command {
	return &Command{
		Name: "hgetdel", Arity: -5, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatHash | CatFast, Group: "hash", Since: "8.0.0",
		Summary:    "Returns the values of fields of a hash and deletes the fields.",
		Complexity: "O(N) for N fields.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, fieldsArg()},
		Run:        hGetDel,
	}
}

func hGetDel(c *Call) error {
	h, fields, err := hashAndFields(c)
	if err != nil {
		return err
	}
	c.Out.Array(len(fields))
	for _, field := range fields {
		if answerField(c, &h, field) {
			h.Delete(field)
		}
	}
	return nil
}
