package server

import (
	"math"

	"quipu/engine"
	"quipu/server/number"
)

// listCommands returns the rows of the commands on lists that neither move elements between keys nor wait.
func listCommands() []*Command {
	return []*Command{
		lPushRow(), rPushRow(), lPushXRow(), rPushXRow(), lLenRow(), lIndexRow(), lRangeRow(), lSetRow(), lInsertRow(), lRemRow(), lTrimRow(), lPosRow(),
	}
}

// Categories of commands on lists.
const (
	listWriteFast = CatWrite | CatList | CatFast
	listWriteSlow = CatWrite | CatList | CatSlow
	listReadSlow  = CatRead | CatList | CatSlow
)

// pushArgs returns the arguments of LPUSH and its kin.
func pushArgs() []Arg {
	return []Arg{{Name: "key", Type: ArgKey}, {Name: "element", Flags: ArgMultiple}}
}

// pushKeySpecs returns what LPUSH and its kin do with their key.
func pushKeySpecs() []KeySpec { return []KeySpec{{Flags: KeyRW | KeyInsert, Index: 1, Step: 1}} }

func lPushRow() *Command {
	return &Command{
		Name: "lpush", Arity: -3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1, KeySpecs: pushKeySpecs(),
		Categories: listWriteFast, Group: "list", Since: "1.0.0",
		Summary:    "Puts elements before the head of a list, one after the other, and returns its length.",
		Complexity: "O(1) for each element.",
		Args:       pushArgs(),
		Run:        lPush,
	}
}

func lPush(c *Call) error { return push(c, true, true) }

func rPushRow() *Command {
	return &Command{
		Name: "rpush", Arity: -3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1, KeySpecs: pushKeySpecs(),
		Categories: listWriteFast, Group: "list", Since: "1.0.0",
		Summary:    "Puts elements behind the tail of a list, and returns its length.",
		Complexity: "O(1) for each element.",
		Args:       pushArgs(),
		Run:        rPush,
	}
}

func rPush(c *Call) error { return push(c, false, true) }

func lPushXRow() *Command {
	return &Command{
		Name: "lpushx", Arity: -3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1, KeySpecs: pushKeySpecs(),
		Categories: listWriteFast, Group: "list", Since: "2.2.0",
		Summary:    "Puts elements before the head of a list that exists.",
		Complexity: "O(1) for each element.",
		Args:       pushArgs(),
		Run:        lPushX,
	}
}

func lPushX(c *Call) error { return push(c, true, false) }

func rPushXRow() *Command {
	return &Command{
		Name: "rpushx", Arity: -3, Flags: FlagWrite | FlagDenyOOM | FlagFast, First: 1, Last: 1, Step: 1, KeySpecs: pushKeySpecs(),
		Categories: listWriteFast, Group: "list", Since: "2.2.0",
		Summary:    "Puts elements behind the tail of a list that exists.",
		Complexity: "O(1) for each element.",
		Args:       pushArgs(),
		Run:        rPushX,
	}
}

func rPushX(c *Call) error { return push(c, false, false) }

// push adds the arguments to an end of the list, which it creates only if it may.
func push(c *Call, head, create bool) error {
	l, err := c.Txn.List(c.Keys[0])
	if err != nil {
		return err
	}
	if create || l.Len() > 0 {
		if err := pushTo(&l, head, c.Args[2:]...); err != nil {
			return err
		}
	}
	c.Out.Int(int64(l.Len()))
	return nil
}

// pushTo adds elements to an end of a list.
func pushTo(l *engine.List, head bool, elements ...[]byte) error {
	if head {
		return l.PushHead(elements...)
	}
	return l.PushTail(elements...)
}

func lLenRow() *Command {
	return &Command{
		Name: "llen", Arity: 2, Flags: FlagReadonly | FlagFast, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO, Index: 1, Step: 1}},
		Categories: CatRead | CatList | CatFast, Group: "list", Since: "1.0.0",
		Summary:    "Returns the number of elements of a list.",
		Complexity: "O(1)",
		Args:       []Arg{{Name: "key", Type: ArgKey}},
		Run:        lLen,
	}
}

func lLen(c *Call) error {
	l, err := c.Txn.List(c.Keys[0])
	if err != nil {
		return err
	}
	c.Out.Int(int64(l.Len()))
	return nil
}

func lIndexRow() *Command {
	return &Command{
		Name: "lindex", Arity: 3, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: listReadSlow, Group: "list", Since: "1.0.0",
		Summary:    "Returns the element at an index, counted from the head, or from the tail if negative.",
		Complexity: "O(1) at the ends, about a microsecond in the middle of a million elements.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "index", Type: ArgInteger}},
		Run:        lIndex,
	}
}

func lIndex(c *Call) error {
	l, err := c.Txn.List(c.Keys[0])
	if err != nil {
		return err
	}
	if l.Len() == 0 {
		c.Out.Null()
		return nil
	}
	index, ok := number.ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	i, ok := elementAt(index, l.Len())
	if !ok {
		c.Out.Null()
		return nil
	}
	writeValue(c.Out, l.Index(i))
	return nil
}

// elementAt returns the index in [0, n) that an argument names, if there is one.
func elementAt(index int64, n int) (int, bool) {
	if index < 0 {
		index += int64(n)
	}
	return int(index), index >= 0 && index < int64(n)
}

func lRangeRow() *Command {
	return &Command{
		Name: "lrange", Arity: 4, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: listReadSlow, Group: "list", Since: "1.0.0",
		Summary:    "Returns the elements in a range of indexes.",
		Complexity: "O(N) for N elements returned.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "start", Type: ArgInteger}, {Name: "stop", Type: ArgInteger}},
		Run:        lRange,
	}
}

func lRange(c *Call) error {
	l, from, to, err := openRange(c)
	if err != nil {
		return err
	}
	writeElements(c, &l, from, to-from, false)
	return nil
}

// writeElements answers n elements of a list, from index from on towards the tail, or with back towards the head.
func writeElements(c *Call, l *engine.List, from, n int, back bool) {
	c.Out.Array(n)
	if n == 0 {
		return
	}
	write := func(v engine.Value) bool {
		writeValue(c.Out, v)
		n--
		return n > 0
	}
	if back {
		l.EachBack(from, write)
		return
	}
	l.Each(from, write)
}

// openRange opens the list of LRANGE or LTRIM. The range is [from, to).
func openRange(c *Call) (l engine.List, from, to int, err error) {
	start, ok := number.ParseInt(c.Args[2])
	stop, ok2 := number.ParseInt(c.Args[3])
	if !ok || !ok2 {
		return l, 0, 0, ErrNotInteger
	}
	if l, err = c.Txn.List(c.Keys[0]); err != nil {
		return l, 0, 0, err
	}
	n := int64(l.Len())
	if start < 0 {
		start = max(start+n, 0)
	}
	if stop < 0 {
		stop += n
	}
	start, stop = min(start, n), min(stop, n-1)
	return l, int(start), int(max(start, stop+1)), nil
}

func lSetRow() *Command {
	return &Command{
		Name: "lset", Arity: 4, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyUpdate, Index: 1, Step: 1}},
		Categories: listWriteSlow, Group: "list", Since: "1.0.0",
		Summary:    "Replaces the element at an index.",
		Complexity: "As LINDEX.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "index", Type: ArgInteger}, {Name: "element"}},
		Run:        lSet,
	}
}

func lSet(c *Call) error {
	l, err := c.Txn.List(c.Keys[0])
	if err != nil {
		return err
	}
	if l.Len() == 0 {
		return ErrNoSuchKey
	}
	index, ok := number.ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	i, ok := elementAt(index, l.Len())
	if !ok {
		return ErrOutOfRange
	}
	if err := l.Set(i, c.Args[3]); err != nil {
		return err
	}
	c.Out.OK()
	return nil
}

func lInsertRow() *Command {
	return &Command{
		Name: "linsert", Arity: 5, Flags: FlagWrite | FlagDenyOOM, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyInsert, Index: 1, Step: 1}},
		Categories: listWriteSlow, Group: "list", Since: "2.2.0",
		Summary:    "Puts an element beside the first one that equals a given one.",
		Complexity: "O(N) for N elements before that.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "where", Type: ArgOneOf, Sub: []Arg{
				{Name: "before", Type: ArgPureToken, Token: "BEFORE"},
				{Name: "after", Type: ArgPureToken, Token: "AFTER"},
			}},
			{Name: "pivot"},
			{Name: "element"},
		},
		Run: lInsert,
	}
}

func lInsert(c *Call) error {
	behind := 0
	switch {
	case isWord(c.Args[2], "AFTER"):
		behind = 1
	case !isWord(c.Args[2], "BEFORE"):
		return ErrSyntax
	}
	l, err := c.Txn.List(c.Keys[0])
	if err != nil {
		return err
	}
	if l.Len() == 0 {
		c.Out.Int(0)
		return nil
	}
	at := -1
	l.Find(c.Args[3], false, l.Len(), func(i int) bool {
		at = i
		return false
	})
	if at < 0 {
		c.Out.Int(-1)
		return nil
	}
	if err := l.Insert(at+behind, c.Args[4]); err != nil {
		return err
	}
	c.Out.Int(int64(l.Len()))
	return nil
}

func lRemRow() *Command {
	return &Command{
		Name: "lrem", Arity: 4, Flags: FlagWrite, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyDelete, Index: 1, Step: 1}},
		Categories: listWriteSlow, Group: "list", Since: "1.0.0",
		Summary:    "Removes elements that equal a given one: all, or so many from the head, or if negative from the tail.",
		Complexity: "O(N) for a list of N elements.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "count", Type: ArgInteger}, {Name: "element"}},
		Run:        lRem,
	}
}

func lRem(c *Call) error {
	count, ok := number.ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	l, err := c.Txn.List(c.Keys[0])
	if err != nil {
		return err
	}
	limit := l.Len()
	switch {
	case count > 0:
		limit = int(min(count, int64(limit)))
	case count < 0 && count > -int64(limit):
		limit = int(-count)
	}
	removed, err := l.Remove(c.Args[3], count < 0, limit)
	if err != nil {
		return err
	}
	c.Out.Int(int64(removed))
	return nil
}

func lTrimRow() *Command {
	return &Command{
		Name: "ltrim", Arity: 4, Flags: FlagWrite, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRW | KeyDelete, Index: 1, Step: 1}},
		Categories: listWriteSlow, Group: "list", Since: "1.0.0",
		Summary:    "Removes all elements but those in a range of indexes.",
		Complexity: "O(N) for N elements removed; a hundredth of that, since they go in bundles.",
		Args:       []Arg{{Name: "key", Type: ArgKey}, {Name: "start", Type: ArgInteger}, {Name: "stop", Type: ArgInteger}},
		Run:        lTrim,
	}
}

func lTrim(c *Call) error {
	l, from, to, err := openRange(c)
	if err != nil {
		return err
	}
	if l.Len() > 0 {
		c.Txn.Announce(c.Keys[0]) // to those who watch it, Redis tells of a change even when nothing goes
	}
	if err := l.DropTail(l.Len() - to); err != nil {
		return err
	}
	if err := l.DropHead(from); err != nil {
		return err
	}
	c.Out.OK()
	return nil
}

func lPosRow() *Command {
	return &Command{
		Name: "lpos", Arity: -3, Flags: FlagReadonly, First: 1, Last: 1, Step: 1,
		KeySpecs:   []KeySpec{{Flags: KeyRO | KeyAccess, Index: 1, Step: 1}},
		Categories: listReadSlow, Group: "list", Since: "6.0.6",
		Summary:    "Returns the indexes of elements that equal a given one.",
		Complexity: "O(N) for N elements looked at.",
		Args: []Arg{
			{Name: "key", Type: ArgKey},
			{Name: "element"},
			{Name: "rank", Type: ArgInteger, Token: "RANK", Flags: ArgOptional},
			{Name: "num-matches", Type: ArgInteger, Token: "COUNT", Flags: ArgOptional},
			{Name: "len", Type: ArgInteger, Token: "MAXLEN", Flags: ArgOptional},
		},
		Run: lPos,
	}
}

// lposQuery is what the words of LPOS ask for.
type lposQuery struct {
	rank   int64 // of the first match to answer, from 1; negative: from the tail
	count  int64 // matches to answer, 0 for all; -1: one, not in an array
	maxLen int64 // elements to look at, 0 for all
}

func lPos(c *Call) error {
	q, err := parseLPos(c.Args[3:])
	if err != nil {
		return err
	}
	l, err := c.Txn.List(c.Keys[0])
	if err != nil {
		return err
	}
	found := q.find(&l, c.Args[2])
	if q.count < 0 {
		if len(found) == 0 {
			c.Out.Null()
			return nil
		}
		c.Out.Int(int64(found[0]))
		return nil
	}
	c.Out.Array(len(found))
	for _, i := range found {
		c.Out.Int(int64(i))
	}
	return nil
}

// parseLPos reads pairs of a word and a number; the last of each kind counts.
func parseLPos(args [][]byte) (lposQuery, error) {
	q := lposQuery{rank: 1, count: -1}
	for ; len(args) >= 2; args = args[2:] {
		n, ok := number.ParseInt(args[1])
		switch {
		case isWord(args[0], "RANK"):
			switch {
			case !ok:
				return q, ErrNotInteger
			case n == math.MinInt64:
				n = -1 // it has no negation, and Redis skips nothing
			case n == 0:
				return q, errLPosRank
			}
			q.rank = n
		case isWord(args[0], "COUNT"):
			if !ok || n < 0 {
				return q, errLPosCount
			}
			q.count = n
		case isWord(args[0], "MAXLEN"):
			if !ok || n < 0 {
				return q, errLPosMaxLen
			}
			q.maxLen = n
		default:
			return q, ErrSyntax
		}
	}
	if len(args) != 0 {
		return q, ErrSyntax
	}
	return q, nil
}

// find returns the indexes of the matches to answer.
func (q *lposQuery) find(l *engine.List, element []byte) []int {
	back, skip, limit := q.rank < 0, q.rank-1, l.Len()
	if back {
		skip = -q.rank - 1
	}
	if q.maxLen > 0 {
		limit = int(min(q.maxLen, int64(limit)))
	}
	var found []int
	l.Find(element, back, limit, func(i int) bool {
		if skip > 0 {
			skip--
			return true
		}
		found = append(found, i)
		return q.count == 0 || int64(len(found)) < q.count
	})
	return found
}
