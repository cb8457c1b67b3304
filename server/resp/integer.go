package resp

import "strconv"

// smallInts holds the replies for the integers from 0 on, which are most of what fresh counters, DEL and EXISTS
// answer. Redis keeps as many (OBJ_SHARED_INTEGERS).
var smallInts = encodeSmallInts()

// smallIntSize is the length of the longest of smallInts.
const smallIntSize = len(":9999\r\n")

type smallInt struct {
	text [smallIntSize]byte
	size uint8
}

func encodeSmallInts() *[10000]smallInt {
	var ints [10000]smallInt
	for n := range ints {
		line := strconv.AppendInt([]byte{':'}, int64(n), 10)
		ints[n].size = uint8(copy(ints[n].text[:], append(line, '\r', '\n')))
	}
	return &ints
}

// AppendInt appends the reply ":<n>\r\n" to dst.
func AppendInt(dst []byte, n int64) []byte {
	if uint64(n) < uint64(len(smallInts)) {
		s := &smallInts[n]
		return append(dst, s.text[:s.size]...)
	}
	return appendLine(dst, ':', n)
}

// appendLine appends a mark, a number and the line's end.
func appendLine(dst []byte, mark byte, n int64) []byte {
	if uint64(n) <= 9 {
		return append(dst, mark, byte('0'+n), '\r', '\n')
	}
	dst = append(dst, mark)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}

// appendBulkInt appends n as a string: its length, and its digits.
func appendBulkInt(dst []byte, n int64) []byte {
	var digits [len("-9223372036854775808")]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	dst = appendLine(dst, '$', int64(len(text)))
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}
