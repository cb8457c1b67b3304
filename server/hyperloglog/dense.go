package hyperloglog

import "encoding/binary"

const (
	registerBits = 6
	registerMax  = 1<<registerBits - 1
)

// denseRegister returns a register of the dense encoding.
func denseRegister(regs []byte, i int) uint8 {
	at, shift := i*registerBits/8, uint(i*registerBits%8)
	v := regs[at] >> shift
	if shift > 8-registerBits {
		v |= regs[at+1] << (8 - shift)
	}
	return v & registerMax
}

// setDense writes a register of the dense encoding.
func setDense(regs []byte, i int, v uint8) {
	at, shift := i*registerBits/8, uint(i*registerBits%8)
	regs[at] = regs[at]&^(registerMax<<shift) | v<<shift
	if shift > 8-registerBits {
		regs[at+1] = regs[at+1]&^(registerMax>>(8-shift)) | v>>(8-shift)
	}
}

// raiseDense sets a register to rank if it is lower, and reports whether it was.
func raiseDense(regs []byte, i int, rank uint8) bool {
	if denseRegister(regs, i) >= rank {
		return false
	}
	setDense(regs, i, rank)
	return true
}

// eachDense calls fn with eight registers at a time, the first in the lowest bits of six bytes.
func eachDense(regs []byte, fn func(first int, eight uint64)) {
	const bytes = registerBits
	for i := 0; i < Registers; i += 8 {
		at := i / 8 * bytes
		low, high := binary.LittleEndian.Uint32(regs[at:]), binary.LittleEndian.Uint16(regs[at+4:])
		fn(i, uint64(low)|uint64(high)<<32)
	}
}

// Dense returns b, which is valid, in the dense encoding: b itself if it has it already, and else a new string.
func Dense(b []byte) ([]byte, error) {
	if IsDense(b) {
		return b, nil
	}
	out := make([]byte, denseSize)
	copy(out, b[:headerSize])
	out[encodingAt] = dense
	err := eachRun(b[headerSize:], func(from, n int, value uint8) {
		for i := from; value > 0 && i < from+n; i++ {
			setDense(out[headerSize:], i, value)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// AppendRegisters appends the registers of b, which is valid, one byte each.
func AppendRegisters(dst, b []byte) ([]byte, error) {
	var u Union
	err := u.Add(b)
	return append(dst, u.registers[:]...), err
}
