package resp

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func parseReply(text string) (Reply, error) {
	return ReadReply(bufio.NewReader(strings.NewReader(text)))
}

func TestReadReplyErrors(t *testing.T) {
	for _, c := range []struct {
		text string
		want error
	}{
		{"", io.EOF},
		{":1", io.ErrUnexpectedEOF},
		{"$5\r\nabc", io.ErrUnexpectedEOF},
		{"*2\r\n:1\r\n", io.ErrUnexpectedEOF},
		{"$536870912\r\nabc", io.ErrUnexpectedEOF},
		{"\r\n", ErrReply},
		{"x\r\n", ErrReply},
		{":\r\n", ErrReply},
		{":1.5\r\n", ErrReply},
		{"$-2\r\n", ErrReply},
		{"$9223372036854775807\r\n", ErrReply},
		{"*9223372036854775807\r\n", ErrReply},
		{"%16777216\r\n", ErrReply},
		{"$1\r\nabc", ErrReply},
		{"#x\r\n", ErrReply},
		{"_1\r\n", ErrReply},
		{"=3\r\nabc\r\n", ErrReply},
		{"=4\r\nabcd\r\n", ErrReply},
		{strings.Repeat("*1\r\n", 40) + ":1\r\n", ErrReply},
		{"*2\r\n*16777215\r\n", ErrReply},
		{"+" + strings.Repeat("x", maxReplyLine), ErrReply},
	} {
		reply, err := parseReply(c.text)
		if !errors.Is(err, c.want) {
			t.Errorf("%.40q: %v, %v", c.text, reply, err)
		}
	}
}

func TestReadReplyGoesOn(t *testing.T) {
	in := bufio.NewReader(strings.NewReader("+a\nb\r\n$200000\r\n" + strings.Repeat("x", 200000) + "\r\n!5\r\nERR x\r\n(99\r\n>1\r\n:1\r\n"))
	want := []string{"a\nb", `"` + strings.Repeat("x", 200000) + `"`, "(error) ERR x", "99", "1) (integer) 1"}
	for _, text := range want {
		reply, err := ReadReply(in)
		if err != nil || reply.String() != text {
			t.Errorf("%.40s, %v", reply, err)
		}
	}
}

func FuzzReadReply(f *testing.F) {
	for _, text := range []string{
		"+OK\r\n", "-ERR\r\n", ":-9223372036854775808\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*2\r\n:1\r\n*-1\r\n", "%1\r\n+a\r\n#t\r\n",
		"=5\r\ntxt:a\r\n", "~1\r\n,nan\r\n", "$9223372036854775807\r\n", "*9223372036854775807\r\n", "*1\r\n*1\r\n*1\r\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reply, err := parseReply(text)
		if err == nil {
			_ = reply.String()
		}
	})
}
