package server

import (
	"encoding/binary"
	"strconv"

	"quipu/engine"
)

func bitOpRow() *Command {
	return &Command{
		Name: "bitop", Arity: -4, Flags: FlagWrite | FlagDenyOOM, First: 2, Last: -1, Step: 1, WritesOne: true,
		KeySpecs: []KeySpec{
			{Flags: KeyOW | KeyUpdate, Index: 2, Step: 1},
			{Flags: KeyRO | KeyAccess, Index: 3, Last: -1, Step: 1},
		},
		Categories: CatWrite | CatBitmap | CatSlow, Group: "bitmap", Since: "2.6.0",
		Summary:    "Combines values bit by bit with AND, OR or XOR, or inverts one with NOT, and stores the result.",
		Complexity: "O(N) for N bytes.",
		Args: []Arg{
			{Name: "operation"},
			{Name: "destkey", Type: ArgKey},
			{Name: "key", Type: ArgKey, KeySpec: 1, Flags: ArgMultiple},
		},
		Run: bitOp,
	}
}

// bitOperation combines eight bytes at a time.
type bitOperation func(a, b uint64) uint64

func parseBitOperation(name []byte) (op bitOperation, not bool, err error) {
	switch {
	case isCWord(name, "AND"):
		return func(a, b uint64) uint64 { return a & b }, false, nil
	case isCWord(name, "OR"):
		return func(a, b uint64) uint64 { return a | b }, false, nil
	case isCWord(name, "XOR"):
		return func(a, b uint64) uint64 { return a ^ b }, false, nil
	case isCWord(name, "NOT"):
		return func(a, _ uint64) uint64 { return ^a }, true, nil
	}
	return nil, false, ErrSyntax
}

func bitOp(c *Call) error {
	op, not, err := parseBitOperation(c.Args[1])
	if err != nil {
		return err
	}
	dest, sources := c.Keys[0], c.Keys[1:]
	if not && len(sources) != 1 {
		return errBitOpNot
	}
	texts, err := bitOpSources(c, sources)
	if err != nil {
		return err
	}
	if not {
		texts = append(texts, nil)
	}
	result := combineBits(op, texts)
	if len(result) == 0 {
		c.Txn.Delete(dest)
	} else if err := c.Txn.SetString(dest, result, 0); err != nil {
		return err
	}
	c.Out.Int(int64(len(result)))
	return nil
}

// bitOpSources returns the values of the keys; absent ones are empty.
func bitOpSources(c *Call, keys []engine.Key) ([][]byte, error) {
	texts := make([][]byte, len(keys), len(keys)+1)
	for i, k := range keys {
		v, found, err := getString(c, k)
		switch {
		case err != nil:
			return nil, err
		case !found:
		case v.Kind == engine.Int:
			texts[i] = strconv.AppendInt(nil, v.Int, 10)
		default:
			texts[i] = v.Str
		}
	}
	return texts, nil
}

// combineBits returns the first text combined with the others, each as if it were followed by zero bytes up to the longest's end.
func combineBits(op bitOperation, texts [][]byte) []byte {
	size := 0
	for _, text := range texts {
		size = max(size, len(text))
	}
	result := make([]byte, (size+7)&^7) // whole words
	copy(result, texts[0])
	var word [8]byte
	for _, text := range texts[1:] {
		for at := 0; at < len(result); at += 8 {
			b := word[:]
			if at+8 <= len(text) {
				b = text[at:]
			} else {
				clear(b)
				copy(b, text[min(at, len(text)):])
			}
			binary.NativeEndian.PutUint64(result[at:], op(binary.NativeEndian.Uint64(result[at:]), binary.NativeEndian.Uint64(b)))
		}
	}
	return result[:size]
}
