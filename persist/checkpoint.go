package persist

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Checkpoint writes rows into tables beside the store and, in Commit, puts all of them into the store in
// one atomic step together with the index that they cover. Memory is bounded by one block and the index of
// one table. It is used by one goroutine; the DB may be used meanwhile.
type Checkpoint struct {
	db      *DB
	covered uint64
	// live is what the log held above the covered index when the checkpoint began.
	live    int64
	options sstable.WriterOptions
	paths   []string
	table   *sstable.Writer
	file    *countingWritable
	// last is the key last given, pending the range that DeleteRange gave last and no table has yet.
	last       []byte
	lo, hi     []byte
	hasPending bool
	rows       int64
	bytes      int64
	done       bool
	err        error
}

// NewCheckpoint begins a checkpoint that will cover every record up to index covered, which must not be
// lower than what the store covers and, once the log has been written to, not higher than its last index.
// The rows given to it must be those of exactly that index; call it at the moment when they are chosen,
// because LogBytes counts from here. There is at most one checkpoint at a time.
func (db *DB) NewCheckpoint(covered uint64) (*Checkpoint, error) {
	if db.opts.ReadOnly {
		return nil, fmt.Errorf("begin a checkpoint: %w", ErrReadOnly)
	}
	if err := db.log.failure(); err != nil {
		return nil, err
	}
	if have := db.Covered(); covered < have {
		return nil, fmt.Errorf("begin a checkpoint: %w: it would cover %d, the store covers %d", ErrIndex, covered, have)
	}
	if !db.checkpointing.CompareAndSwap(false, true) {
		return nil, errors.New("begin a checkpoint: another one is under way")
	}
	c := &Checkpoint{db: db, covered: covered, live: db.log.stats.live.Load(), options: db.store.tableOptions(db.Covered() == 0)}
	if err := c.put(coveredKey, encodeCovered(covered)); err != nil {
		return nil, errors.Join(err, c.Abort())
	}
	return c, nil
}

// DeleteRange removes every row that the store held in [lo,hi) before this checkpoint. Rows that this
// checkpoint sets inside the range survive. lo must not be below any key or range start given before.
func (c *Checkpoint) DeleteRange(lo, hi []byte) error {
	switch {
	case c.failed():
		return c.err
	case len(lo) == 0 || lo[0] == reservedPrefix:
		return c.fail(fmt.Errorf("delete range from %x: %w", lo, ErrReserved))
	case bytes.Compare(lo, c.last) < 0 || c.hasPending && bytes.Compare(lo, c.lo) < 0:
		return c.fail(fmt.Errorf("delete range from %x after %x: %w", lo, c.last, ErrOrder))
	case bytes.Compare(lo, hi) >= 0:
		return nil
	}
	if c.hasPending && bytes.Compare(lo, c.hi) <= 0 {
		if bytes.Compare(hi, c.hi) > 0 {
			c.hi = append(c.hi[:0], hi...)
		}
		return nil
	}
	if err := c.emitRange(nil); err != nil {
		return c.fail(err)
	}
	c.lo, c.hi, c.hasPending = append(c.lo[:0], lo...), append(c.hi[:0], hi...), true
	return nil
}

// Set gives key a value. Keys of Set and Delete ascend strictly. Neither slice is retained.
func (c *Checkpoint) Set(key, value []byte) error {
	if err := c.admit(key); err != nil {
		return err
	}
	if err := c.put(key, value); err != nil {
		return c.fail(err)
	}
	c.rows++
	c.bytes += int64(len(key) + len(value))
	return nil
}

// Delete removes key.
func (c *Checkpoint) Delete(key []byte) error {
	if err := c.admit(key); err != nil {
		return err
	}
	if err := c.openTable(key); err != nil {
		return c.fail(err)
	}
	c.last = append(c.last[:0], key...)
	if err := c.table.Delete(key); err != nil {
		return c.fail(ioError("write "+c.current(), err))
	}
	c.rows++
	c.bytes += int64(len(key))
	return nil
}

func (c *Checkpoint) admit(key []byte) error {
	switch {
	case c.failed():
		return c.err
	case len(key) == 0 || key[0] == reservedPrefix:
		return c.fail(fmt.Errorf("checkpoint of key %x: %w", key, ErrReserved))
	case bytes.Compare(key, c.last) <= 0:
		return c.fail(fmt.Errorf("checkpoint of key %x after %x: %w", key, c.last, ErrOrder))
	}
	return nil
}

func (c *Checkpoint) put(key, value []byte) error {
	if err := c.openTable(key); err != nil {
		return err
	}
	c.last = append(c.last[:0], key...)
	if err := c.table.Set(key, value); err != nil {
		return ioError("write "+c.current(), err)
	}
	return nil
}

// openTable makes sure that there is a table with room; the next one begins at key.
func (c *Checkpoint) openTable(key []byte) error {
	if c.table != nil && c.file.written < tableBytes {
		return nil
	}
	if c.table != nil {
		if err := c.finishTable(key); err != nil {
			return err
		}
	}
	path := c.db.fs.PathJoin(c.db.tables, fmt.Sprintf("%06d.sst", len(c.paths)+1))
	f, err := c.db.fs.Create(path, categoryTables)
	if err != nil {
		return ioError("create "+path, err)
	}
	c.paths = append(c.paths, path)
	f = vfs.NewSyncingFile(f, vfs.SyncingFileOptions{BytesPerSync: syncBytes})
	c.file = &countingWritable{Writable: objstorageprovider.NewFileWritable(f)}
	c.table = sstable.NewWriter(c.file, c.options)
	return nil
}

func (c *Checkpoint) current() string { return c.paths[len(c.paths)-1] }

// emitRange writes the pending range to the current table, or, with a limit inside it, the part below the
// limit: tables of one ingestion must not overlap, so a range is cut where a table ends.
func (c *Checkpoint) emitRange(limit []byte) error {
	if !c.hasPending || limit != nil && bytes.Compare(limit, c.lo) <= 0 {
		return nil
	}
	hi := c.hi
	cut := limit != nil && bytes.Compare(limit, c.hi) < 0
	if cut {
		hi = limit
	}
	if err := c.table.DeleteRange(bytes.Clone(c.lo), bytes.Clone(hi)); err != nil {
		return ioError("write "+c.current(), err)
	}
	if cut {
		c.lo = append(c.lo[:0], limit...)
	} else {
		c.hasPending = false
	}
	return nil
}

// finishTable completes and fsyncs the current table. next is the first key of the one that follows, nil
// if none does.
func (c *Checkpoint) finishTable(next []byte) error {
	if err := c.emitRange(next); err != nil {
		return err
	}
	table := c.table
	c.table = nil
	if err := table.Close(); err != nil {
		return ioError("finish "+c.current(), err)
	}
	return nil
}

// Commit makes the checkpoint part of the store: it completes the tables, makes sure that the log is
// durable up to the covered index, ingests, tells the witness, and recycles log segments that are not
// needed any more. After an error the store is as it was before, or, if the error came after the
// ingestion, holds the whole checkpoint; either way the log still holds what the store does not.
func (c *Checkpoint) Commit() error {
	if c.failed() {
		return errors.Join(c.err, c.Abort())
	}
	if err := c.finish(); err != nil {
		return errors.Join(c.fail(err), c.Abort())
	}
	c.done = true
	defer c.db.checkpointing.Store(false)
	return c.install()
}

// finish completes the tables and the log below them.
func (c *Checkpoint) finish() error {
	if err := c.finishTable(nil); err != nil {
		return err
	}
	if err := syncDir(c.db.fs, c.db.tables); err != nil {
		return err
	}
	if err := c.db.log.syncUpTo(c.covered); err != nil {
		return err
	}
	if err := c.db.store.db.Ingest(context.Background(), c.paths); err != nil {
		return storeError(c.db.store.path, "ingest into", err)
	}
	return nil
}

// install tells the rest of the DB that the ingestion has happened.
func (c *Checkpoint) install() error {
	db := c.db
	db.covered.Store(c.covered)
	db.stats.checkpoints.Add(1)
	db.stats.rows.Add(c.rows)
	db.stats.rowBytes.Add(c.bytes)
	obsolete := db.log.advance(c.covered, c.live)
	if err := db.log.witness.seal(db.log.testify); err != nil {
		return db.log.fail(err)
	}
	return db.log.release(obsolete)
}

// Abort gives the checkpoint up. The store is unchanged.
func (c *Checkpoint) Abort() error {
	if c.done {
		return nil
	}
	c.done = true
	defer c.db.checkpointing.Store(false)
	var errs []error
	if c.table != nil {
		// Closing ends the writer's goroutine, and the file with it; Abort of the file alone would leave the goroutine waiting for ever.
		_ = c.table.Close() // what it could not write is removed below
		c.table = nil
	}
	for _, path := range c.paths {
		if err := c.db.fs.Remove(path); err != nil {
			errs = append(errs, ioError("remove "+path, err))
		}
	}
	return errors.Join(errs...)
}

func (c *Checkpoint) failed() bool {
	if c.err == nil && c.done {
		c.err = fmt.Errorf("use of a finished checkpoint: %w", ErrClosed)
	}
	return c.err != nil
}

func (c *Checkpoint) fail(err error) error {
	c.err = err
	return err
}
