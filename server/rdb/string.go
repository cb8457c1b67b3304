package rdb

// appendTo appends the type and the string.
func (s String) appendTo(dst []byte, _ func(elements int)) []byte {
	return appendString(append(dst, byte(typeString)), s)
}

// appendTo appends the type and the integer, with the same bytes as those of its text.
func (n Int) appendTo(dst []byte, _ func(elements int)) []byte {
	return appendInt(append(dst, byte(typeString)), int64(n))
}

// stringValue reads the body of a string.
func (d *decoder) stringValue() (Value, error) {
	s, err := d.str()
	if err != nil {
		return nil, err
	}
	return String(s), nil
}
