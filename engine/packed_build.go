package engine

// packedBuilder puts a packed collection together from items whose names it finds the shared parts of.
type packedBuilder struct {
	items []byte
	last  []byte
	count int
	next  int64 // the earliest expiry, 0 for none
}

func (b *packedBuilder) add(name []byte, v Value, valued bool) {
	shared := common(b.last, name)
	b.items = appendName(b.items, shared, name[shared:])
	if valued {
		b.items = appendValue(b.items, v)
		b.next = earlier(b.next, v.ExpireAt)
	}
	b.last = append(b.last[:0], name...)
	b.count++
}

// appendTo appends the collection; head is its kind and other bits.
func (b *packedBuilder) appendTo(dst []byte, head byte) []byte {
	return append(appendPackedHead(dst, head, b.count, b.next), b.items...)
}
