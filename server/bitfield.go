package server

import (
	"bytes"

	"quipu/server/number"
)

func bitFieldRow() *Command {
	field := []Arg{{Name: "encoding"}, {Name: "offset", Type: ArgInteger}}
	with := func(last string) []Arg { return append(field[:2:2], Arg{Name: last, Type: ArgInteger}) }
	return &Command{
		Name: "bitfield", Arity: -2, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyAccess | KeyUpdate | KeyVariableFlags, Notes: "writes only with SET or INCRBY", Index: 1, Step: 1}},
		KeyFlags:   bitFieldKeyFlags,
		Categories: CatWrite | CatBitmap | CatSlow, Group: "bitmap", Since: "3.2.0",
		Summary:    "Reads, sets and increments integers of 1 to 64 bits anywhere in a value.",
		Complexity: "O(1) for each operation.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "operation", Type: ArgOneOf, Flags: ArgOptional | ArgMultiple, Sub: []Arg{
				{Name: "encoding_offset", Type: ArgBlock, Token: "GET", Sub: field},
				{Name: "write", Type: ArgBlock, Sub: []Arg{
					{Name: "wrap_sat_fail", Type: ArgOneOf, Token: "OVERFLOW", Flags: ArgOptional, Sub: []Arg{
						{Name: "wrap", Type: ArgPureToken, Token: "WRAP"},
						{Name: "sat", Type: ArgPureToken, Token: "SAT"},
						{Name: "fail", Type: ArgPureToken, Token: "FAIL"},
					}},
					{Name: "write_operation", Type: ArgOneOf, Sub: []Arg{
						{Name: "encoding_offset_value", Type: ArgBlock, Token: "SET", Sub: with("value")},
						{Name: "encoding_offset_increment", Type: ArgBlock, Token: "INCRBY", Sub: with("increment")},
					}},
				}},
			}},
		},
		Run: bitField,
	}
}

func bitField(c *Call) error {
	p, err := parseBitField(c)
	if err != nil {
		return err
	}
	if !p.writes {
		return readBitField(c, &p)
	}
	return writeBitField(c, &p)
}

// bitFieldKeyFlags returns what BITFIELD does with its key. Arguments that make no sense might write.
func bitFieldKeyFlags(args [][]byte) KeyFlag {
	for args = args[2:]; len(args) > 0; {
		kind, ok := bitFieldKindOf(args[0])
		switch {
		case isCWord(args[0], "OVERFLOW") && len(args) > 1:
			args = args[2:]
		case ok && kind == bitFieldGet && len(args) > kind.operands():
			args = args[1+kind.operands():]
		default:
			return KeyRW | KeyAccess | KeyUpdate
		}
	}
	return KeyRO | KeyAccess
}

func bitFieldRORow() *Command {
	return &Command{
		Name: "bitfield_ro", Arity: -2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: CatRead | CatBitmap | CatFast, Group: "bitmap", Since: "6.0.0",
		Summary:    "Reads integers of 1 to 64 bits anywhere in a value.",
		Complexity: "O(1) for each operation.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "encoding_offset", Type: ArgBlock, Token: "GET", Flags: ArgOptional | ArgMultiple | ArgMultipleToken, Sub: []Arg{
				{Name: "encoding"},
				{Name: "offset", Type: ArgInteger},
			}},
		},
		Run: bitFieldRO,
	}
}

func bitFieldRO(c *Call) error {
	p, err := parseBitField(c)
	if err != nil {
		return err
	}
	if p.writes {
		return errBitFieldRO
	}
	return readBitField(c, &p)
}

// bitFieldPlan is the operations of a BITFIELD.
type bitFieldPlan struct {
	ops    []bitFieldOp
	writes bool
	end    uint64 // the last bit that is written
}

// bitFieldOp is one operation.
type bitFieldOp struct {
	kind     bitFieldKind
	overflow bitOverflow
	field    intField
	offset   uint64
	operand  int64 // of SET and INCRBY
}

type bitFieldKind uint8

const (
	bitFieldGet bitFieldKind = iota
	bitFieldSet
	bitFieldIncrBy
)

// operands is the number of arguments that follow the word.
func (k bitFieldKind) operands() int {
	if k == bitFieldGet {
		return 2
	}
	return 3
}

// parseBitField reads all operations before any is executed.
func parseBitField(c *Call) (p bitFieldPlan, err error) {
	overflow := bitWrap
	for args := c.Args[2:]; len(args) > 0; {
		if isCWord(args[0], "OVERFLOW") && len(args) > 1 {
			if overflow, err = parseBitOverflow(args[1]); err != nil {
				return p, err
			}
			args = args[2:]
			continue
		}
		kind, ok := bitFieldKindOf(args[0])
		if !ok || len(args) <= kind.operands() {
			return p, ErrSyntax
		}
		op := bitFieldOp{kind: kind, overflow: overflow}
		if err := op.parse(c, args[1:]); err != nil {
			return p, err
		}
		p.add(op)
		args = args[1+kind.operands():]
	}
	return p, nil
}

func bitFieldKindOf(word []byte) (bitFieldKind, bool) {
	switch {
	case isCWord(word, "GET"):
		return bitFieldGet, true
	case isCWord(word, "SET"):
		return bitFieldSet, true
	case isCWord(word, "INCRBY"):
		return bitFieldIncrBy, true
	}
	return 0, false
}

// parse reads the arguments of an operation.
func (op *bitFieldOp) parse(c *Call, args [][]byte) (err error) {
	if op.field, err = parseIntField(args[0]); err != nil {
		return err
	}
	if op.offset, err = parseBitOffset(c, args[1], int64(op.field.bits)); err != nil {
		return err
	}
	if op.kind == bitFieldGet {
		return nil
	}
	var ok bool
	if op.operand, ok = number.ParseInt(args[2]); !ok {
		return ErrNotInteger
	}
	return nil
}

func (p *bitFieldPlan) add(op bitFieldOp) {
	p.ops = append(p.ops, op)
	if op.kind != bitFieldGet {
		p.writes = true
		p.end = max(p.end, op.offset+uint64(op.field.bits)-1)
	}
}

// parseIntField reads a type such as i16 or u8, as a C string.
func parseIntField(arg []byte) (f intField, err error) {
	if i := bytes.IndexByte(arg, 0); i > 0 {
		arg = arg[:i]
	}
	if len(arg) == 0 || arg[0] != 'i' && arg[0] != 'u' {
		return f, errBitFieldType
	}
	f.signed = arg[0] == 'i'
	widest := int64(63)
	if f.signed {
		widest = 64
	}
	bits, ok := number.ParseInt(arg[1:])
	if !ok || bits < 1 || bits > widest {
		return f, errBitFieldType
	}
	f.bits = int(bits)
	return f, nil
}

func parseBitOverflow(word []byte) (bitOverflow, error) {
	switch {
	case isCWord(word, "WRAP"):
		return bitWrap, nil
	case isCWord(word, "SAT"):
		return bitSaturate, nil
	case isCWord(word, "FAIL"):
		return bitFail, nil
	}
	return 0, errBitOverflow
}

// readBitField executes operations of which none writes.
func readBitField(c *Call, p *bitFieldPlan) error {
	var scratch [20]byte
	text, _, err := getText(c, c.Keys[0], &scratch)
	if err != nil {
		return err
	}
	c.Out.Array(len(p.ops))
	for i := range p.ops {
		c.Out.Int(p.ops[i].field.read(text, p.ops[i].offset))
	}
	return nil
}

// writeBitField executes operations of which some write. The value grows as far as any of them reaches, even if that one fails.
func writeBitField(c *Call, p *bitFieldPlan) error {
	return c.Txn.Edit(c.Keys[0], func(old []byte) ([]byte, bool) {
		text := extended(old, int(p.end>>3)+1)
		changed := len(text) != len(old)
		c.Out.Array(len(p.ops))
		for i := range p.ops {
			reply, wrote, failed := p.ops[i].execute(text)
			changed = changed || wrote
			if failed {
				c.Out.Null()
				continue
			}
			c.Out.Int(reply)
		}
		return text, changed
	})
}

// execute carries one operation out. It fails if the result does not fit and is to be refused.
func (op *bitFieldOp) execute(text []byte) (reply int64, wrote, failed bool) {
	old := op.field.read(text, op.offset)
	reply, value, fits := old, old, true
	switch op.kind {
	case bitFieldGet:
		return old, false, false
	case bitFieldSet:
		value, fits = op.field.fit(op.operand, 0, op.overflow)
	case bitFieldIncrBy:
		value, fits = op.field.fit(old, op.operand, op.overflow)
		reply = value
	}
	if !fits && op.overflow == bitFail {
		return 0, false, true
	}
	writeBits(text, op.offset, op.field.bits, uint64(value))
	return reply, value != old, false
}
