package persist

import "github.com/cockroachdb/pebble/v2/objstorage"

// countingWritable counts what a table has written so far; the table writer's own estimate costs more than
// the rows do.
type countingWritable struct {
	objstorage.Writable
	written int64
}

// Write passes p on.
func (w *countingWritable) Write(p []byte) error {
	w.written += int64(len(p))
	return w.Writable.Write(p)
}
