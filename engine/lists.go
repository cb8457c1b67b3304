package engine

import (
	"quipu/engine/list"
)

// List is a view of a key that holds a list, or nothing. See collection for how long it is valid. What it returns is valid until the Txn
// next writes or unlocks.
//
// A packed list is the bytes of one node of package list behind the usual head.
type List struct{ collection }

// List opens a list. It returns ErrWrongType for a key that holds something else.
func (t *Txn) List(k Key) (List, error) {
	c, err := t.open(k, ListKind)
	return List{c}, err
}

// Len returns the number of elements.
func (l *List) Len() int {
	if p := l.packed(); p != nil {
		return p.count()
	}
	return 0
}

// elements returns the entries of a packed list.
func (p packed) elements() []byte { return p[p.body():] }

func elementValue(e list.Element) Value {
	if e.IsInt {
		return Value{Kind: Int, Int: e.Int}
	}
	return Value{Kind: String, Str: e.Str}
}

// Index returns element i, which is in [0, Len).
func (l *List) Index(i int) Value {
	p := l.packed()
	b := p.elements()
	e, _ := list.At(b[list.Offset(b, i, p.count()):])
	return elementValue(e)
}

// Each calls fn for the elements from index from on, towards the tail, until it returns false. fn must not write.
func (l *List) Each(from int, fn func(v Value) bool) {
	p := l.packed()
	if p == nil || from >= p.count() {
		return
	}
	b := p.elements()
	for b = b[list.Offset(b, from, p.count()):]; len(b) > 0; {
		e, size := list.At(b)
		if !fn(elementValue(e)) {
			return
		}
		b = b[size:]
	}
}

// EachBack is Each towards the head.
func (l *List) EachBack(from int, fn func(v Value) bool) {
	p := l.packed()
	if p == nil || from < 0 {
		return
	}
	b := p.elements()
	for b = b[:list.Offset(b, from+1, p.count())]; len(b) > 0; {
		e, size := list.Before(b)
		if !fn(elementValue(e)) {
			return
		}
		b = b[:len(b)-size]
	}
}

// Find calls fn with the index of each element that equals v, from the head on, or with back from the tail, until fn returns false. It
// looks at no more than limit elements. fn must not write.
func (l *List) Find(v []byte, back bool, limit int, fn func(i int) bool) {
	if p := l.packed(); p != nil {
		l.unpack(p).Find(v, back, limit, fn)
	}
}

// heap is the memory of lists that live for one operation.
type heap struct{}

func (heap) Alloc(n int) []byte { return make([]byte, n) }
func (heap) Free([]byte)        {}

// unpack returns a list to work on.
func (l *List) unpack(p packed) *list.List {
	work := list.New(heap{}, false)
	if p != nil {
		if err := work.Load(0, p.elements()); err != nil {
			panic(err) // what is in memory has been checked
		}
	}
	return work
}

// edit changes a copy of the list and makes that the content of the key.
func (l *List) edit(change func(work *list.List)) error {
	work := l.unpack(l.packed())
	change(work)
	return l.replace(work)
}

// replace makes a list the content of the key.
func (l *List) replace(work *list.List) error {
	if work.Len() == 0 {
		l.drop()
		return nil
	}
	b := appendPackedHead(l.t.scratch[:0], byte(ListKind), work.Len(), 0)
	work.EachNode(func(data []byte, _ int) bool {
		b = append(b, data...)
		return true
	})
	return l.store(b)
}

// PushHead puts copies of values before the first element, one after the other.
func (l *List) PushHead(values ...[]byte) error {
	p, b := l.grown(len(values))
	for i := range values {
		b = list.Append(b, values[len(values)-1-i])
	}
	if p != nil {
		b = append(b, p.elements()...)
	}
	return l.store(b)
}

// PushTail puts copies of values behind the last element.
func (l *List) PushTail(values ...[]byte) error {
	p, b := l.grown(len(values))
	if p != nil {
		b = append(b, p.elements()...)
	}
	for _, v := range values {
		b = list.Append(b, v)
	}
	return l.store(b)
}

// grown returns the packed list and the head of one with so many elements more.
func (l *List) grown(more int) (p packed, head []byte) {
	p = l.packed()
	return p, appendPackedHead(l.t.scratch[:0], byte(ListKind), l.Len()+more, 0)
}

// Set replaces element i, which is in [0, Len), by a copy of v.
func (l *List) Set(i int, v []byte) error {
	return l.edit(func(work *list.List) { work.Set(i, v) })
}

// Insert puts a copy of v before element i, or at the tail for i = Len.
func (l *List) Insert(i int, v []byte) error {
	return l.edit(func(work *list.List) { work.Insert(i, v) })
}

// DropHead removes the first n elements, at most all.
func (l *List) DropHead(n int) error { return l.keep(n, l.Len()) }

// DropTail removes the last n elements, at most all.
func (l *List) DropTail(n int) error { return l.keep(0, l.Len()-n) }

// keep removes all elements but those with an index in [from, to).
func (l *List) keep(from, to int) error {
	p := l.packed()
	count := l.Len()
	if from >= to && p != nil {
		l.drop()
	}
	if from >= to || to-from == count {
		return nil
	}
	b := p.elements()
	kept := b[list.Offset(b, from, count):list.Offset(b, to, count)]
	return l.store(append(appendPackedHead(l.t.scratch[:0], byte(ListKind), to-from, 0), kept...))
}

// Remove removes up to limit elements that equal v, from the head on, or with back from the tail, and returns how many.
func (l *List) Remove(v []byte, back bool, limit int) (removed int, err error) {
	if l.packed() == nil {
		return 0, nil
	}
	work := l.unpack(l.packed())
	if removed = work.Remove(v, back, limit); removed == 0 {
		return 0, nil
	}
	return removed, l.replace(work)
}
