package server

import (
	"bytes"
	"cmp"
	"slices"

	"quipu/engine"
	"quipu/server/number"
)

// sortCommands returns the rows of SORT and SORT_RO.
func sortCommands() []*Command { return []*Command{sortRow(), sortRORow()} }

func sortRow() *Command {
	return &Command{
		Name: "sort", Arity: -2, Flags: FlagWrite | FlagDenyOOM | FlagMovableKeys, First: 1, Last: 1, Step: 1, WritesOne: true,
		GetKeys: sortKeys, LocksAll: sortsByOtherKeys,
		KeySpecs: append(sortKeySpecs(), KeySpec{
			Flags: KeyOW | KeyUpdate, Unknown: true, Notes: "STORE can stand anywhere among the options.",
		}),
		Categories: CatWrite | CatSet | CatSortedSet | CatList | CatSlow | CatDangerous, Group: "generic", Since: "1.0.0",
		Summary:    "Sorts the elements of a list, set or sorted set, and returns or stores them, or what other keys hold of them.",
		Complexity: "O(N+M*log(M)) for N elements, of which M are returned; those in order already, O(N).",
		Args:       append(sortArgs(), Arg{Name: "destination", Type: ArgKey, Token: "STORE", Flags: ArgOptional, KeySpec: 2}),
		Run:        sortCommand,
	}
}

func sortRORow() *Command {
	return &Command{
		Name: "sort_ro", Arity: -2, Flags: FlagReadonly | FlagMovableKeys, First: 1, Last: 1, Step: 1,
		GetKeys: func([][]byte) []int { return []int{1} }, LocksAll: sortsByOtherKeys,
		KeySpecs:   sortKeySpecs(),
		Categories: CatRead | CatSet | CatSortedSet | CatList | CatSlow | CatDangerous, Group: "generic", Since: "7.0.0",
		Summary:    "SORT that stores nothing.",
		Complexity: "As SORT.",
		Args:       sortArgs(),
		Run:        sortRO,
	}
}

func sortKeySpecs() []KeySpec {
	return []KeySpec{
		{Flags: KeyRO | KeyAccess, Index: 1, Step: 1},
		{Flags: KeyRO | KeyAccess, Unknown: true, Notes: "The keys of BY and GET follow from the elements."},
	}
}

func sortArgs() []Arg {
	return []Arg{
		{Name: "key", Type: ArgKey},
		{Name: "pattern", Type: ArgPattern, Token: "BY", Flags: ArgOptional, KeySpec: 1},
		{Name: "offset_count", Type: ArgBlock, Token: "LIMIT", Flags: ArgOptional, Sub: []Arg{
			{Name: "offset", Type: ArgInteger},
			{Name: "count", Type: ArgInteger},
		}},
		{Name: "pattern", Type: ArgPattern, Token: "GET", Flags: ArgOptional | ArgMultiple | ArgMultipleToken, KeySpec: 1},
		{Name: "order", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
			{Name: "asc", Type: ArgPureToken, Token: "ASC"},
			{Name: "desc", Type: ArgPureToken, Token: "DESC"},
		}},
		{Name: "sorting", Type: ArgPureToken, Token: "ALPHA", Flags: ArgOptional},
	}
}

// sortKeys returns the positions of the keys that SORT names: the one that it sorts, and the last one of STORE. As in Redis it skips the
// arguments of the other words, whether or not the command is a good one.
func sortKeys(args [][]byte) []int {
	keys := []int{1}
	for i := 2; i < len(args); i++ {
		switch {
		case isWord(args[i], "LIMIT"):
			i += 2
		case isWord(args[i], "GET"), isWord(args[i], "BY"):
			i++
		case isWord(args[i], "STORE") && i+1 < len(args):
			keys = append(keys[:1], i+1)
		}
	}
	return keys
}

// sortsByOtherKeys reports whether the call may look at keys that only the elements tell: everything is locked then. It may err on that
// side.
func sortsByOtherKeys(args [][]byte) bool {
	for i := 2; i+1 < len(args); i++ {
		if (isWord(args[i], "BY") || isWord(args[i], "GET")) && bytes.IndexByte(args[i+1], '*') >= 0 {
			return true
		}
	}
	return false
}

// sortQuery is what the words of SORT ask for.
type sortQuery struct {
	desc, alpha   bool
	by            *sortPattern // nil: the elements themselves
	unsorted      bool         // BY with a pattern that is the same for all elements
	gets          []sortPattern
	offset, count int64 // count negative: all
	store         bool
}

func sortCommand(c *Call) error { return runSort(c, true) }

func sortRO(c *Call) error { return runSort(c, false) }

func runSort(c *Call, mayStore bool) error {
	q, err := parseSort(c.Args[2:], mayStore)
	if err != nil {
		return err
	}
	c.Txn.CountViews(true)
	elements, err := q.elements(c)
	if err != nil {
		return err
	}
	if !q.unsorted {
		if err := q.sort(c, elements); err != nil {
			return err
		}
	}
	elements = q.cut(elements)
	if q.store {
		return q.storeSorted(c, elements)
	}
	q.answer(c, elements)
	return nil
}

// parseSort reads the options. STORE's key is the last of the call.
func parseSort(args [][]byte, mayStore bool) (sortQuery, error) {
	q := sortQuery{count: -1}
	for i := 0; i < len(args); i++ {
		left := len(args) - i - 1
		switch {
		case isWord(args[i], "ASC"):
			q.desc = false
		case isWord(args[i], "DESC"):
			q.desc = true
		case isWord(args[i], "ALPHA"):
			q.alpha = true
		case isWord(args[i], "LIMIT") && left >= 2:
			if !q.parseLimit(args[i+1], args[i+2]) {
				return q, ErrNotInteger
			}
			i += 2
		case mayStore && isWord(args[i], "STORE") && left >= 1:
			q.store = true
			i++
		case isWord(args[i], "BY") && left >= 1:
			i++
			q.setOrder(args[i])
		case isWord(args[i], "GET") && left >= 1:
			i++
			q.gets = append(q.gets, parseSortPattern(args[i]))
		default:
			return q, ErrSyntax
		}
	}
	return q, nil
}

func (q *sortQuery) parseLimit(offset, count []byte) (ok bool) {
	var ok2 bool
	q.offset, ok = number.ParseInt(offset)
	q.count, ok2 = number.ParseInt(count)
	return ok && ok2
}

// setOrder applies BY. Once a pattern was the same for all elements nothing is sorted, whatever follows.
func (q *sortQuery) setOrder(pattern []byte) {
	p := parseSortPattern(pattern)
	q.by = &p
	q.unsorted = q.unsorted || !p.varies
}

// sortElement is an element of what is sorted.
type sortElement struct {
	text   []byte
	score  float64 // with ALPHA, its place among the others
	weight []byte  // what BY names for ALPHA; nil: there is none
}

// elements returns what is to be sorted. Without sorting, only those that LIMIT asks for, and in the order of the answer.
func (q *sortQuery) elements(c *Call) ([]sortElement, error) {
	v, found := c.Txn.Peek(c.Keys[0])
	if !found {
		c.Txn.Get(c.Keys[0]) // it counts as a miss
		return nil, nil
	}
	switch v.Kind {
	case engine.ListKind:
		return q.listElements(c)
	case engine.SetKind:
		return q.setElements(c)
	case engine.ZSetKind:
		return q.rankedElements(c)
	default:
		return nil, ErrWrongType
	}
}

func (q *sortQuery) listElements(c *Call) ([]sortElement, error) {
	l, err := c.Txn.List(c.Keys[0])
	if err != nil {
		return nil, err
	}
	from, n := 0, l.Len()
	if q.unsorted {
		from, n = q.take(n)
	}
	keeper := sortKeeper{elements: make([]sortElement, 0, n)}
	add := func(v engine.Value) bool {
		if len(keeper.elements) < n {
			var scratch [20]byte
			keeper.add(valueText(v, &scratch))
		}
		return len(keeper.elements) < n
	}
	if q.unsorted && q.desc {
		l.EachBack(l.Len()-1-from, add)
	} else {
		l.Each(from, add)
	}
	return keeper.elements, nil
}

// setElements returns the members of a set. What is stored without an order gets one, as in Redis.
func (q *sortQuery) setElements(c *Call) ([]sortElement, error) {
	if q.unsorted && q.store {
		q.unsorted, q.alpha, q.by = false, true, nil
	}
	s, err := c.Txn.Set(c.Keys[0])
	if err != nil {
		return nil, err
	}
	keeper := sortKeeper{elements: make([]sortElement, 0, s.Len())}
	s.Each(func(member []byte) bool {
		keeper.add(member)
		return true
	})
	if !q.unsorted {
		return keeper.elements, nil
	}
	from, n := q.take(s.Len())
	return keeper.elements[from : from+n], nil
}

// rankedElements returns the members of a sorted set. Redis gives it a skip list for that, for good.
func (q *sortQuery) rankedElements(c *Call) ([]sortElement, error) {
	z, err := c.Txn.SortedSet(c.Keys[0])
	if err != nil {
		return nil, err
	}
	z.Widen()
	from, n := 0, z.Len()
	if q.unsorted {
		from, n = q.take(n)
	}
	back := q.unsorted && q.desc
	if back {
		from = z.Len() - 1 - from
	}
	keeper := sortKeeper{elements: make([]sortElement, 0, n)}
	z.Walk(from, n, back, func(member []byte, _ float64) { keeper.add(member) })
	return keeper.elements, nil
}

// take returns the range of n elements that LIMIT asks for, as its first and its length.
func (q *sortQuery) take(n int) (from, count int) {
	from = int(min(max(q.offset, 0), int64(n)))
	count = n - from
	if q.count >= 0 {
		count = int(min(q.count, int64(count)))
	}
	return from, count
}

// cut applies LIMIT to sorted elements.
func (q *sortQuery) cut(elements []sortElement) []sortElement {
	if q.unsorted {
		return elements
	}
	from, n := q.take(len(elements))
	return elements[from : from+n]
}

// sortKeeper collects copies of elements.
type sortKeeper struct {
	texts    textKeeper
	elements []sortElement
}

func (k *sortKeeper) add(text []byte) {
	k.elements = append(k.elements, sortElement{text: k.texts.keep(text)})
}

// answer writes the elements, or what GET asks for in their place.
func (q *sortQuery) answer(c *Call, elements []sortElement) {
	c.Out.Array(len(elements) * max(len(q.gets), 1))
	for i := range elements {
		if len(q.gets) == 0 {
			c.Out.Bulk(elements[i].text)
		}
		for j := range q.gets {
			if v, ok := q.gets[j].lookUp(c, elements[i].text); ok {
				writeValue(c.Out, v)
			} else {
				c.Out.Null()
			}
		}
	}
}

// storeSorted makes a list of what would be answered; what is not there becomes the empty string.
func (q *sortQuery) storeSorted(c *Call, elements []sortElement) error {
	var texts textKeeper
	values := make([][]byte, 0, len(elements)*max(len(q.gets), 1))
	for i := range elements {
		if len(q.gets) == 0 {
			values = append(values, elements[i].text)
		}
		for j := range q.gets {
			var scratch [20]byte
			v, _ := q.gets[j].lookUp(c, elements[i].text)
			values = append(values, texts.keep(valueText(v, &scratch)))
		}
	}
	target := c.Keys[len(c.Keys)-1]
	c.Txn.Delete(target)
	if len(values) > 0 {
		l, err := c.Txn.List(target)
		if err != nil {
			return err
		}
		if err := l.PushTail(values...); err != nil {
			return err
		}
	}
	c.Out.Int(int64(len(values)))
	return nil
}

// sort orders the elements.
func (q *sortQuery) sort(c *Call, elements []sortElement) error {
	if err := q.weigh(c, elements); err != nil {
		return err
	}
	slices.SortFunc(elements, func(a, b sortElement) int {
		c.Txn.Toil(1)
		order := q.compare(&a, &b)
		if q.desc {
			order = -order
		}
		if order == 0 && q.alpha {
			return cmp.Compare(a.score, b.score) // where they came from
		}
		return order
	})
	return nil
}
