package persist

import (
	"fmt"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	for _, rows := range []int{1, 100} {
		b.Run(fmt.Sprint("rows=", rows), func(b *testing.B) {
			db, err := Open(Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			var body []byte
			for i := range rows {
				body = AppendSet(body, fmt.Appendf(nil, "\x02key:%018d", i), []byte{1, 0, 200, 1})
			}
			index := uint64(0)
			for b.Loop() {
				index++
				if err := db.Append(index, 1, body); err != nil {
					b.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkCheckpointSet(b *testing.B) {
	db, err := Open(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	c, err := db.NewCheckpoint(0)
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	var key []byte
	for b.Loop() {
		key = fmt.Appendf(key[:0], "\x02key:%018d", i)
		i++
		if err := c.Set(key, []byte{1, 0, 200, 1}); err != nil {
			b.Fatal(err)
		}
	}
	if err := c.Commit(); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
