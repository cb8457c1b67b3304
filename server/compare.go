package server

import (
	"encoding/hex"

	"github.com/zeebo/xxh3"

	"quipu/engine"
)

// compareCommands returns the rows of the commands that go by what a value is: Redis has them since 8.4, and SET its words IFEQ to IFDNE.
func compareCommands() []*Command {
	return []*Command{delExRow(), digestRow()}
}

// digestSize is the length of a digest as text.
const digestSize = 16

// digestOf returns the digest of a value: 64 bits of XXH3 in hexadecimal.
func digestOf(text []byte) (digest [digestSize]byte) {
	hash := xxh3.Hash(text)
	var raw [digestSize / 2]byte
	for i := range raw {
		raw[i] = byte(hash >> (56 - 8*i))
	}
	hex.Encode(digest[:], raw[:])
	return digest
}

// comparison returns the one of the words IFEQ, IFNE, IFDEQ and IFDNE that arg is, 0 for none.
func comparison(arg []byte) setWord { return setWordOf(arg) & wordsCompare }

// compares reports whether a string value is as word and its argument ask for.
func compares(word setWord, arg []byte, v engine.Value) (bool, error) {
	var scratch [20]byte
	text := valueText(v, &scratch)
	switch word {
	case wordIFEQ:
		return string(text) == string(arg), nil
	case wordIFNE:
		return string(text) != string(arg), nil
	}
	if len(arg) != digestSize { // Redis looks at nothing else: what is no digest differs from all
		return false, errDigest
	}
	digest := digestOf(text)
	return equalFold(arg, string(digest[:])) == (word == wordIFDEQ), nil
}

func delExRow() *Command {
	return &Command{
		Name: "delex", Arity: -2, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "8.4.0",
		Summary:    "Deletes a key, on request only if its value, or the digest of its value, is or is not the given one.",
		Complexity: "O(1) for IFEQ and IFNE, O(N) for the digest of N bytes.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "condition", Type: ArgOneOf, Flags: ArgOptional, Sub: compareArgs()},
		},
		Run: delEx,
	}
}

// compareArgs returns the alternatives of a condition about the value.
func compareArgs() []Arg {
	return []Arg{
		{Name: "ifeq-value", Token: "IFEQ", Since: "8.4.0"},
		{Name: "ifne-value", Token: "IFNE", Since: "8.4.0"},
		{Name: "ifdeq-digest", Token: "IFDEQ", Since: "8.4.0"},
		{Name: "ifdne-digest", Token: "IFDNE", Since: "8.4.0"},
	}
}

func delEx(c *Call) error {
	if len(c.Args) != 2 && len(c.Args) != 4 {
		return errArity(c.Cmd.FullName())
	}
	v, found := c.Txn.Peek(c.Keys[0])
	holds := found
	if found && len(c.Args) == 4 { // of an absent key Redis does not look at the condition
		if !isString(v.Kind) {
			return errDelExType
		}
		word := comparison(c.Args[2])
		if word == 0 {
			return errDelExCondition
		}
		var err error
		if holds, err = compares(word, c.Args[3], v); err != nil {
			return err
		}
	}
	if holds {
		c.Txn.Delete(c.Keys[0])
	}
	c.Out.Int(oneIf(holds))
	return nil
}

func digestRow() *Command {
	return &Command{
		Name: "digest", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatString | CatFast, Group: "string", Since: "8.4.0",
		Summary:    "Returns the digest of a value: 64 bits of XXH3 as 16 hexadecimal digits.",
		Complexity: "O(N) for N bytes.",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        digestOfKey,
	}
}

func digestOfKey(c *Call) error {
	var scratch [20]byte
	text, found, err := getText(c, c.Keys[0], &scratch)
	if err != nil {
		return err
	}
	if !found {
		c.Out.Null()
		return nil
	}
	digest := digestOf(text)
	c.Out.Bulk(digest[:])
	return nil
}
