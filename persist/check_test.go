package persist

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// checkFindings returns what Check says of a directory.
func checkFindings(t *testing.T, fs vfs.FS) (Summary, []Finding) {
	t.Helper()
	var found []Finding
	sum, err := Check(Options{FS: fs, Dir: "data"}, func(f Finding) { found = append(found, f) })
	must(t, err)
	if sum.Findings != len(found) {
		t.Fatalf("%d findings were reported, the summary counts %d", len(found), sum.Findings)
	}
	return sum, found
}

// opensSound fails the test unless the directory opens with everything, after which Check finds nothing any more.
func opensSound(t *testing.T, fs *memdisk.FS, h history) {
	t.Helper()
	if refused, err := afterDamage(fs, h); refused != nil || err != nil {
		t.Fatalf("Open: %v, %v", refused, err)
	}
	if sum, found := checkFindings(t, fs); sum.Findings != 0 {
		t.Fatalf("after a start: %v", found)
	}
}

func manifestPath(t *testing.T, fs vfs.FS) string {
	t.Helper()
	desc, err := pebble.Peek("data/store", fs)
	must(t, err)
	return desc.ManifestFilename
}

// TestCheckTellsRepairsFromDamage: what a power cut leaves and the next start puts right is reported as such, and is no damage.
func TestCheckTellsRepairsFromDamage(t *testing.T) {
	fs := memdisk.New()
	h := damageHistory(t, fs)
	for _, c := range []struct {
		name, says string
		harm       func(fs *memdisk.FS)
	}{
		{"first copy of the witness", "copy 1 of the witness", func(fs *memdisk.FS) { zeroAt(t, fs, "data/WITNESS", 0) }},
		{"second copy of the witness", "copy 2 of the witness", func(fs *memdisk.FS) { zeroAt(t, fs, "data/WITNESS", witnessStride) }},
		{"manifest", "the manifest is torn", func(fs *memdisk.FS) {
			path := manifestPath(t, fs)
			replaceFile(t, fs, path, append(readAll(t, fs, path), "\x12\x34\x56\x78\x40\x00\x01torn"...))
		}},
		{"table of a compaction", "half-written table", func(fs *memdisk.FS) {
			replaceFile(t, fs, "data/store/999999.sst", bytes.Repeat([]byte{7}, 5000))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clone := fs.CrashClone(vfs.CrashCloneCfg{})
			c.harm(clone)
			sum, found := checkFindings(t, clone)
			if sum.Findings != 1 || sum.Damaged != 0 || !strings.Contains(found[0].Text, c.says) || !strings.Contains(found[0].Text, "the next start repairs it") {
				t.Fatalf("%d findings, %d damaged: %v", sum.Findings, sum.Damaged, found)
			}
			opensSound(t, clone, h)
		})
	}
}

// TestCheckFindsRealDamage: the same files, harmed so that something is missing.
func TestCheckFindsRealDamage(t *testing.T) {
	fs := memdisk.New()
	h := damageHistory(t, fs)
	for _, c := range []struct {
		name string
		harm func(fs *memdisk.FS)
	}{
		{"both copies of the witness", func(fs *memdisk.FS) {
			zeroAt(t, fs, "data/WITNESS", 0)
			zeroAt(t, fs, "data/WITNESS", witnessStride)
		}},
		{"manifest without its tables", func(fs *memdisk.FS) { zeroAt(t, fs, manifestPath(t, fs), 0) }},
		{"table of the store", func(fs *memdisk.FS) {
			for _, path := range listFiles(t, fs, "data/store") {
				if strings.HasSuffix(path, tableExt) {
					zeroAt(t, fs, path, 0)
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clone := fs.CrashClone(vfs.CrashCloneCfg{})
			c.harm(clone)
			if sum, found := checkFindings(t, clone); sum.Damaged == 0 {
				t.Fatalf("no damage in %v", found)
			}
			if refused, err := afterDamage(clone, h); refused == nil || err != nil {
				t.Fatalf("Open: %v, %v", refused, err)
			}
		})
	}
}

// zeroAt zeroes 40 bytes of a file.
func zeroAt(t *testing.T, fs vfs.FS, path string, at int) {
	t.Helper()
	b := readAll(t, fs, path)
	clear(b[at:min(at+40, len(b))])
	replaceFile(t, fs, path, b)
}

// Fact: a WAL of Pebble's newest format in which a bit has flipped is refused. In the default format the same WAL counts as torn
// there, and what follows is lost without a word.
func TestNewestFormatDetectsDamagedWAL(t *testing.T) {
	for _, c := range []struct {
		format  pebble.FormatMajorVersion
		refuses bool
	}{{pebble.FormatDefault, false}, {pebble.FormatNewest, true}} {
		fs := memdisk.New()
		clone := damagedWAL(t, fs, c.format)
		db, err := pebble.Open("db", &pebble.Options{FS: clone, FormatMajorVersion: c.format, Logger: storeLogger{log: Options{}.withDefaults().Logger}})
		if (err != nil) != c.refuses {
			t.Fatalf("format %v: Open: %v, want an error: %v", c.format, err, c.refuses)
		}
		if err != nil {
			continue
		}
		if _, _, err := db.Get([]byte{199}); err != pebble.ErrNotFound {
			t.Fatalf("format %v: the row behind the damage: %v; the fact has changed", c.format, err)
		}
		must(t, db.Close())
	}
}

// damagedWAL writes synced rows to a Pebble database, behind a first flush as the very first WAL is always in the old format,
// and returns a copy of it in which a bit of the middle of the WAL is flipped.
func damagedWAL(t *testing.T, fs *memdisk.FS, format pebble.FormatMajorVersion) *memdisk.FS {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: fs, FormatMajorVersion: format, Logger: storeLogger{log: Options{}.withDefaults().Logger}})
	must(t, err)
	must(t, db.Set([]byte{0}, nil, pebble.Sync))
	must(t, db.Flush())
	for i := range byte(200) {
		must(t, db.Set([]byte{i}, bytes.Repeat([]byte{i}, 1000), pebble.Sync)) // several blocks: the next one tells of the damage
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	must(t, db.Close())
	wal := ""
	for _, path := range listFiles(t, clone, "db") {
		if strings.HasSuffix(path, walExt) {
			wal = max(wal, path)
		}
	}
	b := readAll(t, clone, wal)
	b[10_000] ^= 1
	replaceFile(t, clone, wal, b)
	return clone
}
