package config

import (
	"fmt"
	"strings"
)

// splitWords cuts a line into words by the rules of redis.conf and of inline
// commands. Words are separated by white space. Double quotes hold a word
// together and know the escapes \n \r \t \b \a \xHH; a backslash makes any
// other character itself. Single quotes know only \'. A quote may open inside
// a word, but what follows a closing one must be white space or the end: ok is
// false otherwise, and when a quote stays open. A NUL ends the line, as it ends
// a string of C.
func splitWords(line string) (words []string, ok bool) {
	if end := strings.IndexByte(line, 0); end >= 0 {
		line = line[:end]
	}
	s := splitter{rest: line}
	for {
		s.rest = strings.TrimLeft(s.rest, spaces)
		if s.rest == "" {
			return words, true
		}
		word, ok := s.word()
		if !ok {
			return nil, false
		}
		words = append(words, word)
	}
}

// spaces is what C's isspace knows, and separators what ends a bare word: not
// the vertical tab and the form feed. The difference is of no use, but it is
// how existing files are read.
const (
	spaces     = " \t\n\v\f\r"
	separators = " \t\n\r"
)

// splitter holds what of the line is still to be read.
type splitter struct {
	rest string
	out  strings.Builder
}

// take removes n bytes from what is left.
func (s *splitter) take(n int) string {
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken
}

// word reads one word, which may begin bare and become quoted.
func (s *splitter) word() (string, bool) {
	s.out.Reset()
	for s.rest != "" && !strings.Contains(separators, s.rest[:1]) {
		switch c := s.take(1); c {
		case `"`:
			return s.quoted(s.doubleQuotedByte)
		case `'`:
			return s.quoted(s.singleQuotedByte)
		default:
			s.out.WriteString(c)
		}
	}
	return s.out.String(), true
}

// quoted reads up to the closing quote, byte by byte, through next, which
// reports whether it met the quote.
func (s *splitter) quoted(next func() (closed bool)) (string, bool) {
	for s.rest != "" {
		if next() {
			ended := s.rest == "" || strings.Contains(spaces, s.rest[:1])
			return s.out.String(), ended
		}
	}
	return "", false
}

func (s *splitter) doubleQuotedByte() (closed bool) {
	switch {
	case s.rest[0] == '"':
		s.take(1)
		return true
	case s.rest[0] == '\\' && len(s.rest) > 1:
		s.escape()
	default:
		s.out.WriteString(s.take(1))
	}
	return false
}

func (s *splitter) singleQuotedByte() (closed bool) {
	switch {
	case s.rest[0] == '\'':
		s.take(1)
		return true
	case strings.HasPrefix(s.rest, `\'`):
		s.out.WriteByte('\'')
		s.take(2)
	default:
		s.out.WriteString(s.take(1))
	}
	return false
}

// escape reads a backslash and what belongs to it; at least one byte follows.
func (s *splitter) escape() {
	if len(s.rest) >= 4 && s.rest[1] == 'x' {
		high, low := hexDigit(s.rest[2]), hexDigit(s.rest[3])
		if high >= 0 && low >= 0 {
			s.out.WriteByte(byte(high<<4 | low))
			s.take(4)
			return
		}
	}
	c := s.take(2)[1]
	if control := strings.IndexByte(escapeLetters, c); control >= 0 {
		c = escapeBytes[control]
	}
	s.out.WriteByte(c)
}

// escapeLetters and escapeBytes pair the letter after a backslash with the
// control character it stands for.
const (
	escapeLetters = "nrtba"
	escapeBytes   = "\n\r\t\b\a"
)

// hexDigit returns the value of a hexadecimal digit, or -1.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}

// quote puts word in double quotes such that splitWords gives it back.
func quote(word string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(word) {
		quoteByte(&b, word[i])
	}
	b.WriteByte('"')
	return b.String()
}

func quoteByte(b *strings.Builder, c byte) {
	control := strings.IndexByte(escapeBytes, c)
	switch {
	case c == '"' || c == '\\':
		b.WriteByte('\\')
		b.WriteByte(c)
	case control >= 0:
		b.WriteByte('\\')
		b.WriteByte(escapeLetters[control])
	case c < ' ' || c > '~':
		fmt.Fprintf(b, `\x%02x`, c)
	default:
		b.WriteByte(c)
	}
}

// quoteWord quotes word only if it would not survive bare.
func quoteWord(word string) string {
	bare := word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == '\'' || r == '\\'
	})
	if bare {
		return word
	}
	return quote(word)
}
