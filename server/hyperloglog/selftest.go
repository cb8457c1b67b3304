package hyperloglog

import (
	"encoding/binary"
	"fmt"
	"math"
)

// SelfTest checks on a few hundred thousand elements that the registers keep what is written to them, that both encodings hold the
// same, and that the counts are as near to the truth as they should be. It takes about 20 ms.
func SelfTest() error {
	if err := testRegisters(); err != nil {
		return err
	}
	return testCounts()
}

// testRegisters writes every register of the dense encoding and reads all of them back.
func testRegisters() error {
	regs := make([]byte, denseSize-headerSize)
	value := func(i int) uint8 { return uint8(i*7+i/64) & registerMax }
	for i := range Registers {
		setDense(regs, i, value(i))
	}
	for i := range Registers {
		if got := denseRegister(regs, i); got != value(i) {
			return fmt.Errorf("hyperloglog: register %d is %d, should be %d", i, got, value(i))
		}
	}
	return nil
}

const (
	testElements = 200_000
	// testError is six standard errors: no one in a million counts is so far off, and the elements are always the same.
	testError = 6 * 0.0081
)

// testCounts adds elements to a string that begins sparse and to one that is dense, and compares their counts with each other and
// with the truth at every power of two.
func testCounts() error {
	one := New()
	two, err := Dense(one)
	if err != nil {
		return err
	}
	var element [8]byte
	for n := uint64(1); n <= testElements; n++ {
		binary.LittleEndian.PutUint64(element[:], n*0x9e3779b97f4a7c15)
		if one, _, err = Add(one, element[:], 3000); err != nil {
			return err
		}
		if two, _, err = Add(two, element[:], 3000); err != nil {
			return err
		}
		if n&(n-1) == 0 {
			if err := compareCounts(n, one, two); err != nil {
				return err
			}
		}
	}
	return nil
}

func compareCounts(n uint64, one, two []byte) error {
	a, err := Count(one)
	if err != nil {
		return err
	}
	b, err := Count(two)
	if err != nil {
		return err
	}
	if a != b {
		return fmt.Errorf("hyperloglog: of %d elements the encodings count %d and %d", n, a, b)
	}
	if off := math.Abs(float64(a)-float64(n)) / float64(n); off > testError && math.Abs(float64(a)-float64(n)) > 1 {
		return fmt.Errorf("hyperloglog: %d elements count as %d", n, a)
	}
	return nil
}
