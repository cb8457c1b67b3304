package engine

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestWrongKind(t *testing.T) {
	e := openTest(t, vfs.NewMem())
	x := e.NewTxn()
	k := e.Key(0, []byte("key"))
	x.Lock([]Key{k}, true)
	h, _ := x.Hash(k)
	if _, err := h.Set([]byte("a"), []byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Set(k); !errors.Is(err, ErrWrongType) {
		t.Errorf("a hash opens as a set: %v", err)
	}
	if _, err := x.IncrBy(k, 1); !errors.Is(err, ErrWrongType) {
		t.Errorf("a hash is incremented: %v", err)
	}
	if err := x.SetString(k, []byte("text"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Hash(k); !errors.Is(err, ErrWrongType) {
		t.Errorf("a string opens as a hash: %v", err)
	}
	x.Unlock()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
