package hyperloglog

import "strconv"

// The sparse encoding is a sequence of runs:
//
//	00nnnnnn            zero: n+1 registers, 1 to 64, are 0
//	01nnnnnn nnnnnnnn   xzero: n+1 registers, 1 to 16384, are 0
//	1vvvvvnn            value: n+1 registers, 1 to 4, are v+1, 1 to 32
//
// Redis reads the zero byte behind its strings when an xzero is the last byte of one; so does this package.
const (
	xzeroBit = 0x40
	valueBit = 0x80

	zeroMaxRun  = 64
	valueMaxRun = 4
	valueMax    = 32
)

// run is one run of registers.
type run struct {
	n     int   // registers
	value uint8 // 0 for zero and xzero
	size  int   // bytes: 2 for xzero
}

// readRun reads the run that begins at b[at].
func readRun(b []byte, at int) run {
	c := b[at]
	switch {
	case c&valueBit != 0:
		return run{n: int(c&3) + 1, value: c>>2&31 + 1, size: 1}
	case c&xzeroBit == 0:
		return run{n: int(c) + 1, size: 1}
	}
	n := int(c&^xzeroBit) << 8
	if at+1 < len(b) {
		n |= int(b[at+1])
	}
	return run{n: n + 1, size: 2}
}

func appendXZero(b []byte, n int) []byte {
	return append(b, xzeroBit|byte((n-1)>>8), byte(n-1))
}

// appendZeros appends a run of n registers that are 0, if n is not 0.
func appendZeros(b []byte, n int) []byte {
	switch {
	case n == 0:
		return b
	case n > zeroMaxRun:
		return appendXZero(b, n)
	}
	return append(b, byte(n-1))
}

func valueRun(value uint8, n int) byte { return valueBit | (value-1)<<2 | byte(n-1) }

// appendValues appends a run of n registers of that value, if n is not 0.
func appendValues(b []byte, value uint8, n int) []byte {
	if n == 0 {
		return b
	}
	return append(b, valueRun(value, n))
}

// eachRun calls fn for the runs, as long as they do not lead beyond the last register. It returns ErrCorrupted if they do not end
// with it.
func eachRun(runs []byte, fn func(from, n int, value uint8)) error {
	from := 0
	for at := 0; at < len(runs); {
		r := readRun(runs, at)
		if from+r.n > Registers {
			return ErrCorrupted
		}
		fn(from, r.n, r.value)
		from += r.n
		at += r.size
	}
	if from != Registers {
		return ErrCorrupted
	}
	return nil
}

// raiseSparse is raise for the sparse encoding. It makes of the runs what Redis makes of them.
func raiseSparse(b []byte, register int, rank uint8, sparseMax int) (out []byte, changed bool, err error) {
	if rank > valueMax {
		return promote(b, register, rank)
	}
	prev, at, first := headerSize, headerSize, 0
	var r run
	for at < len(b) {
		r = readRun(b, at)
		if register < first+r.n {
			break
		}
		prev, at, first = at, at+r.size, first+r.n
	}
	if at >= len(b) {
		return b, false, ErrCorrupted
	}
	if r.value >= rank {
		return b, false, nil
	}
	var seq [5]byte
	split := splitRun(seq[:0], r, register-first, rank)
	if more := len(split) - r.size; more > 0 && len(b)+more > sparseMax {
		return promote(b, register, rank)
	}
	return mergeValues(replaceRun(b, at, r.size, split), prev), true, nil
}

// promote sets a register after a change to the dense encoding.
func promote(b []byte, register int, rank uint8) (out []byte, changed bool, err error) {
	out, err = Dense(b)
	if err != nil {
		return b, false, err
	}
	raiseDense(out[headerSize:], register, rank)
	return out, true, nil
}

// splitRun appends what becomes of a run when the i-th of its registers gets a value.
func splitRun(seq []byte, r run, i int, value uint8) []byte {
	before, after := i, r.n-1-i
	if r.value == 0 {
		seq = appendZeros(seq, before)
		seq = appendValues(seq, value, 1)
		return appendZeros(seq, after)
	}
	seq = appendValues(seq, r.value, before)
	seq = appendValues(seq, value, 1)
	return appendValues(seq, r.value, after)
}

// replaceRun puts a sequence in the place of the size bytes at b[at]. The second byte of an xzero may be missing at the end of b: the
// sequence then loses its last one, since Redis overwrites it with the end of the string.
func replaceRun(b []byte, at, size int, seq []byte) []byte {
	end := len(b) + len(seq) - size
	old := len(b)
	if end > old {
		b = append(b, make([]byte, end-old)...)
	}
	if at+size < old {
		copy(b[at+len(seq):], b[at+size:old])
	}
	copy(b[at:], seq)
	return b[:end]
}

// mergeScan is how many runs are looked at from the one before the change on.
const mergeScan = 5

// mergeValues joins neighbouring runs of equal value near a change.
func mergeValues(b []byte, at int) []byte {
	for i := 0; i < mergeScan && at < len(b); i++ {
		r := readRun(b, at)
		if r.value > 0 && at+1 < len(b) {
			if next := readRun(b, at+1); next.value == r.value && r.n+next.n <= valueMaxRun {
				b[at+1] = valueRun(r.value, r.n+next.n)
				b = append(b[:at], b[at+1:]...)
				continue // the joined run may be joined with the next
			}
		}
		at += r.size
	}
	return b
}

// AppendRuns appends the runs of b, which is valid and sparse, as PFDEBUG DECODE shows them: z, Z and v for zero, xzero and value.
func AppendRuns(dst, b []byte) []byte {
	start := len(dst)
	for at := headerSize; at < len(b); {
		r := readRun(b, at)
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		switch {
		case r.value > 0:
			dst = append(dst, 'v', ':')
			dst = strconv.AppendInt(dst, int64(r.value), 10)
			dst = append(dst, ',')
		case r.size == 2:
			dst = append(dst, 'Z', ':')
		default:
			dst = append(dst, 'z', ':')
		}
		dst = strconv.AppendInt(dst, int64(r.n), 10)
		at += r.size
	}
	return dst
}
