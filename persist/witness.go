package persist

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The witness file has three slots, each alone in a block of the disk, so that a torn write damages one.
// Slots 0 and 1 are twins, written and fsynced one after the other; slot 2 is a hint that is not fsynced.
const (
	witnessName    = "WITNESS"
	witnessMagic   = "quipu witness\n\x00\x00"
	witnessSlots   = 3
	witnessHint    = 2
	witnessStride  = 4096
	witnessPayload = 16 + 8 + 7*8
	witnessBytes   = witnessPayload + 4
)

// testimony is what the witness knows about the rest of the directory.
type testimony struct {
	// generation counts writes of the witness; the highest sound slot speaks.
	generation uint64
	// ready is false while a new directory is being laid out: whatever is there may be thrown away.
	ready bool
	// covered is the index that the store covers at least.
	covered uint64
	// firstSegment is the oldest segment of the log, firstSeq the seq of the first record in it or after.
	firstSegment, firstSeq uint64
	// lastSegment is the newest segment that is known to exist.
	lastSegment uint64
	// durableSeq and durableIndex name the newest record known to be fsynced.
	durableSeq, durableIndex uint64
}

// append appends the encoded slot:
//
//	magic 16 | version 1 | ready 1 | zero 6 | seven fields of 8 bytes | CRC-32C   (little endian)
func (t *testimony) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, witnessMagic...)
	dst = append(dst, formatVersion, boolByte(t.ready), 0, 0, 0, 0, 0, 0)
	for _, v := range [...]uint64{
		t.generation, t.covered, t.firstSegment, t.firstSeq, t.lastSegment, t.durableSeq, t.durableIndex,
	} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// decodeTestimony decodes one slot. ok is false if it is not sound; err is ErrFormat if it is sound and of
// another version.
func decodeTestimony(b []byte) (t testimony, ok bool, err error) {
	if len(b) < witnessBytes || string(b[:16]) != witnessMagic {
		return testimony{}, false, nil
	}
	le := binary.LittleEndian
	if le.Uint32(b[witnessPayload:]) != crc32.Checksum(b[:witnessPayload], castagnoli) {
		return testimony{}, false, nil
	}
	if b[16] != formatVersion {
		return testimony{}, false, fmt.Errorf("%w: witness of version %d, this program knows %d", ErrFormat, b[16], formatVersion)
	}
	f := func(i int) uint64 { return le.Uint64(b[24+8*i:]) }
	return testimony{
		ready: b[17] == 1, generation: f(0), covered: f(1), firstSegment: f(2), firstSeq: f(3),
		lastSegment: f(4), durableSeq: f(5), durableIndex: f(6),
	}, true, nil
}

// readWitness returns what the newest sound slot says. oserror.IsNotExist(err) holds when there is no file.
// A twin that is not sound is no damage: a power cut tears one, and the other says the same.
func readWitness(fs vfs.FS, path string) (testimony, error) {
	f, err := fs.Open(path)
	if err != nil {
		return testimony{}, ioError("open "+path, err)
	}
	defer f.Close()
	var best testimony
	sound := 0
	buf := make([]byte, witnessBytes)
	for slot := range witnessSlots {
		n, err := f.ReadAt(buf, int64(slot)*witnessStride)
		if err != nil && !errors.Is(err, io.EOF) {
			return testimony{}, ioError("read "+path, err)
		}
		t, ok, err := decodeTestimony(buf[:n])
		if err != nil {
			return testimony{}, fmt.Errorf("%s slot %d: %w", path, slot, err)
		}
		if ok && slot != witnessHint {
			sound++
		}
		if ok && t.generation >= best.generation {
			best = t
		}
	}
	if sound == 0 {
		return testimony{}, damaged(path, 0, nil, "neither copy of the witness is intact, so nothing says what the log and the store must hold")
	}
	return best, nil
}

// witness keeps the file open and writes it.
type witness struct {
	fs   vfs.FS
	path string
	mu   struct {
		sync.Mutex
		file vfs.File
		last testimony
		buf  []byte
	}
}

// createWitness puts a new witness file in place atomically, saying t.
func createWitness(fs vfs.FS, path string, t testimony) error {
	tmp := path + ".new"
	f, err := fs.Create(tmp, categoryLog)
	if err != nil {
		return ioError("create "+tmp, err)
	}
	img := make([]byte, witnessSlots*witnessStride)
	for slot := range witnessSlots {
		t.append(img[slot*witnessStride : slot*witnessStride])
	}
	if _, err := f.Write(img); err != nil {
		return errors.Join(ioError("write "+tmp, err), f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(ioError("fsync "+tmp, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return ioError("close "+tmp, err)
	}
	if err := fs.Rename(tmp, path); err != nil {
		return ioError("rename "+tmp, err)
	}
	return syncDir(fs, fs.PathDir(path))
}

// openWitness opens an existing file for update; last is what readWitness returned.
func openWitness(fs vfs.FS, path string, last testimony) (*witness, error) {
	f, err := fs.OpenReadWrite(path, categoryLog)
	if err != nil {
		return nil, ioError("open "+path, err)
	}
	w := &witness{fs: fs, path: path}
	w.mu.file, w.mu.last = f, last
	return w, nil
}

// seal changes what the witness says and makes that durable.
func (w *witness) seal(change func(t *testimony)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.mu.last
	change(&t)
	t.generation++
	for slot := range witnessHint {
		if err := w.writeLocked(slot, t); err != nil {
			return err
		}
		if err := w.mu.file.SyncData(); err != nil {
			return ioError("fsync "+w.path, err)
		}
	}
	w.mu.last = t
	return nil
}

// hint changes what the witness says without an fsync: it survives kill -9, and perhaps a power cut.
func (w *witness) hint(change func(t *testimony)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.mu.last
	change(&t)
	if t == w.mu.last {
		return nil
	}
	t.generation++
	if err := w.writeLocked(witnessHint, t); err != nil {
		return err
	}
	w.mu.last = t
	return nil
}

func (w *witness) writeLocked(slot int, t testimony) error {
	w.mu.buf = t.append(w.mu.buf[:0])
	if _, err := w.mu.file.WriteAt(w.mu.buf, int64(slot)*witnessStride); err != nil {
		return ioError("write "+w.path, err)
	}
	return nil
}

func (w *witness) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.mu.file.Close(); err != nil {
		return ioError("close "+w.path, err)
	}
	return nil
}

// witnessMissing tells a directory that was never one from one whose witness is gone.
func witnessMissing(err error) bool { return oserror.IsNotExist(err) }
