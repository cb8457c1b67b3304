package engine

import (
	"math/rand/v2"
	"testing"
)

// TestPieces hands out and takes back pieces and pages in random order: none overlaps another, and all of them come back.
func TestPieces(t *testing.T) {
	p := newPagePool(newBlobs())
	defer p.pieces.close()
	defer p.close()
	type held struct {
		pg   *page
		size int
		mark byte
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	var out []held
	bytes := int64(0)
	for step := range 20_000 {
		if grow := step < 10_000; rnd.IntN(3) == 0 != grow || len(out) == 0 {
			h := held{size: minPiece * (1 + rnd.IntN(pageSize/minPiece)), mark: byte(step)}
			h.pg = p.get(h.size)
			for i := range h.size {
				h.pg[i] = h.mark
			}
			out = append(out, h)
			bytes += int64(h.size)
			continue
		}
		i := rnd.IntN(len(out))
		h := out[i]
		for at := range h.size {
			if h.pg[at] != h.mark {
				t.Fatalf("step %d: byte %d of a piece of %d was overwritten", step, at, h.size)
			}
		}
		p.put(h.pg, h.size)
		out[i] = out[len(out)-1]
		out = out[:len(out)-1]
		bytes -= int64(h.size)
		if p.bytes() != bytes {
			t.Fatalf("step %d: %d bytes are out, the pool counts %d", step, bytes, p.bytes())
		}
	}
	for _, h := range out {
		p.put(h.pg, h.size)
	}
	if p.bytes() != 0 || len(p.mu.slabs) > 1 {
		t.Errorf("everything is back, but %d bytes are out, and %d slabs are left", p.bytes(), len(p.mu.slabs))
	}
}

// TestPieceSizes checks the sizes that tables ask for.
func TestPieceSizes(t *testing.T) {
	for bytes, want := range map[int]int{1: 64, 64: 64, 65: 128, 129: 192, 400: 448, 449: 512, 512: 512} {
		if got := pieceSize(bytes); got != want {
			t.Errorf("%d bytes: a piece of %d, want %d", bytes, got, want)
		}
	}
}
