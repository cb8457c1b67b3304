package server

import (
	"quipu/engine"
	"quipu/server/hyperloglog"
)

// hyperLogLogCommands returns the rows of the commands that count distinct elements.
func hyperLogLogCommands() []*Command {
	return []*Command{pfAddRow(), pfCountRow(), pfMergeRow(), pfDebugRow(), pfSelfTestRow()}
}

// hyperLogLogError returns the reply to what went wrong with the registers of a value.
func hyperLogLogError(err error) error {
	if err == hyperloglog.ErrCorrupted {
		return errCorruptedHLL
	}
	return err
}

// sparseMax returns hll-sparse-max-bytes.
func sparseMax(c *Call) int { return int(c.Srv.cfg.Load().HLLSparseMaxBytes) }

func pfAddRow() *Command {
	return &Command{
		Name: "pfadd", Arity: -2, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyInsert, Index: 1, Step: 1}},
		Categories: CatWrite | CatHyperLogLog | CatFast, Group: "hyperloglog", Since: "2.8.9",
		Summary:    "Adds elements to a HyperLogLog, and says whether its count may have changed.",
		Complexity: "O(1) for each element.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "element", Flags: ArgOptional | ArgMultiple}},
		Run:        pfAdd,
	}
}

func pfAdd(c *Call) error {
	updated := false
	var failure error
	err := c.Txn.Edit(c.Keys[0], func(old []byte) ([]byte, bool) {
		b := old
		switch {
		case b == nil:
			b, updated = hyperloglog.New(), true
		case !hyperloglog.Valid(b):
			failure = errNotHLL
			return nil, false
		}
		for _, element := range c.Args[2:] {
			var changed bool
			if b, changed, failure = hyperloglog.Add(b, element, sparseMax(c)); failure != nil {
				break
			}
			updated = updated || changed
		}
		if updated {
			hyperloglog.MarkStale(b)
		}
		return b, updated
	})
	if failure != nil {
		return hyperLogLogError(failure)
	}
	if err != nil {
		return err
	}
	c.Out.Int(oneIf(updated))
	return nil
}

func pfCountRow() *Command {
	return &Command{
		Name: "pfcount", Arity: -2, Flags: FlagReadonly | FlagMayReplicate, First: 1, Last: -1, Step: 1,
		KeySpecs: []KeySpec{{
			Flags: KeyRW | KeyAccess, Notes: "writes because the count of a single key is kept with it", Index: 1, Last: -1, Step: 1,
		}},
		Categories: CatRead | CatHyperLogLog | CatSlow, Group: "hyperloglog", Since: "2.8.9",
		Summary:    "Returns about how many distinct elements HyperLogLogs have counted together.",
		Complexity: "O(1) for a key whose count is known, else O(N) for N keys, some 15 microseconds each.",
		Args:       []Arg{{Name: "key", Type: ArgKey, Flags: ArgMultiple}},
		Run:        pfCount,
	}
}

func pfCount(c *Call) error {
	if len(c.Keys) > 1 {
		var u hyperloglog.Union
		if err := unite(c, &u); err != nil {
			return err
		}
		c.Out.Int(int64(u.Count()))
		return nil
	}
	b, found, err := getHyperLogLog(c, c.Keys[0])
	if err != nil {
		return err
	}
	n, fresh := uint64(0), !found
	if found {
		n, fresh = hyperloglog.Cached(b)
	}
	if !fresh {
		if n, err = hyperloglog.Count(b); err != nil {
			return hyperLogLogError(err)
		}
		if !c.Srv.engine.Full() {
			err = keepCount(c, n)
		}
		if err != nil {
			return err
		}
	}
	c.Out.Int(int64(n))
	return nil
}

// keepCount writes the count into the value, although PFCOUNT is a reader: GET shows it, as in Redis.
func keepCount(c *Call, n uint64) error {
	return c.Txn.Edit(c.Keys[0], func(b []byte) ([]byte, bool) {
		hyperloglog.SetCached(b, n)
		return b, true
	})
}

// getHyperLogLog reads the HyperLogLog at k as an access; the bytes are valid until the next write. Absent: found is false.
func getHyperLogLog(c *Call, k engine.Key) (b []byte, found bool, err error) {
	v, found, err := getString(c, k)
	if err != nil || !found {
		return nil, found, err
	}
	if v.Kind == engine.Int || !hyperloglog.Valid(v.Str) {
		return nil, true, errNotHLL
	}
	return v.Str, true, nil
}

// unite adds the HyperLogLogs at all keys of the command.
func unite(c *Call, u *hyperloglog.Union) error {
	for _, k := range c.Keys {
		b, found, err := getHyperLogLog(c, k)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if err := u.Add(b); err != nil {
			return hyperLogLogError(err)
		}
	}
	return nil
}

func pfMergeRow() *Command {
	return &Command{
		Name: "pfmerge", Arity: -2, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: -1, Step: 1, WritesOne: true,
		KeySpecs: []KeySpec{
			{Flags: KeyRW | KeyAccess | KeyInsert, Index: 1, Step: 1},
			{Flags: KeyRO | KeyAccess, Index: 2, Last: -1, Step: 1},
		},
		Categories: CatWrite | CatHyperLogLog | CatSlow, Group: "hyperloglog", Since: "2.8.9",
		Summary:    "Adds to a HyperLogLog what others have counted.",
		Complexity: "O(N) for N keys, some 20 microseconds each.",
		Args: []Arg{
			{Name: "destkey", Type: ArgKey},
			{Name: "sourcekey", Type: ArgKey, KeySpec: 1, Flags: ArgMultiple},
		},
		Run: pfMerge,
	}
}

func pfMerge(c *Call) error {
	var u hyperloglog.Union
	if err := unite(c, &u); err != nil {
		return err
	}
	var failure error
	err := c.Txn.Edit(c.Keys[0], func(b []byte) ([]byte, bool) {
		if b == nil {
			b = hyperloglog.New()
		}
		b, failure = u.Into(b, sparseMax(c))
		return b, failure == nil
	})
	if failure != nil {
		return hyperLogLogError(failure)
	}
	if err != nil {
		return err
	}
	c.Out.OK()
	return nil
}

func pfDebugRow() *Command {
	return &Command{
		Name: "pfdebug", Arity: 3, Flags: FlagWrite | FlagDenyOOM | FlagAdmin, First: 2, Last: 2, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess, Index: 2, Step: 1}},
		Categories: CatWrite | CatHyperLogLog | CatAdmin | CatSlow | CatDangerous, Group: "hyperloglog", Since: "2.8.9",
		Summary:    "Shows the registers (GETREG), the runs (DECODE) or the encoding of a HyperLogLog (ENCODING), or makes it dense (TODENSE).",
		Complexity: "O(N) for N registers.",
		DocFlags:   []string{"syscmd"},
		Args:       []Arg{{Name: "subcommand"}, {Name: "key", Type: ArgKey}},
		Run:        pfDebug,
	}
}

func pfDebug(c *Call) error {
	b, found, err := getHyperLogLog(c, c.Keys[0])
	switch {
	case err != nil:
		return err
	case !found:
		return errNoSuchHLL
	}
	switch word := c.Args[1]; {
	case isCWord(word, "GETREG"):
		return pfDebugGetReg(c)
	case isCWord(word, "DECODE"):
		return pfDebugDecode(c, b)
	case isCWord(word, "ENCODING"):
		pfDebugEncoding(c, b)
		return nil
	case isCWord(word, "TODENSE"):
		return pfDebugToDense(c)
	}
	return errUnknownPFDebug(c.Args[1])
}

// makeDense changes the value to the dense encoding, shows it to show, and returns whether it had the other one.
func makeDense(c *Call, show func(b []byte)) (changed bool, err error) {
	var failure error
	err = c.Txn.Edit(c.Keys[0], func(old []byte) ([]byte, bool) {
		var b []byte
		if b, failure = hyperloglog.Dense(old); failure != nil {
			return nil, false
		}
		show(b)
		changed = !hyperloglog.IsDense(old)
		return b, changed
	})
	if failure != nil {
		return false, hyperLogLogError(failure)
	}
	return changed, err
}

func pfDebugGetReg(c *Call) error {
	_, err := makeDense(c, func(b []byte) {
		registers, _ := hyperloglog.AppendRegisters(nil, b) // none of the dense encoding is an error
		c.Out.Array(len(registers))
		for _, v := range registers {
			c.Out.Int(int64(v))
		}
	})
	return err
}

func pfDebugDecode(c *Call, b []byte) error {
	if hyperloglog.IsDense(b) {
		return errHLLNotSparse
	}
	c.Out.Bulk(hyperloglog.AppendRuns(nil, b))
	return nil
}

func pfDebugEncoding(c *Call, b []byte) {
	if hyperloglog.IsDense(b) {
		c.Out.Simple("dense")
		return
	}
	c.Out.Simple("sparse")
}

func pfDebugToDense(c *Call) error {
	changed, err := makeDense(c, func([]byte) {})
	if err != nil {
		return err
	}
	c.Out.Int(oneIf(changed))
	return nil
}

func pfSelfTestRow() *Command {
	return &Command{
		Name: "pfselftest", Arity: 1, Flags: FlagAdmin,
		Categories: CatHyperLogLog | CatAdmin | CatSlow | CatDangerous, Group: "hyperloglog", Since: "2.8.9",
		Summary:    "Tests the arithmetic of HyperLogLogs, without any key.",
		Complexity: "Takes some 20 milliseconds.",
		DocFlags:   []string{"syscmd"},
		Run:        pfSelfTest,
	}
}

func pfSelfTest(c *Call) error {
	if err := hyperloglog.SelfTest(); err != nil {
		return replyErrorf("TESTFAILED %v", err)
	}
	c.Out.OK()
	return nil
}
