package engine

import (
	"fmt"
	"slices"
	"strings"
)

// A saga is the life of one key in numbered steps. What the key holds after each of them is known exactly, so whatever a crash, a fault
// or an eviction leaves can be compared element by element. There is a saga for every type in every form: packed, on its way from packed
// to spread, and spread.
type saga struct {
	name string
	// step makes step n, from 1 on.
	step func(x *Txn, k Key, n int64) error
	// after returns what the key holds after step n for somebody who looks at a time: in the order of a list or sorted set, or sorted.
	after func(n, now int64) []string
	// read returns what the key holds.
	read func(x *Txn, k Key) ([]string, error)
}

// sagaLife is a size of a collection and the number of steps from one deletion of it to the next.
type sagaLife struct {
	name string
	size int64
	full bool // all elements come at once
	life int64
}

// sagaLives are the forms of a collection; life is how long they last.
func sagaLives(life int64) []sagaLife {
	return []sagaLife{
		{"few", 8, false, life},
		{"growing", 150, false, life},
		{"many", 300, true, life},
	}
}

// begins reports whether step n is the first of a life.
func (l *sagaLife) begins(n int64) bool { return n == 1 || n%l.life == 0 }

// first returns the step with which the life began that step n is in.
func (l *sagaLife) first(n int64) int64 { return max(n/l.life*l.life, 1) }

// changes calls put and remove for what step n does to the elements of a collection that has no order.
func (l *sagaLife) changes(n int64, put, remove func(i int64)) {
	if l.full && l.begins(n) {
		for i := range l.size {
			put(i)
		}
	}
	put(n % l.size)
	if n%7 == 3 {
		remove((n + 31) % l.size)
	}
}

// elements is a type of collection whose elements have names.
type elements struct {
	name   string
	put    func(x *Txn, k Key, i, n int64) error
	remove func(x *Txn, k Key, i int64) error
	// shown is how read shows element i as put by step n; due is when it expires, 0 for never.
	shown func(i, n int64) string
	due   func(i, n int64) int64
	read  func(x *Txn, k Key, see func(string)) error
	// ordered: read shows elements in the order of the steps that put them last.
	ordered bool
}

func never(int64, int64) int64 { return 0 }

func (c *elements) saga(l sagaLife) saga {
	return saga{
		name: c.name + ":" + l.name,
		step: func(x *Txn, k Key, n int64) (err error) {
			if l.begins(n) {
				x.Delete(k)
			}
			note := func(e error) {
				if err == nil {
					err = e
				}
			}
			l.changes(n, func(i int64) { note(c.put(x, k, i, n)) }, func(i int64) { note(c.remove(x, k, i)) })
			return err
		},
		after: func(n, now int64) []string { return c.after(&l, n, now) },
		read: func(x *Txn, k Key) (shown []string, err error) {
			err = c.read(x, k, func(s string) { shown = append(shown, s) })
			if !c.ordered {
				slices.Sort(shown)
			}
			return shown, err
		},
	}
}

func (c *elements) after(l *sagaLife, n, now int64) (shown []string) {
	if n == 0 {
		return nil
	}
	last := map[int64]int64{} // the step that put each element
	for step := l.first(n); step <= n; step++ {
		l.changes(step, func(i int64) { last[i] = step }, func(i int64) { delete(last, i) })
	}
	for i, step := range last {
		if due := c.due(i, step); due == 0 || due >= now {
			shown = append(shown, c.shown(i, step))
		}
	}
	slices.Sort(shown)
	return shown
}

// elementName has the number in front: a packed collection keeps what a name has in common with the one before it only once.
func elementName(i int64) []byte { return fmt.Appendf(nil, "%d is the number of an element", i) }

func fieldText(i, n int64) []byte {
	if i%3 == 0 {
		return fmt.Appendf(nil, "step %d", n)
	}
	return fmt.Append(nil, n)
}

func showValue(v Value) string {
	if v.Kind == Int {
		return fmt.Sprint(v.Int)
	}
	return string(v.Str)
}

func showField(name []byte, v Value) string {
	return fmt.Sprintf("%s = %s until %d", name, showValue(v), v.ExpireAt)
}

// sagaEpoch is the time at which sagas begin, sagaPace how many milliseconds later a step's fields expire than those of the step before.
const (
	sagaEpoch = int64(1_700_000_000_000)
	sagaPace  = 60
)

// hashes is a hash; of every second field, due tells the expiry.
func hashes(name string, due func(i, n int64) int64) elements {
	return elements{
		name: name, due: due,
		put: func(x *Txn, k Key, i, n int64) error {
			h, err := x.Hash(k)
			if err == nil {
				_, err = h.Set(elementName(i), fieldText(i, n))
			}
			if at := due(i, n); at != 0 && err == nil {
				h.SetExpiry(elementName(i), at)
			}
			return err
		},
		remove: func(x *Txn, k Key, i int64) error {
			h, err := x.Hash(k)
			h.Delete(elementName(i))
			return err
		},
		shown: func(i, n int64) string {
			v := textValue(fieldText(i, n))
			v.ExpireAt = due(i, n)
			return showField(elementName(i), v)
		},
		read: func(x *Txn, k Key, see func(string)) error {
			h, err := x.Hash(k)
			h.Each(func(field []byte, v Value) bool {
				see(showField(field, v))
				return true
			})
			return err
		},
	}
}

// sets is a set whose members are made by member.
func sets(name string, member func(i int64) []byte) elements {
	return elements{
		name: name, due: never,
		put: func(x *Txn, k Key, i, _ int64) error {
			s, err := x.Set(k)
			if err == nil {
				_, err = s.Add(member(i))
			}
			return err
		},
		remove: func(x *Txn, k Key, i int64) error {
			s, err := x.Set(k)
			s.Remove(member(i))
			return err
		},
		shown: func(i, _ int64) string { return string(member(i)) },
		read: func(x *Txn, k Key, see func(string)) error {
			s, err := x.Set(k)
			s.Each(func(m []byte) bool {
				see(string(m))
				return true
			})
			return err
		},
	}
}

// boards is a sorted set whose members' scores are the steps that put them. It is read by rank; sagaScore sorts as scores do.
func boards() elements {
	return elements{
		name: "zset", due: never, ordered: true,
		put: func(x *Txn, k Key, i, n int64) error {
			z, err := x.SortedSet(k)
			if err == nil {
				_, err = z.Add(elementName(i), float64(n))
			}
			return err
		},
		remove: func(x *Txn, k Key, i int64) error {
			z, err := x.SortedSet(k)
			z.Remove(elementName(i))
			return err
		},
		shown: func(i, n int64) string { return sagaScore(elementName(i), float64(n)) },
		read: func(x *Txn, k Key, see func(string)) error {
			z, err := x.SortedSet(k)
			z.Walk(0, z.Len(), false, func(member []byte, score float64) { see(sagaScore(member, score)) })
			return err
		},
	}
}

func sagaScore(member []byte, score float64) string { return fmt.Sprintf("%020.3f %s", score, member) }

// lists is a list of which a step changes an end, the middle or an element.
func lists(l sagaLife) saga {
	return saga{
		name: "list:" + l.name,
		step: func(x *Txn, k Key, n int64) error {
			if l.begins(n) {
				x.Delete(k)
			}
			v, err := x.List(k)
			if err != nil {
				return err
			}
			return changeSagaList(&l, &v, n)
		},
		after: func(n, _ int64) []string {
			if n == 0 {
				return nil
			}
			m := listOfStrings{}
			for step := l.first(n); step <= n; step++ {
				_ = changeSagaList(&l, &m, step) // a slice takes everything
			}
			return m.values
		},
		read: func(x *Txn, k Key) (shown []string, err error) {
			v, err := x.List(k)
			v.Each(0, func(v Value) bool {
				shown = append(shown, showValue(v))
				return true
			})
			return shown, err
		},
	}
}

// sequenceOf is what a List and its model have in common.
type sequenceOf interface {
	Len() int
	PushHead(values ...[]byte) error
	PushTail(values ...[]byte) error
	Set(i int, v []byte) error
	Insert(i int, v []byte) error
	DropHead(n int) error
	DropTail(n int) error
}

func changeSagaList(l *sagaLife, s sequenceOf, n int64) error {
	value := fieldText(n, n)
	if l.full && l.begins(n) {
		all := make([][]byte, l.size)
		for i := range all {
			all[i] = elementName(n + int64(i))
		}
		return s.PushTail(all...)
	}
	count := s.Len()
	switch {
	case count > int(l.size):
		return s.DropHead(count - int(l.size))
	case count < 3 || n%6 < 2:
		return s.PushTail(value)
	case n%6 == 2:
		return s.PushHead(value)
	case n%6 == 3:
		return s.Set(count/2, value)
	case n%6 == 4:
		return s.Insert(count/3, value)
	}
	return s.DropTail(1)
}

// listOfStrings is the model of a list.
type listOfStrings struct{ values []string }

func (m *listOfStrings) Len() int { return len(m.values) }

func (m *listOfStrings) PushHead(values ...[]byte) error {
	for _, v := range values {
		m.values = slices.Insert(m.values, 0, string(v))
	}
	return nil
}

func (m *listOfStrings) PushTail(values ...[]byte) error {
	for _, v := range values {
		m.values = append(m.values, string(v))
	}
	return nil
}

func (m *listOfStrings) Set(i int, v []byte) error {
	m.values[i] = string(v)
	return nil
}

func (m *listOfStrings) Insert(i int, v []byte) error {
	m.values = slices.Insert(m.values, i, string(v))
	return nil
}

func (m *listOfStrings) DropHead(n int) error {
	m.values = m.values[n:]
	return nil
}

func (m *listOfStrings) DropTail(n int) error {
	m.values = m.values[:len(m.values)-n]
	return nil
}

// bitmaps is a string that is changed in place, as bitmaps and HyperLogLogs are.
func bitmaps(l sagaLife) saga {
	write := func(text []byte, n int64) []byte {
		if text == nil {
			text = []byte(strings.Repeat("-", int(l.size)))
		}
		text[n*97%l.size] = byte(n)
		return text
	}
	return saga{
		name: "bitmap:" + l.name,
		step: func(x *Txn, k Key, n int64) error {
			if l.begins(n) {
				x.Delete(k)
			}
			return x.Edit(k, func(old []byte) ([]byte, bool) { return write(old, n), true })
		},
		after: func(n, _ int64) []string {
			if n == 0 {
				return nil
			}
			var text []byte
			for step := l.first(n); step <= n; step++ {
				text = write(text, step)
			}
			return []string{string(text)}
		},
		read: func(x *Txn, k Key) ([]string, error) {
			v, ok := x.Get(k)
			if !ok {
				return nil, nil
			}
			return []string{string(v.Str)}, nil
		},
	}
}

// allSagas returns one of every type and form, with lives of so many steps.
func allSagas(life int64) []saga {
	var all []saga
	for _, l := range sagaLives(life) {
		for _, c := range []elements{
			hashes("hash", never),
			hashes("timed", func(i, n int64) int64 { return i % 2 * (sagaEpoch + sagaPace*n + i%8*400) }),
			sets("set", elementName),
			boards(),
		} {
			all = append(all, c.saga(l))
		}
		all = append(all, lists(l))
	}
	integers := sets("integers", func(i int64) []byte { return fmt.Append(nil, i*i-100) })
	return append(all,
		integers.saga(sagaLife{"few", 8, false, life}),
		integers.saga(sagaLife{"many", 600, true, life}), // more than an intset may have
		bitmaps(sagaLife{"short", 40, false, life}),
		bitmaps(sagaLife{"blob", 3000, false, life}),
		bitmaps(sagaLife{"side", 12 << 10, false, life}),
	)
}
