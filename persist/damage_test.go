package persist

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// damageHistory fills fs with a directory that has every kind of file in several copies: two checkpoints,
// segments that are full, in use and recycled, all of it durable.
func damageHistory(t *testing.T, fs *memdisk.FS) history {
	t.Helper()
	s := newSimulation(rand.New(rand.NewPCG(3, 3)), fs, nil, 0, false)
	s.mu.room = 0
	must(t, s.run(nil, 0))
	db, err := Open(s.options())
	must(t, err)
	s.db = db
	for i := range 150 {
		must(t, s.append(db.log.mu.index+1))
		must(t, db.Sync())
		must(t, db.log.keep())
		if i == 50 || i == 100 {
			must(t, writeCheckpoint(db, s.hist, uint64(i), i == 50))
		}
	}
	must(t, db.Close())
	return s.hist
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// damage is a way to harm a file; it returns nil for "deleted".
type damage struct {
	name string
	harm func(r *rand.Rand, b []byte) []byte
}

var damages = []damage{
	{"flip", func(r *rand.Rand, b []byte) []byte {
		if len(b) > 0 {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		return b
	}},
	{"zero", func(r *rand.Rand, b []byte) []byte {
		if len(b) > 0 {
			i := r.IntN(len(b))
			clear(b[i:min(len(b), i+1+r.IntN(1000))])
		}
		return b
	}},
	{"truncate", func(r *rand.Rand, b []byte) []byte {
		if len(b) > 0 {
			b = b[:r.IntN(len(b))]
		}
		return b
	}},
	{"garbage", func(r *rand.Rand, b []byte) []byte {
		for range 1 + r.IntN(100) {
			b = append(b, byte(r.Uint32()))
		}
		return b
	}},
	{"delete", func(*rand.Rand, []byte) []byte { return nil }},
}

func listFiles(t *testing.T, fs vfs.FS, dir string) (out []string) {
	t.Helper()
	names, err := fs.List(dir)
	must(t, err)
	for _, n := range names {
		path := fs.PathJoin(dir, n)
		st, err := fs.Stat(path)
		must(t, err)
		if st.IsDir() {
			out = append(out, listFiles(t, fs, path)...)
		} else if n != lockName {
			out = append(out, path)
		}
	}
	return out
}

func readAll(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	must(t, err)
	b, err := io.ReadAll(f)
	must(t, err)
	must(t, f.Close())
	return b
}

func replaceFile(t *testing.T, fs vfs.FS, path string, b []byte) {
	t.Helper()
	if b == nil {
		must(t, fs.Remove(path))
		return
	}
	f, err := fs.Create(path, categoryLog)
	must(t, err)
	_, err = f.Write(b)
	must(t, err)
	must(t, errors.Join(f.Sync(), f.Close()))
}

// afterDamage opens the directory: it has to be refused with an error that names a file, or hold all.
func afterDamage(fs *memdisk.FS, h history) (refused error, err error) {
	db, err := Open(Options{FS: fs, Dir: "data", SegmentBytes: MinSegmentBytes, manual: true})
	if err != nil {
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) {
			return nil, fmt.Errorf("refused, but not as damage: %w", err)
		}
		if !strings.Contains(err.Error(), "data/") {
			return nil, fmt.Errorf("the error names no file: %w", err)
		}
		return err, nil
	}
	rows, last, err := contents(db)
	if errors.Is(err, ErrDamaged) {
		return err, db.Close()
	}
	if err == nil && last != uint64(len(h)) {
		err = fmt.Errorf("recovered up to %d of %d", last, len(h))
	}
	if err == nil {
		err = sameRows(rows, h.state(last))
	}
	return nil, errors.Join(err, db.Close())
}

func TestDamageMatrix(t *testing.T) {
	fs := memdisk.New()
	h := damageHistory(t, fs)
	tries := 3
	if torture() {
		tries = 300
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for _, path := range listFiles(t, fs, "data") {
		for _, d := range damages {
			refusals := 0
			for range tries {
				clone := fs.CrashClone(vfs.CrashCloneCfg{})
				old := readAll(t, clone, path)
				now := d.harm(rng, bytes.Clone(old))
				replaceFile(t, clone, path, now)
				sum, err := Check(Options{FS: clone, Dir: "data"}, func(Finding) {})
				must(t, err)
				refused, err := afterDamage(clone, h)
				if err != nil {
					t.Errorf("%s of %s: %v", d.name, path, err)
				}
				if refused != nil {
					refusals++
					if sum.Damaged == 0 {
						t.Errorf("%s of %s: Check found no damage, Open says %v", d.name, path, refused)
					}
				}
				if d.name == "delete" {
					break
				}
			}
			t.Logf("%-9s %-35s refused %d", d.name, path, refusals)
		}
	}
}

func TestSwappedSegments(t *testing.T) {
	fs := memdisk.New()
	h := damageHistory(t, fs)
	segments := listFiles(t, fs, "data/log")
	if len(segments) < 3 {
		t.Fatal(segments)
	}
	for i, a := range segments {
		for _, b := range segments[i+1:] {
			clone := fs.CrashClone(vfs.CrashCloneCfg{})
			ab, bb := readAll(t, clone, a), readAll(t, clone, b)
			replaceFile(t, clone, a, bb)
			replaceFile(t, clone, b, ab)
			if refused, err := afterDamage(clone, h); err != nil || refused == nil {
				t.Errorf("%s and %s swapped: %v, %v", a, b, refused, err)
			}
		}
	}
}

// Two bits of each byte of the footer of a table, which has no checksum of its own,
// are flipped in turn: the store is refused, or all rows are as they were.
func TestTableFooterFlips(t *testing.T) {
	fs := memdisk.New()
	h := damageHistory(t, fs)
	for _, path := range listFiles(t, fs, "data/store") {
		if !strings.HasSuffix(path, ".sst") {
			continue
		}
		old := readAll(t, fs, path)
		for at := max(0, len(old)-60); at < len(old); at++ {
			for _, bit := range []int{0, 1 + at%7} { // the lowest makes another version
				clone := fs.CrashClone(vfs.CrashCloneCfg{})
				now := bytes.Clone(old)
				now[at] ^= 1 << bit
				replaceFile(t, clone, path, now)
				_, err := Check(Options{FS: clone, Dir: "data"}, func(Finding) {})
				must(t, err)
				if _, err := afterDamage(clone, h); err != nil {
					t.Errorf("%s, bit %d of byte %d of %d: %v", path, bit, at, len(old), err)
				}
			}
		}
	}
}
