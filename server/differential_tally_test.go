package server

import (
	"slices"
	"strings"
)

// tally counts how often Redis has run the commands of a generator's rows, and refused them: each of them, and each of its options.
type tally struct {
	rows         map[string]*Command // by name: "zadd", "object freq"
	ran, refused map[string]int      // by name, and by name and option: "zadd GT"
	never        string              // an option that the generator does not draw
}

func newTally(g *lineGen) *tally {
	t := &tally{rows: map[string]*Command{}, ran: map[string]int{}, refused: map[string]int{}}
	if !g.lex {
		t.never = "BYLEX"
	}
	for _, row := range g.rows {
		if len(row.Sub) == 0 {
			t.rows[row.Name] = row
		}
		for _, sub := range row.Sub {
			t.rows[row.Name+" "+sub.Name] = sub
		}
	}
	return t
}

// note counts a line that Redis has run, or refused.
func (t *tally) note(l line, ran bool) {
	name := l.name()
	if t.rows[name] == nil && len(l) > 1 {
		name += " " + strings.ToLower(l[1])
	}
	row := t.rows[name]
	if row == nil {
		return
	}
	counts := t.refused
	if ran {
		counts = t.ran
	}
	counts[name]++
	for _, option := range options(row.Args) {
		if l.has(option) {
			counts[name+" "+option]++
		}
	}
}

// missing returns what was never run, or never refused.
func (t *tally) missing() (names []string) {
	for name, row := range t.rows {
		wanted := []string{name}
		for _, option := range options(row.Args) {
			if option != t.never {
				wanted = append(wanted, name+" "+option)
			}
		}
		for _, name := range wanted {
			if t.ran[name] == 0 {
				names = append(names, name)
			}
			if t.refused[name] == 0 {
				names = append(names, name+" (refused)")
			}
		}
	}
	slices.Sort(names)
	return names
}

// options returns the words among the arguments that the Redis which is compared with knows.
func options(args []Arg) (words []string) {
	for _, a := range args {
		if laterThanRedis(a.Since) {
			continue
		}
		if a.Token != "" {
			words = append(words, a.Token)
		}
		words = append(words, options(a.Sub)...)
	}
	return words
}
