package resp

import "io"

const (
	// minBuffer is what an idle connection keeps: ten thousand of them cost 10 MiB.
	minBuffer = 1 << 10
	// readSize is how much one read asks for at most when no single command needs more, and the largest buffer
	// that outlives its use. Redis reads as much at a time (PROTO_IOBUF_LEN).
	readSize = 16 << 10
	// keepArgs is the most argument slots that outlive their use. A buffer of readSize full of the shortest
	// array commands has no more than 2340 arguments.
	keepArgs = 4 << 10
	// minSpans is the fewest argument slots that are made at once.
	minSpans = 8
	// quietFills is how many reads in a row must use a quarter of the buffer or less before it is halved.
	quietFills = 64
)

// Command is one complete command of a peer.
type Command struct {
	// Args is the command's name and its arguments: at least one, and each alias the Reader's buffer until the
	// next Fill. Their bytes may be changed, and their capacity ends where they end.
	Args [][]byte
	// Size is the number of bytes that the command had on the wire.
	Size int
}

// span is an argument's place, counted from the first byte of its command, so that moving the buffer's content
// leaves it true.
type span struct{ from, to int }

// Reader finds the commands in a peer's byte stream. It is used by one goroutine: Fill, then Next until it has
// no more, then Fill again. Its buffer is at most twice as large as the incomplete command that the peer has sent
// so far (or readSize), and each argument costs 40 bytes besides.
type Reader struct {
	limits Limits

	// buf[start:end] is what was received and belongs to no complete command: buf[start:pos] is parsed.
	buf             []byte
	start, pos, end int
	filled          bool // the last read used all the room it was given
	quiet           int  // reads in a row that left most of the buffer unused

	// The incomplete command, if pos > start or searched > 0.
	missing  int    // arguments still to come, 0 while the first line is incomplete
	bulk     int    // length of the argument that comes next, -1 while the line that says it is incomplete
	searched int    // bytes from pos on that hold no end of line
	spans    []span // arguments found so far

	args [][]byte // arguments of the commands returned since the last Fill
	err  error    // of Next, forever
}

// NewReader returns a Reader that holds its peer to limits.
func NewReader(limits Limits) *Reader {
	return &Reader{limits: limits, bulk: -1}
}

// SetLimits changes the limits for what Next has not looked at yet. A Guest's batch should be executed command
// by command, because the AUTH in it lifts the limits of what follows.
func (r *Reader) SetLimits(limits Limits) { r.limits = limits }

// Limits returns the limits in force.
func (r *Reader) Limits() Limits { return r.limits }

// Buffered returns how many bytes were received and belong to no command that Next has returned.
func (r *Reader) Buffered() int { return r.end - r.start }

// Size returns the bytes of memory that the Reader's buffer takes.
func (r *Reader) Size() int { return cap(r.buf) }

// Swollen reports whether the next Fill may have memory to let go of: until then the Reader holds what large commands needed.
func (r *Reader) Swollen() bool { return len(r.buf) > readSize || cap(r.args) > keepArgs }

// Fill invalidates all commands that Next has returned, and reads from src once. It returns how many bytes
// came, with the error of src only if none did. The error is ErrQueryTooLong if the incomplete command in the
// buffer is as long as Limits.Query allows.
func (r *Reader) Fill(src io.Reader) (int, error) {
	r.dropArgs()
	if r.Buffered() >= r.limits.Query {
		return 0, ErrQueryTooLong
	}
	r.makeRoom()
	room := r.buf[r.end:min(len(r.buf), r.limits.Query)]
	n, err := src.Read(room)
	r.filled = n == len(room)
	r.end += n
	if n > 0 {
		err = nil // it will come again, after what it came with has been answered
	}
	return n, err
}

// Detach leaves the memory of the commands that Next has returned to them: they outlive the next Fill. The Reader goes on with memory of its
// own.
func (r *Reader) Detach() {
	r.args = nil
	r.resize(max(minBuffer, r.Buffered()))
}

// Filled reports whether the last Fill used all the room there was, so that there may be more to read at once.
func (r *Reader) Filled() bool { return r.filled }

// dropArgs forgets the arguments of the last batch. The slots may point into a buffer that has been replaced,
// but at most until the next batch overwrites them: resize clears them where that would matter.
func (r *Reader) dropArgs() {
	r.args = r.args[:0]
	if cap(r.args) > keepArgs {
		r.args = nil
	}
}

// makeRoom brings what is left of the buffer to its front and gives the buffer the size that the next read
// should have. Bytes move to the front only once, since after that start is 0 until their command is complete.
func (r *Reader) makeRoom() {
	size := r.nextSize()
	if size != len(r.buf) {
		r.resize(size)
		return
	}
	if r.start > 0 {
		copy(r.buf, r.buf[r.start:r.end])
		r.rebase()
	}
}

// nextSize decides how large the buffer should be for the next read. Up to readSize it follows what reads
// bring; beyond, it follows the incomplete command, and doubles only when that command has filled it, so that
// a length which was only declared costs nothing.
func (r *Reader) nextSize() int {
	size, held := len(r.buf), r.Buffered()
	switch {
	case size == 0:
		return minBuffer
	case held == size:
		return r.grownSize()
	case size > readSize && held+r.needed() < readSize:
		return readSize
	case size < readSize && r.filled:
		r.quiet = 0
		return 2 * size
	case size > minBuffer && size <= readSize && r.end <= size/4:
		if r.quiet++; r.quiet >= quietFills {
			r.quiet = 0
			return size / 2
		}
	default:
		r.quiet = 0
	}
	return size
}

// grownSize returns the size for a buffer that the incomplete command has filled. It doubles, so that copying
// costs O(1) for each byte; where one argument is most of the command, its end is known and doubling past it
// would waste up to half of the memory.
func (r *Reader) grownSize() int {
	size := 2 * len(r.buf)
	if r.bulk >= len(r.buf)/2 {
		size = min(size, r.Buffered()+r.needed()+readSize)
	}
	return min(size, max(r.limits.Query, minBuffer))
}

// needed returns how many bytes are known to be missing until the argument that comes next is complete.
func (r *Reader) needed() int {
	if r.missing == 0 || r.bulk < 0 {
		return 0
	}
	return max(0, r.bulk+len("\r\n")-(r.end-r.pos))
}

// resize moves the incomplete command into a buffer of its own, and lets go of the old one, which all argument
// slots still point to.
func (r *Reader) resize(size int) {
	buf := make([]byte, size)
	copy(buf, r.buf[r.start:r.end])
	r.buf = buf
	clear(r.args[:cap(r.args)])
	r.rebase()
}

// rebase counts positions from start, after the bytes have been moved.
func (r *Reader) rebase() {
	r.pos -= r.start
	r.end -= r.start
	r.start = 0
}
