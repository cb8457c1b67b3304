package resp

import (
	"fmt"
	"strconv"
	"strings"
)

// String returns the reply as redis-cli shows it on a terminal, without the last line's end. An element of a
// nested aggregate is indented by its parents' numbers.
func (r Reply) String() string {
	return strings.TrimSuffix(string(r.appendIndented(nil, "")), "\n")
}

// appendIndented appends the reply; indent stands before each line but the first.
func (r Reply) appendIndented(dst []byte, indent string) []byte {
	switch r.Kind {
	case KindArray, KindSet, KindPush, KindMap:
		return r.appendElems(dst, indent)
	case KindError, KindBulkError:
		dst = append(append(dst, "(error) "...), r.Text...)
	case KindInt:
		dst = strconv.AppendInt(append(dst, "(integer) "...), r.Int, 10)
	case KindDouble:
		dst = append(append(dst, "(double) "...), r.Text...)
	case KindBulk:
		dst = AppendQuoted(dst, r.Text)
	case KindNull:
		dst = append(dst, "(nil)"...)
	case KindBool:
		dst = fmt.Appendf(dst, "(%t)", r.Int != 0)
	default:
		dst = append(dst, r.Text...)
	}
	return append(dst, '\n')
}

// emptyAggregates is how redis-cli shows aggregates without elements.
var emptyAggregates = map[Kind]string{
	KindArray: "(empty array)\n",
	KindMap:   "(empty hash)\n",
	KindSet:   "(empty set)\n",
	KindPush:  "(empty push)\n",
}

// appendElems appends the elements, each with its number.
func (r Reply) appendElems(dst []byte, indent string) []byte {
	if len(r.Elems) == 0 {
		return append(dst, emptyAggregates[r.Kind]...)
	}
	mark, each := byte(')'), 1
	switch r.Kind {
	case KindSet:
		mark = '~'
	case KindMap:
		mark, each = '#', 2
	}
	width := len(strconv.Itoa(len(r.Elems) / each))
	inner := indent + strings.Repeat(" ", width+len(") "))
	for i := 0; i < len(r.Elems); i += each {
		if i > 0 {
			dst = append(dst, indent...)
		}
		dst = fmt.Appendf(dst, "%*d%c ", width, i/each+1, mark)
		dst = r.Elems[i].appendIndented(dst, inner)
		if r.Kind == KindMap {
			dst = append(dst[:len(dst)-1], " => "...)
			dst = r.Elems[i+1].appendValue(dst, inner)
		}
	}
	return dst
}

// appendValue appends the value of a pair, on a line of its own where it takes several.
func (r Reply) appendValue(dst []byte, indent string) []byte {
	if r.isMultiline() {
		dst = append(append(dst, '\n'), indent...)
	}
	return r.appendIndented(dst, indent)
}

// isMultiline says whether more than one element is shown, here or within. Line ends in strings do not count.
func (r Reply) isMultiline() bool {
	each := 1
	if r.Kind == KindMap {
		each = 2
	}
	switch {
	case len(r.Elems) == 0:
		return false
	case len(r.Elems) > each:
		return true
	}
	return r.Elems[each-1].isMultiline()
}

// AppendQuoted appends s in double quotes, with escapes for what is not printable ASCII: as redis-cli shows a
// string, as MONITOR and error texts quote one (sdscatrepr), and as inline commands read one back.
func AppendQuoted[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		dst = appendEscaped(dst, s[i])
	}
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	if letter := escapeLetter(c); letter != 0 {
		return append(dst, '\\', letter)
	}
	if c < ' ' || c > '~' {
		return append(dst, '\\', 'x', hex[c>>4], hex[c&15])
	}
	return append(dst, c)
}

// escapeLetter returns what follows the backslash in the short escape of c, or 0 if it has none.
func escapeLetter(c byte) byte {
	switch c {
	case '\\', '"':
		return c
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\a':
		return 'a'
	case '\b':
		return 'b'
	}
	return 0
}
