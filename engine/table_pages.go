package engine

// The last of the first few pages of an arena is only as long as it has to be: a hundred thousand keys are six to a slot, and half a page
// would be more than one of them takes. It grows by being copied.

// smallPages is how many pages an arena has before a new one is whole from the beginning.
const smallPages = 8

// pageRoom returns how much of page n is there. Its addresses take pageSize all the same.
func (t *table) pageRoom(n int) int {
	if n < len(t.arena)-1 {
		return pageSize
	}
	return int(t.room) * minPiece
}

// hasRoom reports whether an entry of a size fits behind the last one.
func (t *table) hasRoom(size int) bool {
	last := len(t.arena) - 1
	return last >= 0 && int(t.tail)-last*pageSize+size <= int(t.room)*minPiece
}

// extend makes room for an entry of a size: in the last page, or in a new one.
func (t *table) extend(sp *space, size int) bool {
	last := len(t.arena) - 1
	in := int(t.tail) - last*pageSize
	if last >= 0 && in+size <= pageSize {
		t.growPage(sp, in+size)
		return true
	}
	if len(t.arena)*pageSize >= maxArenaBytes {
		return false
	}
	if last >= 0 {
		t.growPage(sp, pageSize)
		t.closePage()
	}
	t.tail = uint32(len(t.arena) * pageSize)
	room := pageSize
	if len(t.arena) < smallPages {
		room = pieceSize(size)
	}
	if t.arena == nil {
		t.arena = t.fewPages[:0]
	}
	t.arena = append(t.arena, sp.pages.get(room))
	t.room = uint8(room / minPiece)
	return true
}

// pieceSize returns the size of the smallest piece, or page, that holds so many bytes.
func pieceSize(bytes int) int { return min((bytes+minPiece-1)/minPiece*minPiece, pageSize) }

// growPage has the last page hold so many bytes.
func (t *table) growPage(sp *space, bytes int) {
	last, old, room := len(t.arena)-1, int(t.room)*minPiece, pieceSize(bytes)
	if room <= old {
		return
	}
	pg := sp.pages.get(room)
	copy(pg[:old], t.arena[last][:old])
	sp.pages.put(t.arena[last], old)
	t.arena[last], t.room = pg, uint8(room/minPiece)
}

// closePage ends the last page, which is whole, before the next one is begun.
func (t *table) closePage() {
	last := len(t.arena) - 1
	if rest := t.arena[last][int(t.tail)-last*pageSize:]; len(rest) >= entryHeader {
		entry(rest).setFlags(0)
	}
}

// placeAside is place when the arena's last page is about to move, in which the name and the string may lie.
func (t *table) placeAside(sp *space, name []byte, c cell, f flags, size int) (entry, uint32, bool) {
	var kept [maxNearName + maxShort]byte
	if f&flagFarName == 0 {
		name = kept[:copy(kept[:], name)]
	}
	if f&kindMask == kindShort {
		c.str = kept[len(name) : len(name)+copy(kept[len(name):], c.str)]
	}
	if !t.extend(sp, size) {
		return nil, 0, false
	}
	return t.place(sp, name, c, f)
}
