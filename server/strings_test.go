package server

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/engine"
	"quipu/server/config"
	"quipu/server/resp"
)

func TestClipRange(t *testing.T) {
	for _, tt := range []struct {
		start, end int64
		n          int
		from, to   int
	}{
		{0, 3, 10, 0, 4},
		{-3, -1, 10, 7, 10},
		{0, -1, 10, 0, 10},
		{5, 100, 10, 5, 10},
		{-100, 2, 10, 0, 3},
		{10, 20, 10, 0, 0},
		{3, 2, 10, 0, 0},
		{-1, -3, 10, 0, 0},
		{-100, -50, 10, 0, 1}, // both are moved to the first byte, as in Redis
		{0, 0, 0, 0, 0},
		{math.MinInt64, math.MaxInt64, 10, 0, 10},
		{math.MaxInt64, math.MinInt64, 10, 0, 0},
	} {
		if from, to := clipRange(tt.start, tt.end, tt.n); from != tt.from || to != tt.to {
			t.Errorf("clipRange(%d, %d, %d) = %d, %d, want %d, %d", tt.start, tt.end, tt.n, from, to, tt.from, tt.to)
		}
	}
}

func TestParseCursor(t *testing.T) {
	for _, tt := range []struct {
		arg  string
		want uint64
		ok   bool
	}{
		{"0", 0, true},
		{"", 0, true},
		{"18446744073709551615", math.MaxUint64, true},
		{"18446744073709551616", 0, false},
		{"-1", math.MaxUint64, true}, // strtoul wraps
		{"+7", 7, true},
		{"-", 0, false},
		{" 1", 0, false},
		{"1 ", 0, false},
		{"0x10", 0, false},
		{"1_0", 0, false},
	} {
		if got, ok := parseCursor([]byte(tt.arg)); got != tt.want || ok != tt.ok {
			t.Errorf("parseCursor(%q) = %d, %v, want %d, %v", tt.arg, got, ok, tt.want, tt.ok)
		}
	}
}

// bench is a handler's surroundings without a connection.
type bench struct {
	call  Call
	write bool
	out   resp.Writer
}

// newBench returns what row needs to run on the arguments.
func newBench(t testing.TB, eng *engine.Engine, row *Command, args ...string) *bench {
	cfg, err := config.Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{write: row.Is(FlagWrite)}
	b.call = Call{Txn: eng.NewTxn(), Out: &b.out, Cmd: row, Srv: &Server{cfg: cfg}}
	for _, arg := range args {
		b.call.Args = append(b.call.Args, []byte(arg))
	}
	for _, pos := range row.KeyPositions(nil, b.call.Args) {
		b.call.Keys = append(b.call.Keys, eng.Key(0, b.call.Args[pos]))
	}
	b.run(t)
	return b
}

// run executes the command once, as the dispatcher does.
func (b *bench) run(t testing.TB) {
	b.call.Txn.Lock(b.call.Keys, b.write)
	err := b.call.Cmd.Run(&b.call)
	b.call.Txn.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	b.call.Txn.ClearNeed()
	b.out.Reset()
}

// hotCommands are those that counters live by.
func hotCommands() map[*Command][]string {
	return map[*Command][]string{
		incrRow():    {"INCR", "counter"},
		decrRow():    {"DECR", "counter"},
		incrByRow():  {"INCRBY", "counter", "1234567"},
		decrByRow():  {"DECRBY", "counter", "1234567"},
		getRow():     {"GET", "counter"},
		mgetRow():    {"MGET", "counter", "text", "absent"},
		setRow():     {"SET", "counter", "123456789"},
		incrExRow():  {"INCREX", "counter", "BYINT", "3", "UBOUND", "1000000000", "EX", "60", "ENX"},
		setBitRow():  {"SETBIT", "bits", "123456", "1"},
		getBitRow():  {"GETBIT", "bits", "123456"},
		pfAddRow():   {"PFADD", "hll", "a", "b"},
		hIncrByRow(): {"HINCRBY", "hash", "hits", "1"},
		hSetRow():    {"HSET", "hash", "hits", "5", "name", "somebody"},
		hGetRow():    {"HGET", "hash", "hits"},
		hmgetRow():   {"HMGET", "hash", "hits", "name", "absent"},
		hExistsRow(): {"HEXISTS", "wide", "field:7"},
		hGetAllRow(): {"HGETALL", "hash"},
	}
}

// largeHash returns HSET of so many fields that the hash is no longer written whole.
func largeHash() []string {
	args := []string{"HSET", "wide"}
	for i := range 1000 {
		args = append(args, fmt.Sprintf("field:%d", i), strconv.Itoa(i))
	}
	return args
}

func TestLargeHashesDoNotAllocate(t *testing.T) {
	eng := openMemory(t)
	newBench(t, eng, hSetRow(), largeHash()...)
	for row, args := range map[*Command][]string{
		hIncrByRow(): {"HINCRBY", "wide", "field:77", "1"},
		hSetRow():    {"HSET", "wide", "field:77", "5", "field:78", "6"},
		hGetRow():    {"HGET", "wide", "field:77"},
	} {
		b := newBench(t, eng, row, args...)
		if n := testing.AllocsPerRun(1000, func() { b.run(t) }); n != 0 {
			t.Errorf("%v: %v allocations", args, n)
		}
	}
}

func TestLargeSetsAndListsDoNotAllocate(t *testing.T) {
	eng := openMemory(t)
	for i := range 2000 {
		newBench(t, eng, sAddRow(), "SADD", "visitors", fmt.Sprintf("visitor:%d", i))
		newBench(t, eng, rPushRow(), "RPUSH", "jobs", fmt.Sprintf("job:%d", i))
	}
	for row, args := range map[*Command][]string{
		sAddRow():      {"SADD", "visitors", "visitor:77", "visitor:78"},
		sIsMemberRow(): {"SISMEMBER", "visitors", "nobody"},
		lPushRow():     {"LPUSH", "jobs", "job:12345"},
		lPopRow():      {"LPOP", "jobs"},
		rPopRow():      {"RPOP", "jobs"},
		lIndexRow():    {"LINDEX", "jobs", "-1"},
	} {
		b := newBench(t, eng, row, args...)
		if n := testing.AllocsPerRun(500, func() { b.run(t) }); n != 0 {
			t.Errorf("%v: %v allocations", args, n)
		}
	}
}

// openMemory opens an engine that keeps nothing.
func openMemory(t testing.TB) *engine.Engine {
	eng, err := engine.Open(engine.Options{
		Dir: "data", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler), Fatal: func(err error) { panic(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	})
	return eng
}

func TestHotCommandsDoNotAllocate(t *testing.T) {
	eng := openMemory(t)
	newBench(t, eng, setRow(), "SET", "text", "some text that is no number")
	newBench(t, eng, setBitRow(), "SETBIT", "bits", "9999999", "1")
	for row, args := range hotCommands() {
		b := newBench(t, eng, row, args...)
		if n := testing.AllocsPerRun(1000, func() { b.run(t) }); n != 0 {
			t.Errorf("%v: %v allocations", args, n)
		}
	}
}

func BenchmarkHotCommands(b *testing.B) {
	eng := openMemory(b)
	for row, args := range hotCommands() {
		b.Run(row.Name, func(b *testing.B) {
			h := newBench(b, eng, row, args...)
			for b.Loop() {
				h.run(b)
			}
		})
	}
}
