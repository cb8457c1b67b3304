package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"quipu/persist"
)

// errDamaged says that check found something.
var errDamaged = errors.New("the data directory is damaged")

// check verifies a data directory that no server has open. It prints what it finds to stdout, and how far it has come to stderr.
func check(args []string, stdout, stderr io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: quipu check DIR")
	}
	opts := persist.Options{Dir: args[0], Events: persist.Events{Progress: progressPrinter(stderr)}}
	sum, err := persist.Check(opts, func(f persist.Finding) {
		fmt.Fprintln(stdout, f) //nolint:errcheck // the exit code tells
	})
	if err != nil {
		return err // it names the directory
	}
	printSummary(stdout, sum)
	if sum.Damaged > 0 {
		return errDamaged
	}
	return nil
}

// printSummary tells what was read.
func printSummary(w io.Writer, sum persist.Summary) {
	verdict := "no damage found"
	if sum.Damaged > 0 {
		verdict = fmt.Sprintf("%d of %d findings are damage", sum.Damaged, sum.Findings)
	} else if sum.Findings > 0 {
		verdict += fmt.Sprintf("; %d findings that the next start repairs", sum.Findings)
	}
	fmt.Fprintf(w, "log: %d segments, %d records, %d bytes, up to commit %d\n"+ //nolint:errcheck // the exit code tells
		"store: %d tables, %d bytes, %d rows, covers commit %d\n%s\n",
		sum.Segments, sum.Records, sum.LogBytes, sum.Last, sum.Tables, sum.TableBytes, sum.Rows, sum.Covered, verdict)
}

// progressPrinter returns what prints, once a second, how far a long operation has come, with its rate and, where the end is known, an
// estimate of the time that is left.
func progressPrinter(w io.Writer) func(persist.Progress) {
	began := time.Now()
	told := began
	return func(p persist.Progress) {
		if time.Since(told) < time.Second {
			return
		}
		told = time.Now()
		rate := float64(p.Done) / told.Sub(began).Seconds()
		line := fmt.Sprintf("%s: %d MB, %.0f MB/s", p.Stage, p.Done>>20, rate/(1<<20))
		if left := p.Total - p.Done; left > 0 && rate > 0 {
			line += fmt.Sprintf(", about %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
		}
		fmt.Fprintln(w, line) //nolint:errcheck // it is only for somebody who watches
	}
}
