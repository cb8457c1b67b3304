package resp

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"quipu/server/number"
)

// Kind is the type of a Reply: the byte that introduces it on the wire.
type Kind byte

// The types of RESP2 and RESP3. The nulls of RESP2 are read as KindNull, a streamed or attributed reply is
// refused: no server of Redis's family sends one.
const (
	KindSimple    Kind = '+' // Text
	KindError     Kind = '-' // Text
	KindInt       Kind = ':' // Int
	KindBulk      Kind = '$' // Text
	KindArray     Kind = '*' // Elems
	KindNull      Kind = '_'
	KindDouble    Kind = ',' // Text, as it was on the wire
	KindBool      Kind = '#' // Int is 1 or 0
	KindBigNumber Kind = '(' // Text
	KindBulkError Kind = '!' // Text
	KindVerbatim  Kind = '=' // Text, Format
	KindMap       Kind = '%' // Elems: key, value, key, value, ...
	KindSet       Kind = '~' // Elems
	KindPush      Kind = '>' // Elems
)

// Reply is a reply as a client reads it. Tests and tools use it; the server writes replies and reads none.
type Reply struct {
	Kind   Kind
	Text   []byte // owned by the Reply
	Format string // of a verbatim string: "txt" or "mkd"
	Int    int64
	Elems  []Reply
	// NoArray tells of a null of RESP2 that it stands for an array ("*-1"), not for a string ("$-1"): some clients care.
	NoArray bool
}

const (
	// maxReplyDepth is how deeply replies may nest. COMMAND DOCS, the deepest of Redis, has 9 levels.
	maxReplyDepth = 32
	// maxReplyLine is the most bytes of a line of a reply.
	maxReplyLine = 1 << 20
	// maxReplyText is the most bytes of a string of a reply, Redis's proto-max-bulk-len.
	maxReplyText = 512 << 20
	// maxReplyElems is the most elements of an aggregate, and of all aggregates in a reply together.
	maxReplyElems = 16 << 20
	// firstRead is how much is read of a long string before memory is taken for more of it.
	firstRead = 64 << 10
)

// ErrReply says that what the server sent is no reply.
var ErrReply = errors.New("malformed reply")

// ReadReply reads one reply. It returns io.EOF if the stream ends before it, io.ErrUnexpectedEOF if it ends
// within it, and an error that wraps ErrReply if it is malformed or beyond the limits of this file. Memory is
// taken only for bytes that came.
func ReadReply(r *bufio.Reader) (Reply, error) {
	p := replyReader{in: r, elems: maxReplyElems}
	if _, err := r.Peek(1); err != nil {
		return Reply{}, err
	}
	reply, err := p.reply(maxReplyDepth)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return reply, err
}

// replyReader reads one reply and counts down what it may still hold.
type replyReader struct {
	in    *bufio.Reader
	elems int
}

func (p *replyReader) reply(depth int) (Reply, error) {
	line, err := p.line()
	if err != nil {
		return Reply{}, err
	}
	if len(line) == 0 {
		return Reply{}, fmt.Errorf("%w: empty line", ErrReply)
	}
	kind, rest := Kind(line[0]), line[1:]
	switch kind {
	case KindSimple, KindError, KindDouble, KindBigNumber:
		return Reply{Kind: kind, Text: rest}, nil
	case KindInt:
		n, ok := number.ParseInt(rest)
		return Reply{Kind: kind, Int: n}, p.check(ok, line)
	case KindNull:
		return Reply{Kind: kind}, p.check(len(rest) == 0, line)
	case KindBool:
		return p.boolean(line)
	case KindBulk, KindVerbatim, KindBulkError:
		return p.text(kind, line)
	case KindArray, KindSet, KindPush, KindMap:
		return p.aggregate(kind, line, depth)
	}
	return Reply{}, p.check(false, line)
}

// line reads up to "\r\n" and returns what is before it, in memory of its own.
func (p *replyReader) line() ([]byte, error) {
	var line []byte
	for {
		part, err := p.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil && len(line) >= 2 && line[len(line)-2] == '\r':
			return line[:len(line)-2], nil
		case len(line) > maxReplyLine:
			return nil, fmt.Errorf("%w: line of more than %d bytes", ErrReply, maxReplyLine)
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// check returns nil if ok, else an error that shows the line.
func (p *replyReader) check(ok bool, line []byte) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%w: %.40q", ErrReply, line)
}

func (p *replyReader) boolean(line []byte) (Reply, error) {
	switch string(line[1:]) {
	case "t":
		return Reply{Kind: KindBool, Int: 1}, nil
	case "f":
		return Reply{Kind: KindBool}, nil
	}
	return Reply{}, p.check(false, line)
}

// length parses the number of a header line. A length of -1 is RESP2's null.
func (p *replyReader) length(line []byte, limit int64) (n int, null bool, err error) {
	long, ok := number.ParseInt(line[1:])
	if !ok || long < -1 || long > limit {
		return 0, false, p.check(false, line)
	}
	return int(long), long == -1, nil
}

// text reads the bytes that a header line announces.
func (p *replyReader) text(kind Kind, line []byte) (Reply, error) {
	n, null, err := p.length(line, maxReplyText)
	if err != nil || null {
		return Reply{Kind: KindNull}, err
	}
	text, err := p.bytes(n + len("\r\n"))
	if err != nil {
		return Reply{}, err
	}
	if text[n] != '\r' || text[n+1] != '\n' {
		return Reply{}, p.check(false, line)
	}
	reply := Reply{Kind: kind, Text: text[:n]}
	if kind == KindVerbatim {
		if n < 4 || text[3] != ':' {
			return Reply{}, p.check(false, line)
		}
		reply.Format, reply.Text = string(text[:3]), text[4:n]
	}
	return reply, nil
}

// bytes reads n bytes and takes memory as they come.
func (p *replyReader) bytes(n int) ([]byte, error) {
	text := make([]byte, min(n, firstRead))
	for read := 0; ; {
		if _, err := io.ReadFull(p.in, text[read:]); err != nil {
			return nil, err
		}
		if read = len(text); read == n {
			return text, nil
		}
		text = append(text, make([]byte, min(n-read, read))...)
	}
}

// aggregate reads the elements that a header line announces.
func (p *replyReader) aggregate(kind Kind, line []byte, depth int) (Reply, error) {
	n, null, err := p.length(line, maxReplyElems)
	if err != nil || null {
		return Reply{Kind: KindNull, NoArray: true}, err
	}
	if kind == KindMap {
		n *= 2
	}
	if depth == 0 || n > p.elems {
		return Reply{}, fmt.Errorf("%w: nested too deeply or more than %d elements", ErrReply, maxReplyElems)
	}
	p.elems -= n
	reply := Reply{Kind: kind}
	for range n {
		elem, err := p.reply(depth - 1)
		if err != nil {
			return Reply{}, err
		}
		reply.Elems = append(reply.Elems, elem)
	}
	return reply, nil
}
