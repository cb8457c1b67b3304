package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"time"
)

// readings are what was measured of one server: by name, one value per round.
type readings map[string][]float64

func (r readings) add(name string, value float64) { r[name] = append(r[name], value) }

// median is NaN for what was not measured.
func (r readings) median(name string) float64 {
	values := slices.Sorted(slices.Values(r[name]))
	if len(values) == 0 {
		return math.NaN()
	}
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// replace takes over what another run has under a name, also that it has nothing.
func (r readings) replace(name string, by readings) {
	if values, ok := by[name]; ok {
		r[name] = values
	} else {
		delete(r, name)
	}
}

// setup is where and how was measured: all that runs must have in common for their rows to stand in one table.
type setup struct {
	Machine    string        `json:"machine"`
	Redis      string        `json:"redis_version"`
	Generator  string        `json:"generator"`
	ServerCPUs string        `json:"server_cpus"`
	LoadCPUs   string        `json:"load_cpus"`
	Requests   int           `json:"requests"`
	Keys       int           `json:"keys"`
	Counters   int           `json:"counters"`
	Big        int           `json:"big"`
	Zipf       time.Duration `json:"zipf_nanos"`
}

// options are those on which the rows and their titles depend.
func (s setup) options() options {
	return options{requests: s.Requests, keys: s.Keys, counters: s.Counters, bigElements: s.Big, zipfFor: s.Zipf}
}

// results are what was measured, in one run or in several that were merged. As JSON they are what -json writes and -from reads.
type results struct {
	Setup setup     `json:"setup"`
	Time  time.Time `json:"time"`
	// QuipuVersion is what the newest binary says about itself.
	QuipuVersion string      `json:"quipu_version"`
	Rows         []rowResult `json:"rows"`
	Redis        readings    `json:"redis"`
	Quipu        readings    `json:"quipu"`
}

// rowResult is a row that was to be measured. All but its name follows from the readings; it is there for whoever reads the file.
type rowResult struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Wanted  string `json:"wanted"`
	Verdict string `json:"verdict"`
}

// addRow notes that a row belongs to the results, with what the readings say about it.
func (r *results) addRow(w row) {
	r.Rows = append(r.Rows, rowResult{w.name, w.title, w.wanted(), w.verdict(r.Redis, r.Quipu)})
}

// has tells whether a row was to be measured.
func (r *results) has(name string) bool {
	return slices.ContainsFunc(r.Rows, func(w rowResult) bool { return w.Name == name })
}

// rounds is how often something was measured.
func (r *results) rounds(reading string) int {
	return max(len(r.Redis[reading]), len(r.Quipu[reading]))
}

var errDifferentSetup = errors.New("measured elsewhere or in another way")

// merge adds later results. What both have measured is the later's, for both servers: a ratio is always one of figures taken in turn.
func (r *results) merge(later results) error {
	if r.Setup != later.Setup {
		return fmt.Errorf("%w: %+v, before: %+v", errDifferentSetup, later.Setup, r.Setup)
	}
	for _, side := range []readings{later.Redis, later.Quipu} {
		for name := range maps.Keys(side) {
			r.Redis.replace(name, later.Redis)
			r.Quipu.replace(name, later.Quipu)
		}
	}
	for _, w := range later.Rows {
		if !r.has(w.Name) {
			r.Rows = append(r.Rows, w)
		}
	}
	r.Time, r.QuipuVersion = later.Time, later.QuipuVersion
	return nil
}

// readResults reads and merges what runs have written; what stands in several files counts as the last has it.
func readResults(files []string) (results, error) {
	var all results
	for i, file := range files {
		one, err := readResultsOf(file)
		if err != nil {
			return results{}, err
		}
		if i == 0 {
			all = one
		} else if err := all.merge(one); err != nil {
			return results{}, fmt.Errorf("merging %s: %w", file, err)
		}
	}
	return all, nil
}

func readResultsOf(file string) (results, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return results{}, fmt.Errorf("reading results: %w", err)
	}
	r := results{Redis: readings{}, Quipu: readings{}}
	if err := json.Unmarshal(raw, &r); err != nil {
		return results{}, fmt.Errorf("decoding %s: %w", file, err)
	}
	return r, nil
}

// write stores every reading of every round.
func (r *results) write(file string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the readings: %w", err)
	}
	if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the readings: %w", err)
	}
	return nil
}
