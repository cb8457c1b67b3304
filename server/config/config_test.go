package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestLoadSeesOneMoment has readers look at two parameters that are always set
// together.
func TestLoadSeesOneMoment(t *testing.T) {
	c := parse(t, "--maxclients", "1", "--maxmemory-samples", "1")
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if v := c.Load(); v.MaxClients != v.MaxMemorySamples {
					t.Errorf("maxclients %d, maxmemory-samples %d", v.MaxClients, v.MaxMemorySamples)
					return
				}
			}
		})
	}
	for n := range 2000 {
		value := fmt.Sprint(n + 1)
		if err := c.Set([][2]string{{"maxclients", value}, {"maxmemory-samples", value}}); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

// TestHookBeforePublication has a hook find the old values in force.
func TestHookBeforePublication(t *testing.T) {
	c := parse(t)
	c.OnChange([]string{"timeout"}, func(old, new *Values) error {
		if c.Load() != old || old == new {
			return errors.New("the new values are already in force")
		}
		return nil
	})
	if err := c.Set([][2]string{{"timeout", "9"}}); err != nil {
		t.Error(err)
	}
}

// TestUndoFails has a hook fail in taking its own work back: the reply says so.
func TestUndoFails(t *testing.T) {
	c := parse(t)
	calls := 0
	c.OnChange([]string{"timeout"}, func(_, _ *Values) error {
		if calls++; calls == 2 {
			return errors.New("stuck")
		}
		return nil
	})
	c.OnChange([]string{"timeout"}, func(_, _ *Values) error { return errors.New("no") })
	err := c.Set([][2]string{{"timeout", "9"}})
	if err == nil || !strings.Contains(err.Error(), "no") || !strings.Contains(err.Error(), "stuck") {
		t.Error(err)
	}
}

func TestOnChangeOfNothing(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a parameter that does not exist was subscribed to")
		}
	}()
	parse(t).OnChange([]string{"nosuch"}, func(_, _ *Values) error { return nil })
}

// TestProtectedAccess sets what enable-protected-configs guards.
func TestProtectedAccess(t *testing.T) {
	pair := [][2]string{{"dbfilename", "x.rdb"}}
	for access, want := range map[string][2]bool{"no": {false, false}, "yes": {true, true}, "local": {false, true}} {
		c := parse(t, "--enable-protected-configs", access)
		if got := [2]bool{c.Set(pair) == nil, c.SetLocal(pair) == nil}; got != want {
			t.Errorf("%s: from afar and locally %v", access, got)
		}
	}
}

func TestTLSVersions(t *testing.T) {
	for words, want := range map[string][2]uint16{
		"":                {0x303, 0x304},
		"TLSv1.2":         {0x303, 0x303},
		"tlsv1.3 TLSv1.1": {0x302, 0x304},
		"TLSv1":           {0x301, 0x301},
	} {
		v := parse(t, "--tls-protocols", words).Load()
		if low, high := v.TLSVersions(); [2]uint16{low, high} != want {
			t.Errorf("%q: %#x to %#x", words, low, high)
		}
	}
}

// TestRewriteKeepsTheFile has a rewrite keep the permissions, the symbolic link
// and nothing else in the directory.
func TestRewriteKeepsTheFile(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target.conf"), filepath.Join(dir, "link.conf")
	writeFile(t, target, "timeout 1\n")
	if err := errors.Join(os.Chmod(target, 0o600), os.Symlink("target.conf", link)); err != nil {
		t.Fatal(err)
	}
	c := parse(t, link)
	if err := errors.Join(c.Set([][2]string{{"timeout", "2"}}), c.Rewrite()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(target)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != "timeout 2\n" {
		t.Errorf("%q %v", text, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v %v", entries, err)
	}
}

// TestRewriteFails leaves the file as it was when an included one is broken.
func TestRewriteFails(t *testing.T) {
	dir := t.TempDir()
	file, inner := filepath.Join(dir, "q.conf"), filepath.Join(dir, "inner.conf")
	text := "timeout 1\ninclude " + inner + "\n"
	writeFile(t, file, text)
	writeFile(t, inner, "")
	c := parse(t, file)
	writeFile(t, inner, "nosuch\n")
	if err := c.Set([][2]string{{"timeout", "2"}}); err != nil {
		t.Fatal(err)
	}
	var broken *FileError
	if err := c.Rewrite(); !errors.As(err, &broken) || broken.Source != inner || broken.Line != 1 {
		t.Errorf("%v", err)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != text {
		t.Errorf("%q %v", now, err)
	}
}

// TestRewriteRestoresAnything writes random files that include each other, sets
// random parameters, rewrites, and starts again: the values are the same, and a
// second rewrite changes nothing.
func TestRewriteRestoresAnything(t *testing.T) {
	lines := acceptedLines(t)
	rapid.Check(t, func(r *rapid.T) {
		dir := t.TempDir()
		file, inner := filepath.Join(dir, "q.conf"), filepath.Join(dir, "inner.conf")
		pick := rapid.SliceOfN(rapid.SampledFrom(lines), 0, 8)
		writeFile(t, inner, strings.Join(pick.Draw(r, "inner"), "\n")+"\n")
		writeFile(t, file, strings.Join(slices.Concat(
			pick.Draw(r, "before"), []string{"include " + inner}, pick.Draw(r, "after")), "\n"))
		c := parse(t, file)
		for _, line := range pick.Draw(r, "set") {
			words, _ := splitWords(line)
			// Refusals are fine: immutable ones stay as they are.
			_ = c.Set([][2]string{{words[0], strings.Join(words[1:], " ")}})
		}
		want := fmt.Sprint(c.Get("*"))
		if err := c.Rewrite(); err != nil {
			r.Fatal(err)
		}
		again := parse(t, file)
		if got := fmt.Sprint(again.Get("*")); got != want {
			r.Fatalf("before %s\nafter  %s", want, got)
		}
		first, _ := os.ReadFile(file)
		if err := again.Rewrite(); err != nil {
			r.Fatal(err)
		}
		if second, _ := os.ReadFile(file); string(second) != string(first) {
			r.Fatalf("rewritten once:\n%s\ntwice:\n%s", first, second)
		}
	})
}

// acceptedLines are lines that set some parameter to something it accepts.
func acceptedLines(t *testing.T) []string {
	var lines []string
	for _, row := range table {
		for _, value := range candidates(row) {
			line := row.name + " " + quoteWords(splitValue(row.value, value))
			if newLoader().line(line) == nil {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) < 2000 {
		t.Fatalf("only %d lines", len(lines))
	}
	return lines
}

// BenchmarkLoad is what a reader of a parameter pays.
func BenchmarkLoad(b *testing.B) {
	c, err := Parse(nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	total := 0
	for b.Loop() {
		total += c.Load().MaxClients
	}
	_ = total
}
