package rdb

import (
	"encoding/binary"
	"math"

	"quipu/server/number"
)

// Writers of what no Redis since 7.0 writes, but every Redis reads.

// oldZiplist returns a ziplist of the entries.
func oldZiplist(entries ...string) string {
	blob := make([]byte, ziplistHeader)
	last, previous := ziplistHeader, 0
	for _, e := range entries {
		last = len(blob)
		if previous < ziplistLong {
			blob = append(blob, byte(previous))
		} else {
			blob = binary.LittleEndian.AppendUint32(append(blob, ziplistLong), uint32(previous))
		}
		blob = appendOldEntry(blob, e)
		previous = len(blob) - last
	}
	blob = append(blob, ziplistEnd)
	binary.LittleEndian.PutUint32(blob, uint32(len(blob)))
	binary.LittleEndian.PutUint32(blob[4:], uint32(last))
	binary.LittleEndian.PutUint16(blob[8:], uint16(min(len(entries), ziplistUncount)))
	return string(blob)
}

// appendOldEntry appends what an entry has behind the length of the one before.
func appendOldEntry(dst []byte, e string) []byte {
	if n, ok := number.ParseInt([]byte(e)); ok && len(e) < 32 {
		return appendOldInt(dst, n)
	}
	switch {
	case len(e) < 1<<6:
		dst = append(dst, byte(len(e)))
	case len(e) < 1<<14:
		dst = append(dst, zipString14|byte(len(e)>>8), byte(len(e)))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, zipString32), uint32(len(e)))
	}
	return append(dst, e...)
}

func appendOldInt(dst []byte, n int64) []byte {
	switch {
	case 0 <= n && n <= 12:
		return append(dst, zipZero+byte(n))
	case n == int64(int8(n)):
		return append(dst, zipInt8, byte(n))
	case n == int64(int16(n)):
		return append(dst, zipInt16, byte(n), byte(n>>8))
	case -1<<23 <= n && n < 1<<23:
		return append(dst, zipInt24, byte(n), byte(n>>8), byte(n>>16))
	case n == int64(int32(n)):
		return binary.LittleEndian.AppendUint32(append(dst, zipInt32), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(dst, zipInt64), uint64(n))
}

// oldZipmap returns a zipmap of names and values in turn, with unused bytes behind some values.
func oldZipmap(entries ...string) string {
	blob := []byte{byte(min(len(entries)/2, zipmapUncount))}
	for i, e := range entries {
		if len(e) < zipmapLong {
			blob = append(blob, byte(len(e)))
		} else {
			blob = binary.LittleEndian.AppendUint32(append(blob, zipmapLong), uint32(len(e)))
		}
		unused := make([]byte, i%3)
		if i%2 == 1 {
			blob = append(blob, byte(len(unused)))
			e += string(unused)
		}
		blob = append(blob, e...)
	}
	return string(append(blob, zipmapEnd))
}

// oldScores returns a body of a sorted set with scores as text.
func oldScores(members ...Member) string {
	body := appendLength([]byte{byte(typeZSet)}, uint64(len(members)))
	for _, m := range members {
		body = appendString(body, m.Name)
		switch {
		case math.IsInf(m.Score, 1):
			body = append(body, 254)
		case math.IsInf(m.Score, -1):
			body = append(body, 255)
		default:
			text := number.AppendDouble(nil, m.Score)
			body = append(append(body, byte(len(text))), text...)
		}
	}
	return string(body)
}

// oldList returns the body of a list in the first of all encodings.
func oldList(elements ...string) string {
	body := appendLength([]byte{byte(typeList)}, uint64(len(elements)))
	for _, e := range elements {
		body = appendString(body, []byte(e))
	}
	return string(body)
}

// oldQuicklist returns the body of a list whose nodes are the ziplists.
func oldQuicklist(nodes ...string) string {
	body := appendLength([]byte{byte(typeListQuicklist)}, uint64(len(nodes)))
	for _, n := range nodes {
		body = appendString(body, []byte(n))
	}
	return string(body)
}

// blobBody returns the body of a type that is one packed string.
func blobBody(kind valueType, blob string) string {
	return string(appendString([]byte{byte(kind)}, []byte(blob)))
}

// listpackOf returns a listpack of the entries.
func listpackOf(entries ...string) string {
	var w listpackWriter
	for _, e := range entries {
		w.add([]byte(e))
	}
	return string(w.finish())
}
