package engine

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A pipeline that adds to one large set: the key is hashed and found once, the members' memory is loaded ahead, and nothing is allocated.
func TestBatchOnOneLargeSetDoesNotAllocate(t *testing.T) {
	e := openTest(t, vfs.NewMem(), func(o *Options) { o.AppendOnly = false })
	defer e.Close()
	x := e.NewTxn()
	var keys []Key
	var ends []int
	var members []Member
	for i := range 16 {
		keys = e.AppendKey(keys, 0, []byte("visitors"))
		ends = append(ends, i+1)
		members = append(members, Member{Key: i, Name: fmt.Appendf(nil, "visitor:%d", 100*i)})
	}
	if want := e.Key(0, []byte("visitors")); keys[15].hash != want.hash || keys[15].order != want.order || keys[15].Slot != want.Slot {
		t.Errorf("%+v, not %+v", keys[15], want)
	}
	x.Lock(keys[:1], true)
	addMembers(t, x, keys[0], 5000)
	x.Unlock()
	added := 0
	round := func() {
		if n := x.LockBatch(keys, ends, true); n != len(ends) {
			t.Errorf("%d commands locked", n)
		}
		x.TouchMembers(members)
		for i := range keys {
			s, _ := x.Set(keys[i])
			if isNew, _ := s.Add(members[i].Name); isNew {
				added++
			}
		}
		x.Unlock()
	}
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if len(x.touch.members) != len(members) || added != 0 {
		t.Errorf("%d members touched, %d added", len(x.touch.members), added)
	}
}

func addMembers(t *testing.T, x *Txn, k Key, n int) {
	t.Helper()
	s, err := x.Set(k)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := s.Add(fmt.Appendf(nil, "visitor:%d", i)); err != nil {
			t.Fatal(err)
		}
	}
}

// What is not there, small, or of another kind is left alone, and so is everything when no batch is locked.
func TestTouchMembersOfWhateverThereIs(t *testing.T) {
	e := openTest(t, vfs.NewMem())
	defer e.Close()
	x := e.NewTxn()
	var keys []Key
	for _, name := range []string{"absent", "number", "small", "list", "set"} {
		keys = append(keys, e.Key(0, []byte(name)))
	}
	x.Lock(keys, true)
	_ = x.SetInt(keys[1], 7, 0)
	addMembers(t, x, keys[2], 3)
	l, _ := x.List(keys[3])
	for range 1000 {
		_ = l.PushTail([]byte("some job"))
	}
	addMembers(t, x, keys[4], 1000)
	x.Unlock()
	var members []Member
	for i := range keys {
		members = append(members, Member{Key: i, Name: []byte("visitor:1")})
	}
	n := x.LockBatch(keys, []int{1, 2, 3, 4, 5}, false)
	x.TouchMembers(members)
	if got := len(x.touch.members); n != 5 || got != 1 {
		t.Errorf("%d commands locked, %d members touched", n, got)
	}
	x.Unlock()
	x.Lock(keys[4:], false)
	x.TouchMembers(members[4:])
	if got := len(x.touch.members); got != 0 {
		t.Errorf("%d members touched without a batch", got)
	}
	x.Unlock()
}
