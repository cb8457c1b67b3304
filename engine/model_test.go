package engine

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// modelDatabases is how many logical databases the model test uses.
const modelDatabases = 3

// model is an engine beside a plain map that must always agree with it. It is one client: what it has done is known exactly.
type model struct {
	t     *testing.T
	rnd   *rand.Rand
	fs    *memdisk.FS
	e     *Engine
	x     *Txn
	clock atomic.Int64
	dbs   [modelDatabases]map[string]cell
	// elements are those of the names whose cell is packed; the cell's num is then their kind.
	elements [modelDatabases]map[string]map[string]Value
	names    []string
	log      bool // the engine writes a commit log
	lists    bool // nearly all operations are on lists
	trace    []string
}

// torture multiplies the length of random tests when QUIPU_TORTURE is set.
func torture(n int) int {
	if os.Getenv("QUIPU_TORTURE") != "" {
		return n * 30
	}
	return n
}

func TestModel(t *testing.T) {
	for seed := range uint64(torture(4)) {
		steps := 1500
		if hurried(t) {
			steps = 300
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runModel(t, seed, steps) })
	}
}

func runModel(t *testing.T, seed uint64, steps int) {
	newModel(t, seed, modelNames()).run(steps, (*model).step)
}

// newModel opens an engine. What a failed test has done last is logged.
func newModel(t *testing.T, seed uint64, names []string) *model {
	m := &model{t: t, rnd: rand.New(rand.NewPCG(seed, 7)), fs: memdisk.New(), log: seed%3 != 2, names: names}
	m.clock.Store(1_700_000_000_000)
	for i := range m.dbs {
		m.dbs[i], m.elements[i] = map[string]cell{}, map[string]map[string]Value{}
	}
	m.open()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d, last steps:\n%s", seed, strings.Join(m.trace[max(0, len(m.trace)-40):], "\n"))
		}
	})
	return m
}

// run makes steps until the test fails, compares everything and closes the engine.
func (m *model) run(steps int, step func(m *model)) {
	for range steps {
		if step(m); m.t.Failed() {
			return
		}
	}
	m.checkAll()
	m.must(m.e.Close())
}

// modelNames: spread names, names of one slot, names of the side list, names at the edges of a length.
func modelNames() []string {
	names := []string{"", "a", "\x00", strings.Repeat("n", maxNearName), strings.Repeat("f", maxNearName+1), strings.Repeat("g", 1000)}
	for i := range 60 {
		names = append(names, fmt.Sprintf("spread:%d", i))
	}
	for i := range 40 {
		names = append(names, fmt.Sprintf("{one}%d", i), fmt.Sprintf("{far}%s%d", strings.Repeat("x", 280), i%7))
	}
	return names
}

func (m *model) open() {
	m.t.Helper()
	m.e = openTest(m.t, m.fs, func(o *Options) {
		o.Databases = modelDatabases
		o.AppendOnly = m.log
		o.Clock = m.clock.Load
		o.SegmentBytes = 64 << 10
		o.PieceBytes = 1 << 10
		o.CheckpointLogBytes = 1 << 40
	})
	m.e.SetActiveExpire(false)
	m.x = m.e.NewTxn()
}

func (m *model) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

// hasRunOut: a key is there that is a hash whose fields have all expired. It is met until somebody opens it or the background comes by.
func (m *model) hasRunOut(db int, name string) bool {
	c := m.dbs[db][name]
	return c.packed && (c.expireAt == 0 || c.expireAt >= m.clock.Load()) && !m.sweepFields(m.elements[db][name])
}

// get returns the model's view of a key, absent when it has expired.
func (m *model) get(db int, name string) (cell, bool) {
	c, ok := m.dbs[db][name]
	if ok && c.expireAt != 0 && c.expireAt < m.clock.Load() {
		return cell{}, false
	}
	if c.packed && !m.sweepFields(m.elements[db][name]) {
		return cell{}, false
	}
	return c, ok
}

func (m *model) step() {
	switch n := m.rnd.IntN(1000); {
	case n < 800:
		m.operate()
	case n < 850:
		m.clock.Add(m.rnd.Int64N(400))
	case n < 860:
		m.bulk()
	case n < 880:
		m.note("checkpoint")
		m.checkpoint()
	case n < 930:
		m.evict()
	case n < 935:
		m.expireAll()
	case n < 945:
		m.exchange()
	case n < 965:
		m.checkOne()
	case n < 975:
		m.scan()
	case n < 981:
		m.limit()
	case n < 984:
		m.switchLog()
	case n < 990:
		m.reopen()
	case n < 995:
		m.crash()
	default:
		m.checkAll()
	}
}

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// checkpoint waits for one that the evictor may be running, and runs its own.
func (m *model) checkpoint() {
	m.t.Helper()
	m.must(m.e.cleanUp())
}

func (m *model) wait() {
	m.t.Helper()
	m.must(m.e.Wait(m.x.Need()))
	m.x.ClearNeed()
}

// operate runs one to five operations under one lock of some kind.
func (m *model) operate() {
	n := 1 + m.rnd.IntN(5)
	keys, ends := make([]Key, 0, n), make([]int, n)
	for i := range n {
		db, name := m.rnd.IntN(modelDatabases), []byte(m.names[m.rnd.IntN(len(m.names))])
		if i > 0 && m.rnd.IntN(3) == 0 {
			db, name = int(keys[i-1].DB), keys[i-1].Name
		}
		keys = m.e.AppendKey(keys, db, name)
		ends[i] = i + 1
	}
	switch m.rnd.IntN(8) {
	case 0:
		m.note("lock all")
		m.x.LockAll()
		m.runKeys(keys)
		m.x.Unlock()
	case 1, 2, 3:
		m.note("lock %d", n)
		m.x.Lock(keys, true)
		m.runKeys(keys)
		m.x.Unlock()
	default:
		for len(keys) > 0 {
			n := m.x.LockBatch(keys, ends[:len(keys)], true)
			m.note("batch %d", n)
			m.x.TouchMembers([]Member{{0, keys[0].Name}, {n / 2, keys[0].Name}, {n, keys[0].Name}})
			m.runKeys(keys[:n])
			m.x.Unlock()
			keys = keys[n:]
		}
	}
	m.wait()
}

func (m *model) runKeys(keys []Key) {
	for i := range keys {
		m.runKey(keys[i], keys)
	}
}

func (m *model) runKey(k Key, keys []Key) {
	m.t.Helper()
	db, name := int(k.DB), string(k.Name)
	old, had := m.get(db, name)
	m.purge(k)
	op := m.rnd.IntN(19)
	if m.lists && m.rnd.IntN(10) > 0 {
		op = 15
	}
	switch op {
	case 0, 1, 2:
		m.incr(k, old, had)
	case 3:
		n := m.rnd.Int64() >> m.rnd.IntN(64)
		at := m.expiry()
		m.note("set %d %.20q %d at %d", db, name, n, at)
		m.must(m.x.SetInt(k, n, at))
		m.put(db, name, cell{isInt: true, num: n, expireAt: m.kept(at, old)})
	case 4, 5:
		m.setString(k, old)
	case 6, 7:
		m.note("del %d %.20q", db, name)
		if got := m.x.Delete(k); got != had {
			m.t.Errorf("Delete(%.20q) = %v, want %v", name, got, had)
		}
		delete(m.dbs[db], name)
	case 8:
		m.expireKey(k, old, had)
	case 9:
		m.copy(k, keys[m.rnd.IntN(len(keys))])
	case 10, 11, 12:
		m.changeHash(k, old, had)
	case 13:
		m.changeSet(k, old, had)
	case 14:
		m.changeSortedSet(k, old, had)
	case 15, 16:
		m.changeList(k, old, had)
	default:
		m.read(k)
	}
}

func (m *model) put(db int, name string, c cell) { m.dbs[db][name] = c }

// expiry draws an expiry: mostly none, or near, or in the past, or kept.
func (m *model) expiry() int64 {
	switch m.rnd.IntN(5) {
	case 0:
		return m.clock.Load() + m.rnd.Int64N(600) - 20
	case 1:
		return KeepTTL
	default:
		return 0
	}
}

func (m *model) kept(at int64, old cell) int64 {
	if at == KeepTTL {
		return old.expireAt
	}
	return at
}

func (m *model) incr(k Key, old cell, had bool) {
	m.t.Helper()
	delta := m.rnd.Int64N(1 << m.rnd.IntN(63))
	if m.rnd.IntN(2) == 0 {
		delta = -delta
	}
	if m.rnd.IntN(50) == 0 {
		delta = []int64{math.MaxInt64, math.MinInt64}[m.rnd.IntN(2)]
	}
	m.note("incrby %d %.20q %d", k.DB, k.Name, delta)
	got, err := m.x.IncrBy(k, delta)
	want, wantErr := int64(0), error(nil)
	switch {
	case had && old.packed:
		wantErr = ErrWrongType
	case had && !old.isInt:
		wantErr = ErrNotInteger
	default:
		want, wantErr = add(old.num, delta)
	}
	if got != want || err != wantErr {
		m.t.Errorf("IncrBy(%.20q, %d) = %d, %v; want %d, %v", k.Name, delta, got, err, want, wantErr)
	}
	if wantErr == nil {
		m.put(int(k.DB), string(k.Name), cell{isInt: true, num: want, expireAt: old.expireAt})
	}
}

func (m *model) setString(k Key, old cell) {
	m.t.Helper()
	size := []int{0, 1, 5, maxShort - 1, maxShort, maxShort + 1, 3000, maxBlob + m.rnd.IntN(2)}[m.rnd.IntN(8)]
	value := bytes.Repeat([]byte{byte('a' + m.rnd.IntN(26))}, size)
	at := m.expiry()
	m.note("set %d %.20q %d bytes at %d", k.DB, k.Name, size, at)
	m.must(m.x.SetString(k, value, at))
	m.put(int(k.DB), string(k.Name), cell{str: value, expireAt: m.kept(at, old)})
}

func (m *model) expireKey(k Key, old cell, had bool) {
	m.t.Helper()
	at := m.expiry()
	if at == KeepTTL {
		at = 0
	}
	m.note("expire %d %.20q at %d", k.DB, k.Name, at)
	if got := m.x.Expire(k, at); got != had {
		m.t.Errorf("Expire(%.20q) = %v, want %v", k.Name, got, had)
	}
	switch {
	case had && at != 0 && at <= m.x.Now():
		delete(m.dbs[k.DB], string(k.Name))
	case had:
		old.expireAt = at
		m.put(int(k.DB), string(k.Name), old)
	}
}

func (m *model) copy(from, to Key) {
	m.t.Helper()
	m.note("copy %d %.20q to %d %.20q", from.DB, from.Name, to.DB, to.Name)
	m.must(m.x.Copy(from, to))
	if c, ok := m.get(int(from.DB), string(from.Name)); ok {
		m.put(int(to.DB), string(to.Name), c)
		if c.packed {
			m.elements[to.DB][string(to.Name)] = maps.Clone(m.elements[from.DB][string(from.Name)])
		}
	}
}

func (m *model) read(k Key) {
	m.t.Helper()
	want, had := m.get(int(k.DB), string(k.Name))
	m.purge(k)
	v, ok := m.x.Get(k)
	if ok && had && want.packed {
		m.readElements(k, v, want)
		return
	}
	got := cell{isInt: v.Kind == Int, num: v.Int, str: v.Str, expireAt: v.ExpireAt}
	if ok != had || ok && !equalCells(got, want) {
		m.t.Errorf("Get(%d, %.20q) = %+v, %v; want %+v, %v", k.DB, k.Name, got, ok, want, had)
	}
}

// bulk fills one slot until its tables split, or empties it.
func (m *model) bulk() {
	db, from, remove := m.rnd.IntN(modelDatabases), m.rnd.IntN(4000), m.rnd.IntN(2) == 0
	m.note("bulk db %d from %d remove %v", db, from, remove)
	at := m.expiry()
	for i := range 1000 {
		name := fmt.Sprintf("{bulk}%d", from+i)
		keys := []Key{m.e.Key(db, []byte(name))}
		m.x.Lock(keys, true)
		if _, had := m.get(db, name); remove {
			if m.x.Delete(keys[0]) != had {
				m.t.Errorf("Delete(%s) did not find it: %v", name, had)
			}
			delete(m.dbs[db], name)
		} else {
			old, _ := m.get(db, name)
			m.must(m.x.SetInt(keys[0], int64(i), at))
			m.put(db, name, cell{isInt: true, num: int64(i), expireAt: m.kept(at, old)})
		}
		m.x.Unlock()
	}
	m.wait()
}

// evict drops what is clean from all slots.
func (m *model) evict() {
	m.note("evict")
	for _, db := range m.e.physical() {
		for i := range db.slots {
			m.e.sweepSlot(&db.slots[i], flags.cold)
		}
	}
}

// limit changes the limit of memory, so that the evictor works beside the steps that follow.
func (m *model) limit() {
	limit := int64(0)
	if m.rnd.IntN(2) == 0 {
		limit = 1 + m.e.UsedMemory()/(1+m.rnd.Int64N(3))
	}
	m.note("limit %d", limit)
	m.e.SetMaxMemory(limit)
}

// expireAll removes what has expired, in the background's way.
func (m *model) expireAll() {
	m.t.Helper()
	m.note("expire all")
	for db := range m.dbs {
		for name := range m.dbs[db] {
			if _, ok := m.get(db, name); !ok {
				delete(m.dbs[db], name)
			}
		}
		d := m.e.dbs[db].Load()
		for i := 0; d != nil && i < len(d.slots); i++ {
			if next := d.nextExpiry[i].Load(); next != 0 && next <= m.clock.Load() {
				m.must(m.e.expireSlot(m.x, d, i))
			}
		}
		expiries := int64(0)
		for _, c := range m.dbs[db] {
			expiries += int64(boolInt(c.expireAt != 0))
		}
		if keys, got, _ := m.x.Keyspace(db); keys != int64(len(m.dbs[db])) || got != expiries || m.x.Len(db) != keys {
			m.t.Errorf("database %d has %d keys, %d expiries; want %d, %d", db, keys, got, len(m.dbs[db]), expiries)
		}
	}
	m.wait()
}

// exchange empties or exchanges databases.
func (m *model) exchange() {
	a, b := m.rnd.IntN(modelDatabases), m.rnd.IntN(modelDatabases)
	m.x.LockAll()
	switch m.rnd.IntN(8) {
	case 0:
		m.note("flushall")
		m.x.FlushAll()
		for i := range m.dbs {
			clear(m.dbs[i])
		}
	case 1, 2:
		m.note("flushdb %d", a)
		m.x.FlushDB(a)
		clear(m.dbs[a])
	default:
		m.note("swapdb %d %d", a, b)
		m.x.SwapDB(a, b)
		m.dbs[a], m.dbs[b] = m.dbs[b], m.dbs[a]
		m.elements[a], m.elements[b] = m.elements[b], m.elements[a]
	}
	if m.rnd.IntN(2) == 0 {
		m.runKey(m.e.Key(b, []byte("spread:1")), []Key{m.e.Key(a, []byte("spread:2"))})
	}
	m.x.Unlock()
	m.wait()
}

// switchLog turns the log off or on.
func (m *model) switchLog() {
	m.log = !m.log
	m.note("appendonly %v", m.log)
	m.must(m.e.SetAppendOnly(m.log))
}

// reopen closes and opens again.
func (m *model) reopen() {
	m.note("reopen")
	if !m.log {
		m.checkpoint()
	}
	m.must(m.e.Close())
	m.open()
}

// crash goes on with what a power cut leaves of the disk. All was waited for, so nothing may be missing.
func (m *model) crash() {
	if !m.log {
		m.checkpoint()
	}
	percent := m.rnd.IntN(101)
	m.note("crash %d%%", percent)
	fs := m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: m.rnd})
	m.must(m.e.Close())
	m.fs = fs
	m.open()
}

func (m *model) checkOne() {
	db := m.rnd.IntN(modelDatabases)
	for name := range m.dbs[db] {
		keys := []Key{m.e.Key(db, []byte(name))}
		m.x.Lock(keys, false)
		m.read(keys[0])
		m.x.Unlock()
		break
	}
	m.wait()
}

// scan iterates over a database with a random count.
func (m *model) scan() {
	m.t.Helper()
	db, count := m.rnd.IntN(modelDatabases), 1+m.rnd.IntN(3000)
	m.note("scan %d by %d", db, count)
	got := map[string]bool{}
	for cursor := uint64(0); ; {
		next, err := m.x.Scan(db, cursor, count, func(name []byte, _ Kind) {
			if got[string(name)] {
				m.t.Errorf("scan met %.20q twice", name)
			}
			got[string(name)] = true
		})
		m.must(err)
		if next == 0 {
			break
		}
		cursor = next
	}
	for name := range m.dbs[db] {
		if _, ok := m.get(db, name); ok && !got[name] {
			m.t.Errorf("scan missed %.20q", name)
		}
		if _, ok := m.get(db, name); ok || m.hasRunOut(db, name) {
			delete(got, name)
		}
	}
	for name := range got {
		m.t.Errorf("scan met %.20q, which is not there", name)
	}
	m.wait()
}

// checkAll compares everything.
func (m *model) checkAll() {
	m.t.Helper()
	m.note("check all")
	checkEngine(m.t, m.e)
	for db := range m.dbs {
		for name := range m.dbs[db] {
			keys := []Key{m.e.Key(db, []byte(name))}
			m.x.Lock(keys, false)
			m.read(keys[0])
			m.x.Unlock()
		}
	}
	m.expireAll()
	checkEngine(m.t, m.e)
}
