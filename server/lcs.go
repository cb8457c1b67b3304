package server

import (
	"slices"

	"quipu/server/number"
	"quipu/server/resp"
)

// lcsCommands returns the row of LCS.
func lcsCommands() []*Command { return []*Command{lcsRow()} }

func lcsRow() *Command {
	return &Command{
		Name: "lcs", Arity: -3, Flags: FlagReadonly, First: 1, Last: 2, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Last: 1, Step: 1}},
		Categories: CatRead | CatString | CatSlow, Group: "string", Since: "7.0.0",
		Summary:    "Finds the longest common subsequence of two values.",
		Complexity: "O(N*M) for values of N and M bytes.",
		Args: []Arg{
			{Name: "key1", Type: ArgKey},
			{Name: "key2", Type: ArgKey},
			{Name: "len", Type: ArgPureToken, Token: "LEN", Flags: ArgOptional},
			{Name: "idx", Type: ArgPureToken, Token: "IDX", Flags: ArgOptional},
			{Name: "len", Type: ArgInteger, Token: "MINMATCHLEN", Flags: ArgOptional},
			{Name: "withmatchlen", Type: ArgPureToken, Token: "WITHMATCHLEN", Flags: ArgOptional},
		},
		Run: lcs,
	}
}

func lcs(c *Call) error {
	a, err := lcsText(c, 0)
	if err != nil {
		return err
	}
	b, err := lcsText(c, 1)
	if err != nil {
		return err
	}
	o, err := parseLCSOptions(c.Args[3:])
	if err != nil {
		return err
	}
	if lcsTooLarge(len(a), len(b), int(c.Srv.cfg.Load().ProtoMaxBulkLen)) {
		return errLCSMemory
	}
	t := newLCSTable(a, b)
	switch {
	case o.idx:
		answerLCSRanges(c.Out, t, o)
	case o.length:
		c.Out.Int(int64(t.length))
	default:
		c.Out.Bulk(t.subsequence())
	}
	return nil
}

// lcsText returns the bytes of the key at that place among the command's keys; an absent key counts as empty.
func lcsText(c *Call, key int) ([]byte, error) {
	v, found := c.Txn.Get(c.Keys[key])
	if !found {
		return nil, nil
	}
	if !isString(v.Kind) {
		return nil, errLCSType
	}
	return valueText(v, new([20]byte)), nil
}

// lcsOptions is what the words after the names of LCS ask for.
type lcsOptions struct {
	length    bool  // LEN
	idx       bool  // IDX
	withLen   bool  // WITHMATCHLEN
	minLength int64 // MINMATCHLEN
}

func parseLCSOptions(args [][]byte) (o lcsOptions, err error) {
	for i := 0; i < len(args); i++ {
		switch {
		case isWord(args[i], "IDX"):
			o.idx = true
		case isWord(args[i], "LEN"):
			o.length = true
		case isWord(args[i], "WITHMATCHLEN"):
			o.withLen = true
		case isWord(args[i], "MINMATCHLEN") && i+1 < len(args):
			i++
			n, ok := number.ParseInt(args[i])
			if !ok {
				return o, ErrNotInteger
			}
			o.minLength = n
		default:
			return o, ErrSyntax
		}
	}
	if o.idx && o.length {
		return o, errLCSBoth
	}
	return o, nil
}

// lcsCellBytes is what Redis pays for a pair of bytes; its limit on the product of the lengths follows from it and is kept here,
// although a pair costs one bit here.
const lcsCellBytes = 4

// lcsTooLarge reports whether Redis would refuse values of n and m bytes under a proto-max-bulk-len of limit bytes.
func lcsTooLarge(n, m, limit int) bool {
	return (n + 1) > limit/lcsCellBytes/(m+1)
}

// lcsTable is the table of the textbook's dynamic programme, reduced to what walking back through it needs: the length, and for each
// pair of prefixes whether the longer subsequence is found by dropping the last byte of a. Where the last bytes are equal the walk
// needs no bit.
type lcsTable struct {
	a, b   []byte
	length int
	drop   []uint64 // bit i*len(b)+j: for the prefixes that end in a[i] and b[j], drop a[i] rather than b[j]
}

// newLCSTable fills the table row by row, keeping the lengths of one row only.
func newLCSTable(a, b []byte) *lcsTable {
	t := &lcsTable{a: a, b: b, drop: make([]uint64, (len(a)*len(b)+63)/64)}
	row := make([]uint32, len(b)+1) // row[j+1]: length for the prefixes that end in a[i-1] and b[j]
	for i := range a {
		diagonal := uint32(0)
		for j := range b {
			above := row[j+1]
			switch {
			case a[i] == b[j]:
				row[j+1] = diagonal + 1
			case above > row[j]:
				t.setDrop(i, j)
			default:
				row[j+1] = row[j]
			}
			diagonal = above
		}
	}
	t.length = int(row[len(b)])
	return t
}

func (t *lcsTable) setDrop(i, j int) {
	bit := i*len(t.b) + j
	t.drop[bit/64] |= 1 << (bit % 64)
}

func (t *lcsTable) drops(i, j int) bool {
	bit := i*len(t.b) + j
	return t.drop[bit/64]>>(bit%64)&1 != 0
}

// walk goes back from the ends and calls match for each pair of equal bytes of the subsequence, last pair first.
func (t *lcsTable) walk(match func(i, j int)) {
	for i, j := len(t.a)-1, len(t.b)-1; i >= 0 && j >= 0; {
		switch {
		case t.a[i] == t.b[j]:
			match(i, j)
			i--
			j--
		case t.drops(i, j):
			i--
		default:
			j--
		}
	}
}

// subsequence returns the longest common subsequence.
func (t *lcsTable) subsequence() []byte {
	out := make([]byte, 0, t.length)
	t.walk(func(i, _ int) { out = append(out, t.a[i]) })
	slices.Reverse(out)
	return out
}

// lcsRange is a run of size equal bytes at a and b.
type lcsRange struct{ a, b, size int }

// ranges returns the runs that make up the subsequence and have at least minSize bytes, last run first.
func (t *lcsTable) ranges(minSize int64) []lcsRange {
	var runs []lcsRange
	t.walk(func(i, j int) {
		if n := len(runs) - 1; n >= 0 && runs[n].a == i+1 && runs[n].b == j+1 {
			runs[n] = lcsRange{a: i, b: j, size: runs[n].size + 1}
			return
		}
		runs = append(runs, lcsRange{a: i, b: j, size: 1})
	})
	return slices.DeleteFunc(runs, func(r lcsRange) bool { return int64(r.size) < minSize })
}

// answerLCSRanges writes the answer of LCS with IDX.
func answerLCSRanges(out *resp.Writer, t *lcsTable, o lcsOptions) {
	runs := t.ranges(o.minLength)
	fields := 2
	if o.withLen {
		fields = 3
	}
	out.Map(2)
	out.BulkString("matches")
	out.Array(len(runs))
	for _, r := range runs {
		out.Array(fields)
		answerLCSSpan(out, r.a, r.size)
		answerLCSSpan(out, r.b, r.size)
		if o.withLen {
			out.Int(int64(r.size))
		}
	}
	out.BulkString("len")
	out.Int(int64(t.length))
}

// answerLCSSpan writes the first and the last position of a run.
func answerLCSSpan(out *resp.Writer, start, size int) {
	out.Array(2)
	out.Int(int64(start))
	out.Int(int64(start + size - 1))
}
