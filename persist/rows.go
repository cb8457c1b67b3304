package persist

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Rows is a sequence of a checkpoint's rows, in ascending order of keys. It goes to tables of its own.
type Rows struct {
	c     *Checkpoint
	path  string // of the current table
	table *sstable.Writer
	file  *countingWritable
	// first is the lowest key or range start given, last the key last given, reach the highest end of a range.
	first, last, reach []byte
	// lo and hi are the range that DeleteRange gave last and no table has yet, if hasPending.
	lo, hi     []byte
	hasPending bool
}

// DeleteRange removes every row that the store held in [lo,hi) before this checkpoint. Rows that this
// checkpoint sets inside the range survive. lo must not be below any key or range start given before.
func (r *Rows) DeleteRange(lo, hi []byte) error {
	switch {
	case r.c.failed():
		return r.c.err
	case isReserved(lo) || bytes.Compare(hi, []byte{reservedSuffix}) > 0:
		return r.c.fail(fmt.Errorf("delete range from %x to %x: %w", lo, hi, ErrReserved))
	case bytes.Compare(lo, r.last) < 0 || r.hasPending && bytes.Compare(lo, r.lo) < 0:
		return r.c.fail(fmt.Errorf("delete range from %x after %x: %w", lo, r.last, ErrOrder))
	case bytes.Compare(lo, hi) >= 0:
		return nil
	}
	r.begin(lo)
	if bytes.Compare(hi, r.reach) > 0 {
		r.reach = append(r.reach[:0], hi...)
	}
	if r.hasPending && bytes.Compare(lo, r.hi) <= 0 {
		if bytes.Compare(hi, r.hi) > 0 {
			r.hi = append(r.hi[:0], hi...)
		}
		return nil
	}
	if err := r.emitRange(nil); err != nil {
		return r.c.fail(err)
	}
	r.lo, r.hi, r.hasPending = append(r.lo[:0], lo...), append(r.hi[:0], hi...), true
	return nil
}

// Set gives key a value. Keys of Set and Delete ascend strictly. Neither slice is retained.
func (r *Rows) Set(key, value []byte) error {
	if err := r.admit(key); err != nil {
		return err
	}
	if err := r.put(key, value); err != nil {
		return r.c.fail(err)
	}
	r.c.rows++
	r.c.bytes += int64(len(key) + len(value))
	return nil
}

// Delete removes key.
func (r *Rows) Delete(key []byte) error {
	if err := r.admit(key); err != nil {
		return err
	}
	if err := r.openTable(key); err != nil {
		return r.c.fail(err)
	}
	r.last = append(r.last[:0], key...)
	if err := r.table.Delete(key); err != nil {
		return r.c.fail(ioError("write "+r.path, err))
	}
	r.c.rows++
	r.c.bytes += int64(len(key))
	return nil
}

func (r *Rows) admit(key []byte) error {
	switch {
	case r.c.failed():
		return r.c.err
	case isReserved(key):
		return r.c.fail(fmt.Errorf("checkpoint of key %x: %w", key, ErrReserved))
	case bytes.Compare(key, r.last) <= 0:
		return r.c.fail(fmt.Errorf("checkpoint of key %x after %x: %w", key, r.last, ErrOrder))
	}
	r.begin(key)
	return nil
}

// begin notes the lowest key of the sequence.
func (r *Rows) begin(key []byte) {
	if r.first == nil {
		r.first = bytes.Clone(key)
	}
}

// above reports whether the sequence begins where another one has ended.
func (r *Rows) above(other *Rows) bool {
	return r.first == nil || bytes.Compare(r.first, other.last) > 0 && bytes.Compare(r.first, other.reach) >= 0
}

func (r *Rows) put(key, value []byte) error {
	if err := r.openTable(key); err != nil {
		return err
	}
	r.last = append(r.last[:0], key...)
	if err := r.table.Set(key, value); err != nil {
		return ioError("write "+r.path, err)
	}
	return nil
}

// openTable makes sure that there is a table with room; the next one begins at key.
func (r *Rows) openTable(key []byte) error {
	if r.table != nil && r.file.written < tableBytes {
		return nil
	}
	if r.table != nil {
		if err := r.finishTable(key); err != nil {
			return err
		}
	}
	path := r.c.db.fs.PathJoin(r.c.db.tables, fmt.Sprintf("%06d.sst", len(r.c.paths)+1))
	f, err := r.c.db.fs.Create(path, categoryTables)
	if err != nil {
		return ioError("create "+path, err)
	}
	r.c.paths, r.path = append(r.c.paths, path), path
	f = vfs.NewSyncingFile(f, vfs.SyncingFileOptions{BytesPerSync: syncBytes})
	r.file = &countingWritable{Writable: objstorageprovider.NewFileWritable(f)}
	r.table = sstable.NewWriter(r.file, r.c.options)
	return nil
}

// openAny makes sure that there is a table, full or not.
func (r *Rows) openAny() error {
	if r.table != nil {
		return nil
	}
	return r.openTable(nil)
}

// emitRange writes the pending range to the current table, or, with a limit inside it, the part below the
// limit: tables of one ingestion must not overlap, so a range is cut where a table ends.
func (r *Rows) emitRange(limit []byte) error {
	if !r.hasPending || limit != nil && bytes.Compare(limit, r.lo) <= 0 {
		return nil
	}
	hi := r.hi
	cut := limit != nil && bytes.Compare(limit, r.hi) < 0
	if cut {
		hi = limit
	}
	if err := r.openAny(); err != nil {
		return err
	}
	if err := r.table.DeleteRange(bytes.Clone(r.lo), bytes.Clone(hi)); err != nil {
		return ioError("write "+r.path, err)
	}
	if cut {
		r.lo = append(r.lo[:0], limit...)
	} else {
		r.hasPending = false
	}
	return nil
}

// finishTable completes and fsyncs the current table. next is the first key of the one that follows, nil
// if none does.
func (r *Rows) finishTable(next []byte) error {
	if err := r.emitRange(next); err != nil {
		return err
	}
	if r.table == nil {
		return nil
	}
	table := r.table
	r.table = nil
	if err := table.Close(); err != nil {
		return ioError("finish "+r.path, err)
	}
	return nil
}

// abort gives up the current table.
func (r *Rows) abort() {
	if r.table != nil {
		// Closing ends the writer's goroutine, and the file with it; Abort of the file alone would leave the goroutine waiting for ever.
		_ = r.table.Close() // what it could not write is removed with it
		r.table = nil
	}
}
