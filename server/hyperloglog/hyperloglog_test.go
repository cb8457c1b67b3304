package hyperloglog

import (
	"bytes"
	"fmt"
	"testing"
)

func TestSelf(t *testing.T) {
	if err := SelfTest(); err != nil {
		t.Error(err)
	}
}

func TestAddInPlace(t *testing.T) {
	b, err := Dense(New())
	if err != nil {
		t.Fatal(err)
	}
	first := &b[0]
	for i := range 100_000 {
		var out []byte
		out, _, err = Add(b, fmt.Append(nil, i), 3000)
		if err != nil || &out[0] != first {
			t.Fatal("a dense string was not written in place", err)
		}
	}
	element := []byte("the same again")
	b, _, _ = Add(b, element, 3000)
	if n := testing.AllocsPerRun(100, func() { _, _, _ = Add(b, element, 3000) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestUnionIsTheCountOfAll(t *testing.T) {
	one, two, all := New(), New(), New()
	for i := range 5000 {
		element := fmt.Append(nil, "element:", i)
		if i%3 == 0 {
			one, _, _ = Add(one, element, 3000)
		}
		if i%2 == 0 {
			two, _, _ = Add(two, element, 3000)
		}
		if i%3 == 0 || i%2 == 0 {
			all, _, _ = Add(all, element, 3000)
		}
	}
	var u Union
	for _, b := range [][]byte{one, two} {
		if err := u.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	want, err := Count(all)
	if err != nil || u.Count() != want {
		t.Errorf("the union counts %d, the whole %d (%v)", u.Count(), want, err)
	}
	merged, err := u.Into(New(), 3000)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := AppendRegisters(nil, merged)
	b, _ := AppendRegisters(nil, all)
	if !bytes.Equal(a, b) {
		t.Error("merged registers differ from those of the whole")
	}
}

// FuzzAnyString: whatever a client SETs, no function panics, and what Add makes of a valid string is valid again.
func FuzzAnyString(f *testing.F) {
	header := append([]byte(magic), make([]byte, headerSize-len(magic))...)
	header[encodingAt] = sparse
	f.Add(New(), []byte("element"))
	f.Add(header, []byte(""))
	for _, runs := range []string{"\x7f", "\x7f\xff\x80", "\x7f\xfd\x83", "\x3f", "\xff\xff\xff\xff", "\x40\x00\x7f\xfe", "\x7f\xf0\x7f\xff"} {
		f.Add(append(bytes.Clone(header), runs...), []byte("x"))
	}
	large, err := Dense(New())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Repeat([]byte{0xff}, denseSize), []byte("x"))
	for i := range large[headerSize:] {
		large[headerSize+i] = 0xff
	}
	f.Add(large, []byte("x"))
	f.Fuzz(func(t *testing.T, b, element []byte) {
		if !Valid(b) {
			return
		}
		before := bytes.Clone(b)
		_, countErr := Count(b)
		_, denseErr := Dense(b)
		if (countErr == nil) != (denseErr == nil) {
			t.Fatalf("Count: %v, Dense: %v", countErr, denseErr)
		}
		if !IsDense(b) {
			AppendRuns(nil, b)
		}
		var u Union
		if err := u.Add(b); err == nil {
			u.Count()
		}
		if !bytes.Equal(b, before) {
			t.Fatal("a reader wrote")
		}
		out, changed, err := Add(b, element, 3000)
		if err == nil && !Valid(out) {
			t.Fatalf("Add made %x", out)
		}
		if !changed && !bytes.Equal(out, before) {
			t.Fatal("Add wrote and reports no change")
		}
		if countErr == nil && err != nil {
			t.Fatal("Add refuses what can be counted:", err)
		}
	})
}
