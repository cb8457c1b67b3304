package hyperloglog

// Union is what several HyperLogLogs have counted together: of each register the highest value. The zero value has counted nothing.
type Union struct {
	registers [Registers]uint8
	anyDense  bool
}

// Add takes the registers of b, which is valid, into the union.
func (u *Union) Add(b []byte) error {
	if IsDense(b) {
		u.anyDense = true
		u.addDense(b[headerSize:])
		return nil
	}
	return eachRun(b[headerSize:], func(from, n int, value uint8) {
		if value == 0 {
			return
		}
		for i := from; i < from+n; i++ {
			u.registers[i] = max(u.registers[i], value)
		}
	})
}

func (u *Union) addDense(regs []byte) {
	eachDense(regs, func(first int, eight uint64) {
		for i := first; i < first+8; i++ {
			u.registers[i] = max(u.registers[i], uint8(eight&registerMax))
			eight >>= registerBits
		}
	})
}

// Count returns the number of distinct elements.
func (u *Union) Count() uint64 {
	var h histogram
	for _, v := range u.registers {
		h[v]++
	}
	return h.cardinality()
}

// Into raises the registers of b, which is valid, to those of the union, and returns the string, as Add does. It becomes dense if
// anything in the union was.
func (u *Union) Into(b []byte, sparseMax int) (out []byte, err error) {
	if u.anyDense {
		if b, err = Dense(b); err != nil {
			return nil, err
		}
	}
	for i, v := range u.registers {
		if v == 0 {
			continue
		}
		if b, _, err = raise(b, i, v, sparseMax); err != nil {
			return nil, err
		}
	}
	MarkStale(b)
	return b, nil
}
