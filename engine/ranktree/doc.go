// Package ranktree keeps (score, member) pairs in order and knows the rank of each: the ordered half of a sorted set, whose other
// half, from a member to its score, is a hash table of the engine's. It is derived data: nothing of it is ever on disk.
//
// # Shape
//
// A Tree is a counted B+tree. Its leaves (leaf.go) are 512-byte pages that the caller's Pages hands out, from outside the Go heap;
// they hold the members' bytes themselves, so that a comparison needs no other memory and a leaderboard of a million members
// gives the garbage collector only its inner nodes (node.go) to look at: some forty thousand short lines. An inner node knows how
// many entries are below each of its children, which makes a rank a sum along one path.
//
// # Leaves are written small
//
// A leaf is encoded by what its entries have in common. Scores become integers that sort like them; a leaf stores its lowest one
// and, for each entry, the distance to it in as many bytes as the largest distance of the leaf needs, without the low bits that are
// zero in all of them: one or two bytes where scores are whole numbers or times, none where they are equal. The bytes that all
// members of a leaf begin with are stored once. An entry that goes by these rules is added by moving a few hundred bytes within its
// page; one that does not has its leaf encoded anew, and so has one for which there is no room, together with a neighbour
// (spread.go). With 16-byte names and whole scores an entry takes about twenty bytes, half of what a plain encoding at the usual two
// thirds of occupation would.
//
// A member longer than 126 bytes is a Go object, and its leaf holds a number for it: however long members are, a page holds at least
// three.
//
// # Separators
//
// What tells two neighbouring children apart in an inner node is as short as it can be: a score alone where the scores differ, and
// otherwise the shortest beginning of the right one's first member that the left one's last does not reach. So a search compares whole
// scores, eight bytes each, until it is among equals.
//
// # Decisions
//
//   - Not a skip list, which is what Redis has: a step of it is a cache miss, and its nodes cost 40 bytes beyond name and score. A
//     path here is three nodes that stay in the cache and one leaf that does not.
//   - Leaves are not linked to each other; a Cursor keeps its path. Two links would cost 3 % of each page for what is three
//     instructions more per leaf.
//   - Two leaves that are full become three, not one two: 2 of 10 bytes less in total, for a microsecond more in one of ten insertions.
//   - An entry that is added behind all others begins a leaf of its own and leaves full ones behind: times and numbers that only grow
//     are the keys of every log and window.
//   - Minus zero equals zero in order, as IEEE 754 and Redis have it, but comes back as it went in: the sign has a bit beside the
//     member's length.
package ranktree
