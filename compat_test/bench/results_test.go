package main

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
)

// TestMerge: what both runs have measured is the later's for both servers, also where one of them then failed.
func TestMerge(t *testing.T) {
	all := scripted(t, "incrby/none/p1/cpu 100,101,102 90\nincrby/none/p1/rate 5 6\nstart 1 2\nmemory 80 30\n")
	later := scripted(t, "incrby/none/p1/cpu 200 190,191\nstart 3 -\ndisk 20 15\n")
	if err := all.merge(later); err != nil {
		t.Fatal(err)
	}
	redis := readings{"incrby/none/p1/cpu": {200}, "incrby/none/p1/rate": {5}, "start": {3}, "memory": {80}, "disk": {20}}
	quipu := readings{"incrby/none/p1/cpu": {190, 191}, "incrby/none/p1/rate": {6}, "memory": {30}, "disk": {15}}
	if !reflect.DeepEqual(all.Redis, redis) || !reflect.DeepEqual(all.Quipu, quipu) {
		t.Errorf("merged to\n%v and\n%v, want\n%v and\n%v", all.Redis, all.Quipu, redis, quipu)
	}
	for _, name := range []string{"incrby/none/p1/cpu", "incrby/none/p1/rate", "start", "memory", "disk"} {
		if !all.has(name) {
			t.Errorf("row %s is lost", name)
		}
	}
	if len(all.Rows) != 5 {
		t.Errorf("%d rows, want 5", len(all.Rows))
	}
}

// TestFilesAreMerged writes two runs and reads them as one.
func TestFilesAreMerged(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.json"), filepath.Join(dir, "two.json")
	first, second := scripted(t, "start 1 2\nmemory 80 30\n"), scripted(t, "start 3 4\n")
	if err := errors.Join(first.write(one), second.write(two)); err != nil {
		t.Fatal(err)
	}
	all, err := readResults([]string{one, two})
	if err != nil {
		t.Fatal(err)
	}
	if got := all.Quipu.median("start"); got != 4 {
		t.Errorf("start is %v, want the 4 of the later file", got)
	}
	if got := all.Quipu.median("memory"); got != 30 {
		t.Errorf("memory is %v, want the 30 of the earlier file", got)
	}
}

// TestDifferentRunsAreNotMerged: figures of other machines and other sizes do not belong into one table.
func TestDifferentRunsAreNotMerged(t *testing.T) {
	for name, change := range map[string]func(*setup){
		"machine": func(s *setup) { s.Machine = "another" },
		"redis":   func(s *setup) { s.Redis = "Redis 8" },
		"keys":    func(s *setup) { s.Keys = 1000 },
		"big":     func(s *setup) { s.Big = 1000 },
	} {
		all, later := scripted(t, "start 1 2\n"), scripted(t, "start 3 4\n")
		change(&later.Setup)
		if err := all.merge(later); !errors.Is(err, errDifferentSetup) {
			t.Errorf("%s differs: got error %v", name, err)
		}
	}
}
