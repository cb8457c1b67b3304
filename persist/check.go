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
	// Repairable: nothing is lost. A power cut leaves such things, and the next start puts them right.
	Repairable bool
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
	// Findings counts the calls of report, Damaged those of what the next start does not put right: zero means that the
	// directory is sound.
	Findings, Damaged int
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
	// live are the tables that belong to the store; nil when it can not be opened. manifest is where its manifest ends too
	// early, nil when it does not.
	live     map[string]bool
	manifest *Finding
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
	c.tell(f)
}

func (c *checker) tell(f Finding) {
	c.sum.Findings++
	if !f.Repairable {
		c.sum.Damaged++
	}
	c.report(f)
}

// repairable reports what the next start puts right.
func (c *checker) repairable(file string, offset int64, text string) {
	c.tell(Finding{File: file, Offset: offset, Text: text + "; nothing is lost, and the next start repairs it", Repairable: true})
}

func (c *checker) run() error {
	t, err := c.db.findWitness()
	if errors.Is(err, ErrNotFound) {
		return err
	}
	c.found(c.db.path(witnessName), err)
	known := err == nil
	c.checkTwins(known)
	if known && !t.ready {
		return fmt.Errorf("%w: it was never completely laid out", ErrNotFound)
	}
	c.checkManifest()
	c.checkStore(t)
	if known {
		t.durableSeq = max(t.durableSeq, c.db.attested)
		c.checkLog(t)
	}
	return nil
}

// checkStore reads all of the store. What is unsound and no part of it any more was left by a power cut: a manifest's torn
// end that nothing is missing from, a table that was being written.
func (c *checker) checkStore(t testimony) {
	err := c.db.openStore(t)
	if err == nil {
		err = c.findLive()
	}
	c.found(c.db.path(storeDir), err)
	if f := c.manifest; f != nil && c.live != nil {
		c.repairable(f.File, f.Offset, "the manifest is torn from here on, as a power cut leaves it; the store has all that it must have without the rest")
	} else if f != nil {
		c.tell(*f)
	}
	c.checkTables()
	if c.live != nil {
		c.scanRows()
	}
}

// findLive learns which tables belong to the store.
func (c *checker) findLive() error {
	levels, err := c.db.store.db.SSTables()
	if err != nil {
		return err
	}
	c.live = map[string]bool{}
	for _, level := range levels {
		for i := range level {
			c.live[level[i].BackingSSTNum.String()+tableExt] = true
		}
	}
	return nil
}

// checkTwins reports a copy of the witness that is unsound, although the other one may carry the directory.
func (c *checker) checkTwins(known bool) {
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
		if _, ok, _ := decodeTestimony(buf[:n]); !ok && known {
			c.repairable(path, at, fmt.Sprintf("copy %d of the witness is unreadable, as a power cut may leave it; the other one is sound", slot+1))
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
			c.manifest = &Finding{File: path, Offset: at, Text: "the manifest is unreadable from here on: " + err.Error()}
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
		if !strings.HasSuffix(name, tableExt) {
			continue
		}
		path := c.db.fs.PathJoin(dir, name)
		size, err := c.checkTable(path)
		if err != nil && c.live != nil && !c.live[name] {
			c.repairable(path, -1, "a half-written table that is no part of the store: "+err.Error())
		} else {
			c.found(path, err)
		}
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
	if err := checkFooter(f, path); err != nil {
		return 0, errors.Join(err, f.Close())
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
