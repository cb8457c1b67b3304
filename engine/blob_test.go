package engine

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
)

func TestBlobSizes(t *testing.T) {
	b := newBlobs()
	last := 0
	for i := range b.classes {
		size := b.classes[i].size
		if size == 0 {
			break
		}
		if size <= last || size%blobUnit != 0 || last > 0 && size > last+max(blobUnit, last/4+blobUnit) {
			t.Errorf("size %d follows %d", size, last)
		}
		last = size
	}
	if last != maxBlobSize {
		t.Errorf("the largest size is %d, want %d", last, maxBlobSize)
	}
	for n := range maxBlob + 1 {
		size := b.classes[b.class(n)].size
		if size < n+blobHead || b.class(n) > 0 && b.classes[b.class(n)-1].size >= n+blobHead {
			t.Fatalf("%d bytes get a blob of %d", n, size)
		}
	}
}

// testBlob is a blob, and what it must hold.
type testBlob struct {
	h    uint32
	want []byte
}

// churn makes and frees blobs of changing sizes and checks what they hold.
func churn(t *testing.T, b *blobs, seed uint64, steps int) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var out []testBlob
	for step := range steps {
		if wanted := 300 + 4000*(step/1000%3); len(out) < wanted && rnd.IntN(3) > 0 {
			n := 1 + rnd.IntN(1<<(7+rnd.IntN(7))-blobHead)
			h := b.alloc(n)
			fill := bytes.Repeat([]byte{byte(rnd.Int())}, n)
			copy(b.get(h), fill)
			out = append(out, testBlob{h, fill})
		} else if len(out) > 0 {
			i := rnd.IntN(len(out))
			if !bytes.Equal(b.get(out[i].h), out[i].want) {
				t.Errorf("blob %x does not hold what was written", out[i].h)
				return
			}
			b.free(out[i].h)
			out[i] = out[len(out)-1]
			out = out[:len(out)-1]
		}
	}
	for i := range out {
		b.free(out[i].h)
	}
}

func TestBlobs(t *testing.T) {
	b := newBlobs()
	for seed := range uint64(3) {
		churn(t, b, seed, 30000)
		if used := b.used.Load(); used != 0 {
			t.Fatalf("%d bytes are in use, all were freed", used)
		}
	}
	slabs := 0
	for _, s := range b.slabs {
		if s != nil {
			slabs++
		}
	}
	if slabs > 2 { // the first, and those whose last spans classes keep
		t.Errorf("%d slabs are left, though nothing is in use", slabs)
	}
	b.close()
}

func TestBlobsInParallel(t *testing.T) {
	b := newBlobs()
	var all sync.WaitGroup
	for seed := range uint64(4) {
		all.Go(func() { churn(t, b, seed, 20000) })
	}
	all.Wait()
	if used := b.used.Load(); used != 0 {
		t.Errorf("%d bytes are in use, all were freed", used)
	}
	b.close()
}

func TestBlobMemory(t *testing.T) {
	sp := newSpace()
	m := blobMemory{sp}
	for _, n := range []int{1, 64, 100, maxBlob, maxBlob + 1, 100_000} {
		b := m.Alloc(n)
		if len(b) != n || sp.bytes() < int64(n) {
			t.Errorf("%d bytes: got %d, %d in use", n, len(b), sp.bytes())
		}
		clear(b[:cap(b)])
		m.Free(b[:0])
		if used := sp.bytes(); used != 0 {
			t.Errorf("%d bytes: %d in use after they were freed", n, used)
		}
	}
	sp.close()
}
