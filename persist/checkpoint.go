package persist

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/sstable"
)

// Checkpoint writes rows into tables beside the store and, in Commit, puts all of them into the store in
// one atomic step together with the index that they cover. Memory is bounded by one block and the index of
// two tables. It is used by one goroutine; the DB may be used meanwhile.
type Checkpoint struct {
	// Rows are the lower ones of two sequences; see Upper.
	Rows
	upper Rows

	db      *DB
	covered uint64
	// live is what the log held above the covered index when the checkpoint began.
	live    int64
	options sstable.WriterOptions
	paths   []string
	rows    int64
	bytes   int64
	done    bool
	err     error
}

// NewCheckpoint begins a checkpoint that will cover every record up to index covered, which must not be
// lower than what the store covers and, once the log has been written to, not higher than its last index.
// The rows given to it must be those of that index, or newer ones that the records above it bring again; those
// records must have been synced before Commit. Call it at the moment when the rows are chosen, because
// LogBytes counts from here. There is at most one checkpoint at a time.
func (db *DB) NewCheckpoint(covered uint64) (*Checkpoint, error) {
	if err := db.writable(); err != nil {
		return nil, fmt.Errorf("begin a checkpoint: %w", err)
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
	c.Rows.c, c.upper.c = c, c
	if err := c.put(coveredKey, encodeNumber(covered)); err != nil {
		return nil, errors.Join(err, c.Abort())
	}
	return c, nil
}

// Upper returns a second sequence of rows, which is written beside the first: all its keys must be above all of the first's.
func (c *Checkpoint) Upper() *Rows { return &c.upper }

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
	if !c.upper.above(&c.Rows) {
		return fmt.Errorf("checkpoint of key %x above %x: %w", c.upper.first, c.last, ErrOrder)
	}
	if err := c.db.log.syncUpTo(c.covered); err != nil {
		return err
	}
	last := &c.Rows
	if c.upper.first != nil {
		last = &c.upper
	}
	if err := last.put(attestedKey, encodeNumber(c.db.log.durable.Load())); err != nil {
		return err
	}
	for _, r := range []*Rows{&c.Rows, &c.upper} {
		if err := r.finishTable(nil); err != nil {
			return err
		}
	}
	if err := syncDir(c.db.fs, c.db.tables); err != nil {
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
	c.Rows.abort()
	c.upper.abort()
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
