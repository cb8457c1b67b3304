package config

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		``:                       {},
		" \t\n\v\f\r":            {},
		`a b`:                    {"a", "b"},
		`  a  "b c"  `:           {"a", "b c"},
		`""`:                     {""},
		`'' a`:                   {"", "a"},
		`a"b c"`:                 {"ab c"},
		`a'b c'`:                 {"ab c"},
		`"\n\r\t\b\a\\\"\q\x41"`: {"\n\r\t\b\a\\\"qA"},
		`"\x4"`:                  {"x4"},
		`"\xzz"`:                 {"xzz"},
		`'\n\'x'`:                {`\n'x`},
		`\n`:                     {`\n`},
		"a\vb\fc":                {"a\vb\fc"},
		"a\x00b":                 {"a"},
		`#x`:                     {"#x"},
	} {
		got, ok := splitWords(line)
		if !ok || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", line, got, ok)
		}
	}
	for _, line := range []string{`"`, `'`, `"a`, `'a`, `a"`, `"a"b`, `'a'b`, `"a\"`, `'a\'`, `"a""b"`, `'\\'`, "\"a\x00\""} {
		if got, ok := splitWords(line); ok {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// splitByStates is the same rules as a table of states, byte by byte, as one
// would write them in C.
func splitByStates(line string) (words []string, ok bool) {
	line, _, _ = strings.Cut(line, "\x00")
	line += "\x00"
	const (
		between = iota
		bare
		double
		single
		closed
	)
	state, word := between, ""
	for i := 0; i < len(line); i++ {
		c, end := line[i], line[i] == 0
		space := strings.IndexByte(" \t\n\v\f\r", c) >= 0
		if state == between && !space && !end {
			state, word = bare, ""
		}
		switch {
		case state == closed && !space && !end, (state == double || state == single) && end:
			return nil, false
		case state == closed, state == bare && (end || space && c != '\v' && c != '\f'):
			words, state = append(words, word), between
		case state == bare && c == '"':
			state = double
		case state == bare && c == '\'':
			state = single
		case state == double && c == '"', state == single && c == '\'':
			state = closed
		case state == double && c == '\\' && isHexEscape(line[i:]):
			word += string([]byte{unhex(line[i+2])<<4 | unhex(line[i+3])})
			i += 3
		case state == double && c == '\\' && line[i+1] != 0:
			i++
			word += map[byte]string{'n': "\n", 'r': "\r", 't': "\t", 'b': "\b", 'a': "\a"}[line[i]]
			if strings.IndexByte("nrtba", line[i]) < 0 {
				word += line[i : i+1]
			}
		case state == single && strings.HasPrefix(line[i:], `\'`):
			i++
			word += "'"
		case state != between:
			word += line[i : i+1]
		}
	}
	return words, true
}

func isHexEscape(s string) bool {
	const digits = "0123456789abcdefABCDEF"
	return len(s) > 3 && s[1] == 'x' && strings.IndexByte(digits, s[2]) >= 0 && strings.IndexByte(digits, s[3]) >= 0
}

func unhex(c byte) byte {
	i := strings.IndexByte("0123456789abcdefABCDEF", c)
	if i >= 16 {
		i -= 6
	}
	return byte(i)
}

func FuzzSplitWords(f *testing.F) {
	for _, seed := range []string{`a "b c" 'd\''`, `"\x41\n\"`, "a\vb", `"a"b`, `\`, `"\`, "x\x00y", `"\x4`, `'`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := splitWords(line)
		want, wantOK := splitByStates(line)
		if ok != wantOK || !slices.Equal(got, want) {
			t.Fatalf("%q: %q %v, by states %q %v", line, got, ok, want, wantOK)
		}
		again, ok2 := splitWords(quoteWords(got))
		if ok && len(got) > 0 && (!ok2 || !slices.Equal(again, got)) {
			t.Fatalf("%q: quoted as %q, read as %q", got, quoteWords(got), again)
		}
	})
}
