package engine

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"quipu/persist/memdisk"
)

// Damaged files under an engine that holds every type in every form: it is refused, or ends when it comes to the damage, or everything is
// as it was.

// damagedDisk is a disk with a chronicle on it: some in the store, some in the log.
func damagedDisk(t *testing.T, clock *sagaClock) (fs *memdisk.FS, c *chronicle, n int64) {
	t.Helper()
	fs, c = memdisk.New(), newChronicle(0, 6, 2, 23)
	e := openTest(t, fs, damageOptions(clock))
	x := e.NewTxn()
	for round := range 5 {
		for range c.cycle() {
			n++
			clock.ms.Add(1)
			must(0, c.step(x, n))
		}
		if err := e.Wait(x.Need()); err != nil {
			t.Fatal(err)
		}
		if round < 4 {
			must(0, e.cleanUp())
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return fs, c, n
}

func damageOptions(clock *sagaClock) func(*Options) {
	return func(o *Options) {
		crashOptions(o)
		o.Databases, o.Clock = chronicleDatabases, clock.now
	}
}

// filesBelow returns the paths of all files of a directory but the lock.
func filesBelow(t *testing.T, fs vfs.FS, dir string) (files []string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		st, err := fs.Stat(path)
		switch {
		case err != nil:
			t.Fatal(err)
		case st.IsDir():
			files = append(files, filesBelow(t, fs, path)...)
		case st.Size() > 0:
			files = append(files, path)
		}
	}
	return files
}

// damageFile changes a file.
func damageFile(t *testing.T, fs vfs.FS, path string, harm func([]byte) []byte) {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if f, err = fs.Create(path, vfs.WriteCategoryUnspecified); err == nil {
		_, err = f.Write(harm(b))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// verdict is what an engine did with a damaged directory: refused says why it did not open or go on, wrong what must not be.
type verdict struct{ refused, wrong error }

// afterDamage opens a directory and reads everything.
func afterDamage(fs vfs.FS, clock *sagaClock, c *chronicle, want int64) verdict {
	ended := make(chan verdict, 100) // more than there are goroutines that meet the damage
	o := Options{Dir: "data", FS: fs, AppendOnly: true, Fatal: func(err error) {
		ended <- verdict{refused: err}
		runtime.Goexit() // as the process would
	}}
	damageOptions(clock)(&o)
	go func() {
		e, err := Open(o)
		if err != nil {
			ended <- verdict{refused: err}
			return
		}
		n, err := c.examine(e.NewTxn())
		if err != nil || n != want {
			ended <- verdict{wrong: fmt.Errorf("%d steps of %d: %w", n, want, err)}
		}
		ended <- verdict{refused: e.Close()}
	}()
	select {
	case v := <-ended:
		return v
	case <-time.After(10 * time.Minute):
		return verdict{wrong: errors.New("it hangs")}
	}
}

// harms are ways to damage a file.
func harms(rnd *rand.Rand) []func(b []byte) []byte {
	return []func(b []byte) []byte{
		func(b []byte) []byte {
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
			return b
		},
		func(b []byte) []byte {
			at := rnd.IntN(len(b))
			clear(b[at:min(len(b), at+1+rnd.IntN(500))])
			return b
		},
		func(b []byte) []byte { return b[:rnd.IntN(len(b))] },
	}
}

func TestDamageUnderEveryType(t *testing.T) {
	clock := newSagaClock()
	whole, c, n := damagedDisk(t, clock)
	clock.ms.Add(1)
	if v := afterDamage(whole.CrashClone(vfs.CrashCloneCfg{}), clock, c, n); v.refused != nil || v.wrong != nil {
		t.Fatalf("undamaged: %+v", v)
	}
	rnd := rand.New(rand.NewPCG(8, 8))
	refusals := 0
	for i, path := range filesBelow(t, whole, "data") {
		for try := range torture(4) {
			fs := whole.CrashClone(vfs.CrashCloneCfg{})
			damageFile(t, fs, path, harms(rnd)[(i+try)%3])
			v := afterDamage(fs, clock, c, n)
			if v.wrong != nil {
				t.Errorf("way %d to damage %s: %v", (i+try)%3, path, v.wrong)
			}
			refusals += boolInt(v.refused != nil)
		}
	}
	if t.Logf("%d refusals", refusals); refusals == 0 {
		t.Error("no damage was ever refused: the test does not show what it should")
	}
}
