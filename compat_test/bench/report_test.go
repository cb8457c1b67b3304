package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestReport prints what the scripts say was measured. A script has the command print, with run=EXPRESSION where not all rows are
// selected, and under it a reading per line: its name, Redis's values, separated by commas, and Quipu's; - is none.
func TestReport(t *testing.T) {
	datadriven.Walk(t, "testdata/report", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "print" {
				t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
			}
			selected := "."
			d.MaybeScanArgs(t, "run", &selected)
			p, err := newReport(scripted(t, d.Input), regexp.MustCompile(selected))
			if err != nil {
				return err.Error() + "\n"
			}
			return p.text()
		})
	})
}

// somewhere is the setup of results in tests.
var somewhere = setup{
	Machine: "a machine", Redis: "Redis 7.0.15", Generator: "redis-benchmark", ServerCPUs: "0", LoadCPUs: "1",
	Requests: 1_000_000, Keys: 1_000_000, Counters: 10_000_000, Big: 1_000_000, Zipf: time.Minute,
}

// scripted are results of the readings of a script. A row was to be measured if any of its readings is named.
func scripted(t *testing.T, script string) results {
	r := results{Setup: somewhere, Redis: readings{}, Quipu: readings{}}
	named := map[string]bool{}
	for line := range strings.Lines(script) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Fatalf("%q is not a name with two lists of values", line)
		}
		named[fields[0]] = true
		addAll(t, r.Redis, fields[0], fields[1])
		addAll(t, r.Quipu, fields[0], fields[2])
	}
	for _, s := range scenarios(somewhere.options()) {
		for _, w := range s.rows {
			if slices.ContainsFunc(w.parts, func(part string) bool { return named[part] }) {
				r.addRow(w)
			}
		}
	}
	return r
}

func addAll(t *testing.T, to readings, name, list string) {
	if list == "-" {
		return
	}
	for text := range strings.SplitSeq(list, ",") {
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		to.add(name, value)
	}
}

// TestPutIntoPage puts a report twice between the marks of a page: the rest of the page stays.
func TestPutIntoPage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	before, after := "# Title\n\nbefore\n\n", "\nafter\n"
	if err := os.WriteFile(page, []byte(before+beginMark+endMark+after), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first\n", "second\n"} {
		if err := putInto(page, text); err != nil {
			t.Fatal(err)
		}
		want := before + beginMark + "\n" + text + "\n" + endMark + after
		if got, err := os.ReadFile(page); err != nil || string(got) != want {
			t.Errorf("the page is %q, error %v, want %q", got, err, want)
		}
	}
}

// TestPageWithoutMarks leaves alone what has no place for the report.
func TestPageWithoutMarks(t *testing.T) {
	for _, text := range []string{"", "text\n", beginMark + "text\n", endMark + beginMark} {
		page := filepath.Join(t.TempDir(), "page.md")
		if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := putInto(page, "report\n"); err == nil {
			t.Errorf("%q was taken for a page with marks", text)
		}
		if got, err := os.ReadFile(page); err != nil || string(got) != text {
			t.Errorf("the page is %q, error %v, want %q", got, err, text)
		}
	}
}

// TestReadmeHasMarks: -into must find its place there.
func TestReadmeHasMarks(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	begin, end := strings.Index(string(readme), beginMark), strings.Index(string(readme), endMark)
	if begin < 0 || end < begin {
		t.Errorf("the marks %q and %q are at %d and %d", beginMark, endMark, begin, end)
	}
}

// TestUnknownRowIsRefused: a figure that no table shows would be lost without a word.
func TestUnknownRowIsRefused(t *testing.T) {
	r := scripted(t, "start 0.01 0.02\n")
	r.Rows = append(r.Rows, rowResult{Name: "no/such/row"})
	if _, err := newReport(r, regexp.MustCompile(".")); err == nil {
		t.Error("results with an unknown row were printed")
	}
}

func TestShort(t *testing.T) {
	for n, want := range map[int]string{10_000_000: "10M", 1_200_000: "1.2M", 100_000: "100k", 1234: "1234", 1_234_567: "1234567", 8: "8"} {
		if got := short(n); got != want {
			t.Errorf("%d is printed as %s, want %s", n, got, want)
		}
	}
}

func TestBare(t *testing.T) {
	for _, c := range []struct {
		value float64
		want  string
	}{{0.0004, "0.000"}, {0.159, "0.159"}, {0.9996, "1.00"}, {2.2, "2.20"}, {9.996, "10.0"}, {99.96, "100"}, {1234.5, "1234"}} {
		if got := bare(c.value); got != c.want {
			t.Errorf("%v is printed as %s, want %s", c.value, got, c.want)
		}
	}
	if got := bare(readings{}.median("absent")); got != "—" {
		t.Errorf("nothing is printed as %s", got)
	}
}
