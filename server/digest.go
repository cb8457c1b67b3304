package server

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"

	"quipu/server/number"
	"quipu/server/rdb"
)

// digest is the running value of DEBUG DIGEST and DIGEST-VALUE. The construction is Redis's, bit for bit: redis-cli --cluster and
// the tests of many clients compare the digests of two servers, and one of them may be a Redis.
type digest [sha1.Size]byte

// Redis's numbers of the types, and its mark of a key that expires: they are part of the digest.
const (
	digestString = iota
	digestList
	digestSet
	digestSortedSet
	digestHash

	digestExpireMark = "!!expire!!"
)

// xor adds p so that the order of additions does not matter: for the members of an unordered collection.
func (d *digest) xor(p []byte) {
	h := sha1.Sum(p)
	for i := range d {
		d[i] ^= h[i]
	}
}

// mix adds p so that the order of additions does matter.
func (d *digest) mix(p []byte) {
	d.xor(p)
	*d = sha1.Sum(d[:])
}

func (d *digest) mixUint32(n uint32) {
	var p [4]byte
	binary.BigEndian.PutUint32(p[:], n)
	d.mix(p[:])
}

// mixValue adds a value. Of the key's expiry only the existence counts.
func (d *digest) mixValue(v rdb.Value, expires bool) {
	switch v := v.(type) {
	case rdb.Int:
		d.mixUint32(digestString)
		d.mix(v.Text())
	case rdb.String:
		d.mixUint32(digestString)
		d.mix(v)
	case rdb.List:
		d.mixUint32(digestList)
		for _, element := range v {
			d.mix(element)
		}
	case rdb.Set:
		d.mixUint32(digestSet)
		for _, member := range v.Members {
			d.xor(member)
		}
	case rdb.SortedSet:
		d.mixUint32(digestSortedSet)
		for _, m := range v.Members {
			d.xorPair(m.Name, number.AppendDouble(nil, m.Score))
		}
	case rdb.Hash:
		d.mixUint32(digestHash)
		for _, f := range v.Fields {
			d.xorPair(f.Name, f.Value)
		}
	}
	if expires {
		d.xor([]byte(digestExpireMark))
	}
}

// xorPair is xor for a name and what belongs to it.
func (d *digest) xorPair(name, value []byte) {
	var pair digest
	pair.mix(name)
	pair.mix(value)
	d.xor(pair[:])
}

// String returns the digest as Redis prints it: 40 hexadecimal digits.
func (d *digest) String() string { return hex.EncodeToString(d[:]) }
