package server

import (
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// INCREX counts within bounds and sets an expiry, in one step. There are two of it: Redis's, since 8.8, answers the new value and the
// increment that was applied; Valkey's, since 9.2, has the conditions NX and XX, with which the answer is the new value alone, or null if
// the condition does not hold.

func incrExRow() *Command {
	return &Command{
		Name: "increx", Arity: -2, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "8.8.0",
		Summary:    "Adds a number to a counter within bounds, and sets its expiry; returns the new value and what was added.",
		Complexity: "O(1)",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "condition", Type: ArgOneOf, Flags: ArgOptional, Summary: "As in Valkey: the reply is then the new value alone, or null.", Sub: []Arg{
				{Name: "nx", Type: ArgPureToken, Token: "NX"},
				{Name: "xx", Type: ArgPureToken, Token: "XX"},
			}},
			{Name: "increment", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "float", Type: ArgDouble, Token: "BYFLOAT"},
				{Name: "integer", Type: ArgInteger, Token: "BYINT"},
			}},
			{Name: "lowerbound", Token: "LBOUND", Flags: ArgOptional},
			{Name: "upperbound", Token: "UBOUND", Flags: ArgOptional},
			{Name: "saturate", Type: ArgPureToken, Token: "SATURATE", Flags: ArgOptional, Summary: "Stop at the bound instead of changing nothing."},
			{Name: "expiration", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "seconds", Type: ArgInteger, Token: "EX"},
				{Name: "milliseconds", Type: ArgInteger, Token: "PX"},
				{Name: "unix-time-seconds", Type: ArgUnixTime, Token: "EXAT"},
				{Name: "unix-time-milliseconds", Type: ArgUnixTime, Token: "PXAT"},
				{Name: "persist", Type: ArgPureToken, Token: "PERSIST"},
			}},
			{Name: "enx", Type: ArgPureToken, Token: "ENX", Flags: ArgOptional, Summary: "Set the expiry only if there is none."},
		},
		Run: incrEx,
	}
}

// incrExWord is a set of the optional words of INCREX that SET does not have.
type incrExWord uint8

const (
	wordByInt incrExWord = 1 << iota
	wordByFloat
	wordLower
	wordUpper
	wordSaturate
	wordENX

	wordsBy       = wordByInt | wordByFloat
	wordsArgument = wordsBy | wordLower | wordUpper
)

// wordsIncrEx are the words of SET that INCREX takes.
const wordsIncrEx = wordNX | wordXX | wordPersist | wordsTime

// incrExOptions is what the optional words of INCREX ask for. The arguments are nil where the word is missing.
type incrExOptions struct {
	setOptions
	own              incrExWord
	by, lower, upper []byte
}

func (o *incrExOptions) saturates() bool { return o.own&wordSaturate != 0 }

// parseIncrEx reads the words after the key. Unlike SET, INCREX takes none of them twice.
func parseIncrEx(args [][]byte) (o incrExOptions, err error) {
	for len(args) > 0 {
		var used int
		if w := setWordOf(args[0]) & wordsIncrEx; w != 0 {
			used = o.addShared(w, args)
		} else {
			used = o.addOwn(incrExWordOf(args[0]), args)
		}
		if used == 0 {
			return o, ErrSyntax
		}
		args = args[used:]
	}
	switch {
	case o.own&wordENX != 0 && o.has(wordPersist):
		return o, ErrSyntax
	case o.own&wordENX != 0 && !o.has(wordsTime):
		return o, errENX
	}
	return o, nil
}

// addShared notes a word that SET has, too, and returns how many arguments it and its own take, 0 if it cannot stand here.
func (o *incrExOptions) addShared(w setWord, args [][]byte) (used int) {
	if o.has(w) || o.excludes(w) {
		return 0
	}
	o.words |= w
	if w&wordsTime == 0 {
		return 1
	}
	if len(args) < 2 {
		return 0
	}
	o.time = args[1]
	return 2
}

// addOwn is addShared for a word of INCREX's own.
func (o *incrExOptions) addOwn(w incrExWord, args [][]byte) (used int) {
	if w == 0 || o.own&w != 0 || w&wordsBy != 0 && o.own&wordsBy != 0 {
		return 0
	}
	o.own |= w
	if w&wordsArgument == 0 {
		return 1
	}
	if len(args) < 2 {
		return 0
	}
	switch w {
	case wordLower:
		o.lower = args[1]
	case wordUpper:
		o.upper = args[1]
	default:
		o.by = args[1]
	}
	return 2
}

func incrExWordOf(arg []byte) incrExWord {
	switch {
	case isWord(arg, "BYINT"):
		return wordByInt
	case isWord(arg, "UBOUND"):
		return wordUpper
	case isWord(arg, "LBOUND"):
		return wordLower
	case isWord(arg, "ENX"):
		return wordENX
	case isWord(arg, "SATURATE"):
		return wordSaturate
	case isWord(arg, "BYFLOAT"):
		return wordByFloat
	}
	return 0
}

func incrEx(c *Call) error {
	o, err := parseIncrEx(c.Args[2:])
	if err != nil {
		return err
	}
	if o.own&wordByFloat != 0 {
		return incrExFloat(c, &o)
	}
	by, lower, upper, err := o.integers()
	if err != nil {
		return err
	}
	at, err := o.expireAt(c)
	if err != nil {
		return err
	}
	old, met, err := o.look(c)
	if err != nil || !met {
		return err
	}
	if old.Kind == engine.String {
		return ErrNotInteger
	}
	sum, ok := addWithin(old.Int, by, lower, upper)
	if !ok && !o.saturates() {
		o.answerInt(c, old.Int, 0)
		return nil
	}
	applied := sum - old.Int
	if (sum < old.Int) != (applied < 0) {
		return errAppliedOverflow
	}
	if at, lives := o.newExpiry(c, old, at); !lives {
		c.Txn.Delete(c.Keys[0])
	} else if err := c.Txn.SetInt(c.Keys[0], sum, at); err != nil {
		return err
	}
	o.answerInt(c, sum, applied)
	return nil
}

// integers reads the increment and the bounds.
func (o *incrExOptions) integers() (by, lower, upper int64, err error) {
	if by, err = intOr(o.by, 1, "Increment"); err != nil {
		return
	}
	if lower, err = intOr(o.lower, math.MinInt64, "LBOUND"); err != nil {
		return
	}
	if upper, err = intOr(o.upper, math.MaxInt64, "UBOUND"); err != nil {
		return
	}
	if lower > upper {
		err = errBounds
	}
	return
}

// intOr reads an integer, or returns other where arg is nil.
func intOr(arg []byte, other int64, what string) (int64, error) {
	if arg == nil {
		return other, nil
	}
	n, ok := number.ParseInt(arg)
	if !ok {
		return 0, errArgNotInteger(what)
	}
	return n, nil
}

// look returns the value of the key, an integer 0 if it has none, and answers null if NX or XX does not hold.
func (o *incrExOptions) look(c *Call) (old engine.Value, met bool, err error) {
	old, found, err := peekString(c, c.Keys[0])
	if err != nil {
		return old, false, err
	}
	if !o.met(found) {
		c.Out.Null()
		return old, false, nil
	}
	return old, true, nil
}

// addWithin returns the sum, and whether it lies within the bounds; if not, the bound that it lies beyond.
func addWithin(n, by, lower, upper int64) (int64, bool) {
	sum := n + by
	above, below := by > 0 && sum < n, by < 0 && sum > n // beyond 64 bits
	switch {
	case above || !below && sum > upper:
		return upper, false
	case below || sum < lower:
		return lower, false
	}
	return sum, true
}

// newExpiry returns what to give the key as its expiry, and whether it lives on; at is what the options ask for.
func (o *incrExOptions) newExpiry(c *Call, old engine.Value, at int64) (expireAt int64, lives bool) {
	switch {
	case o.has(wordPersist):
		return 0, true
	case !o.has(wordsTime) || o.own&wordENX != 0 && old.ExpireAt != 0:
		return engine.KeepTTL, true
	}
	return at, at > c.Txn.Now()
}

// alone reports whether the answer is the new value alone.
func (o *incrExOptions) alone() bool { return o.has(wordNX | wordXX) }

func (o *incrExOptions) answerInt(c *Call, value, applied int64) {
	if o.alone() {
		c.Out.Int(value)
		return
	}
	c.Out.Array(2)
	c.Out.Int(value)
	c.Out.Int(applied)
}

// incrExFloat is INCREX with BYFLOAT.
func incrExFloat(c *Call, o *incrExOptions) error {
	by, lower, upper, err := o.floats()
	if err != nil {
		return err
	}
	at, err := o.expireAt(c)
	if err != nil {
		return err
	}
	old, met, err := o.look(c)
	if err != nil || !met {
		return err
	}
	n, err := incrExOperand(old)
	if err != nil {
		return err
	}
	sum, ok := addFloatWithin(n, by, lower, upper)
	if !ok && !o.saturates() {
		o.answerFloat(c, n.Append(nil), number.LongDouble{})
		return nil
	}
	applied, ok := sum.Sub(n)
	if !ok {
		return errAppliedInfinity
	}
	text := sum.Append(nil)
	if at, lives := o.newExpiry(c, old, at); !lives {
		c.Txn.Delete(c.Keys[0])
	} else if err := c.Txn.SetString(c.Keys[0], text, at); err != nil {
		return err
	}
	o.answerFloat(c, text, applied)
	return nil
}

// floats reads the increment and the bounds, which may be infinite.
func (o *incrExOptions) floats() (by, lower, upper number.LongDouble, err error) {
	if by, err = floatOr(o.by, number.LongDouble{}, "Increment"); err != nil {
		return
	}
	if by.IsInf() {
		return by, lower, upper, errByInfinity
	}
	if lower, err = floatOr(o.lower, number.MinLongDouble(), "LBOUND"); err != nil {
		return
	}
	if upper, err = floatOr(o.upper, number.MaxLongDouble(), "UBOUND"); err != nil {
		return
	}
	if lower.Cmp(upper) > 0 {
		err = errBounds
	}
	return
}

func floatOr(arg []byte, other number.LongDouble, what string) (number.LongDouble, error) {
	if arg == nil {
		return other, nil
	}
	x, ok := number.ParseLongDouble(arg)
	if !ok {
		return x, errArgNotFloat(what)
	}
	return x, nil
}

// incrExOperand returns what a value is as a number.
func incrExOperand(v engine.Value) (number.LongDouble, error) {
	if v.Kind != engine.String {
		return number.NewLongDouble(v.Int), nil
	}
	x, ok := number.ParseLongDouble(v.Str)
	switch {
	case !ok:
		return x, ErrNotFloat
	case x.IsInf():
		return x, errValueInfinity
	}
	return x, nil
}

// addFloatWithin is addWithin for floating point numbers. A sum that is infinite lies beyond the bound in its direction.
func addFloatWithin(n, by, lower, upper number.LongDouble) (number.LongDouble, bool) {
	sum, finite := n.Add(by)
	switch {
	case !finite && by.Sign() > 0 || finite && sum.Cmp(upper) > 0:
		return upper, false
	case !finite || sum.Cmp(lower) < 0:
		return lower, false
	}
	return sum, true
}

func (o *incrExOptions) answerFloat(c *Call, value []byte, applied number.LongDouble) {
	if o.alone() {
		c.Out.Decimal(value)
		return
	}
	c.Out.Array(2)
	c.Out.Decimal(value)
	c.Out.Decimal(applied.Append(nil))
}
