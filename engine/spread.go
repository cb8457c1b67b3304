package engine

import (
	"encoding/binary"
	"fmt"

	"quipu/persist"
)

// A collection that is too large to be written whole with every change is spread: its key's row says what it is and how many elements it
// has, and every element is a row of its own, found by a number that the collection got when it became spread. A number is never given
// twice within a slot, so what is left of a deleted collection can not be taken for a part of the next.
//
// Whoever changes an element changes the key's entry with it: the entry is queued, dirty and taken whenever an element is. So watches,
// held replies and the lists of the commit know keys only, an entry that is clean says that all elements are, and a commit that holds an
// element's row holds the key's row before it.
type spread struct {
	slot *slot
	id   uint64
	head byte // kind and bits, as of a packed collection
	// count is the number of elements. nextExpiry is a time before which no element expires, 0 for none.
	count      uint64
	nextExpiry int64
	content    content

	// partial: elements may be only in the store. No command sees such a collection: Txn.Lock has it loaded first.
	partial bool
	// logged and stored: the log, or the store, may have rows of elements.
	logged, stored bool
	// gone: it is not in memory any more, or not at all.
	gone bool
	// departures counts the times that knowledge of what is not in the store any more may have left memory.
	departures uint64
	// loading is closed when whoever loads the elements is done; nil when nobody does.
	loading chan struct{}
	// thawed is closed when a checkpoint without a log has taken all elements; nil when there is none. Writers wait for it.
	thawed chan struct{}
}

// content is the elements of a spread collection. The slot's lock guards it. Places of iterations are of its own making and begin with 0;
// they stay meaningful whatever is changed in between.
type content interface {
	// len returns the number of elements, those only in the store not counted.
	len() uint64
	// bytes returns the memory that it takes.
	bytes() int64
	// takeQueued emits the rows that have changed since the last call, for commit n.
	takeQueued(n uint64, emit func(elementRow))
	// queueDirty queues what the next checkpoint would take: a log begins, which has nothing of it.
	queueDirty()
	// takeDirty emits rows that have changed since the last checkpoint took them, about limit of them: in any order, but all of them
	// below those of the next call. It returns where to go on. They count as taken until settle.
	takeDirty(from uint64, limit int, emit func(elementRow)) (next uint64, more bool)
	// settle ends what takeDirty began, for about limit rows: they are in the store now, or, if not ok, as dirty as before.
	settle(ok bool, from uint64, limit int) (next uint64, more bool)
	// load enters a row of the store, unless memory knows better.
	load(key, value []byte) error
	// replay applies a row of the log.
	replay(r elementRow) error
	// loaded is called once when no element is missing from memory any more.
	loaded() error
	// clone returns a copy that neither log nor store knows. It calls toil, now and then, with how many elements it has copied.
	clone(logging bool, toil func(elements int)) content
	// release gives back some memory, and reports whether there is more. The content is not used otherwise any more.
	release() (more bool)
}

// elementRow is a change of one row, or of a range, below a spread collection's key prefix.
type elementRow struct {
	kind  persist.Kind
	key   []byte // behind the prefix
	value []byte // for a range, its end behind the prefix
}

// newContent returns the empty content of a kind of collection.
func (sp *space) newContent(kind Kind) content {
	switch kind {
	case ListKind:
		return newNodes(sp)
	case ZSetKind:
		return newScored(sp)
	default:
		return &members{sp: sp}
	}
}

func (o *spread) kind() Kind { return packed{o.head}.kind() }

// members returns the elements of a spread hash, set or sorted set.
func (o *spread) members() *members { return o.content.(interface{ base() *members }).base() }

// spreadBytes estimates what a spread collection takes beside its content.
const spreadBytes = 256

// detach takes a spread collection out of memory. Its content is freed in the background.
func (o *spread) detach(sp *space) {
	if o.gone {
		return
	}
	o.gone = true
	delete(o.slot.objects.byID, o.id)
	sp.freer.add(o.content)
}

// objects is what a slot knows of its spread collections.
type objects struct {
	byID map[uint64]*spread // those in memory
	last uint64             // the highest number that was ever given
	// forgetLog and forgetStore are the numbers of collections that are no more, which the next commit, and the next checkpoint, tell of;
	// forgetTaken are those that the running checkpoint tells of.
	forgetLog, forgetStore, forgetTaken []uint64
	// frozen is how many of them a checkpoint without a log is about to take the elements of.
	frozen int
	// taken are the collections whose elements the running checkpoint has taken.
	taken []*spread
}

func (s *slot) knowObjects() *objects {
	if s.objects == nil {
		s.objects = &objects{byID: map[uint64]*spread{}}
	}
	return s.objects
}

// newSpread returns an empty spread collection with a number of its own.
func (s *slot) newSpread(head byte, content content) *spread {
	k := s.knowObjects()
	k.last++
	o := &spread{slot: s, id: k.last, head: head, content: content}
	k.byID[o.id] = o
	s.countsQueued, s.countsDirty = true, true
	return o
}

// adopt returns the slot's own idea of a spread collection that a row has told of.
func (s *slot) adopt(sp *space, row *spread) *spread {
	k := s.knowObjects()
	if o := k.byID[row.id]; o != nil {
		o.head, o.count, o.nextExpiry = row.head, row.count, row.nextExpiry
		return o
	}
	k.last = max(k.last, row.id)
	row.slot, row.content, row.partial, row.stored = s, sp.newContent(row.kind()), true, true
	k.byID[row.id] = row
	return row
}

// forget has log and store told that a collection is no more.
func (s *slot) forget(o *spread, logging bool) {
	if logging && (o.logged || o.stored) {
		s.objects.forgetLog = append(s.objects.forgetLog, o.id)
	}
	if o.stored {
		s.objects.forgetStore = append(s.objects.forgetStore, o.id)
	}
}

// The row of a spread collection's key:
//
//	size  field
//	1     kind and bits
//	8     number, big endian
//	n     uvarint: elements
//	n     varint: a time before which no element expires, unix milliseconds, 0 for none
const (
	spreadRowHead = 9
	// maxSpreadID bounds what is believed of a row. Nobody creates so many.
	maxSpreadID = 1 << 62
)

func appendSpreadRow(dst []byte, o *spread) []byte {
	dst = append(dst, o.head)
	dst = binary.BigEndian.AppendUint64(dst, o.id)
	dst = binary.AppendUvarint(dst, o.count)
	return binary.AppendVarint(dst, o.nextExpiry)
}

func parseSpreadRow(b []byte) (*spread, error) {
	bad := fmt.Errorf("%w: collection %.40x", errRow, b)
	if len(b) < spreadRowHead || b[0]&packedInts != 0 {
		return nil, bad
	}
	o := &spread{head: b[0], id: binary.BigEndian.Uint64(b[1:])}
	if k := o.kind(); k < HashKind || k > ZSetKind || o.id == 0 || o.id > maxSpreadID {
		return nil, bad
	}
	count, n := binary.Uvarint(b[spreadRowHead:])
	if n <= 0 || count == 0 {
		return nil, bad
	}
	next, m := binary.Varint(b[spreadRowHead+n:])
	if m <= 0 || spreadRowHead+n+m != len(b) || next < 0 {
		return nil, bad
	}
	o.count, o.nextExpiry = count, next
	return o, nil
}

// appendElementPrefix begins the keys of a collection's elements.
func appendElementPrefix(dst []byte, db uint8, slot uint16, id uint64) []byte {
	dst = append(dst, rowElement, db, byte(slot>>8), byte(slot))
	return binary.BigEndian.AppendUint64(dst, id)
}

const elementPrefix = 1 + 1 + 2 + 8

// elementRange returns the bounds of the rows of a collection's elements.
func elementRange(db uint8, slot uint16, id uint64) (lo, hi []byte) {
	return appendElementPrefix(nil, db, slot, id), appendElementPrefix(nil, db, slot, id+1)
}

// slotElementRange returns the bounds of the rows of all elements of a slot.
func slotElementRange(db uint8, slot uint16) (lo, hi []byte) {
	return []byte{rowElement, db, byte(slot >> 8), byte(slot)}, successor([]byte{rowElement, db, byte(slot >> 8), byte(slot)})
}
