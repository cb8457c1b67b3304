package resp

import (
	"bytes"
	"slices"

	"quipu/server/number"
)

// state is how far a step of the parser got.
type state uint8

const (
	incomplete state = iota // more bytes are needed
	complete                // what was looked for is there
	empty                   // a command without arguments, which Redis skips
	failed                  // r.err says why
)

// Next sets cmd to the next complete command of the buffer. It returns false without an error if there is none
// before the next Fill. An error is a ProtocolError; the commands before it are good, and it stays: every later
// call returns it again.
func (r *Reader) Next(cmd *Command) (bool, error) {
	if r.err != nil {
		return false, r.err
	}
	if r.whole(cmd) {
		return true, nil
	}
	for r.pos < r.end {
		switch r.step() {
		case complete:
			r.take(cmd)
			return true, nil
		case empty:
			r.next()
		case incomplete:
			return false, nil
		case failed:
			return false, r.err
		}
	}
	return false, nil
}

// maxWhole is the most arguments of a command that whole takes: so much may be parsed twice when a command comes in two packets.
const maxWhole = 32

// whole takes a command that lies in the buffer from its first byte to its last, as real clients send it. It reports false, and has done
// nothing, for whatever is different in any way, be it wrong, large or incomplete: that is for step, which can say how, or go on later.
func (r *Reader) whole(cmd *Command) bool {
	b := r.buf[r.pos:r.end]
	if r.pos > r.start || r.searched > 0 || r.limits.Guest || len(b) == 0 || b[0] != '*' {
		return false
	}
	count, at := tinyLength(b)
	if at == 0 || count == 0 || count > min(maxWhole, r.limits.Args) {
		return false
	}
	first := len(r.args)
	args := r.args
	for range count {
		size, head := tinyLength(b[at:])
		if head == 0 || b[at] != '$' || size > r.limits.Bulk {
			return false
		}
		from := at + head
		if at = from + size + len("\r\n"); at > len(b) {
			return false
		}
		args = append(args, b[from:from+size:from+size])
	}
	r.args = args
	cmd.Args, cmd.Size = args[first:len(args):len(args)], at
	r.pos += at
	r.start = r.pos
	return true
}

// tinyLength parses a line of a mark, which it does not look at, and one or two digits without a leading zero. It returns the length of
// the line, or 0 where the line is anything else or not complete.
func tinyLength(line []byte) (n, size int) {
	if len(line) < 5 {
		return 0, 0 // and what follows the line, if that is so short, can not be complete either
	}
	n = int(line[1] - '0')
	if n > 9 {
		return 0, 0
	}
	if line[2] == '\r' {
		return n, 4
	}
	low := int(line[2] - '0')
	if n == 0 || low > 9 || line[3] != '\r' {
		return 0, 0
	}
	return 10*n + low, 5
}

// step parses as much of the incomplete command as the buffer holds. It leaves off where it can go on, so that
// no byte is looked at again however small the packets are.
func (r *Reader) step() state {
	if r.missing > 0 {
		return r.bulks()
	}
	if r.buf[r.pos] != '*' {
		return r.inline()
	}
	if st := r.argsHeader(); st != complete {
		return st
	}
	return r.bulks()
}

// take turns the spans of the complete command into slices, and starts the next command.
func (r *Reader) take(cmd *Command) {
	first := len(r.args)
	from := r.buf[r.start:r.pos]
	r.args = slices.Grow(r.args, len(r.spans))
	for _, s := range r.spans {
		r.args = append(r.args, from[s.from:s.to:s.to])
	}
	cmd.Args = r.args[first:len(r.args):len(r.args)]
	cmd.Size = len(from)
	r.next()
}

// next makes the parser expect a command at pos.
func (r *Reader) next() {
	r.start = r.pos
	r.spans = r.spans[:0]
	if cap(r.spans) > keepArgs {
		r.spans = nil // before the command runs, which needs memory itself
	}
}

// argsHeader parses "*<arguments>\r\n".
func (r *Reader) argsHeader() state {
	n, st := r.length(ErrArgsLineTooLong)
	switch {
	case st == incomplete || r.err != nil:
		return st
	case st != complete, n > int64(r.limits.Args):
		return r.fail(ErrArgsLength)
	case n > int64(r.limits.GuestArgs) && r.limits.Guest:
		return r.fail(ErrGuestArgs)
	case n <= 0:
		return empty
	}
	r.missing = int(n)
	return complete
}

// bulks parses the arguments that are still missing.
func (r *Reader) bulks() state {
	for r.missing > 0 {
		if r.bulk < 0 {
			if st := r.bulkHeader(); st != complete {
				return st
			}
		}
		// Like Redis, take the two bytes behind an argument for its line's end without looking.
		if r.end-r.pos < r.bulk+len("\r\n") {
			return incomplete
		}
		at := r.pos - r.start
		if len(r.spans) == cap(r.spans) {
			r.spans = slices.Grow(r.spans, min(r.missing, max(len(r.spans), minSpans))) // by steps of a quarter, more would be left behind
		}
		r.spans = append(r.spans, span{at, at + r.bulk})
		r.pos += r.bulk + len("\r\n")
		r.bulk = -1
		r.missing--
	}
	return complete
}

// bulkHeader parses "$<bytes>\r\n".
func (r *Reader) bulkHeader() state {
	if r.pos == r.end {
		return incomplete
	}
	mark := r.buf[r.pos]
	n, st := r.length(ErrBulkLineTooLong)
	switch {
	case st == incomplete || r.err != nil:
		return st
	case mark != '$':
		return r.fail(errNotBulk(mark))
	case st != complete, n < 0, n > int64(r.limits.Bulk):
		return r.fail(ErrBulkLength)
	case n > int64(r.limits.GuestBulk) && r.limits.Guest:
		return r.fail(ErrGuestBulk)
	}
	r.bulk = int(n)
	return complete
}

// length parses a line that consists of a mark at pos, which it does not look at, and a number. If that line is
// complete, pos moves behind it. A line that runs past Limits.Inline fails with tooLong, as soon as that is
// known; the state is failed without r.err where the line is no number.
func (r *Reader) length(tooLong ProtocolError) (int64, state) {
	if n, size := shortLength(r.buf[r.pos:r.end]); size > 0 {
		r.skipLine(size)
		return n, complete
	}
	line, st := r.line('\r', tooLong)
	if st != complete {
		return 0, st
	}
	if len(line)+len("\r\n") > r.end-r.pos {
		return 0, incomplete
	}
	r.skipLine(len(line) + len("\r\n"))
	if len(line) == 0 {
		return 0, failed // not even a mark
	}
	if n, ok := number.ParseInt(line[1:]); ok {
		return n, complete
	}
	return 0, failed
}

// shortLength parses a line of a mark and up to nine digits without leading zeros: all that real clients send.
// It returns the length of the line, or 0 where the line is anything else or not complete.
func shortLength(line []byte) (n int64, size int) {
	const digits = 9
	i := 1
	for ; i < len(line)-1 && i <= digits; i++ {
		c := line[i] - '0'
		if c > 9 {
			break
		}
		n = 10*n + int64(c)
	}
	if i == 1 || i >= len(line)-1 || line[i] != '\r' || line[1] == '0' && i > 2 {
		return 0, 0
	}
	return n, i + len("\r\n")
}

// line returns the bytes from pos up to the first end, which it does not move past. It remembers what it
// searched in vain.
func (r *Reader) line(end byte, tooLong ProtocolError) ([]byte, state) {
	rest := r.buf[r.pos:r.end]
	i := bytes.IndexByte(rest[r.searched:], end)
	if i < 0 {
		r.searched = len(rest)
	} else {
		r.searched += i
	}
	switch {
	case r.searched > r.limits.Inline:
		return nil, r.fail(tooLong)
	case i < 0:
		return nil, incomplete
	}
	return rest[:r.searched], complete
}

// skipLine moves pos behind a line of size bytes.
func (r *Reader) skipLine(size int) {
	r.pos += size
	r.searched = 0
}

// fail ends the stream with err.
func (r *Reader) fail(err ProtocolError) state {
	r.err = err
	return failed
}
