package persist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// Finding is one thing that Check found wrong.
type Finding struct {
	// File is the path of the file or directory.
	File string
	// Offset is where in it, -1 if that is not known.
	Offset int64
	// Text says what is wrong.
	Text string
}

// String returns the finding on one line.
func (f Finding) String() string {
	if f.Offset < 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s at offset %d: %s", f.File, f.Offset, f.Text)
}

// Summary is what Check read.
type Summary struct {
	// Findings counts the calls of report: zero means that the directory is sound.
	Findings int
	// Segments, Records and LogBytes are of the log.
	Segments          int
	Records, LogBytes int64
	// Tables and TableBytes are of the store's files; Rows is what a full scan of them gives.
	Tables     int
	TableBytes int64
	Rows       int64
	// Covered is the index of the store, Last the newest one of the log.
	Covered, Last uint64
}

// checker carries one Check.
type checker struct {
	db     *DB
	report func(Finding)
	sum    Summary
}

// Check reads every file of the directory: both copies of the witness, the store's manifest, every block of
// every table against its checksum, every row, every record of the log, and whether the three agree. It
// calls report for each thing that is wrong and goes on. It changes nothing. The error is for what kept it
// from looking: no directory, or one that is in use.
func Check(opts Options, report func(Finding)) (Summary, error) {
	opts.ReadOnly = true
	opts = opts.withDefaults()
	c := &checker{report: report, db: &DB{opts: opts, fs: opts.FS}}
	err := c.db.takeLock()
	if err == nil {
		err = c.run()
	}
	if err = errors.Join(err, c.db.release()); err != nil {
		return c.sum, fmt.Errorf("check data directory %s: %w", opts.Dir, err)
	}
	return c.sum, nil
}

// found reports err, which was met in file, as a finding.
func (c *checker) found(file string, err error) {
	if err == nil {
		return
	}
	f := Finding{File: file, Offset: -1, Text: err.Error()}
	if d := (*DamageError)(nil); errors.As(err, &d) {
		f = Finding{File: d.File, Offset: d.Offset, Text: d.Reason}
		if d.Err != nil {
			f.Text += ": " + d.Err.Error()
		}
	}
	c.sum.Findings++
	c.report(f)
}

func (c *checker) run() error {
	t, err := c.db.findWitness()
	if errors.Is(err, ErrNotFound) {
		return err
	}
	c.found(c.db.path(witnessName), err)
	known := err == nil
	c.checkTwins()
	if known && !t.ready {
		return fmt.Errorf("%w: it was never completely laid out", ErrNotFound)
	}
	c.checkManifest()
	c.checkTables()
	if err := c.db.openStore(t); err != nil {
		c.found(c.db.path(storeDir), err)
	} else {
		c.scanRows()
	}
	if known {
		c.checkLog(t)
	}
	return nil
}

// checkTwins reports a copy of the witness that is unsound while the other one carries the directory.
func (c *checker) checkTwins() {
	path := c.db.path(witnessName)
	f, err := c.db.fs.Open(path)
	if err != nil {
		return // findWitness has said so
	}
	defer f.Close()
	buf := make([]byte, witnessBytes)
	for slot := range witnessHint {
		at := int64(slot) * witnessStride
		n, err := f.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			c.found(path, err)
			continue
		}
		if _, ok, _ := decodeTestimony(buf[:n]); !ok {
			c.found(path, damaged(path, at, nil, "copy %d of the witness is unreadable (the next start repairs it from the other)", slot+1))
		}
	}
}

// checkManifest reads the store's manifest to its end: Pebble takes damage in it for a torn tail.
func (c *checker) checkManifest() {
	dir := c.db.path(storeDir)
	desc, err := pebble.Peek(dir, c.db.fs)
	if err == nil && !desc.Exists {
		err = errors.New("no store is there")
	}
	if err != nil {
		c.found(dir, err)
		return
	}
	path := desc.ManifestFilename
	f, err := c.db.fs.Open(path)
	if err != nil {
		c.found(path, err)
		return
	}
	defer f.Close()
	r := record.NewReader(f, 0)
	for {
		at := r.Offset()
		rec, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, rec)
		} else if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			c.found(path, damaged(path, at, err, "the manifest is unreadable from here on, by damage or by a power cut"))
			return
		}
	}
}

// checkTables compares every block of every table with its checksum.
func (c *checker) checkTables() {
	dir := c.db.path(storeDir)
	names, err := c.db.fs.List(dir)
	if err != nil {
		c.found(dir, err)
		return
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		path := c.db.fs.PathJoin(dir, name)
		size, err := c.checkTable(path)
		c.found(path, err)
		c.sum.Tables++
		c.sum.TableBytes += size
		c.db.opts.Events.progress(Progress{Stage: "check", Done: c.sum.TableBytes})
	}
}

func (c *checker) checkTable(path string) (size int64, err error) {
	f, err := c.db.fs.Open(path)
	if err != nil {
		return 0, err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return 0, errors.Join(err, f.Close())
	}
	size = readable.Size()
	po := pebbleOptions(c.db.opts, nil)
	r, err := sstable.NewReader(context.Background(), readable, po.MakeReaderOptions())
	if err != nil {
		return size, errors.Join(err, readable.Close())
	}
	return size, errors.Join(r.ValidateBlockChecksums(), r.Close())
}

// scanRows reads the store as a user would.
func (c *checker) scanRows() {
	c.sum.Covered = c.db.Covered()
	err := c.db.Scan(nil, nil, func(_, _ []byte) (bool, error) {
		c.sum.Rows++
		return true, nil
	})
	c.found(c.db.path(storeDir), err)
}

// checkLog reads the log and decodes every body.
func (c *checker) checkLog(t testimony) {
	dir := c.db.path(logDir)
	s, err := surveyLog(c.db.fs, dir, t, c.db.Covered(), c.db.opts.Events)
	if err != nil {
		c.found(dir, err)
		return
	}
	c.sum.Segments, c.sum.Records, c.sum.LogBytes, c.sum.Last = len(s.live), s.count, s.bytes, s.index
	c.found(dir, s.replay(func(index uint64, ops OpReader) error {
		var op Op
		for ops.Next(&op) {
		}
		if ops.Err() != nil {
			c.found(dir, fmt.Errorf("record of index %d: %w", index, ops.Err()))
		}
		return nil
	}))
}
