package persist

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The end of a table: the version of its format, 4 bytes, and a magic number. From version 6 on, footers have a checksum; ours have 4.
const (
	tableTailBytes = 12
	tableMagic     = "\xf0\x9f\xaa\xb3\xf0\x9f\xaa\xb3"
	// unsealedColumns is the version of tables in columns whose footer has no checksum. We write none, but it is one bit from ours, and
	// Pebble panics when it opens a table of rows as one of these.
	unsealedColumns = 5
)

// checkFooters refuses a store with a table whose footer would have Pebble panic.
func checkFooters(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return openError(dir, err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, tableExt) {
			continue
		}
		path := fs.PathJoin(dir, name)
		f, err := fs.Open(path)
		if err != nil {
			return openError(path, err)
		}
		if err := errors.Join(checkFooter(f, path), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// checkFooter is checkFooters for one table.
func checkFooter(f vfs.File, path string) error {
	stat, err := f.Stat()
	if err != nil {
		return ioError("stat "+path, err)
	}
	var tail [tableTailBytes]byte
	at := stat.Size() - tableTailBytes
	if at < 0 {
		return nil // Pebble will say so, if it needs the table
	}
	if _, err := f.ReadAt(tail[:], at); err != nil && !errors.Is(err, io.EOF) {
		return ioError("read "+path, err)
	}
	if string(tail[4:]) == tableMagic && binary.LittleEndian.Uint32(tail[:]) == unsealedColumns {
		return damaged(path, at, nil, "the footer is that of another kind of table")
	}
	return nil
}
