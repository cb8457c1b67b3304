package persist

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"strings"
	"syscall"
)

// What a caller may ask with errors.Is.
var (
	// ErrDamaged: the directory holds less, or other, than was promised to its users. The error is a
	// *DamageError that names the file and the way out.
	ErrDamaged = errors.New("data directory is damaged")
	// ErrFormat: the directory was written by a version that this program does not know.
	ErrFormat = errors.New("unknown on-disk format version")
	// ErrLocked: another process uses the directory.
	ErrLocked = errors.New("data directory is in use by another process")
	// ErrForeign: the directory is not one of data, and holds what is not ours in the places where data would lie.
	ErrForeign = errors.New("not a data directory")
	// ErrNotFound: a read-only open of a directory that holds no data.
	ErrNotFound = errors.New("no data directory")
	// ErrFailed: an earlier write or fsync failed; nothing can be promised any more. The first failure is
	// in the chain too.
	ErrFailed = errors.New("an earlier write failed")
	// ErrNoSpace: the failure was a full disk or an exceeded quota.
	ErrNoSpace = errors.New("no space left for the data directory")
	// ErrClosed: the DB has been closed.
	ErrClosed = errors.New("closed")
	// ErrReadOnly: a change was asked of a read-only DB.
	ErrReadOnly = errors.New("opened read-only")
	// ErrIndex: an index that does not follow: a gap, or one that the store already covers.
	ErrIndex = errors.New("index out of order")
	// ErrOrder: keys of a checkpoint did not ascend.
	ErrOrder = errors.New("keys out of order")
	// ErrTooLarge: a record larger than MaxBody.
	ErrTooLarge = errors.New("record too large")
	// ErrReserved: a key with the prefix 0x00 or 0xff, which are persist's own.
	ErrReserved = errors.New("key prefixes 0x00 and 0xff are reserved")
	// ErrBadBody: a record's body does not decode into operations.
	ErrBadBody = errors.New("malformed record body")
)

// DamageError says what is damaged, where, and what an operator can do about it.
type DamageError struct {
	// File is the path, inside the data directory as it was given in Options.Dir.
	File string
	// Offset is the byte at which the damage was met, -1 when the file as a whole is meant.
	Offset int64
	// Reason says what was expected and what was found.
	Reason string
	// Remedy says what to do.
	Remedy string
	// Err is the underlying error, if there was one.
	Err error
}

// Error returns one line: file, offset, reason, remedy.
func (e *DamageError) Error() string {
	s := e.File
	if e.Offset >= 0 {
		s = fmt.Sprintf("%s at offset %d", e.File, e.Offset)
	}
	s += ": " + e.Reason
	if e.Err != nil {
		s += ": " + oneLine(e.Err)
	}
	return s + "; " + e.Remedy
}

// Unwrap returns ErrDamaged and the underlying error.
func (e *DamageError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrDamaged}
	}
	return []error{ErrDamaged, e.Err}
}

// remedyRestore is the honest way out of damage: what is gone cannot be computed from what is left.
const remedyRestore = "nothing was changed; keep a copy, let `quipu check` list all damage, " +
	"and restore the data directory from a backup or start with an empty one"

// damaged builds a DamageError with the usual remedy.
func damaged(file string, offset int64, err error, format string, args ...any) error {
	return &DamageError{
		File: file, Offset: offset, Reason: fmt.Sprintf(format, args...), Remedy: remedyRestore, Err: err,
	}
}

// ioError wraps err with what was attempted, an operation and perhaps a path, and names a full disk for what it is.
func ioError(attempt string, err error) error {
	err = withoutPath(attempt, err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%s: %w: %w", attempt, ErrNoSpace, err)
	}
	return fmt.Errorf("%s: %w", attempt, err)
}

// refused reports whether the operating system says no to what is there: no damage, but a matter of permissions, or of the disk.
func refused(err error) bool {
	errno := syscall.Errno(0)
	return errors.As(err, &errno) && errno != syscall.ENOENT
}

// withoutPath returns what the system said, without the path that attempt ends in: nobody wants to read it twice.
func withoutPath(attempt string, err error) error {
	var one *iofs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &one) && err.Error() == one.Error() && strings.HasSuffix(" "+attempt, " "+one.Path):
		return one.Err
	case errors.As(err, &two) && err.Error() == two.Error() && strings.HasSuffix(" "+attempt, " "+two.Old):
		return two.Err
	}
	return err
}
