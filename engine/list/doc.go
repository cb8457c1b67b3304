// Package list is a sequence of byte strings, made for both ends, for ranges and for being written to disk a little at a time. It
// knows no locks, no keys and no disk: package engine gives it those.
//
// # Nodes
//
// Elements lie one behind the other in nodes of up to maxNode bytes, each node one piece of memory. An element beyond that has a node
// of its own. A node is what a change rewrites, in memory and on disk: large enough that what surrounds an element costs a few percent,
// small enough that an LPUSH which is committed by itself writes some 250 bytes.
//
// An element is encoded as in Redis's listpacks (entry.go): integers take 1 to 9 bytes, and the length of each entry stands behind it
// as well, so that a node is read from either end. The encoding of an element is unique, which makes comparing elements comparing bytes.
//
// # Order
//
// A node has a number, its id, and nodes are sorted by it: the id is the end of the node's key on disk. A list that grows at its ends
// counts up or down in large steps; a node in between takes the middle of the gap, and when a gap is used up, the nodes around it are
// numbered anew (number.go).
//
// Nodes hang in blocks of up to maxBlock, which count their elements. Finding an element by its index goes over the blocks from the
// nearer end, then over the nodes of one block, then over the entries of one node. With a million short elements that is a hundred
// steps each, about a microsecond in the middle of the list, and at the ends it is none.
//
// # Changes
//
// A node remembers whether the next commit and the next checkpoint have to write it; the ids of nodes that are gone are remembered as
// spans until both have been told (rows.go). No id is in a span and in use at once, so the rows of a list may be written in any order.
// A node that came and went between two commits leaves no trace, and a queue that is as fast as its consumers writes next to nothing.
//
// # Decisions
//
//   - Two levels instead of a tree: blocks are so few (ten thousand for a hundred million short elements) that walking over them costs
//     less than a tree's bookkeeping at every push would.
//   - Memory comes from a Memory, since the engine keeps it outside the Go heap, whose collector's headroom would double it.
//   - An emptied node's memory is kept for the next one, so that a queue in equilibrium allocates nothing.
package list
