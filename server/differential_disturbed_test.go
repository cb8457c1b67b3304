package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/engine"
	"quipu/persist/memdisk"
	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// TestDifferentialDisturbed is TestDifferential for what no client may notice: between its lines Quipu writes checkpoints, drops from memory
// what it can and reads it back, and loses its power.
func TestDifferentialDisturbed(t *testing.T) {
	seed := *differentialSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	d := newDisturbed(t, seed)
	// Where scores differ, ranges of names depend on how a sorted set is kept, and these are large.
	g := newLineGen(seed, slices.DeleteFunc(comparedRows(), isLex), dumpSamples(d.redis))
	g.lex = false
	for sent, all := 0, commandsToCompare()/10; sent < all; {
		lines := append(g.large(), g.epoch()...)
		d.epoch(seed, 2+g.rng.IntN(2), lines)
		sent += len(lines)
	}
	t.Logf("%d entries were evicted while lines ran", d.evicted)
	if d.evicted == 0 && !testing.Short() { // a single epoch may not come to it
		t.Errorf("seed %d: nothing was ever evicted while lines ran", seed)
	}
}

// disturbed is a pair of which Quipu has a disk of its own that can lose its power.
type disturbed struct {
	pair
	disk *memdisk.FS
	args []string
	rng  *rand.Rand
	told []string // what was done between lines, for who looks for the fault

	pressed bool  // memory is limited
	before  int64 // entries evicted when that began
	evicted int64 // entries, while lines ran
}

func newDisturbed(t *testing.T, seed uint64) *disturbed {
	t.Helper()
	args := append(slices.Clone(onlyListpacks), "--proto-max-bulk-len", fmt.Sprint(smallestBulkLimit))
	redis := resptest.Start(t, args...)
	d := &disturbed{pair: pair{t: t, redis: redis.Dial(t)}, disk: memdisk.New(), args: args, rng: rand.New(rand.NewPCG(seed, 1))}
	d.start()
	return d
}

// start starts Quipu on its disk and connects to it.
func (d *disturbed) start() {
	d.t.Helper()
	dir, err := os.MkdirTemp("", "quipu") // t.TempDir can be too long for a socket's name
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "sock")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		d.t.Fatal(err)
	}
	d.server = startServerOn(d.t, d.disk, d.args...)
	d.server.Serve(ln)
	d.quipu = (&resptest.Server{Socket: socket}).Dial(d.t)
}

// encodingsAnew is a difference that shows after a power cut only.
func encodingsAnew() *difference {
	return &difference{
		what: "OBJECT ENCODING and DUMP after a start",
		why: "They show in which way a value came about since the server was started, in Redis, too, when it reads an RDB file. What DUMP holds " +
			"is compared by other lines.",
		is: func(l line, redis, quipu resp.Reply) bool {
			return (l.isSub("object", "encoding") || l.name() == "dump") && redis.Kind == resp.KindBulk && quipu.Kind == resp.KindBulk
		},
	}
}

// epoch compares what both servers answer to the lines, on empty servers, and disturbs Quipu now and then.
func (d *disturbed) epoch(seed uint64, protocol int, lines []line) {
	d.t.Helper()
	d.reset(protocol)
	d.told = nil
	c := comparer{differences: append(differences(), encodingsAnew())}
	for at := 0; at < len(lines); {
		part := lines[at:min(at+1+d.rng.IntN(200), len(lines))]
		redis, quipu := d.both(part)
		for i, l := range part {
			if !c.agree(l, redis[i], quipu[i]) {
				d.t.Fatalf("seed %d, protocol %d, line %d of %d: %v\nRedis: %v\nQuipu: %v\nbefore:\n%s", seed, protocol, at+i, len(lines), l, redis[i], quipu[i],
					d.history(lines[:at+i], l))
			}
		}
		if at += len(part); d.disturb(at) {
			c.inMulti = false
			both := []line{{"HELLO", fmt.Sprint(protocol)}}
			d.redis.Do("RESET")
			d.both(both)
		}
	}
	d.release()
}

// history returns the last lines that name something that l names, and what was done between lines.
func (d *disturbed) history(lines []line, l line) string {
	var text strings.Builder
	for i, before := range lines {
		if slices.ContainsFunc(before[1:], func(word string) bool { return slices.Contains(l[1:], word) }) {
			fmt.Fprintln(&text, i, before)
		}
	}
	return text.String() + strings.Join(d.told, "\n")
}

// disturb does something to Quipu before the line at, or nothing, and reports whether the connection is a new one.
func (d *disturbed) disturb(at int) (reconnected bool) {
	what := ""
	d.release()
	switch d.rng.IntN(10) {
	case 0:
		what = "checkpoint"
		d.checkpoint()
	case 1:
		what = "checkpoint under way"
		d.server.eng.ScheduleCheckpoint()
	case 2:
		what = "eviction"
		d.evict()
	case 3, 4, 5:
		what = "eviction under way"
		d.press()
	case 6:
		kept := 50 * d.rng.IntN(3)
		what = fmt.Sprintf("power cut that keeps %d %% of what was not synced", kept)
		d.cutPower(kept)
		reconnected = true
	default:
		return false
	}
	d.told = append(d.told, fmt.Sprintf("%s before line %d", what, at))
	return reconnected
}

func (d *disturbed) checkpoint() {
	d.t.Helper()
	if err := d.server.eng.Checkpoint(context.Background()); err != nil && !errors.Is(err, engine.ErrCheckpointRunning) {
		d.t.Fatal(err)
	}
}

// evict has the engine drop all that it can.
func (d *disturbed) evict() {
	d.t.Helper()
	if d.rng.IntN(2) == 0 {
		d.checkpoint() // else the evictor asks for one
	}
	eng := d.server.eng
	eng.SetMaxMemory(1)
	for range 100 {
		before := eng.UsedMemory()
		time.Sleep(time.Millisecond)
		if eng.UsedMemory() == before {
			break
		}
	}
	eng.SetMaxMemory(0)
}

// pressedRoom is how many bytes the lines have under a limit, beyond what can not be dropped: enough for the tables of the names that come
// with them, since these stay, and little beside the values, which have to go.
const pressedRoom = 64 << 10

// press has the engine evict while lines run, until release.
func (d *disturbed) press() {
	d.t.Helper()
	d.evict()
	eng := d.server.eng
	d.pressed, d.before = true, eng.Stats().Evicted
	eng.SetMaxMemory(eng.UsedMemory() + pressedRoom)
}

// release lifts the limit of press, if there is one.
func (d *disturbed) release() {
	if !d.pressed {
		return
	}
	d.pressed = false
	d.server.eng.SetMaxMemory(0)
	d.evicted += d.server.eng.Stats().Evicted - d.before
}

// cutPower has Quipu begin anew with what a power cut leaves of its disk: all that it has acknowledged, and some of what it has not synced.
func (d *disturbed) cutPower(kept int) {
	d.t.Helper()
	now := d.server.now.Load()
	d.disk = d.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: d.rng})
	d.quipu.Close()
	d.server.stop()
	d.start()
	d.server.now.Store(now)
}

// large returns lines that make some collections so large that the engine keeps their elements apart, and can drop them one by one.
func (g *lineGen) large() (lines []line) {
	for _, of := range []struct{ command, group string }{{"HSET", "hash"}, {"SADD", "set"}, {"ZADD", "sorted-set"}, {"RPUSH", "list"}} {
		key := pick(g, groupKeys[of.group])
		for part := range g.rng.IntN(20) {
			l := line{of.command, key}
			for i := range 100 {
				element := fmt.Sprint("element ", 100*part+i)
				switch of.command {
				case "HSET":
					l = append(l, element, fmt.Sprint(i))
				case "ZADD":
					l = append(l, fmt.Sprint(g.rng.IntN(1000)), element)
				default:
					l = append(l, element)
				}
			}
			lines = append(lines, l)
		}
	}
	return lines
}
