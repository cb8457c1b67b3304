package engine

import (
	"fmt"
	"testing"
)

// linearForm is what the keys of a round of the test of linearizability are.
type linearForm int

const (
	keysForm    linearForm = iota
	fieldsForm             // fields of one hash, spread unless it has been flushed away
	membersForm            // members of one such sorted set, whose scores are the values
	linearForms
)

// linearPlace is where one value of a round is kept.
type linearPlace interface {
	get() (int64, bool)
	incr(delta int64) (int64, error)
	set(n, expireAt int64) error
	remove() bool
	expire(at int64) bool
}

// key returns the key that holds a value of the round.
func (r *linearRound) key(n int) Key {
	if r.form != keysForm {
		n = 0
	}
	return r.e.Key(0, fmt.Appendf(nil, "%s:%d", r.name, n))
}

func linearElement(n int) []byte { return fmt.Appendf(nil, "%d is one of many elements", n) }

// place returns where a value is, its key being locked.
func (r *linearRound) place(x *Txn, k Key, n int) linearPlace {
	switch r.form {
	case fieldsForm:
		return &fieldPlace{x, k, linearElement(n)}
	case membersForm:
		return &memberPlace{x, k, linearElement(n)}
	default:
		return &keyPlace{x, k}
	}
}

// fill gives the collection of a round so many other elements that it is spread.
func (r *linearRound) fill(t *testing.T) {
	t.Helper()
	x, k := r.e.NewTxn(), []Key{r.key(0)}
	for n := range 200 {
		if r.form == keysForm {
			break
		}
		x.Lock(k, true)
		if err := r.place(x, k[0], linearKeys+n).set(1, 0); err != nil {
			t.Fatal(err)
		}
		x.Unlock()
	}
	if err := r.e.Wait(x.Need()); err != nil {
		t.Fatal(err)
	}
}

type keyPlace struct {
	x *Txn
	k Key
}

func (p *keyPlace) get() (int64, bool) {
	v, ok := p.x.Get(p.k)
	return v.Int, ok
}

func (p *keyPlace) incr(delta int64) (int64, error) { return p.x.IncrBy(p.k, delta) }
func (p *keyPlace) set(n, expireAt int64) error     { return p.x.SetInt(p.k, n, expireAt) }
func (p *keyPlace) remove() bool                    { return p.x.Delete(p.k) }
func (p *keyPlace) expire(at int64) bool            { return p.x.Expire(p.k, at) }

type fieldPlace struct {
	x     *Txn
	k     Key
	field []byte
}

// hash opens the hash. Nothing else is ever kept under its key.
func (p *fieldPlace) hash() *Hash {
	h, err := p.x.Hash(p.k)
	must(0, err)
	return &h
}

func (p *fieldPlace) get() (int64, bool) {
	v, ok := p.hash().Get(p.field)
	if !ok {
		return 0, false
	}
	return v.Int, true
}

func (p *fieldPlace) incr(delta int64) (int64, error) { return p.hash().IncrBy(p.field, delta) }

func (p *fieldPlace) set(n, expireAt int64) error {
	h := p.hash()
	_, err := h.SetInt(p.field, n)
	if expireAt != 0 && err == nil {
		h.SetExpiry(p.field, expireAt)
	}
	return err
}

func (p *fieldPlace) remove() bool         { return p.hash().Delete(p.field) }
func (p *fieldPlace) expire(at int64) bool { return p.hash().SetExpiry(p.field, at) }

type memberPlace struct {
	x      *Txn
	k      Key
	member []byte
}

// board opens the sorted set. Nothing else is ever kept under its key.
func (p *memberPlace) board() *SortedSet {
	z, err := p.x.SortedSet(p.k)
	must(0, err)
	return &z
}

func (p *memberPlace) get() (int64, bool) {
	score, ok := p.board().Score(p.member)
	return int64(score), ok
}

func (p *memberPlace) incr(delta int64) (int64, error) {
	z := p.board()
	score, _ := z.Score(p.member)
	_, err := z.Add(p.member, score+float64(delta))
	return int64(score) + delta, err
}

func (p *memberPlace) set(n, _ int64) error {
	_, err := p.board().Add(p.member, float64(n))
	return err
}

func (p *memberPlace) remove() bool      { return p.board().Remove(p.member) }
func (p *memberPlace) expire(int64) bool { panic("members do not expire") }
