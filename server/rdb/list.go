package rdb

import "fmt"

// What a node of a quicklist can be.
const (
	nodePlain  = 1 // one large element
	nodePacked = 2 // a listpack
)

const (
	// nodeLimit is how large a listpack gets in a list, by Redis's default for list-max-listpack-size.
	nodeLimit = 8 << 10
	// entryEstimate is what Redis adds to an element's length for the rest of its entry when it looks at nodeLimit.
	entryEstimate = 8
	// plainElement is the length from which on an element has a node of its own.
	plainElement = 1 << 30
)

// appendTo appends a quicklist with the nodes that pushing at the tail leads to.
func (l List) appendTo(dst []byte, dealt func(elements int)) []byte {
	var q quicklistWriter
	for _, e := range l {
		q.push(e)
		dealt(1)
	}
	q.endNode()
	dst = append(dst, byte(typeListQuicklist2))
	return append(appendLength(dst, q.nodes), q.body...)
}

// quicklistWriter collects the nodes of a list.
type quicklistWriter struct {
	nodes uint64
	body  []byte
	node  listpackWriter
}

// push adds an element at the tail.
func (q *quicklistWriter) push(e []byte) {
	if len(e) >= plainElement {
		q.endNode()
		q.add(nodePlain, e)
		return
	}
	if q.node.count > 0 && q.node.size()+len(e)+entryEstimate > nodeLimit {
		q.endNode()
	}
	q.node.add(e)
}

// endNode adds the listpack that is being filled, if there is one.
func (q *quicklistWriter) endNode() {
	if q.node.count == 0 {
		return
	}
	q.add(nodePacked, q.node.finish())
	q.node.reset()
}

func (q *quicklistWriter) add(container uint64, data []byte) {
	q.nodes++
	q.body = appendString(appendLength(q.body, container), data)
}

// list reads the body of a list.
func (d *decoder) list(kind valueType) (Value, error) {
	var (
		elements [][]byte
		err      error
	)
	switch kind {
	case typeList:
		elements, err = d.table(1)
	case typeListZiplist:
		elements, err = d.ziplist()
	default:
		elements, err = d.quicklist(kind)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read a list: %w", err)
	case len(elements) == 0:
		return nil, errEmpty
	}
	return List(elements), nil
}

// table reads strings behind their number, which is that of tuples of so many strings.
func (d *decoder) table(tuple int) ([][]byte, error) {
	n, err := d.count(tuple)
	if err != nil {
		return nil, err
	}
	return d.strs(n * tuple)
}

// quicklist reads a list of nodes. Empty ones are skipped, as in Redis: old versions wrote some.
func (d *decoder) quicklist(kind valueType) ([][]byte, error) {
	n, err := d.count(1)
	if err != nil {
		return nil, err
	}
	var elements [][]byte
	for range n {
		node, err := d.quicklistNode(kind)
		if err != nil {
			return nil, err
		}
		elements = append(elements, node...)
	}
	return elements, nil
}

// quicklistNode returns the elements of a node.
func (d *decoder) quicklistNode(kind valueType) ([][]byte, error) {
	if kind == typeListQuicklist {
		return d.ziplist()
	}
	container, err := d.plainLength()
	switch {
	case err != nil:
		return nil, err
	case container == nodePacked:
		return d.listpack()
	case container == nodePlain:
		return d.plainNode()
	}
	return nil, fmt.Errorf("%w: quicklist node of kind %d", ErrFormat, container)
}

// plainNode reads a node that is one element, which cannot be empty.
func (d *decoder) plainNode() ([][]byte, error) {
	e, err := d.str()
	if err == nil && len(e) == 0 {
		err = fmt.Errorf("%w: empty plain node", ErrFormat)
	}
	if err != nil {
		return nil, err
	}
	return [][]byte{e}, nil
}
