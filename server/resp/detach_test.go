package resp

import (
	"strings"
	"testing"
)

// Commands that were detached from their Reader stay what they are, whatever it reads and finds afterwards.
func TestDetach(t *testing.T) {
	r := NewReader(DefaultLimits())
	src := strings.NewReader("SET a 1\r\nSET b 2\r\nSET c")
	var first, second, third Command
	if _, err := r.Fill(src); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []*Command{&first, &second} {
		if ok, err := r.Next(cmd); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	r.Detach()
	src.Reset(" 3\r\n" + strings.Repeat("SET x y\r\n", 100))
	if _, err := r.Fill(src); err != nil {
		t.Fatal(err)
	}
	if ok, err := r.Next(&third); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for i, cmd := range []Command{first, second, third} {
		if got, want := string(cmd.Args[1])+string(cmd.Args[2]), []string{"a1", "b2", "c3"}[i]; got != want {
			t.Errorf("command %d: got %q, want %q", i, got, want)
		}
	}
}
