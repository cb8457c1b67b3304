package resp

import "bytes"

// inline parses a line of words: what a person types into telnet.
func (r *Reader) inline() state {
	line, st := r.line('\n', ErrInlineTooLong)
	if st != complete {
		return st
	}
	at := r.pos - r.start
	r.skipLine(len(line) + len("\n"))
	line = bytes.TrimSuffix(line, []byte{'\r'})
	spans, ok := splitWords(line, r.spans)
	if !ok {
		return r.fail(ErrQuotes)
	}
	r.spans = spans
	if len(spans) == 0 {
		return empty
	}
	for i := range spans {
		spans[i].from += at
		spans[i].to += at
	}
	return complete
}

// splitWords appends the words of line to words, by the rules of redis-cli and redis.conf: words stand between
// blanks; double quotes keep blanks and know \n \r \t \b \a \xHH and \ before any other byte; single quotes know
// only \'; a closing quote ends the word and must be followed by a blank or by nothing. A word is never longer
// than its source, so it is unquoted in place. The result is false if quotes do not balance. Redis waits forever
// for the end of a line with a NUL in it; here a NUL is a byte like others.
func splitWords(line []byte, words []span) ([]span, bool) {
	for i := 0; ; {
		for i < len(line) && isBlank(line[i]) {
			i++
		}
		if i == len(line) {
			return words, true
		}
		word := span{from: i}
		var ok bool
		if word.to, i, ok = unquoteWord(line, i); !ok {
			return nil, false
		}
		words = append(words, word)
	}
}

// unquoteWord unquotes the word that starts at from. It returns where the word ends now and where its source
// ended.
func unquoteWord(line []byte, from int) (to, next int, ok bool) {
	to, next = from, from
	for next < len(line) {
		switch c := line[next]; c {
		case ' ', '\r', '\t':
			return to, next, true
		case '"', '\'':
			to, next, ok = unquote(line, to, next)
			return to, next, ok
		default:
			line[to] = c
			to, next = to+1, next+1
		}
	}
	return to, next, true
}

// unquote moves what stands in the quotes that open at next to the bytes from to on.
func unquote(line []byte, to, next int) (int, int, bool) {
	quote := line[next]
	next++
	for next < len(line) {
		if line[next] == quote {
			next++
			return to, next, next == len(line) || isBlank(line[next])
		}
		c, size := unescape(line[next:], quote)
		line[to] = c
		to, next = to+1, next+size
	}
	return to, next, false
}

// unescape returns the byte that s begins with and the length of its notation.
func unescape(s []byte, quote byte) (c byte, size int) {
	if s[0] != '\\' || len(s) < 2 || quote == '\'' && s[1] != '\'' {
		return s[0], 1
	}
	if s[1] == 'x' && len(s) >= 4 {
		if hi, lo := hexDigit(s[2]), hexDigit(s[3]); hi|lo < 16 {
			return hi<<4 | lo, 4
		}
	}
	switch s[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'a':
		return '\a', 2
	}
	return s[1], 2
}

// hexDigit returns the value of c, or 255.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// isBlank says whether c is white space in the C locale.
func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
