package engine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"quipu/engine/list"
	"quipu/persist"
)

// nodes is the content of a spread list: a row per node, whose key is the node's number. Ranges of them go with one row.
type nodes struct {
	list  *list.List
	patch *list.Patch // while the list is partial; list is nil then
}

// newNodes returns the content of a list that is not loaded.
func newNodes(sp *space) *nodes { return &nodes{patch: list.NewPatch(blobMemory{sp})} }

// nodes returns the nodes of a spread list.
func (o *spread) nodes() *nodes { return o.content.(*nodes) }

// Places of iterations, and the keys of rows, are the nodes' numbers counted from the least that there can be.

func placeOf(id int64) uint64 { return uint64(id - list.FirstRow) }

func idOf(place uint64) int64 { return int64(place) + list.FirstRow }

const nodeKeySize = 8

func appendNodeKey(dst []byte, place uint64) []byte { return binary.BigEndian.AppendUint64(dst, place) }

func parseNodeKey(key []byte) (uint64, error) {
	if len(key) != nodeKeySize || binary.BigEndian.Uint64(key) > placeOf(list.LastRow)+1 {
		return 0, fmt.Errorf("%w: node %.40x", errRow, key)
	}
	return binary.BigEndian.Uint64(key), nil
}

// emitNodes returns the function that makes rows of elements of rows of nodes.
func emitNodes(emit func(elementRow)) func(list.Row) {
	var key, end []byte
	return func(r list.Row) {
		key = appendNodeKey(key[:0], placeOf(r.ID))
		if r.Data != nil {
			emit(elementRow{kind: persist.KindSet, key: key, value: r.Data})
			return
		}
		end = appendNodeKey(end[:0], placeOf(r.Last)+1)
		emit(elementRow{kind: persist.KindDeleteRange, key: key, value: end})
	}
}

// parseNodeRow is the way back.
func parseNodeRow(r elementRow) (list.Row, error) {
	from, err := parseNodeKey(r.key)
	if err != nil {
		return list.Row{}, err
	}
	row := list.Row{ID: idOf(from), Last: idOf(from)}
	switch r.kind {
	case persist.KindSet:
		row.Data = r.value
	case persist.KindDeleteRange:
		to, err := parseNodeKey(r.value)
		if err != nil {
			return list.Row{}, err
		}
		if to <= from {
			return list.Row{}, fmt.Errorf("%w: nodes from %x to %x", errRow, r.key, r.value)
		}
		row.Last = idOf(to) - 1
	default:
		return list.Row{}, fmt.Errorf("%w: a node is deleted by itself", errRow)
	}
	return row, nil
}

func (n *nodes) len() uint64 {
	if n.patch != nil {
		return uint64(n.patch.Len())
	}
	return uint64(n.list.Len())
}

func (n *nodes) bytes() int64 {
	if n.patch != nil {
		return n.patch.Bytes()
	}
	return n.list.Bytes()
}

func (n *nodes) takeQueued(_ uint64, emit func(elementRow)) {
	if n.patch != nil {
		n.patch.TakeQueued(emitNodes(emit))
		return
	}
	n.list.TakeQueued(emitNodes(emit))
}

func (n *nodes) queueDirty() {
	if n.patch != nil {
		n.patch.QueueDirty()
		return
	}
	n.list.QueueDirty()
}

func (n *nodes) takeDirty(from uint64, limit int, emit func(elementRow)) (next uint64, more bool) {
	var id int64
	if n.patch != nil {
		id, more = n.patch.TakeDirty(idOf(from), limit/elementsPerNode, emitNodes(emit))
	} else {
		id, more = n.list.TakeDirty(idOf(from), limit/elementsPerNode, emitNodes(emit))
	}
	return placeOf(id), more
}

// elementsPerNode is how many rows of other collections take as long as a node.
const elementsPerNode = 4

func (n *nodes) settle(ok bool, from uint64, limit int) (next uint64, more bool) {
	var id int64
	if n.patch != nil {
		id, more = n.patch.Settle(ok, idOf(from), limit)
	} else {
		id, more = n.list.Settle(ok, idOf(from), limit)
	}
	return placeOf(id), more
}

func (n *nodes) load(key, value []byte) error {
	place, err := parseNodeKey(key)
	if err != nil {
		return err
	}
	return wrapNodeError(n.patch.Load(idOf(place), value))
}

// wrapNodeError makes a malformed node what it is: a malformed row.
func wrapNodeError(err error) error {
	if errors.Is(err, list.ErrNode) {
		return fmt.Errorf("%w: %w", errRow, err)
	}
	return err
}

func (n *nodes) replay(r elementRow) error {
	row, err := parseNodeRow(r)
	if err != nil {
		return err
	}
	return wrapNodeError(n.patch.Add(row))
}

func (n *nodes) loaded() error {
	n.list, n.patch = n.patch.List(), nil
	return nil
}

func (n *nodes) clone(logging bool, _ func(elements int)) content {
	return &nodes{list: n.list.Clone(logging)}
}

// releaseChunk is how many nodes are freed at a time: some 50 us.
const releaseChunk = 512

func (n *nodes) release() (more bool) {
	if n.patch != nil {
		return !n.patch.Release(releaseChunk)
	}
	return !n.list.Release(releaseChunk)
}
