package persist

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// An fsync is a system call that lasts. Go's scheduler notices that a processor is stuck in one by polling every 20 us, hands
// it to another thread, and has to find one again afterwards: with one core and small commits that cost a fifth of the CPU and
// kept connections waiting for the disk that could have run. The kernel's asynchronous I/O (io_submit with IOCB_CMD_FDSYNC,
// Linux 4.18) does the same fdatasync on a thread of its own and reports it through an eventfd, for which a goroutine waits as
// it waits for a socket.

// asyncSyncer performs one fsync or fdatasync at a time. Its zero value is ready; it asks the kernel for what it needs when it first
// syncs a file of the operating system.
type asyncSyncer struct {
	mu    sync.Mutex
	ring  uintptr // aio_context_t
	event *os.File
	fd    int // of event
	// off: the kernel or the file system has no asynchronous fdatasync.
	off bool
}

// iocb is struct iocb of linux/aio_abi.h; what is not named stays zero.
type iocb struct {
	_        [2]uint64 // data, key, flags of reads and writes
	opcode   uint16
	_        int16
	file     uint32
	_        [4]uint64 // buffer, its size, offset, reserved
	flags    uint32
	resultFD uint32
}

// ioEvent is struct io_event of linux/aio_abi.h.
type ioEvent struct {
	_      [2]uint64 // data, iocb
	result int64
	_      int64
}

const (
	iocbFSync        = 2
	iocbFDSync       = 3
	iocbFlagResultFD = 1
)

// setUp reports whether the kernel can be asked.
func (a *asyncSyncer) setUp() bool {
	if a.off || a.event != nil {
		return !a.off
	}
	a.off = true
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&a.ring)), 0); errno != 0 {
		return false
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return false
	}
	a.fd, a.event, a.off = fd, os.NewFile(uintptr(fd), "eventfd"), false
	return true
}

// close frees what the syncer holds in the kernel.
func (a *asyncSyncer) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.off = true
	if a.ring != 0 {
		unix.Syscall(unix.SYS_IO_DESTROY, a.ring, 0, 0) //nolint:errcheck // the process's end frees it as well
		a.ring = 0
	}
	if a.event != nil {
		a.event.Close() //nolint:errcheck // nothing was written to it
		a.event = nil
	}
}

// sync is f.SyncData.
func (a *asyncSyncer) sync(f vfs.File) error { return a.do(iocbFDSync, f, f.SyncData) }

// syncAll is f.Sync.
func (a *asyncSyncer) syncAll(f vfs.File) error { return a.do(iocbFSync, f, f.Sync) }

// begin is f.SyncTo, but for the waiting: it has the kernel begin to write the first bytes of f.
func (a *asyncSyncer) begin(f vfs.File, length int64) (full bool, err error) {
	err = unix.SyncFileRange(int(f.Fd()), 0, length, unix.SYNC_FILE_RANGE_WRITE)
	runtime.KeepAlive(f)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return f.SyncTo(length)
	}
	return false, err
}

// do has the kernel sync f, or does it in place.
func (a *asyncSyncer) do(opcode uint16, f vfs.File, inPlace func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	fd := f.Fd()
	if fd == vfs.InvalidFd || !a.setUp() {
		return inPlace()
	}
	submitted, err := a.submit(opcode, uint32(fd))
	if !submitted {
		// Nothing was begun, so this is not a second try.
		a.off = true
		return inPlace()
	}
	runtime.KeepAlive(f)
	return err
}

func (a *asyncSyncer) submit(opcode uint16, fd uint32) (submitted bool, err error) {
	cb := &iocb{opcode: opcode, file: fd, flags: iocbFlagResultFD, resultFD: uint32(a.fd)}
	if _, _, errno := unix.Syscall(unix.SYS_IO_SUBMIT, a.ring, 1, uintptr(unsafe.Pointer(&cb))); errno != 0 {
		return false, errno
	}
	var count [8]byte
	if _, err := a.event.Read(count[:]); err != nil || binary.NativeEndian.Uint64(count[:]) != 1 {
		return true, errors.Join(fmt.Errorf("eventfd counted %d", binary.NativeEndian.Uint64(count[:])), err)
	}
	var ev ioEvent
	n, _, errno := unix.Syscall6(unix.SYS_IO_GETEVENTS, a.ring, 1, 1, uintptr(unsafe.Pointer(&ev)), 0, 0)
	switch {
	case errno != 0:
		return true, errno
	case n != 1:
		return true, fmt.Errorf("io_getevents returned %d events", n)
	case ev.result != 0:
		return true, unix.Errno(-ev.result)
	}
	return true, nil
}
