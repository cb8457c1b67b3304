package server

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
)

// digest is the running value of DEBUG DIGEST and DIGEST-VALUE. The construction is Redis's, bit for bit: redis-cli --cluster and
// the tests of many clients compare the digests of two servers, and one of them may be a Redis.
type digest [sha1.Size]byte

// The constants below are part of the digest.
const (
	digestTypeString = 0 // Redis's number for the type
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

// mixString adds a string value, an integer as its decimal. Of the expiry only the existence counts.
func (d *digest) mixString(value []byte, expires bool) {
	d.mixUint32(digestTypeString)
	d.mix(value)
	if expires {
		d.xor([]byte(digestExpireMark))
	}
}

// String returns the digest as Redis prints it: 40 hexadecimal digits.
func (d *digest) String() string { return hex.EncodeToString(d[:]) }
