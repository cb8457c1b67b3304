package glob

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true},
		{"**", "", false},
		{"", "", true},
		{"", "a", false},
		{"a*", "a", true},
		{"*a", "ba", true},
		{"*a*b", "xaxxb", true},
		{"*aab", "aaaab", true},
		{"h?llo", "hello", true},
		{"h?llo", "hllo", false},
		{"h[^e]llo", "hello", false},
		{"h[a-e]llo", "hello", true},
		{"h[e-a]llo", "hello", true},
		{"[", "[", false},
		{"[^", "x", true},
		{"[]", "]", false},
		{"[^]", "x", true},
		{"[abc", "c", true},
		{"[a-", "-", true},
		{`[\]]`, "]", true},
		{`[\`, `\`, true},
		{`\`, `\`, true},
		{`\*`, "*", true},
		{`\*`, "x", false},
		{"[a-\xff]", "\xff", true},
		{"[a-\xff]", "b", false},
		{"a\x00*", "a\x00b", true},
		{"Abc", "abc", false},
	} {
		if got := Match(c.pattern, c.s); got != c.want {
			t.Errorf("Match(%q, %q) = %t", c.pattern, c.s, got)
		}
	}
}

func TestMatchFold(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"MaxMem*", "maxmemory", true},
		{"[A-C]x", "bX", true},
		{`[\A]`, "a", false},
		{`\A`, "a", true},
		{"\xc4", "\xe4", false},
	} {
		if got := MatchFold([]byte(c.pattern), []byte(c.s)); got != c.want {
			t.Errorf("MatchFold(%q, %q) = %t", c.pattern, c.s, got)
		}
	}
}

// A matcher that tries every split between stars does not come back from this.
func TestMatchManyStars(t *testing.T) {
	pattern := strings.Repeat("a*", 10000) + "b"
	if Match(pattern, strings.Repeat("a", 20000)) {
		t.Error("matched")
	}
}

// reference is the definition of a match, element by element and in no hurry.
func reference(pattern, s string, fold bool) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		return reference(pattern[1:], s, fold) || s != "" && reference(pattern, s[1:], fold)
	}
	if s == "" {
		return false
	}
	ok, size := element(pattern, s[0], fold)
	return ok && reference(pattern[size:], s[1:], fold)
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b*[^c-a]?\\*", "aXbYzz*", false)
	f.Add("[", "", true)
	f.Add("**a**", "bab", false)
	f.Add("[\\", "\\", true)
	f.Fuzz(func(t *testing.T, pattern, s string, fold bool) {
		if len(s) > 24 || strings.Count(pattern, "*") > 4 {
			return // the reference takes exponential time
		}
		want := reference(pattern, s, fold)
		if s == "" && pattern != "" && pattern != "*" {
			want = false
		}
		if got := match(pattern, s, fold); got != want {
			t.Errorf("match(%q, %q, %t) = %t", pattern, s, fold, got)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	pattern, s := []byte("user:*:[0-9]*:count"), []byte("user:alice:2024:page:count")
	b.ReportAllocs()
	for b.Loop() {
		if !Match(pattern, s) {
			b.Fatal("no match")
		}
	}
}
