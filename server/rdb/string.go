package rdb

import "strconv"

// String is a string value.
type String []byte

// appendTo appends the type and the string.
func (s String) appendTo(dst []byte) []byte {
	return appendString(append(dst, byte(typeString)), s)
}

// Int is a string value that an engine holds as an integer. Decode returns a String for it.
type Int int64

// appendTo appends the type and the integer, with the same bytes as those of its text.
func (n Int) appendTo(dst []byte) []byte {
	return appendInt(append(dst, byte(typeString)), int64(n))
}

// Text returns the string that n stands for.
func (n Int) Text() String { return strconv.AppendInt(nil, int64(n), 10) }

// stringValue reads the body of a string.
func (d *decoder) stringValue() (Value, error) {
	s, err := d.str()
	if err != nil {
		return nil, err
	}
	return String(s), nil
}
