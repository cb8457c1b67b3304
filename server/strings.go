package server

import (
	"cmp"
	"strconv"

	"quipu/engine"
	"quipu/server/number"
	"quipu/server/resp"
)

// stringCommands returns the rows of the commands that read a value or change a part of it.
func stringCommands() []*Command {
	return []*Command{
		getRow(), mgetRow(), getDelRow(), appendToRow(), strLenRow(), getRangeRow(), setRangeRow(), substrRow(),
	}
}

// isString reports whether a value of kind k is a string to the client: an integer is one too.
func isString(k engine.Kind) bool { return k == engine.Int || k == engine.String }

// writeValue answers a string value as a bulk string, without allocation.
func writeValue(out *resp.Writer, v engine.Value) {
	if v.Kind == engine.Int {
		out.BulkInt(v.Int)
		return
	}
	out.Bulk(v.Str)
}

// valueText returns the bytes of a string value, which scratch may come to hold. They are valid as long as v is.
func valueText(v engine.Value, scratch *[20]byte) []byte {
	if v.Kind == engine.Int {
		return strconv.AppendInt(scratch[:0], v.Int, 10)
	}
	return v.Str
}

// valueLen returns the number of bytes of a string value.
func valueLen(v engine.Value) int {
	var scratch [20]byte
	return len(valueText(v, &scratch))
}

// getString reads the string at k as an access. Absent: ok is false. Any other type: ErrWrongType.
func getString(c *Call, k engine.Key) (v engine.Value, ok bool, err error) {
	v, ok = c.Txn.Get(k)
	if ok && !isString(v.Kind) {
		return v, ok, ErrWrongType
	}
	return v, ok, nil
}

// peekString is getString for commands that write: Redis counts no hit or miss for their look at the old value.
func peekString(c *Call, k engine.Key) (v engine.Value, ok bool, err error) {
	v, ok = c.Txn.Peek(k)
	if ok && !isString(v.Kind) {
		return v, ok, ErrWrongType
	}
	return v, ok, nil
}

func getRow() *Command {
	return &Command{
		Name: "get", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatString | CatFast, Group: "string", Since: "1.0.0",
		Summary:    "Returns the value of a key.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        get,
	}
}

func get(c *Call) error {
	_, err := answerValue(c)
	return err
}

// answerValue answers the string at the command's key, or null, and tells whether there was one.
func answerValue(c *Call) (found bool, err error) {
	v, found := c.Txn.Get(c.Keys[0])
	switch {
	case !found:
		c.Out.Null()
	case v.Kind == engine.Int: // first, being the common case
		c.Out.BulkInt(v.Int)
	case isString(v.Kind):
		c.Out.Bulk(v.Str)
	default:
		return true, ErrWrongType
	}
	return found, nil
}

func mgetRow() *Command {
	return &Command{
		Name: "mget", Arity: -2, Flags: FlagReadonly | FlagFast, First: 1, Last: -1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Last: -1, Step: 1}},
		Categories: CatRead | CatString | CatFast, Group: "string", Since: "1.0.0",
		Summary:    "Returns the values of several keys.",
		Complexity: "O(N) for N keys.",
		Tips:       []string{"request_policy:multi_shard"},
		Args:       []Arg{{Name: "key", Type: ArgKey, Flags: ArgMultiple}},
		Run:        mget,
	}
}

// mget answers null for what is absent and for what is not a string.
func mget(c *Call) error {
	c.Out.Array(len(c.Keys))
	for i := range c.Keys {
		v, ok := c.Txn.Get(c.Keys[i])
		if !ok || !isString(v.Kind) {
			c.Out.Null()
			continue
		}
		writeValue(c.Out, v)
	}
	return nil
}

func getDelRow() *Command {
	return &Command{
		Name: "getdel", Arity: 2, Flags: FlagWrite | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyDelete, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "6.2.0",
		Summary:    "Returns the value of a key and deletes the key.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        getDel,
	}
}

func getDel(c *Call) error {
	found, err := answerValue(c)
	if found && err == nil {
		c.Txn.Delete(c.Keys[0])
	}
	return err
}

func appendToRow() *Command {
	return &Command{
		Name: "append", Arity: 3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyInsert, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatFast, Group: "string", Since: "2.0.0",
		Summary:    "Adds bytes to the end of a value; a missing key counts as empty.",
		Complexity: "O(N) for a result of N bytes.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "value"}},
		Run:        appendTo,
	}
}

func appendTo(c *Call) error {
	tail, size := c.Args[2], 0
	var failure error
	err := c.Txn.Edit(c.Keys[0], func(old []byte) ([]byte, bool) {
		if old != nil && tooLong(c, len(old), len(tail)) {
			failure = ErrStringTooLong
			return nil, false
		}
		text := append(old, tail...)
		size = len(text)
		return text, true
	})
	if failure != nil || err != nil {
		return cmp.Or(failure, err)
	}
	c.Out.Int(int64(size))
	return nil
}

// tooLong reports whether a string of size+more bytes exceeds proto-max-bulk-len. Both are lengths or checked offsets: >= 0.
func tooLong(c *Call, size, more int) bool {
	limit := int(c.Srv.cfg.Load().ProtoMaxBulkLen)
	return size > limit || more > limit-size
}

func strLenRow() *Command {
	return &Command{
		Name: "strlen", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Step: 1}},
		Categories: CatRead | CatString | CatFast, Group: "string", Since: "2.2.0",
		Summary:    "Returns the number of bytes of a value.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        strLen,
	}
}

func strLen(c *Call) error {
	v, found, err := getString(c, c.Keys[0])
	if err != nil {
		return err
	}
	n := 0
	if found {
		n = valueLen(v)
	}
	c.Out.Int(int64(n))
	return nil
}

func getRangeRow() *Command {
	return &Command{
		Name: "getrange", Arity: 4, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatString | CatSlow, Group: "string", Since: "2.4.0",
		Summary:    "Returns the bytes of a value between two positions, both included.",
		Complexity: "O(N) for N bytes returned.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "start", Type: ArgInteger}, {Name: "end", Type: ArgInteger}},
		Run:        getRange,
	}
}

func getRange(c *Call) error {
	start, ok1 := number.ParseInt(c.Args[2])
	end, ok2 := number.ParseInt(c.Args[3])
	if !ok1 || !ok2 {
		return ErrNotInteger
	}
	v, found, err := getString(c, c.Keys[0])
	if err != nil {
		return err
	}
	if !found {
		c.Out.Bulk(nil)
		return nil
	}
	var scratch [20]byte
	text := valueText(v, &scratch)
	from, to := clipRange(start, end, len(text))
	c.Out.Bulk(text[from:to])
	return nil
}

// clipRange turns the positions start and end (both included, negative ones counted from the end) of GETRANGE into a half-open
// range of a string of n bytes. What lies outside is cut off; a range the wrong way round is empty.
func clipRange(start, end int64, n int) (from, to int) {
	size := int64(n)
	if start < 0 && end < 0 && start > end {
		return 0, 0
	}
	if start < 0 {
		start = max(start+size, 0)
	}
	if end < 0 {
		end = max(end+size, 0)
	}
	end = min(end, size-1)
	if start > end {
		return 0, 0
	}
	return int(start), int(end + 1)
}

func setRangeRow() *Command {
	return &Command{
		Name: "setrange", Arity: 4, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatString | CatSlow, Group: "string", Since: "2.2.0",
		Summary:    "Overwrites the bytes of a value from an offset on; a gap is filled with zero bytes.",
		Complexity: "O(N) for a result of N bytes.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "offset", Type: ArgInteger}, {Name: "value"}},
		Run:        setRange,
	}
}

func setRange(c *Call) error {
	offset, ok := number.ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	if offset < 0 {
		return errOffset
	}
	patch, size := c.Args[3], 0
	var failure error
	err := c.Txn.Edit(c.Keys[0], func(old []byte) ([]byte, bool) {
		size = len(old)
		switch {
		case len(patch) == 0: // changes nothing, creates nothing, whatever the offset
			return old, false
		case tooLong(c, int(offset), len(patch)):
			failure = ErrStringTooLong
			return old, false
		}
		text := extended(old, int(offset)+len(patch))
		copy(text[offset:], patch)
		size = len(text)
		return text, true
	})
	if failure != nil || err != nil {
		return cmp.Or(failure, err)
	}
	c.Out.Int(int64(size))
	return nil
}

func substrRow() *Command {
	return &Command{
		Name: "substr", Arity: 4, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatString | CatSlow, Group: "string", Since: "1.0.0",
		Summary:    "The old name of GETRANGE.",
		Complexity: "O(N) for N bytes returned.",
		DocFlags:   []string{"deprecated"}, Deprecated: "2.0.0", ReplacedBy: "`GETRANGE`",
		Args: []Arg{{Name: "key", Type: ArgKey}, {Name: "start", Type: ArgInteger}, {Name: "end", Type: ArgInteger}},
		Run:  substr,
	}
}

func substr(c *Call) error { return getRange(c) }
