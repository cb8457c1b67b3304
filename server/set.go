package server

import (
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// setCommands returns the rows of the commands that store a whole value, and of GETEX, which shares the words of SET.
func setCommands() []*Command {
	return []*Command{
		setRow(), setNXRow(), setExRow(), psetExRow(), getSetRow(), getExRow(), msetRow(), msetNXRow(), msetExRow(),
	}
}

// setWord is a set of the optional words of SET and GETEX.
type setWord uint16

const (
	wordNX setWord = 1 << iota
	wordXX
	wordGet
	wordKeepTTL
	wordPersist
	wordEX
	wordPX
	wordEXAT
	wordPXAT
	wordIFEQ
	wordIFNE
	wordIFDEQ
	wordIFDNE

	wordsSet    = wordsCondition | wordGet | wordKeepTTL | wordsTime // what SET takes
	wordsGetEx  = wordPersist | wordsTime                            // what GETEX takes
	wordsMSetEx = wordNX | wordXX | wordKeepTTL | wordsTime          // what MSETEX takes

	wordsTime    = wordEX | wordPX | wordEXAT | wordPXAT       // with an argument
	wordsCompare = wordIFEQ | wordIFNE | wordIFDEQ | wordIFDNE // with an argument, too

	wordsCondition = wordNX | wordXX | wordsCompare        // at most one of these, though it may be repeated
	wordsTTL       = wordsTime | wordKeepTTL | wordPersist // and of these
)

// setOptions is what the optional words of SET or GETEX ask for.
type setOptions struct {
	words   setWord
	time    []byte // the argument of the last word of wordsTime
	compare []byte // and of wordsCompare
}

func (o *setOptions) has(w setWord) bool { return o.words&w != 0 }

// parseSetOptions reads the optional words in args, of which allowed are known to the command. Redis's rules: conditions
// exclude each other, as do the words about expiry; any word may be repeated, and the last argument counts.
func parseSetOptions(args [][]byte, allowed setWord) (o setOptions, err error) {
	for i := 0; i < len(args); i++ {
		w := setWordOf(args[i]) & allowed
		if w == 0 || o.excludes(w) {
			return o, ErrSyntax
		}
		if w&(wordsTime|wordsCompare) != 0 {
			i++
			if i == len(args) {
				return o, ErrSyntax
			}
			o.take(w, args[i])
		}
		o.words |= w
	}
	return o, nil
}

// take notes the argument of a word.
func (o *setOptions) take(w setWord, arg []byte) {
	if w&wordsTime != 0 {
		o.time = arg
		return
	}
	o.compare = arg
}

// excludes reports whether a word read before forbids w.
func (o *setOptions) excludes(w setWord) bool {
	return w&wordsCondition != 0 && o.has(wordsCondition&^w) || w&wordsTTL != 0 && o.has(wordsTTL&^w)
}

// setWordOf returns the word that arg is, 0 for none.
func setWordOf(arg []byte) setWord {
	switch {
	case isWord(arg, "NX"):
		return wordNX
	case isWord(arg, "XX"):
		return wordXX
	case isWord(arg, "EX"):
		return wordEX
	case isWord(arg, "PX"):
		return wordPX
	case isWord(arg, "GET"):
		return wordGet
	case isWord(arg, "EXAT"):
		return wordEXAT
	case isWord(arg, "PXAT"):
		return wordPXAT
	case isWord(arg, "KEEPTTL"):
		return wordKeepTTL
	case isWord(arg, "PERSIST"):
		return wordPersist
	case isWord(arg, "IFEQ"):
		return wordIFEQ
	case isWord(arg, "IFNE"):
		return wordIFNE
	case isWord(arg, "IFDEQ"):
		return wordIFDEQ
	case isWord(arg, "IFDNE"):
		return wordIFDNE
	}
	return 0
}

// isWord reports whether arg is word, which is in capitals, in any mixture of cases.
func isWord(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, b := range arg {
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		if b != word[i] {
			return false
		}
	}
	return true
}

// expireAt returns the expiry, in Unix milliseconds, that the options ask for: 0 for none, engine.KeepTTL to leave it.
func (o *setOptions) expireAt(c *Call) (int64, error) {
	switch {
	case o.has(wordKeepTTL):
		return engine.KeepTTL, nil
	case o.has(wordEX):
		return expiryOf(c, o.time, 1000, c.Txn.Now())
	case o.has(wordPX):
		return expiryOf(c, o.time, 1, c.Txn.Now())
	case o.has(wordEXAT):
		return expiryOf(c, o.time, 1000, 0)
	case o.has(wordPXAT):
		return expiryOf(c, o.time, 1, 0)
	}
	return 0, nil
}

// expiryOf returns the Unix time in milliseconds that is arg units of unitMillis after base. An amount that is not positive, or
// does not fit, is refused in the name of the command.
func expiryOf(c *Call, arg []byte, unitMillis, base int64) (int64, error) {
	n, ok := number.ParseInt(arg)
	if !ok {
		return 0, ErrNotInteger
	}
	if n <= 0 || n > math.MaxInt64/unitMillis || n*unitMillis > math.MaxInt64-base {
		return 0, errExpireTime(c.Cmd.FullName())
	}
	return n*unitMillis + base, nil
}

// store sets the key to value. An expiry that has passed already leaves nothing behind.
func store(c *Call, k engine.Key, value []byte, expireAt int64) error {
	if expireAt > 0 && expireAt <= c.Txn.Now() {
		if !c.Txn.Delete(k) {
			c.Txn.Announce(k)
		}
		return nil
	}
	return c.Txn.SetString(k, value, expireAt)
}

func setRow() *Command {
	return &Command{
		Name: "set", Arity: -3, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate | KeyVariableFlags, Notes: "reads the value only with GET", Index: 1, Step: 1}},
		KeyFlags:   setKeyFlags,
		Categories: CatWrite | CatString | CatSlow, Group: "string", Since: "1.0.0",
		Summary:    "Sets a key to a value, whatever it held; conditions, expiry and the old value on request.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "value"},
			{Name: "condition", Type: ArgOneOf, Since: "2.6.12", Flags: ArgOptional, Sub: append([]Arg{
				{Name: "nx", Type: ArgPureToken, Token: "NX"},
				{Name: "xx", Type: ArgPureToken, Token: "XX"},
			}, compareArgs()...)},
			{Name: "get", Type: ArgPureToken, Token: "GET", Since: "6.2.0", Flags: ArgOptional},
			{Name: "expiration", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "seconds", Type: ArgInteger, Token: "EX", Since: "2.6.12"},
				{Name: "milliseconds", Type: ArgInteger, Token: "PX", Since: "2.6.12"},
				{Name: "unix-time-seconds", Type: ArgUnixTime, Token: "EXAT", Since: "6.2.0"},
				{Name: "unix-time-milliseconds", Type: ArgUnixTime, Token: "PXAT", Since: "6.2.0"},
				{Name: "keepttl", Type: ArgPureToken, Token: "KEEPTTL", Since: "6.0.0"},
			}},
		},
		Run: set,
	}
}

func set(c *Call) error {
	if len(c.Args) == 3 {
		return setAndOK(c, c.Args[2], 0)
	}
	o, err := parseSetOptions(c.Args[3:], wordsSet)
	if err != nil {
		return err
	}
	at, err := o.expireAt(c)
	if err != nil {
		return err
	}
	if o.has(wordGet) {
		return setAndGet(c, &o, at)
	}
	if o.has(wordsCondition) {
		if holds, err := o.holds(c); err != nil || !holds {
			c.Out.Null()
			return err
		}
	}
	return setAndOK(c, c.Args[2], at)
}

// holds reports whether the key fulfils the condition.
func (o *setOptions) holds(c *Call) (bool, error) {
	if !o.has(wordsCompare) {
		_, found := c.Txn.Peek(c.Keys[0])
		return o.met(found), nil
	}
	v, found, err := peekString(c, c.Keys[0])
	switch {
	case err != nil:
		return false, err
	case !found:
		return o.has(wordIFNE | wordIFDNE), nil
	}
	return compares(o.words&wordsCompare, o.compare, v)
}

// met reports whether NX or XX is fulfilled by a key that exists or does not.
func (o *setOptions) met(found bool) bool {
	return !(o.has(wordNX) && found) && !(o.has(wordXX) && !found)
}

// setAndOK stores value at the command's key and answers OK.
func setAndOK(c *Call, value []byte, expireAt int64) error {
	if err := store(c, c.Keys[0], value, expireAt); err != nil {
		return err
	}
	c.Out.OK()
	return nil
}

// setAndGet is SET with GET: the answer is the old value, whether or not the new one was stored.
func setAndGet(c *Call, o *setOptions, expireAt int64) error {
	if _, err := answerValue(c); err != nil {
		return err
	}
	if holds, err := o.holds(c); err != nil || !holds {
		return err
	}
	return store(c, c.Keys[0], c.Args[2], expireAt)
}

func setNXRow() *Command {
	return &Command{
		Name: "setnx", Arity: 3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyOW | KeyInsert, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "1.0.0",
		Summary:    "Sets a key to a value, but only if the key does not exist.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "value"}},
		Run:        setNX,
	}
}

func setNX(c *Call) error {
	if _, found := c.Txn.Peek(c.Keys[0]); found {
		c.Out.Int(0)
		return nil
	}
	if err := c.Txn.SetString(c.Keys[0], c.Args[2], 0); err != nil {
		return err
	}
	c.Out.Int(1)
	return nil
}

func setExRow() *Command {
	return &Command{
		Name: "setex", Arity: 4, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyOW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatSlow, Group: "string", Since: "2.0.0",
		Summary:    "Sets a key to a value that expires after so many seconds.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "seconds", Type: ArgInteger}, {Name: "value"}},
		Run:        setEx,
	}
}

func setEx(c *Call) error { return setWithTTL(c, 1000) }

func psetExRow() *Command {
	return &Command{
		Name: "psetex", Arity: 4, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyOW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatSlow, Group: "string", Since: "2.6.0",
		Summary:    "Sets a key to a value that expires after so many milliseconds.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "milliseconds", Type: ArgInteger}, {Name: "value"}},
		Run:        psetEx,
	}
}

func psetEx(c *Call) error { return setWithTTL(c, 1) }

// setWithTTL stores Args[3] for Args[2] units of unitMillis.
func setWithTTL(c *Call, unitMillis int64) error {
	at, err := expiryOf(c, c.Args[2], unitMillis, c.Txn.Now())
	if err != nil {
		return err
	}
	return setAndOK(c, c.Args[3], at)
}

func getSetRow() *Command {
	return &Command{
		Name: "getset", Arity: 3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "1.0.0",
		Summary:    "Sets a key to a value and returns the value that it had.",
		Complexity: "O(1)",
		DocFlags:   []string{"deprecated"}, Deprecated: "6.2.0", ReplacedBy: "`SET` with the `!GET` argument",
		Args: []Arg{{Name: "key", Type: ArgKey}, {Name: "value"}},
		Run:  getSet,
	}
}

func getSet(c *Call) error {
	if _, err := answerValue(c); err != nil {
		return err
	}
	return c.Txn.SetString(c.Keys[0], c.Args[2], 0)
}

func getExRow() *Command {
	return &Command{
		Name: "getex", Arity: -2, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Notes: "writes because it may change the expiry", Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "6.2.0",
		Summary:    "Returns the value of a key and changes its expiry.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "expiration", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "seconds", Type: ArgInteger, Token: "EX"},
				{Name: "milliseconds", Type: ArgInteger, Token: "PX"},
				{Name: "unix-time-seconds", Type: ArgUnixTime, Token: "EXAT"},
				{Name: "unix-time-milliseconds", Type: ArgUnixTime, Token: "PXAT"},
				{Name: "persist", Type: ArgPureToken, Token: "PERSIST"},
			}},
		},
		Run: getEx,
	}
}

func getEx(c *Call) error {
	o, err := parseSetOptions(c.Args[2:], wordsGetEx)
	if err != nil {
		return err
	}
	v, found, err := getString(c, c.Keys[0])
	if err != nil {
		return err
	}
	if !found { // before the time is looked at, as in Redis
		c.Out.Null()
		return nil
	}
	at, err := o.expireAt(c)
	if err != nil {
		return err
	}
	writeValue(c.Out, v)
	switch {
	case o.has(wordPersist):
		c.Txn.Expire(c.Keys[0], 0)
	case o.has(wordsTime):
		expireKey(c, c.Keys[0], at)
	}
	return nil
}

func msetRow() *Command {
	return &Command{
		Name: "mset", Arity: -3, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: -1, Step: 2,
		KeySpecs:   []KeySpec{{Flags: KeyOW | KeyUpdate, Index: 1, Last: -1, Step: 2}},
		Categories: CatWrite | CatString | CatSlow, Group: "string", Since: "1.0.1",
		Summary:    "Sets several keys to their values in one step.",
		Complexity: "O(N) for N keys.",
		Tips:       []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
		Args: []Arg{
			{Name: "key_value", Type: ArgBlock, Flags: ArgMultiple, Sub: []Arg{
				{Name: "key", Type: ArgKey},
				{Name: "value"},
			}},
		},
		Run: mset,
	}
}

func mset(c *Call) error {
	if len(c.Args)%2 == 0 {
		return errArity(c.Cmd.FullName())
	}
	if err := c.Txn.SetAll(c.Keys, c.Args[1:], 0); err != nil {
		return err
	}
	c.Out.OK()
	return nil
}

func msetNXRow() *Command {
	return &Command{
		Name: "msetnx", Arity: -3, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: -1, Step: 2,
		KeySpecs:   []KeySpec{{Flags: KeyOW | KeyInsert, Index: 1, Last: -1, Step: 2}},
		Categories: CatWrite | CatString | CatSlow, Group: "string", Since: "1.0.1",
		Summary:    "Sets several keys to their values in one step, but only if none of them exists.",
		Complexity: "O(N) for N keys.",
		Tips:       []string{"request_policy:multi_shard", "response_policy:agg_min"},
		Args: []Arg{
			{Name: "key_value", Type: ArgBlock, Flags: ArgMultiple, Sub: []Arg{
				{Name: "key", Type: ArgKey},
				{Name: "value"},
			}},
		},
		Run: msetNX,
	}
}

func msetNX(c *Call) error {
	if len(c.Args)%2 == 0 {
		return errArity(c.Cmd.FullName())
	}
	for i := range c.Keys {
		if _, found := c.Txn.Peek(c.Keys[i]); found {
			c.Out.Int(0)
			return nil
		}
	}
	if err := c.Txn.SetAll(c.Keys, c.Args[1:], 0); err != nil {
		return err
	}
	c.Out.Int(1)
	return nil
}
