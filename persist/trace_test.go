package persist

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// traced are the operations that change something, by the names that the trace gives them.
var traced = map[errorfs.OpKind]string{
	errorfs.OpCreate: "create", errorfs.OpRename: "rename", errorfs.OpLink: "link",
	errorfs.OpRemove: "remove", errorfs.OpMkdirAll: "mkdir", errorfs.OpFileWrite: "write", errorfs.OpFileWriteAt: "write",
	errorfs.OpFileSync: "fsync", errorfs.OpFileSyncData: "fdatasync",
}

// tracer notes operations outside the store, whose own are Pebble's affair and come from its goroutines.
type tracer struct {
	mu    sync.Mutex
	lines []string
}

func (tr *tracer) note(op errorfs.Op) error {
	name, ok := traced[op.Kind]
	if !ok || strings.HasPrefix(op.Path, "data/store") || strings.HasPrefix(op.Path, "data/tables/") {
		return nil
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	line := name + " " + op.Path
	if n := len(tr.lines); n > 0 && strings.TrimSuffix(tr.lines[n-1], " ...") == line {
		tr.lines[n-1] = line + " ..."
		return nil
	}
	tr.lines = append(tr.lines, line)
	return nil
}

// take returns what happened since the last call.
func (tr *tracer) take() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	out := strings.Join(tr.lines, "\n")
	tr.lines = nil
	return out
}

// TestTrace runs testdata/trace: what each operation does to the file system, in order. Rewrite it with
// -rewrite and review the difference like code: the order of fsyncs is the promise.
func TestTrace(t *testing.T) {
	tr := &tracer{}
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(tr.note))
	var db *DB
	next := uint64(1)
	datadriven.RunTest(t, "testdata/trace", func(t *testing.T, d *datadriven.TestData) string {
		var err error
		switch d.Cmd {
		case "open":
			db, err = Open(Options{FS: fs, Dir: "data", SegmentBytes: MinSegmentBytes, manual: true})
		case "append":
			n, size := 1, 10
			d.MaybeScanArgs(t, "n", &n)
			d.MaybeScanArgs(t, "size", &size)
			for range n {
				must(t, db.Append(next, 1, AppendSet(nil, []byte("key"), make([]byte, size))))
				next++
			}
		case "sync":
			err = db.Sync()
		case "keep":
			err = db.log.keep()
		case "checkpoint":
			var c *Checkpoint
			c, err = db.NewCheckpoint(next - 1)
			must(t, err)
			must(t, c.Set([]byte("key"), nil))
			err = c.Commit()
		case "close":
			err = db.Close()
		default:
			err = fmt.Errorf("unknown command %s", d.Cmd)
		}
		if err != nil {
			return err.Error()
		}
		return tr.take()
	})
}
