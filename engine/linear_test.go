package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// The test of linearizability has clients run transactions of one to three operations on few keys, each ended by the Wait before
// a reply would leave, while checkpoints, evictions and expirations go on and the clock moves. Porcupine then looks for an order
// of all transactions, compatible with who had been answered before who asked, in which each saw what it saw.
//
// In the middle, the power is cut. What comes back must be explained in the same way by the same history: transactions that
// were answered before the cut have happened, those that were under way have happened or not.

const (
	linearKeys    = 3
	linearClients = 4
	linearLength  = 12 // transactions of a client in one round
)

// linearOp is one operation of a transaction, and what it saw.
type linearOp struct {
	kind, key int
	arg       int64 // delta, value or, after the transaction began, the time of expiry
	saw       linearSight
}

const (
	opGet = iota
	opIncr
	opSet
	opSetEx
	opDelete
	opExpire
	opFlush
	opKinds
)

// linearSight is what an operation reports: whether the key was there, and its value before or after.
type linearSight struct {
	ok bool
	n  int64
}

// linearTxn is a transaction: the input and output of porcupine's model.
type linearTxn struct {
	client int
	ops    []linearOp
	// now is the transaction's own time. until is the clock's when it had ended: what was due by then may have been removed.
	now, until int64
	// maybe: under way when the power was cut. It may not have happened, and told nobody what it saw.
	maybe     bool
	call, ret int64 // ticks
}

// linearState is the keys of a round.
type linearState [linearKeys]struct {
	ok          bool
	n, expireAt int64
}

// step returns the states that a transaction may leave.
func (tx *linearTxn) step(from linearState) []any {
	states := []linearState{from}
	for _, op := range tx.ops {
		states = tx.expire(states, op.key)
	}
	var to []any
	for _, s := range states {
		if tx.apply(&s) {
			to = append(to, s)
		}
	}
	if tx.maybe {
		to = append(to, from)
	}
	return to
}

// expire adds the states in which a key that became due while the transaction ran has been removed before it.
func (tx *linearTxn) expire(states []linearState, key int) []linearState {
	for _, s := range states {
		if k := s[key]; k.ok && k.expireAt >= tx.now && k.expireAt < tx.until {
			s[key].ok = false
			states = append(states, s)
		}
	}
	return states
}

// apply executes the operations and reports whether they would have seen what they saw.
func (tx *linearTxn) apply(s *linearState) bool {
	for _, op := range tx.ops {
		if saw := op.apply(s, tx.now); saw != op.saw && !tx.maybe {
			return false
		}
	}
	return true
}

func (op *linearOp) apply(s *linearState, now int64) (saw linearSight) {
	if op.kind == opFlush {
		*s = linearState{}
		return saw
	}
	k := &s[op.key]
	if k.ok && k.expireAt != 0 && k.expireAt < now { // at its very time a key is still there, as in Redis
		k.ok = false
	}
	if !k.ok {
		k.n, k.expireAt = 0, 0
	}
	saw = linearSight{k.ok, k.n}
	switch op.kind {
	case opIncr:
		k.ok, k.n = true, k.n+op.arg
		saw = linearSight{true, k.n}
	case opSet:
		k.ok, k.n, k.expireAt = true, op.arg, 0
		saw = linearSight{}
	case opSetEx:
		k.ok, k.n, k.expireAt = true, op.key64(), op.arg
		saw = linearSight{}
	case opDelete:
		k.ok = false
		saw.n = 0
	case opExpire:
		k.expireAt = op.arg
		k.ok = k.ok && op.arg > now
		saw.n = 0
	}
	if !k.ok {
		k.n, k.expireAt = 0, 0
	}
	return saw
}

// key64 is the value that opSetEx sets.
func (op *linearOp) key64() int64 { return int64(op.key) + 1000 }

// run executes the operations on the engine and notes what they saw.
func (op *linearOp) run(x *Txn, p linearPlace) error {
	var err error
	switch op.kind {
	case opGet:
		op.saw.n, op.saw.ok = p.get()
	case opIncr:
		op.saw.ok = true
		op.saw.n, err = p.incr(op.arg)
	case opSet:
		err = p.set(op.arg, 0)
	case opSetEx:
		op.arg += x.Now()
		err = p.set(op.key64(), op.arg)
	case opDelete:
		op.saw.ok = p.remove()
	case opExpire:
		op.arg += x.Now()
		op.saw.ok = p.expire(op.arg)
	case opFlush:
		x.FlushDB(0)
	}
	return err
}

// linearRound is some clients' history on keys of their own.
type linearRound struct {
	e     *Engine
	clock *atomic.Int64
	tick  *atomic.Int64
	name  string
	form  linearForm

	mu      sync.Mutex
	history []*linearTxn
}

// draw makes up a transaction.
func (r *linearRound) draw(rnd *rand.Rand, client int) *linearTxn {
	tx := &linearTxn{client: client}
	for range 1 + rnd.IntN(3) {
		op := linearOp{kind: rnd.IntN(opKinds - 1), key: rnd.IntN(linearKeys), arg: 1 + rnd.Int64N(5)}
		if r.form == membersForm { // which do not expire
			op.kind = []int{opGet, opIncr, opSet, opSet, opDelete, opIncr}[op.kind]
		}
		if op.kind == opExpire || op.kind == opSetEx {
			op.arg = rnd.Int64N(6) - 1 + int64(op.kind-opExpire)&2 // of both signs for EXPIRE
		}
		tx.ops = append(tx.ops, op)
	}
	if rnd.IntN(40) == 0 {
		tx.ops = []linearOp{{kind: opFlush}}
	}
	return tx
}

// execute runs a transaction up to the moment at which its reply would leave.
func (r *linearRound) execute(x *Txn, tx *linearTxn) error {
	tx.call = r.tick.Add(1)
	r.mu.Lock()
	r.history = append(r.history, tx)
	r.mu.Unlock()
	ran := *tx
	ran.ops = append([]linearOp(nil), tx.ops...)
	if err := r.transact(x, &ran); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	ran.ret = r.tick.Add(1)
	*tx = ran
	return nil
}

func (r *linearRound) transact(x *Txn, tx *linearTxn) error {
	keys, write := make([]Key, len(tx.ops)), false
	for i := range tx.ops {
		keys[i] = r.key(tx.ops[i].key)
		write = write || tx.ops[i].kind != opGet
	}
	if tx.ops[0].kind == opFlush {
		x.LockAll()
	} else {
		x.Lock(keys, write)
	}
	tx.now = x.Now()
	for i := range tx.ops {
		if err := tx.ops[i].run(x, r.place(x, keys[i], tx.ops[i].key)); err != nil {
			return err
		}
	}
	x.Unlock()
	tx.until = r.clock.Load()
	err := r.e.Wait(x.Need())
	x.ClearNeed()
	return err
}

// linearModel is porcupine's view of the keys of a round.
func linearModel() porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{linearState{}} },
		Step: func(state, input, _ any) []any { return input.(*linearTxn).step(state.(linearState)) },
	}
	return model.ToModel()
}

// explain fails the test when no order of transactions explains what they saw.
func explain(t *testing.T, what string, history []*linearTxn) {
	t.Helper()
	var ops []porcupine.Operation
	for _, tx := range history {
		ops = append(ops, porcupine.Operation{ClientId: tx.client, Input: tx, Call: tx.call, Return: tx.ret})
	}
	if got := porcupine.CheckOperationsTimeout(linearModel(), ops, time.Minute); got != porcupine.Ok {
		var b strings.Builder
		for _, tx := range history {
			fmt.Fprintf(&b, "%+v\n", *tx)
		}
		t.Fatalf("%s: no order of transactions explains what they saw (%v):\n%s", what, got, b.String())
	}
}

// cutHistory returns what a cut of the power between two ticks leaves of a history.
func (r *linearRound) cutHistory(before, after int64) []*linearTxn {
	var left []*linearTxn
	for _, tx := range r.history {
		if tx.call > after {
			continue
		}
		cut := *tx
		if tx.ret > before {
			cut.maybe, cut.ret = true, after
		}
		left = append(left, &cut)
	}
	return left
}

// recoverRound opens what a cut has left and adds a reader of all keys to the history.
func (r *linearRound) recoverRound(t *testing.T, fs vfs.FS, history []*linearTxn) []*linearTxn {
	t.Helper()
	e := openTest(t, fs, linearOptions(r.clock))
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	reader := &linearRound{e: e, clock: r.clock, tick: r.tick, name: r.name, form: r.form}
	tx := &linearTxn{client: linearClients}
	for key := range linearKeys {
		tx.ops = append(tx.ops, linearOp{kind: opGet, key: key})
	}
	if err := reader.execute(e.NewTxn(), tx); err != nil {
		t.Fatal(err)
	}
	return append(history, tx)
}

func linearOptions(clock *atomic.Int64) func(*Options) {
	return func(o *Options) {
		o.Databases = 2
		o.Clock = clock.Load
		o.SegmentBytes = 32 << 10
		o.CheckpointLogBytes = 1 << 40 // checkpoints are asked for
	}
}

// linearUpkeep makes checkpoints and drops clean entries until the test ends.
func linearUpkeep(t *testing.T, e *Engine, clock *atomic.Int64, stop *atomic.Bool, upkeep *sync.WaitGroup) {
	upkeep.Go(func() {
		for !stop.Load() {
			if err := e.cleanUp(); err != nil {
				t.Error(err)
			}
		}
	})
	upkeep.Go(func() {
		for x := e.NewTxn(); !stop.Load(); clock.Add(1) {
			db := e.physical()[0]
			for i := range db.slots {
				e.sweepSlot(&db.slots[i], flags.clean)
				if next := db.nextExpiry[i].Load(); next != 0 && next <= clock.Load() {
					if err := e.expireSlot(x, db, i); err != nil {
						t.Error(err)
					}
				}
			}
		}
	})
}

func TestLinearizable(t *testing.T) {
	var clock, tick atomic.Int64
	clock.Store(1_700_000_000_000)
	fs := memdisk.New()
	e := openTest(t, fs, linearOptions(&clock))
	e.database(0)
	var stop atomic.Bool
	var upkeep sync.WaitGroup
	linearUpkeep(t, e, &clock, &stop, &upkeep)
	unsure, rounds, deadline := 0, 0, time.Now().Add(crashTime(10*time.Second))
	// A loaded machine may play few rounds in that time: it goes on until the cut has been where it is to be.
	for ; time.Now().Before(deadline) || rounds < 10 || unsure == 0 && rounds < 1000; rounds++ {
		r := &linearRound{e: e, clock: &clock, tick: &tick, name: fmt.Sprint("round", rounds), form: linearForm(rounds) % linearForms}
		r.fill(t)
		rnd := rand.New(rand.NewPCG(uint64(rounds), 1))
		left := r.play(t, fs, rnd)
		explain(t, fmt.Sprintf("round %d", rounds), r.history)
		for _, tx := range left {
			unsure += boolInt(tx.maybe)
		}
		explain(t, fmt.Sprintf("round %d after a power cut", rounds), left)
	}
	stop.Store(true)
	upkeep.Wait()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rounds; %d transactions were under way when the power was cut", rounds, unsure)
	if unsure == 0 {
		t.Error("no transaction was ever under way when the power was cut: the test does not show what it should")
	}
}

// play lets the clients of a round run, cuts the power in between, and returns the history that the cut leaves, with what came
// back of it.
func (r *linearRound) play(t *testing.T, fs *memdisk.FS, rnd *rand.Rand) []*linearTxn {
	t.Helper()
	var clients sync.WaitGroup
	for c := range linearClients {
		own := rand.New(rand.NewPCG(rnd.Uint64(), uint64(c)))
		clients.Go(func() {
			x := r.e.NewTxn()
			for range linearLength {
				if err := r.execute(x, r.draw(own, c)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for start, n := r.tick.Load(), rnd.Int64N(linearClients*linearLength); r.tick.Load() < start+n; {
		time.Sleep(20 * time.Microsecond) // a place in the history is waited for
	}
	before := r.tick.Add(1)
	clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rnd})
	after := r.tick.Add(1)
	clients.Wait()
	return r.recoverRound(t, clone, r.cutHistory(before, after))
}

// TestLinearizabilityIsChecked is the control: a history with one increment twice, and one that forgot an answered write after
// a power cut, have no explanation.
func TestLinearizabilityIsChecked(t *testing.T) {
	incr := func(client int, call, ret, saw int64) porcupine.Operation {
		tx := &linearTxn{client: client, ops: []linearOp{{kind: opIncr, arg: 1, saw: linearSight{true, saw}}}}
		return porcupine.Operation{ClientId: client, Input: tx, Call: call, Return: ret}
	}
	get := func(saw linearSight, call int64) porcupine.Operation {
		tx := &linearTxn{client: 9, ops: []linearOp{{kind: opGet, saw: saw}}}
		return porcupine.Operation{ClientId: 9, Input: tx, Call: call, Return: call + 1}
	}
	unsure := incr(1, 3, 4, 0)
	unsure.Input.(*linearTxn).maybe = true
	for _, c := range []struct {
		name    string
		ok      bool
		history []porcupine.Operation
	}{
		{"sound", true, []porcupine.Operation{incr(0, 1, 4, 2), incr(1, 2, 3, 1), get(linearSight{true, 2}, 5)}},
		{"out of order", false, []porcupine.Operation{incr(0, 1, 2, 2), incr(1, 3, 4, 1)}},
		{"one increment twice", false, []porcupine.Operation{incr(0, 1, 2, 1), get(linearSight{true, 2}, 5)}},
		{"an answered write is gone", false, []porcupine.Operation{incr(0, 1, 2, 1), get(linearSight{}, 5)}},
		{"one under way has happened", true, []porcupine.Operation{incr(0, 1, 2, 1), unsure, get(linearSight{true, 2}, 5)}},
		{"one under way has not", true, []porcupine.Operation{incr(0, 1, 2, 1), unsure, get(linearSight{true, 1}, 5)}},
	} {
		if got := porcupine.CheckOperations(linearModel(), c.history); got != c.ok {
			t.Errorf("%s: explained %v, want %v", c.name, got, c.ok)
		}
	}
}
