package server

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"quipu/server/rdb"
	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// The differential test: a real redis-server and Quipu are sent the same random lines, and everything that they answer is compared. No
// expected value is written down anywhere. What is compared loosely, and what differs on purpose, stands in this file with the reason.

var (
	differentialCommands = flag.Int("differential.commands", 0, "commands that TestDifferential compares; 0: as many as the kind of run allows")
	differentialSeed     = flag.Uint64("differential.seed", 0, "seed of TestDifferential; 0: a new one each time")
)

// commandsToCompare is a matter of patience: a second or two in every test run, a minute in the long campaign. With -short, which the race
// detector slows down, it is enough to send everything.
func commandsToCompare() int {
	switch {
	case *differentialCommands > 0:
		return *differentialCommands
	case os.Getenv("QUIPU_TORTURE") != "":
		return 1_000_000
	case testing.Short():
		return 10_000
	}
	return 100_000
}

// smallestBulkLimit is the least that Redis takes for proto-max-bulk-len. The test sets it, so that lines which reach it cost little.
const smallestBulkLimit = 1 << 20

// epochLines is the number of lines after which both servers are emptied. What fails is looked for in the lines of one epoch.
const epochLines = 1000

// line is one command.
type line []string

func (l line) name() string { return strings.ToLower(l[0]) }

// key returns the first argument.
func (l line) key() string {
	if len(l) < 2 {
		return ""
	}
	return l[1]
}

// String returns the line as one types it into redis-cli.
func (l line) String() string {
	words := make([]string, len(l))
	for i, w := range l {
		words[i] = string(resp.AppendQuoted(nil, w))
	}
	return strings.Join(words, " ")
}

// expiresSoon reports whether the line may set an expiry that passes while the test runs, which two servers would not notice at the same
// line.
func (l line) expiresSoon() bool {
	soon := func(i int, limit int64) bool {
		if i >= len(l) {
			return false
		}
		n, err := strconv.ParseInt(l[i], 10, 64)
		return err == nil && 0 < n && n < limit
	}
	const seconds, millis = 100_000, 100_000_000
	switch l.name() {
	case "expire", "setex":
		return soon(2, seconds)
	case "pexpire", "psetex", "restore":
		return soon(2, millis)
	case "set", "getex":
		for i := range l {
			if strings.EqualFold(l[i], "EX") && soon(i+1, seconds) || strings.EqualFold(l[i], "PX") && soon(i+1, millis) {
				return true
			}
		}
	}
	return false
}

// difference is one on purpose.
type difference struct {
	what, why string
	example   []line // of which the last shows it
	is        func(l line, redis, quipu resp.Reply) bool
	seen      int
}

// differences lists what Quipu answers otherwise than Redis 7.0, with the reason. An entry whose example no longer shows it fails the test.
func differences() []*difference {
	return []*difference{
		{
			what: "OBJECT ENCODING after APPEND, SETRANGE, INCRBYFLOAT and PFADD",
			why: "Redis shows in which way a value came about: a number that APPEND made is raw until it is set again. Quipu shows what it is: " +
				"whatever reads as an integer is kept as one. A small HyperLogLog is raw in Redis, too, until the next restart makes it embstr.",
			example: []line{{"SET", "a", "1"}, {"APPEND", "a", "2"}, {"OBJECT", "ENCODING", "a"}},
			is: func(l line, redis, quipu resp.Reply) bool {
				return l.isSub("object", "encoding") && isOneOf(redis, "raw", "embstr") && isOneOf(quipu, "int", "embstr")
			},
		},
		{
			what: "OBJECT REFCOUNT",
			why: "Redis shares the objects of 0 to 9999 unless they came about by COPY, APPEND and the like, and counts what a queued command " +
				"still holds. Quipu has no objects to share, and shows what a SET by itself would have made.",
			example: []line{{"SET", "a", "1"}, {"COPY", "a", "b"}, {"OBJECT", "REFCOUNT", "b"}},
			is: func(l line, redis, quipu resp.Reply) bool {
				return l.isSub("object", "refcount") && redis.Kind == resp.KindInt && quipu.Kind == resp.KindInt
			},
		},
		{
			what: "OBJECT IDLETIME after RESTORE with IDLETIME",
			why:  "The engine keeps the times of the accesses that it saw, and no others.",
			example: []line{
				{"RESTORE", "a", "0", string(rdb.Append(nil, rdb.Int(1))), "IDLETIME", "1000"}, {"OBJECT", "IDLETIME", "a"},
			},
			is: func(l line, redis, quipu resp.Reply) bool {
				return l.isSub("object", "idletime") && redis.Int > clockSpread && quipu.Kind == resp.KindInt && quipu.Int <= clockSpread
			},
		},
		{
			what:    "HSCAN with NOVALUES",
			why:     "Redis has the word since 7.4.",
			example: []line{{"HSET", "h", "f", "v"}, {"HSCAN", "h", "0", "NOVALUES"}},
			is: func(l line, redis, quipu resp.Reply) bool {
				return l.name() == "hscan" && l.has("novalues") && string(redis.Text) == "ERR syntax error"
			},
		},
		{
			what:    "ZRANK and ZREVRANK with a fourth argument",
			why:     "WITHSCORE is of Redis 7.2; whatever else stands there is a syntax error since.",
			example: []line{{"ZRANK", "board", "a", "WITHSCORE"}},
			is: func(l line, redis, quipu resp.Reply) bool {
				return (l.name() == "zrank" || l.name() == "zrevrank") && len(l) == 4 && redis.Kind == resp.KindError
			},
		},
		{
			what:    "OBJECT HELP",
			why:     "The texts are made from the rows of the subcommands.",
			example: []line{{"OBJECT", "HELP"}},
			is: func(l line, redis, quipu resp.Reply) bool {
				return l.isSub("object", "help") && redis.Kind == resp.KindArray && quipu.Kind == resp.KindArray
			},
		},
	}
}

func (l line) isSub(container, sub string) bool {
	return len(l) > 1 && l.name() == container && strings.EqualFold(l[1], sub)
}

// has reports whether an argument of the line is the word, in any case.
func (l line) has(word string) bool {
	return slices.ContainsFunc(l[1:], func(arg string) bool { return strings.EqualFold(arg, word) })
}

func isOneOf(r resp.Reply, texts ...string) bool {
	return r.Kind == resp.KindBulk && slices.Contains(texts, string(r.Text))
}

// comparer decides whether two replies to a line agree.
type comparer struct {
	differences []*difference
	note        func(l line, accepted bool) // told of each command that Redis ran or refused; may be nil
	queued      []line                      // since MULTI
	inMulti     bool
}

// agree compares the replies to l, which is the next line of the connection.
func (c *comparer) agree(l line, redis, quipu resp.Reply) bool {
	switch name := l.name(); {
	case c.inMulti && name == "exec":
		c.inMulti = false
		return c.agreeAll(c.queued, redis, quipu)
	case c.inMulti && name == "discard":
		c.inMulti = false
	case c.inMulti && string(redis.Text) == "QUEUED":
		c.queued = append(c.queued, l)
	case name == "multi" && redis.Kind == resp.KindSimple:
		c.inMulti, c.queued = true, nil
	default:
		return c.agreeOne(l, redis, quipu)
	}
	return same(redis, quipu)
}

// agreeAll compares the replies to EXEC.
func (c *comparer) agreeAll(lines []line, redis, quipu resp.Reply) bool {
	if redis.Kind != resp.KindArray || quipu.Kind != resp.KindArray || len(redis.Elems) != len(lines) || len(quipu.Elems) != len(lines) {
		return same(redis, quipu)
	}
	for i, l := range lines {
		if !c.agreeOne(l, redis.Elems[i], quipu.Elems[i]) {
			return false
		}
	}
	return true
}

func (c *comparer) agreeOne(l line, redis, quipu resp.Reply) bool {
	if c.note != nil {
		c.note(l, redis.Kind != resp.KindError)
	}
	if same(redis, quipu) || alike(l, redis, quipu) {
		return true
	}
	for _, d := range c.differences {
		if d.is(l, redis, quipu) {
			d.seen++
			return true
		}
	}
	return false
}

// same reports whether two replies are equal in every byte and type.
func same(a, b resp.Reply) bool {
	return a.Kind == b.Kind && a.NoArray == b.NoArray && a.Int == b.Int && bytes.Equal(a.Text, b.Text) && a.Format == b.Format &&
		slices.EqualFunc(a.Elems, b.Elems, same)
}

// clockSpread is by how many seconds the clocks of the two servers may differ: Quipu's stands still for an epoch, which takes some 20 ms, or
// minutes on a machine that stands still meanwhile. The expiries that the test sets are further away than that by far.
const clockSpread = 600

// alike compares what no two servers answer alike to the byte: times, which depend on the clock, and lists of names, which depend on the
// order of a hash table.
func alike(l line, redis, quipu resp.Reply) bool {
	if redis.Kind != quipu.Kind {
		return false
	}
	switch l.name() {
	case "ttl", "expiretime":
		return closeTo(redis, quipu, clockSpread)
	case "pttl", "pexpiretime":
		return closeTo(redis, quipu, 1000*clockSpread)
	case "object":
		return l.isSub("object", "idletime") && redis.Kind == resp.KindInt && redis.Int <= clockSpread && quipu.Int <= clockSpread
	case "randomkey":
		return redis.Kind == resp.KindBulk
	case "keys":
		return sameNames(redis, quipu)
	case "scan", "hscan", "sscan", "zscan":
		return sameScan(redis, quipu)
	case "hkeys", "hvals", "smembers", "sunion", "sinter", "sdiff":
		return sameNames(redis, quipu)
	case "spop", "srandmember":
		return redis.Kind != resp.KindError && len(redis.Elems) == len(quipu.Elems)
	case "dump":
		return sameDump(redis.Text, quipu.Text)
	case "sort", "sort_ro":
		return sameSort(l, redis, quipu)
	case "hgetall":
		return samePairs(redis, quipu)
	case "hrandfield", "zrandmember":
		return len(redis.Elems) == len(quipu.Elems)
	}
	return false
}

// closeTo reports whether two times lie at most tolerance apart. The negative answers of TTL are no times.
func closeTo(a, b resp.Reply, tolerance int64) bool {
	return a.Kind == resp.KindInt && a.Int > 0 && b.Int > 0 && max(a.Int-b.Int, b.Int-a.Int) <= tolerance
}

// sameNames reports whether two arrays hold the same names in any order.
func sameNames(a, b resp.Reply) bool {
	names := func(r resp.Reply) []string {
		var list []string
		for _, e := range r.Elems {
			list = append(list, string(e.Text))
		}
		slices.Sort(list)
		return list
	}
	return isList(a) && isList(b) && slices.Equal(names(a), names(b))
}

func isList(r resp.Reply) bool { return r.Kind == resp.KindArray || r.Kind == resp.KindSet }

// sameDump reports whether two payloads hold the same set or hash, written in the order of two hash tables, or the same list, whose nodes
// tell of its past. All others are equal to the byte.
func sameDump(a, b []byte) bool {
	x, errA := rdb.Decode(a, smallestBulkLimit)
	y, errB := rdb.Decode(b, smallestBulkLimit)
	return errA == nil && errB == nil && a[0] == b[0] && inOrder(x) && inOrder(y) && reflect.DeepEqual(x, y)
}

// inOrder sorts what is in a value that has no order, and reports whether values of its type may be written in several ways.
func inOrder(v rdb.Value) bool {
	switch v := v.(type) {
	case rdb.List:
	case rdb.Set:
		slices.SortFunc(v.Members, bytes.Compare)
	case rdb.Hash:
		slices.SortFunc(v.Fields, func(a, b rdb.Field) int { return bytes.Compare(a.Name, b.Name) })
	default:
		return false
	}
	return true
}

// samePairs reports whether two maps, or lists of keys each followed by its value, hold the same in any order.
func samePairs(a, b resp.Reply) bool {
	pairs := func(r resp.Reply) map[string]string {
		m := map[string]string{}
		for i := 0; i+1 < len(r.Elems); i += 2 {
			m[string(r.Elems[i].Text)] = string(r.Elems[i+1].Text)
		}
		return m
	}
	return len(a.Elems) == len(b.Elems) && maps.Equal(pairs(a), pairs(b))
}

// sameScan compares one step of a walk: where both are complete the names are equal, and otherwise each server goes its own way.
func sameScan(a, b resp.Reply) bool {
	if len(a.Elems) != 2 || len(b.Elems) != 2 || a.Elems[0].Kind != b.Elems[0].Kind || a.Elems[1].Kind != b.Elems[1].Kind {
		return false
	}
	complete := string(a.Elems[0].Text) == "0" && string(b.Elems[0].Text) == "0"
	return !complete || sameNames(a.Elems[1], b.Elems[1])
}

// pair is a connection to each server.
type pair struct {
	t            *testing.T
	server       *testServer // Quipu
	redis, quipu *resptest.Client
}

// both sends the lines to the two servers and returns what they answer.
func (p *pair) both(lines []line) (redis, quipu []resp.Reply) {
	p.t.Helper()
	done := make(chan error, 1)
	go func() {
		var err error
		redis, err = exchange(p.redis, lines)
		done <- err
	}()
	quipu, err := exchange(p.quipu, lines)
	if err != nil {
		p.t.Fatalf("quipu: %v", err)
	}
	if err := <-done; err != nil {
		p.t.Fatalf("redis: %v", err)
	}
	return redis, quipu
}

// exchange sends all lines in one go and reads the replies meanwhile.
func exchange(c *resptest.Client, lines []line) ([]resp.Reply, error) {
	var raw []byte
	for _, l := range lines {
		args := make([]any, len(l))
		for i, word := range l {
			args[i] = word
		}
		raw = resptest.AppendCommand(raw, args...)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.Send(raw)
	}()
	defer func() { <-sent }()
	replies := make([]resp.Reply, len(lines))
	for i := range replies {
		var err error
		if replies[i], err = c.Receive(); err != nil {
			return nil, fmt.Errorf("reply to %v: %w", lines[i], err)
		}
	}
	return replies, nil
}

// reset empties both servers and makes the connections as good as new, speaking the protocol of that version. It also sets Quipu's clock,
// which stands still in tests, by Redis's.
func (p *pair) reset(protocol int) {
	p.server.now.Store(time.Now().UnixMilli())
	p.both([]line{{"DISCARD"}, {"UNWATCH"}, {"HELLO", strconv.Itoa(protocol)}, {"SELECT", "0"}, {"FLUSHALL"}})
}

// compare runs the lines on empty servers. It returns the first to which they answer otherwise, and ok if there is none. note is told
// which lines Redis accepts; it may be nil.
func (p *pair) compare(protocol int, lines []line, ds []*difference, note func(l line, accepted bool)) (v verdict, ok bool) {
	p.reset(protocol)
	redis, quipu := p.both(lines)
	c := comparer{differences: ds, note: note}
	for i, l := range lines {
		if !c.agree(l, redis[i], quipu[i]) {
			return verdict{i, redis[i], quipu[i]}, false
		}
	}
	return verdict{}, true
}

// minimal returns a few of the lines that still make the servers disagree: none of them can be left out.
func (p *pair) minimal(protocol int, lines []line) []line {
	disagree := func(lines []line) bool {
		_, ok := p.compare(protocol, lines, differences(), nil)
		return !ok
	}
	for size := len(lines) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(lines); {
			rest := slices.Concat(lines[:at], lines[at+size:])
			if disagree(rest) {
				lines = rest
				continue
			}
			at += size
		}
	}
	return lines
}

// verdict is a line to which the servers answered otherwise.
type verdict struct {
	at           int // index of the line
	redis, quipu resp.Reply
}

// report fails the test with the shortest lines that show what is wrong.
func (p *pair) report(seed uint64, protocol int, lines []line, v verdict) {
	p.t.Helper()
	p.t.Errorf("seed %d, protocol %d: %v\nRedis: %v\nQuipu: %v", seed, protocol, lines[v.at], v.redis, v.quipu)
	lines = p.minimal(protocol, lines[:v.at+1])
	v, ok := p.compare(protocol, lines, differences(), nil)
	if ok {
		p.t.Fatal("the same lines a second time: the servers agree")
	}
	var text strings.Builder
	for _, l := range lines[:v.at+1] {
		fmt.Fprintln(&text, l)
	}
	p.t.Fatalf("the shortest lines that show it, on empty servers:\n%sRedis: %v\nQuipu: %v", text.String(), v.redis, v.quipu)
}

// wholeScan makes Redis look at every key of a database. It counts what has expired and was not looked at since.
var wholeScan = line{"SCAN", "0", "COUNT", "1000000"}

// inspection returns lines that show all that there is in the databases of the test.
func inspection() []line {
	lines := []line{{"DISCARD"}, {"UNWATCH"}}
	for db := range 4 {
		lines = append(lines, line{"SELECT", strconv.Itoa(db)}, line{"KEYS", "*"}, wholeScan, line{"DBSIZE"})
		for _, key := range allKeys() {
			lines = append(lines, line{"GET", key}, line{"PEXPIRETIME", key}, line{"TYPE", key}, line{"OBJECT", "ENCODING", key})
			lines = append(lines, line{"DUMP", key}, line{"HGETALL", key}, line{"SMEMBERS", key}, line{"ZRANGE", key, "0", "-1", "WITHSCORES"})
		}
	}
	return lines
}

// comparedRows returns the rows whose commands are compared.
func comparedRows() []*Command {
	rows := slices.Concat(counterCommands(), stringCommands(), setCommands(), lcsCommands(), bitmapCommands(), hyperLogLogCommands(),
		memberCommands(), memberPickCommands(), setAlgebraCommands(),
		hashCommands(), hashCountCommands(), hashWalkCommands(), zsetRows(), listCommands(), listPopCommands(), listMoveCommands(), sortCommands(),
		keyCommands(), expireCommands(), scanCommands(), dumpCommands(), objectCommands(), databaseCommands())
	return slices.DeleteFunc(rows, func(row *Command) bool {
		return laterThanRedis(row.Since) || row.Name == "pfselftest" // which takes Redis seconds
	})
}

// dumpSamples returns DUMP payloads of values of every encoding, made by Redis.
func dumpSamples(redis *resptest.Client) []string {
	values := []string{
		"", "1", "-1", "127", "128", "-32768", "32768", "2147483647", "2147483648", "9223372036854775807", "3.14", "007", "text", "\x00\xff",
		strings.Repeat("a", 20), strings.Repeat("a", 21), strings.Repeat("abcdef", 40), strings.Repeat("x", 5000),
	}
	var dumps []string
	for _, v := range values {
		redis.Do("SET", "sample", v)
		dumps = append(dumps, string(redis.Do("DUMP", "sample").Text))
	}
	return append(dumps, collectionSamples(redis)...)
}

// collectionSamples is dumpSamples for collections: small ones, and such as are too large for a compact encoding, or were once.
func collectionSamples(redis *resptest.Client) []string {
	long := strings.Repeat("long", 20)
	var dumps []string
	for _, lines := range [][]line{
		{{"RPUSH", "sample", "1", "x", long, ""}},
		{{"RPUSH", "sample", strings.Repeat("node", 2000), "x", strings.Repeat("node", 2000)}},
		{{"SADD", "sample", "1", "2", "-70000"}},
		{{"SADD", "sample", "1", "x", long}},
		{{"SADD", "sample", "1", "x"}, {"SREM", "sample", "x"}},
		{{"HSET", "sample", "f", "1", "g", "x", "2", "1.5"}},
		{{"HSET", "sample", "f", long}},
		{{"HSET", "sample", "f", "1", "g", long}, {"HDEL", "sample", "g"}},
		{{"ZADD", "sample", "1", "a", "-inf", "b", "1", "1", "0.1", "c"}},
		{
			{"CONFIG", "SET", "zset-max-listpack-value", "64"},
			{"ZADD", "sample", "2", "b", "-0", long},
			{"CONFIG", "SET", "zset-max-listpack-value", "1000000"},
		},
	} {
		redis.Do("DEL", "sample")
		for _, l := range lines {
			args := make([]any, len(l))
			for i, word := range l {
				args[i] = word
			}
			redis.Do(args...)
		}
		dumps = append(dumps, string(redis.Do("DUMP", "sample").Text))
	}
	return dumps
}

// startBeside starts Quipu where resptest's clients can dial it.
func startBeside(t *testing.T, args ...string) (*testServer, *resptest.Server) {
	t.Helper()
	dir, err := os.MkdirTemp("", "quipu") // t.TempDir can be too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "sock")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := startServer(t, args...)
	server.Serve(ln)
	return server, &resptest.Server{Socket: socket}
}

// newPair starts both servers with the same parameters and connects to them.
func newPair(t *testing.T, args ...string) *pair {
	t.Helper()
	redis := resptest.Start(t, args...)
	server, quipu := startBeside(t, args...)
	return &pair{t: t, server: server, redis: redis.Dial(t), quipu: quipu.Dial(t)}
}

func TestDifferential(t *testing.T) {
	seed := *differentialSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	p := newPair(t, append(onlyListpacks, "--proto-max-bulk-len", strconv.Itoa(smallestBulkLimit))...)
	// Ranges of names among differing scores depend on how a set is kept, once it is large: TestDifferentialSortedSets has them.
	rows := slices.DeleteFunc(comparedRows(), isLex)
	g := newLineGen(seed, rows, dumpSamples(p.redis))
	g.lex = false
	p.campaign(seed, g, differences(), commandsToCompare())
}

// campaign compares so many random commands of the generator, and sees to it that all commands and options of its rows were among them.
// Some are rarely drawn such that Redis accepts them: for these, a short run goes on for a while.
func (p *pair) campaign(seed uint64, g *lineGen, ds []*difference, commands int) {
	p.t.Helper()
	sent := newTally(g)
	for n := 0; n < commands || n < 20*commands && len(sent.missing()) > 0; {
		lines, protocol := g.epoch(), 2+g.rng.IntN(2)
		if v, ok := p.compare(protocol, lines, ds, sent.note); !ok {
			p.report(seed, protocol, lines, v)
		}
		n += len(lines)
	}
	if names := sent.missing(); len(names) > 0 {
		p.t.Errorf("never sent, or never such that Redis accepts it: %v", names)
	}
}

func TestDifferencesExist(t *testing.T) {
	p := newPair(t)
	for _, d := range differences() {
		if _, ok := p.compare(2, d.example, []*difference{d}, nil); !ok || d.seen == 0 {
			t.Errorf("%s: the example does not show it, or something else (%s)", d.what, d.why)
		}
	}
}

// epoch returns the lines for one start from empty servers.
func (g *lineGen) epoch() []line {
	var lines []line
	for len(lines) < epochLines {
		lines = append(lines, g.next()...)
	}
	return append(lines, inspection()...)
}
