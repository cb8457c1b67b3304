package engine

import (
	"quipu/engine/list"
)

// List is a view of a key that holds a list, or nothing. See collection for how long it is valid. What it returns is valid until the Txn
// next writes or unlocks.
//
// A packed list is the bytes of a node of package list behind the usual head, of any length up to maxPackedList. It is read and pushed to as
// it is; what changes its middle works on a list that lives for the time of the operation. A spread list is such a list for good.
type List struct{ collection }

// maxPackedList is how many bytes the elements of a packed list may have: so much a lone push writes to the log at most.
const maxPackedList = 1024

// List opens a list. It returns ErrWrongType for a key that holds something else.
func (t *Txn) List(k Key) (l List, err error) {
	err = l.open(t, &k, ListKind)
	return l, err
}

// Len returns the number of elements.
func (l *List) Len() int {
	switch p, o := l.form(); {
	case o != nil:
		return o.nodes().list.Len()
	case p != nil:
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
	p, o := l.form()
	if o != nil {
		return elementValue(o.nodes().list.Index(i))
	}
	b := p.elements()
	e, _ := list.At(b[list.Offset(b, i, p.count()):])
	return elementValue(e)
}

// Each calls fn for the elements from index from on, towards the tail, until it returns false. fn must not write.
func (l *List) Each(from int, fn func(v Value) bool) {
	p, o := l.form()
	if o != nil {
		o.nodes().list.Each(from, func(e list.Element) bool {
			l.t.Toil(1)
			return fn(elementValue(e))
		})
		return
	}
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
	p, o := l.form()
	if o != nil {
		o.nodes().list.EachBack(from, func(e list.Element) bool {
			l.t.Toil(1)
			return fn(elementValue(e))
		})
		return
	}
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
	switch p, o := l.form(); {
	case o != nil:
		o.nodes().list.Find(v, back, limit, fn)
	case p != nil:
		unpackList(p).Find(v, back, limit, fn)
	}
}

// heap is the memory of lists that live for one operation.
type heap struct{}

func (heap) Alloc(n int) []byte { return make([]byte, n) }
func (heap) Free([]byte)        {}

// unpackList returns a list to work on.
func unpackList(p packed) *list.List {
	work := list.New(heap{}, false)
	if err := work.Load(0, p.elements()); err != nil {
		panic(err) // what is in memory has been checked
	}
	return work
}

// PushHead puts copies of values, of which there is at least one, before the first element, one after the other.
func (l *List) PushHead(values ...[]byte) error {
	p, o := l.form()
	if o != nil {
		work := l.nodes(o)
		for _, v := range values {
			work.PushHead(v)
			l.t.Toil(1)
		}
		l.noteNodes(o)
		return nil
	}
	b := l.grown(p, len(values))
	for i := range values {
		b = list.Append(b, values[len(values)-1-i])
	}
	if p != nil {
		b = append(b, p.elements()...)
	}
	return l.storeOrSpread(b)
}

// PushTail puts copies of values, of which there is at least one, behind the last element.
func (l *List) PushTail(values ...[]byte) error {
	p, o := l.form()
	if o != nil {
		work := l.nodes(o)
		for _, v := range values {
			work.PushTail(v)
			l.t.Toil(1)
		}
		l.noteNodes(o)
		return nil
	}
	b := l.grown(p, len(values))
	if p != nil {
		b = append(b, p.elements()...)
	}
	for _, v := range values {
		b = list.Append(b, v)
	}
	return l.storeOrSpread(b)
}

// grown begins a packed list with so many elements more than p.
func (l *List) grown(p packed, more int) packed {
	if p != nil {
		more += p.count()
	}
	return appendPackedHead(l.t.scratch[:0], byte(ListKind), more, 0)
}

// storeOrSpread makes p, which may be longer than a packed list may be, the content of the key.
func (l *List) storeOrSpread(p packed) error {
	b := p.elements()
	if len(b) <= maxPackedList {
		return l.store(p)
	}
	l.locate()
	work := list.New(blobMemory{l.t.e.space}, l.t.logging)
	var text []byte
	for len(b) > 0 {
		e, size := list.At(b)
		text = e.Append(text[:0])
		work.PushTail(text)
		b = b[size:]
	}
	l.t.keepScratch(p)
	o := l.at.s.newSpread(byte(ListKind), &nodes{list: work})
	o.count = uint64(work.Len())
	err := l.t.set(&l.k, l.at, cell{obj: o, expireAt: l.expiry()})
	if err != nil {
		o.detach(l.t.e.space)
	}
	return err
}

// edit changes the list, which is not empty and is not made so.
func (l *List) edit(change func(work *list.List)) error {
	p, o := l.form()
	if o == nil {
		work := unpackList(p)
		change(work)
		b := appendPackedHead(l.t.scratch[:0], byte(ListKind), work.Len(), 0)
		work.EachNode(func(data []byte, _ int) bool {
			b = append(b, data...)
			return true
		})
		return l.storeOrSpread(b)
	}
	change(l.nodes(o))
	l.noteNodes(o)
	return nil
}

// nodes returns a spread list to be changed; noteNodes notes afterwards that it was.
func (l *List) nodes(o *spread) *list.List {
	work := o.nodes().list
	work.SetLogging(l.t.logging)
	return work
}

func (l *List) noteNodes(o *spread) {
	o.count = uint64(o.nodes().list.Len())
	l.changed()
}

// Set replaces element i, which is in [0, Len), by a copy of v.
func (l *List) Set(i int, v []byte) error {
	return l.edit(func(work *list.List) { work.Set(i, v) })
}

// Insert puts a copy of v before element i, or at the tail for i = Len, of a list that has elements.
func (l *List) Insert(i int, v []byte) error {
	return l.edit(func(work *list.List) { work.Insert(i, v) })
}

// DropHead removes the first n elements, at most all.
func (l *List) DropHead(n int) error {
	count := l.Len()
	return l.keep(n, count, count)
}

// DropTail removes the last n elements, at most all.
func (l *List) DropTail(n int) error {
	count := l.Len()
	return l.keep(0, count-n, count)
}

// keep removes all of the list's count elements but those with an index in [from, to). Without any left, the memory is freed in the
// background.
func (l *List) keep(from, to, count int) error {
	p, o := l.form()
	switch {
	case count == 0 || from <= 0 && to >= count:
		return nil
	case from >= to:
		l.drop()
		return nil
	case o != nil:
		work := l.nodes(o)
		work.DropTail(count - to)
		work.DropHead(from)
		l.noteNodes(o)
		return nil
	}
	b := p.elements()
	kept := b[list.Offset(b, from, count):list.Offset(b, to, count)]
	return l.store(append(appendPackedHead(l.t.scratch[:0], byte(ListKind), to-from, 0), kept...))
}

// Remove removes up to limit elements that equal v, from the head on, or with back from the tail, and returns how many.
func (l *List) Remove(v []byte, back bool, limit int) (removed int, err error) {
	found := 0
	l.Find(v, back, l.Len(), func(int) bool {
		found++
		return found < limit
	})
	switch {
	case found == 0 || limit == 0:
		return 0, nil
	case found == l.Len():
		l.drop()
		return found, nil
	}
	return found, l.edit(func(work *list.List) { work.Remove(v, back, found) })
}
