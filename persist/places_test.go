package persist

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// What stands where a new data directory would have its own is somebody else's: it is named, and it stays.
func TestForeignDirectories(t *testing.T) {
	for _, name := range dataDirs {
		for _, put := range []string{name, name + "/notes.txt"} { // a file in the directory's place; a directory with a file
			fs := memdisk.New()
			path := "data/" + put
			must(t, fs.MkdirAll(fs.PathDir(path), 0o755))
			replaceFile(t, fs, path, []byte("mine"))
			opts := Options{FS: fs, Dir: "data", manual: true}
			if _, err := Open(opts); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "data/"+name) {
				t.Errorf("%s: %v", put, err)
			}
			if got := string(readAll(t, fs, path)); got != "mine" {
				t.Errorf("%s now holds %q", put, got)
			}
			if _, err := Check(opts, func(Finding) {}); !errors.Is(err, ErrNotFound) {
				t.Errorf("check of %s: %v", put, err)
			}
		}
	}
}

// What is left of data without its witness is damage, whichever part it is.
func TestWitnessMissing(t *testing.T) {
	fs := memdisk.New()
	damageHistory(t, fs)
	must(t, fs.Remove("data/"+witnessName))
	for _, less := range []string{tablesDir, storeDir} {
		must(t, fs.RemoveAll("data/"+less))
		if _, err := Open(Options{FS: fs, Dir: "data", manual: true}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "the witness is missing") {
			t.Errorf("without %s: %v", less, err)
		}
	}
}

func TestFileInPlaceOfDirectory(t *testing.T) {
	for _, name := range dataDirs {
		fs := memdisk.New()
		damageHistory(t, fs)
		path := "data/" + name
		must(t, fs.RemoveAll(path))
		replaceFile(t, fs, path, []byte{})
		_, err := Open(Options{FS: fs, Dir: "data", manual: true})
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path+": it is a file, but must be a directory") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An error names its path once, though the operating system's and ours both have it.
func TestErrorsNamePathsOnce(t *testing.T) {
	for _, wrong := range []struct {
		name, names string // what is told of, inside the data directory
		harm        func(t *testing.T, path string)
	}{
		{"a directory for the witness", witnessName, replaceByDirectory},
		{"a directory for a segment", logDir + "/" + segmentName(1), replaceByDirectory},
		{"a directory for the lock", lockName, replaceByDirectory},
		{"a full directory among the tables", tablesDir + "/x", func(t *testing.T, path string) { must(t, os.MkdirAll(path+"/y", 0o755)) }},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		db, err := Open(Options{FS: vfs.Default, Dir: dir, manual: true})
		must(t, err)
		must(t, db.Close())
		path := filepath.Join(dir, wrong.names)
		wrong.harm(t, path)
		if _, err := Open(Options{FS: vfs.Default, Dir: dir, manual: true}); err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v", wrong.name, err)
		}
	}
}

func replaceByDirectory(t *testing.T, path string) {
	must(t, os.Remove(path))
	must(t, os.Mkdir(path, 0o755))
}

func TestDirectoryUnderAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	for _, dir := range []string{file, file + "/x", file + "/x/y"} {
		if _, err := Open(Options{FS: vfs.Default, Dir: dir, manual: true}); err == nil || !strings.HasSuffix(err.Error(), ": "+file+" is a file: not a directory") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
