package resp

import "sync"

// lentOutput is the size of the buffers that are lent: what a connection collects before it sends, and a last reply of 64 KiB. A reply that
// does not fit is rare, or costs much more than a buffer.
const lentOutput = 192 << 10

// Buffers lends buffers to Writers whose replies take more than they keep. A client that reads nothing holds one for as long as it lasts;
// everybody else gives it back at once, so that large replies leave nothing for the collector to do, and idle connections keep little. The
// zero value is ready.
type Buffers struct{ pool sync.Pool }

// lend returns an empty buffer of lentOutput bytes.
func (b *Buffers) lend() []byte {
	if lent, ok := b.pool.Get().(*[lentOutput]byte); ok {
		return lent[:0]
	}
	return make([]byte, 0, lentOutput)
}

// takeBack takes a buffer that is not used any more, if it is one that can be lent. A nil b takes none.
func (b *Buffers) takeBack(buf []byte) {
	if b != nil && cap(buf) == lentOutput {
		b.pool.Put((*[lentOutput]byte)(buf[:lentOutput]))
	}
}
