package server

import (
	"math"

	"quipu/server/number"
)

func msetExRow() *Command {
	return &Command{
		Name: "msetex", Arity: -4, Flags: FlagWrite | FlagDenyOOM | FlagMovableKeys, GetKeys: msetExKeys,
		KeySpecs:   []KeySpec{{Flags: KeyOW | KeyUpdate, Index: 1, Step: 2, Counted: true}},
		Categories: CatWrite | CatString | CatSlow, Group: "string", Since: "8.4.0",
		Summary:    "Sets several keys to their values in one step, with one expiry for all, and on request only if all or none of them exist.",
		Complexity: "O(N) for N keys.",
		Tips:       []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
		Args: []Arg{
			{Name: "numkeys", Type: ArgInteger},
			{Name: "data", Type: ArgBlock, Flags: ArgMultiple, Sub: []Arg{
				{Name: "key", Type: ArgKey},
				{Name: "value"},
			}},
			{Name: "condition", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "nx", Type: ArgPureToken, Token: "NX"},
				{Name: "xx", Type: ArgPureToken, Token: "XX"},
			}},
			{Name: "expiration", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "seconds", Type: ArgInteger, Token: "EX"},
				{Name: "milliseconds", Type: ArgInteger, Token: "PX"},
				{Name: "unix-time-seconds", Type: ArgUnixTime, Token: "EXAT"},
				{Name: "unix-time-milliseconds", Type: ArgUnixTime, Token: "PXAT"},
				{Name: "keepttl", Type: ArgPureToken, Token: "KEEPTTL"},
			}},
		},
		Run: msetEx,
	}
}

// msetExPairs returns how many pairs of a key and a value MSETEX announces and has.
func msetExPairs(args [][]byte) (int, error) {
	n, ok := number.ParseInt(args[1])
	switch {
	case !ok || n < 1 || n > math.MaxInt32:
		return 0, errNumKeys
	case 2*n > int64(len(args)-2):
		return 0, errPairs
	}
	return int(n), nil
}

// msetExKeys returns the positions of the keys; none if the handler is going to refuse the arguments.
func msetExKeys(args [][]byte) []int {
	if len(args) < 4 {
		return nil
	}
	n, err := msetExPairs(args)
	if err != nil {
		return nil
	}
	positions := make([]int, n)
	for i := range positions {
		positions[i] = 2 + 2*i
	}
	return positions
}

func msetEx(c *Call) error {
	n, err := msetExPairs(c.Args)
	if err != nil {
		return err
	}
	o, err := parseSetOptions(c.Args[2+2*n:], wordsMSetEx)
	if err != nil {
		return err
	}
	at, err := o.expireAt(c)
	if err != nil {
		return err
	}
	for i := range c.Keys {
		if _, found := c.Txn.Peek(c.Keys[i]); !o.met(found) {
			c.Out.Int(0)
			return nil
		}
	}
	if at > 0 && at <= c.Txn.Now() { // as store does it
		for i := range c.Keys {
			c.Txn.Delete(c.Keys[i])
		}
	} else if err := c.Txn.SetAll(c.Keys, c.Args[2:2+2*n], at); err != nil {
		return err
	}
	c.Out.Int(1)
	return nil
}
