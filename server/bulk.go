package server

import "sync"

// A commit gathers what all connections write while the one before it is on its way to the disk. If fifty of them write a hundred megabytes each,
// that is one commit of five gigabytes, for which everybody waits who writes anything. So commands with long arguments take turns: only so many
// bytes of them may be between execution and their commit at a time. Others are not held up, and wait for no more than these.
//
// What a command makes of what is there (COPY, SUNIONSTORE) is not known beforehand and not counted. It is limited by how many the processors
// can make at a time.
const (
	// bulkBytes is from how many bytes of arguments on a command takes turns. One that is shorter costs the others a few milliseconds.
	bulkBytes = 4 << 20
	// bulkLimit is how many bytes of such commands may be under way; one that is longer goes alone. They take the log 50 ms.
	bulkLimit = 64 << 20
)

// bulkGate lets commands with long arguments through.
type bulkGate struct {
	limit int64
	// turn is held by who waits next, so that many short ones do not keep a long one waiting for ever.
	turn sync.Mutex
	mu   struct {
		sync.Mutex
		underWay int64
		ended    *sync.Cond
	}
}

func newBulkGate(limit int64) *bulkGate {
	g := &bulkGate{limit: limit}
	g.mu.ended = sync.NewCond(&g.mu)
	return g
}

// enter waits until a command of so many bytes may be under way. Who has entered must not do so again before it has left, nor hold locks.
func (g *bulkGate) enter(bytes int64) {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.mu.underWay > 0 && g.mu.underWay+bytes > g.limit {
		g.mu.ended.Wait()
	}
	g.mu.underWay += bytes
}

// leave ends what enter began.
func (g *bulkGate) leave(bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.underWay -= bytes
	g.mu.ended.Broadcast()
}

// bulk returns the bytes of a command that has to take its turn, 0 for any other.
func (c *Conn) bulk(row *Command, args [][]byte) int64 {
	size := int64(0)
	switch {
	case row.full == "exec":
		if size = c.multi.bytes; size < bulkBytes || !c.multi.writes() {
			return 0
		}
		return size
	case c.reader.Size() < bulkBytes || !row.Is(FlagWrite):
		return 0
	}
	for _, arg := range args {
		size += int64(len(arg))
	}
	if size < bulkBytes {
		return 0
	}
	return size
}

// executeBulk is execute for a command that has to take its turn. Its turn lasts until its commit has landed.
func (c *Conn) executeBulk(row *Command, args [][]byte, bytes int64) {
	c.srv.bulk.enter(bytes)
	defer c.srv.bulk.leave(bytes)
	c.tick() // having waited is not the command's time
	c.execute(row, args)
	if need := c.txn.Need(); need != 0 {
		c.waitForCommit(need) //nolint:errcheck // flush meets the error again, and ends the connection
	}
}
