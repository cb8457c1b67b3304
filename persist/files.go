package persist

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Names inside the data directory.
const (
	lockName   = "LOCK"
	logDir     = "log"
	storeDir   = "store"
	tablesDir  = "tables"
	segmentExt = ".log"
)

// The categories under which Pebble's disk statistics file our writes.
const (
	categoryLog    vfs.DiskWriteCategory = "quipu-log"
	categoryTables vfs.DiskWriteCategory = "quipu-checkpoint"
)

// segmentName returns the file name of segment n. Eight digits keep `ls` in order for 10^8 segments.
func segmentName(n uint64) string { return fmt.Sprintf("%08d%s", n, segmentExt) }

// parseSegmentName is the inverse of segmentName.
func parseSegmentName(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentExt)
	if !ok || len(digits) < 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0 && segmentName(n) == name
}

// syncDir makes the entries of a directory durable.
func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return ioError("open directory "+dir, err)
	}
	if err := d.Sync(); err != nil {
		return errors.Join(ioError("fsync directory "+dir, err), d.Close())
	}
	if err := d.Close(); err != nil {
		return ioError("close directory "+dir, err)
	}
	return nil
}

// makeDir creates dir and its missing parents, and makes each durable in its parent.
func makeDir(fs vfs.FS, dir string) error {
	info, err := fs.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("%s is a file: %w", dir, syscall.ENOTDIR)
	case !oserror.IsNotExist(err) && !errors.Is(err, syscall.ENOTDIR): // for which one of the parents is the reason
		return ioError("stat "+dir, err)
	}
	parent := fs.PathDir(dir)
	if parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return ioError("create directory "+dir, err)
	}
	return syncDir(fs, parent)
}

// exists tells whether there is something at path.
func exists(fs vfs.FS, path string) (bool, error) {
	_, err := fs.Stat(path)
	switch {
	case err == nil:
		return true, nil
	case oserror.IsNotExist(err):
		return false, nil
	default:
		return false, ioError("stat "+path, err)
	}
}
