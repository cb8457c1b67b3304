package resp

import (
	"bytes"
	"fmt"
	"testing"
)

// loop is a peer that sends the same bytes again and again, a buffer's end mostly inside a command.
type loop struct {
	text []byte
	at   int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.text[l.at:])
	l.at = (l.at + n) % len(l.text)
	return n, nil
}

func pipelinedIncrBy(commands int) []byte {
	var b bytes.Buffer
	for i := range commands {
		key := fmt.Sprintf("counter:%08d", i*7919%1000003)
		fmt.Fprintf(&b, "*3\r\n$6\r\nINCRBY\r\n$%d\r\n%s\r\n$1\r\n5\r\n", len(key), key)
	}
	return b.Bytes()
}

func BenchmarkNextIncrBy(b *testing.B) {
	src := &loop{text: pipelinedIncrBy(1000)}
	r := NewReader(DefaultLimits())
	var cmd Command
	b.ReportAllocs()
	for n := 0; n < b.N; {
		ok, err := r.Next(&cmd)
		if err != nil {
			b.Fatal(err)
		}
		if ok {
			n++
			continue
		}
		if _, err := r.Fill(src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendInt(b *testing.B) {
	for _, n := range []int64{7, 4321, 123456789012} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			var buf [64]byte
			for b.Loop() {
				AppendInt(buf[:0], n)
			}
		})
	}
}
