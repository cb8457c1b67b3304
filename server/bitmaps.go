package server

import (
	"quipu/engine"
	"quipu/server/number"
)

// bitmapCommands returns the rows of the commands that treat a string as bits. Bit 0 is the highest of the first byte.
func bitmapCommands() []*Command {
	return []*Command{
		setBitRow(), getBitRow(), bitCountRow(), bitPosRow(), bitOpRow(), bitFieldRow(), bitFieldRORow(),
	}
}

// parseBitOffset reads the offset of a bit. With bits, the width of a field, the offset may also be "#n": the n-th field of that width.
func parseBitOffset(c *Call, arg []byte, bits int64) (uint64, error) {
	counted := bits > 0 && len(arg) > 0 && arg[0] == '#'
	if counted {
		arg = arg[1:]
	}
	offset, ok := number.ParseInt(arg)
	if counted {
		offset *= bits // it wraps, as in Redis: what is too large is either negative then, or another offset
	}
	if !ok || offset < 0 || offset>>3 >= c.Srv.cfg.Load().ProtoMaxBulkLen {
		return 0, errBitOffset
	}
	return uint64(offset), nil
}

// extended returns text with zero bytes behind it, so that it is at least size bytes long.
func extended(text []byte, size int) []byte {
	if len(text) >= size {
		return text
	}
	return append(text, make([]byte, size-len(text))...)
}

// getText reads the string at k as an access: the bytes are valid until the next write. Absent: found is false.
func getText(c *Call, k engine.Key, scratch *[20]byte) (text []byte, found bool, err error) {
	v, found, err := getString(c, k)
	if err != nil || !found {
		return nil, found, err
	}
	return valueText(v, scratch), true, nil
}

func setBitRow() *Command {
	return &Command{
		Name: "setbit", Arity: 4, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate, Index: 1, Step: 1}},
		Categories: CatWrite | CatBitmap | CatSlow, Group: "bitmap", Since: "2.2.0",
		Summary:    "Sets or clears a bit of a value, which grows as far as needed, and returns what the bit was.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "offset", Type: ArgInteger}, {Name: "value", Type: ArgInteger}},
		Run:        setBit,
	}
}

func setBit(c *Call) error {
	offset, err := parseBitOffset(c, c.Args[2], 0)
	if err != nil {
		return err
	}
	bit, ok := number.ParseInt(c.Args[3])
	if !ok || bit&^1 != 0 {
		return errBitValue
	}
	at, shift := int(offset>>3), 7-offset&7
	before := int64(0)
	err = c.Txn.Edit(c.Keys[0], func(old []byte) ([]byte, bool) {
		text := extended(old, at+1)
		before = int64(text[at] >> shift & 1)
		if before == bit {
			return text, len(text) != len(old)
		}
		text[at] ^= 1 << shift
		return text, true
	})
	if err != nil {
		return err
	}
	c.Out.Int(before)
	return nil
}

func getBitRow() *Command {
	return &Command{
		Name: "getbit", Arity: 3, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatBitmap | CatFast, Group: "bitmap", Since: "2.2.0",
		Summary:    "Returns a bit of a value; beyond its end all bits are 0.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "offset", Type: ArgInteger}},
		Run:        getBit,
	}
}

func getBit(c *Call) error {
	offset, err := parseBitOffset(c, c.Args[2], 0)
	if err != nil {
		return err
	}
	var scratch [20]byte
	text, _, err := getText(c, c.Keys[0], &scratch)
	if err != nil {
		return err
	}
	c.Out.Int(int64(readBits(text, offset, 1)))
	return nil
}

func bitCountRow() *Command {
	return &Command{
		Name: "bitcount", Arity: -2, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatBitmap | CatSlow, Group: "bitmap", Since: "2.6.0",
		Summary:    "Counts the bits of a value, or of a part of it, that are 1.",
		Complexity: "O(N) for N bytes.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "index", Type: ArgBlock, Flags: ArgOptional, Sub: []Arg{
				{Name: "start", Type: ArgInteger},
				{Name: "end", Type: ArgInteger},
				bitUnitArg(),
			}},
		},
		Run: bitCount,
	}
}

// bitUnitArg says whether positions are those of bytes or of bits.
func bitUnitArg() Arg {
	return Arg{Name: "index_unit", Type: ArgOneOf, Since: "7.0.0", Flags: ArgOptional, Sub: []Arg{
		{Name: "byte", Type: ArgPureToken, Token: "BYTE"},
		{Name: "bit", Type: ArgPureToken, Token: "BIT"},
	}}
}

// bitsPerUnit reads the word that bitUnitArg describes.
func bitsPerUnit(arg []byte) (int64, error) {
	switch {
	case isCWord(arg, "BIT"):
		return 1, nil
	case isCWord(arg, "BYTE"):
		return 8, nil
	}
	return 0, ErrSyntax
}

func bitCount(c *Call) error {
	var scratch [20]byte
	text, found, err := getText(c, c.Keys[0], &scratch)
	if err != nil {
		return err
	}
	if !found { // before the arguments are looked at, as in Redis
		c.Out.Int(0)
		return nil
	}
	from, to, err := bitCountRange(c.Args[2:], len(text))
	if err != nil {
		return err
	}
	c.Out.Int(countBits(text, from, to))
	return nil
}

// bitCountRange returns the range of bits that the arguments of BITCOUNT after the key ask for.
func bitCountRange(args [][]byte, size int) (from, to int64, err error) {
	if len(args) == 0 {
		return 0, int64(size) * 8, nil
	}
	if len(args) != 2 && len(args) != 3 {
		return 0, 0, ErrSyntax
	}
	start, ok1 := number.ParseInt(args[0])
	end, ok2 := number.ParseInt(args[1])
	if !ok1 || !ok2 {
		return 0, 0, ErrNotInteger
	}
	if start < 0 && end < 0 && start > end {
		return 0, 0, nil // whatever the unit
	}
	unit := int64(8)
	if len(args) == 3 {
		if unit, err = bitsPerUnit(args[2]); err != nil {
			return 0, 0, err
		}
	}
	from, to = clipBits(start, end, int64(size)*8, unit)
	return from, to, nil
}

// clipBits turns the positions start and end (both included, negative ones counted from the end) of units of so many bits into a
// half-open range of the bits of a string.
func clipBits(start, end, bits, unit int64) (from, to int64) {
	total := bits / unit
	if start < 0 {
		start = max(start+total, 0)
	}
	if end < 0 {
		end = max(end+total, 0)
	}
	end = min(end, total-1)
	if start > end {
		return 0, 0
	}
	return start * unit, (end + 1) * unit
}

func bitPosRow() *Command {
	return &Command{
		Name: "bitpos", Arity: -3, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatBitmap | CatSlow, Group: "bitmap", Since: "2.8.7",
		Summary:    "Finds the first bit of a value, or of a part of it, that is 1, or that is 0.",
		Complexity: "O(N) for N bytes.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "bit", Type: ArgInteger},
			{Name: "index", Type: ArgBlock, Flags: ArgOptional, Sub: []Arg{
				{Name: "start", Type: ArgInteger},
				{Name: "end_index", Type: ArgBlock, Flags: ArgOptional, Sub: []Arg{
					{Name: "end", Type: ArgInteger},
					bitUnitArg(),
				}},
			}},
		},
		Run: bitPos,
	}
}

func bitPos(c *Call) error {
	bit, ok := number.ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	if bit&^1 != 0 {
		return errBitSought
	}
	var scratch [20]byte
	text, found, err := getText(c, c.Keys[0], &scratch)
	if err != nil {
		return err
	}
	if !found { // an endless row of zeros
		c.Out.Int(-bit)
		return nil
	}
	from, to, open, err := bitPosRange(c.Args[3:], len(text))
	if err != nil {
		return err
	}
	pos := findBit(text, from, to, byte(bit))
	if pos < 0 && bit == 0 && open && from < to {
		pos = to // the zeros behind the end
	}
	c.Out.Int(pos)
	return nil
}

// bitPosRange returns the range of bits that the arguments of BITPOS after the bit ask for. It is open if they do not say where it
// ends.
func bitPosRange(args [][]byte, size int) (from, to int64, open bool, err error) {
	if len(args) > 3 {
		return 0, 0, false, ErrSyntax
	}
	start, end, unit := int64(0), int64(size)-1, int64(8)
	ok := true
	if len(args) > 0 {
		if start, ok = number.ParseInt(args[0]); !ok {
			return 0, 0, false, ErrNotInteger
		}
	}
	if len(args) == 3 {
		if unit, err = bitsPerUnit(args[2]); err != nil {
			return 0, 0, false, err
		}
	}
	if len(args) > 1 {
		if end, ok = number.ParseInt(args[1]); !ok {
			return 0, 0, false, ErrNotInteger
		}
	}
	from, to = clipBits(start, end, int64(size)*8, unit)
	return from, to, len(args) < 2, nil
}

// isCWord is isWord for what Redis compares as a C string: up to its first zero byte.
func isCWord(arg []byte, word string) bool {
	if len(arg) > len(word) && arg[len(word)] == 0 {
		arg = arg[:len(word)]
	}
	return isWord(arg, word)
}
