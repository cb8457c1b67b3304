package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
)

// report prints results as Markdown.
type report struct {
	results
	opts  options
	shown map[string]row // the rows to print, by name
}

var errUnknownRow = errors.New("results have a row that this program does not know")

// newReport chooses the rows of the results that the expression selects, and brings all of them in order.
func newReport(r results, selected *regexp.Regexp) (*report, error) {
	p := &report{results: r, opts: r.Setup.options(), shown: map[string]row{}}
	p.Rows = nil
	for _, s := range scenarios(p.opts) {
		for _, w := range s.rows {
			if !r.has(w.name) {
				continue
			}
			p.addRow(w)
			if selected.MatchString(w.name) {
				p.shown[w.name] = w
			}
		}
	}
	for _, w := range r.Rows {
		if !p.has(w.Name) {
			return nil, fmt.Errorf("%w: %s", errUnknownRow, w.Name)
		}
	}
	if len(p.shown) == 0 {
		return nil, fmt.Errorf("-run %v selects no row", selected)
	}
	return p, nil
}

func (p *report) shows(name string) bool {
	_, ok := p.shown[name]
	return ok
}

func (p *report) verdict(w row) string { return w.verdict(p.Redis, p.Quipu) }

// text is the whole report.
func (p *report) text() string {
	out := &strings.Builder{}
	s := p.Setup
	fmt.Fprintf(out, "%s; %s. Load by %s; server on core %s, load on core %s. A ratio is Quipu / Redis.\n",
		s.Machine, s.Redis, s.Generator, orAny(s.ServerCPUs), orAny(s.LoadCPUs))
	p.printClosed(out)
	p.printBig(out)
	p.printFigures(out)
	return out.String()
}

func orAny(cpus string) string {
	if cpus == "" {
		return "any"
	}
	return cpus
}

// basis tells how many rounds there were of the rows: their figures are medians.
func (p *report) basis(rows []row) string {
	least, most := math.MaxInt, 0
	for _, w := range rows {
		if n := p.rounds(w.parts[0]); n > 0 {
			least, most = min(least, n), max(most, n)
		}
	}
	switch {
	case most <= 1:
		return "One round."
	case least == most:
		return fmt.Sprintf("Medians of %d interleaved rounds.", most)
	default:
		return fmt.Sprintf("Medians of %d to %d interleaved rounds.", least, most)
	}
}

// publish prints results and does what else the options want done with them.
func publish(r results, opts options, out io.Writer) error {
	p, err := newReport(r, opts.rows)
	if err != nil {
		return err
	}
	text := p.text()
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("printing the report: %w", err)
	}
	if opts.intoFile != "" {
		if err := putInto(opts.intoFile, text); err != nil {
			return err
		}
	}
	if opts.jsonFile == "" {
		return nil
	}
	return p.write(opts.jsonFile)
}

// Between these comments -into puts the report.
const (
	beginMark = "<!-- bench: what follows is printed by compat_test/bench -->\n"
	endMark   = "<!-- /bench -->\n"
)

var errNoMarks = errors.New("there is no place for the report")

// putInto replaces what stands between the marks in a file.
func putInto(file, text string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the page for the report: %w", err)
	}
	head, rest, found := strings.Cut(string(page), beginMark)
	_, tail, closed := strings.Cut(rest, endMark)
	if !found || !closed {
		return fmt.Errorf("%w in %s, between %q and %q", errNoMarks, file, beginMark, endMark)
	}
	if err := os.WriteFile(file, []byte(head+beginMark+"\n"+text+"\n"+endMark+tail), 0o644); err != nil {
		return fmt.Errorf("writing the report into a page: %w", err)
	}
	return nil
}
