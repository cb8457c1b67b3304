package persist

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// write is one Append of a test's history: the i-th one has seq i+1.
type write struct {
	index uint64
	body  []byte
}

// history is every Append that was tried, in order.
type history []write

// live returns the records that none after them overwrote, ascending by index.
func (h history) live() []write {
	var out []write
	for _, w := range h {
		for len(out) > 0 && out[len(out)-1].index >= w.index {
			out = out[:len(out)-1]
		}
		out = append(out, w)
	}
	return out
}

// state returns the rows after the live records up to index.
func (h history) state(index uint64) map[string]string {
	rows := map[string]string{}
	for _, w := range h.live() {
		if w.index <= index {
			applyBody(rows, NewOpReader(w.body))
		}
	}
	return rows
}

// applyBody applies one record to rows.
func applyBody(rows map[string]string, ops OpReader) error {
	var op Op
	for ops.Next(&op) {
		switch op.Kind {
		case KindSet:
			rows[string(op.Key)] = string(op.Value)
		case KindDelete:
			delete(rows, string(op.Key))
		case KindDeleteRange:
			for k := range rows {
				if k >= string(op.Key) && k < string(op.Value) {
					delete(rows, k)
				}
			}
		}
	}
	return ops.Err()
}

func testKey(i int) []byte { return fmt.Appendf(nil, "\x02key%03d", i) }

// randomBody makes a record that names n, so that no two are alike.
func randomBody(r *rand.Rand, n int) []byte {
	var body []byte
	for range 1 + r.IntN(4) {
		k := r.IntN(40)
		switch r.IntN(10) {
		case 0:
			body = AppendDelete(body, testKey(k))
		case 1:
			body = AppendDeleteRange(body, testKey(k), testKey(k+5))
		default:
			body = AppendSet(body, testKey(k), fmt.Appendf(nil, "v%d", n))
		}
	}
	if r.IntN(20) == 0 {
		body = AppendSet(body, []byte("\x02long"), bytes.Repeat([]byte{byte(n)}, r.IntN(40_000)))
	}
	return body
}

// contents returns what db holds: the store's rows with the log replayed over them.
func contents(db *DB) (rows map[string]string, last uint64, err error) {
	rows = map[string]string{}
	err = db.Scan(nil, nil, func(k, v []byte) (bool, error) {
		rows[string(k)] = string(v)
		return true, nil
	})
	if err != nil {
		return nil, 0, err
	}
	next := db.Covered() + 1
	last, err = db.Replay(func(index uint64, ops OpReader) error {
		if index != next {
			return fmt.Errorf("replay gave index %d, want %d", index, next)
		}
		next++
		return applyBody(rows, ops)
	})
	return rows, last, err
}

// writeCheckpoint brings the store from the state at index from to that at index to: with all rows, or with
// those that changed.
func writeCheckpoint(db *DB, h history, to uint64, whole bool) error {
	old, now := h.state(db.Covered()), h.state(to)
	c, err := db.NewCheckpoint(to)
	if err != nil {
		return err
	}
	if whole {
		old = map[string]string{}
		if err := c.DeleteRange([]byte{1}, []byte{0xff}); err != nil {
			return err
		}
	}
	keys := maps.Clone(old)
	maps.Copy(keys, now)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		v, ok := now[k]
		ov, had := old[k]
		switch {
		case ok && (!had || ov != v):
			err = c.Set([]byte(k), []byte(v))
		case !ok && had:
			err = c.Delete([]byte(k))
		}
		if err != nil {
			return err
		}
	}
	return c.Commit()
}

// sameRows tells the first difference between two states.
func sameRows(got, want map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if g, ok := got[k]; !ok || g != want[k] {
			return fmt.Errorf("row %q is %.20q (there: %v), want %.20q", k, g, ok, want[k])
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			return fmt.Errorf("row %q should not be there", k)
		}
	}
	return nil
}
