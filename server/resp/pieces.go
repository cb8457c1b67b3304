package resp

import (
	"io"
	"slices"
)

// maxWholeString is the longest string that is kept in one piece: with what surrounds it, it fits in a buffer that is lent.
const maxWholeString = lentOutput - 2*maxStringFrame

// pieces is the beginning of replies that are longer than a buffer that is lent: full buffers, one behind the other. A single buffer would
// have to be copied again and again while it grows, and neither that nor the first touch of so much memory can be interrupted: whenever the
// collector wants all to stop for a moment, everybody waits until it is over. With replies of 25 to 40 MB, up to 100 ms.
type pieces struct {
	full [][]byte
	size int // bytes in them
}

func (p *pieces) add(full []byte) {
	p.full = append(p.full, full)
	p.size += len(full)
}

// drop takes the last piece away and returns it.
func (p *pieces) drop() []byte {
	last := len(p.full) - 1
	piece := p.full[last]
	p.full[last] = nil
	p.full = p.full[:last]
	p.size -= len(piece)
	return piece
}

// giveBack forgets all pieces.
func (p *pieces) giveBack(lender *Buffers) {
	for p.size > 0 {
		lender.takeBack(p.drop())
	}
	p.full = nil
}

// insert puts bytes, which are few, at a position that is in one of the pieces.
func (p *pieces) insert(at int, b []byte) {
	i := 0
	for at >= len(p.full[i]) {
		at -= len(p.full[i])
		i++
	}
	p.full[i] = slices.Insert(p.full[i], at, b...)
	p.size += len(b)
}

func (p *pieces) memory() int {
	n := 0
	for _, piece := range p.full {
		n += cap(piece)
	}
	return n
}

func (p *pieces) writeTo(dst io.Writer) (sent int64, err error) {
	for _, piece := range p.full {
		n, err := dst.Write(piece)
		sent += int64(n)
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}
