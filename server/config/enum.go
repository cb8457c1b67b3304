package config

import (
	"errors"
	"slices"
	"strings"
)

// names lists the spellings of an enumeration; the index is the value.
type names[T ~uint8] []string

// name returns the spelling of a value.
func (n names[T]) name(value T) string {
	if int(value) >= len(n) {
		return "unknown"
	}
	return n[value]
}

// The enumerations, each in the order in which Redis lists the values when it
// refuses another one; the constants in values.go number them.
var (
	fsyncPolicies    = names[Fsync]{"everysec", "always", "no"}
	evictionPolicies = names[Eviction]{
		"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
		"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction",
	}
	logLevels  = names[LogLevel]{"debug", "verbose", "notice", "warning"}
	logFormats = names[LogFormat]{"text", "json"}

	supervisions = names[Supervision]{"upstart", "systemd", "auto", "no"}

	tlsAuths = names[TLSAuth]{"no", "yes", "optional"}
	accesses = names[Access]{"no", "yes", "local"}
)

// oneOf is the form of an enumeration.
func oneOf[T ~uint8](n names[T]) form[T] {
	return one(func(word string) (T, error) {
		i := indexFold(n, word)
		if i < 0 {
			return 0, errOneOf(n)
		}
		return T(i), nil
	}, n.name)
}

// oneWord is the form of an enumeration that nobody looks at.
func oneWord(words ...string) form[uint8] {
	return oneOf(names[uint8](words))
}

// flags is the form of a set of words, of which the first means "none" and
// adds nothing to others. It is shown in the order of words.
func flags(check func(set uint8) error, words ...string) form[uint8] {
	return form[uint8]{
		list: true,
		parse: func(given []string, _ uint8) (uint8, error) {
			set, err := parseFlags(given, words)
			if err == nil {
				err = check(set)
			}
			return set, err
		},
		text:  func(set uint8) string { return formatFlags(set, words) },
		lines: func(set uint8) []string { return []string{formatFlags(set, words)} },
	}
}

func parseFlags(given, words []string) (set uint8, err error) {
	for _, word := range given {
		i := indexFold(words, word)
		if i < 0 {
			return 0, errOneOf(words)
		}
		set |= 1 << i >> 1
	}
	if len(given) == 0 {
		return 0, errOneOf(words)
	}
	return set, nil
}

func formatFlags(set uint8, words []string) string {
	if set == 0 {
		return words[0]
	}
	var on []string
	for i, word := range words[1:] {
		if set&(1<<i) != 0 {
			on = append(on, word)
		}
	}
	return strings.Join(on, " ")
}

func indexFold(words []string, word string) int {
	return slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, word) })
}

func errOneOf(words []string) error {
	return errors.New("argument(s) must be one of the following: " + strings.Join(words, ", "))
}

// signalFlags is the form of shutdown-on-sigint and shutdown-on-sigterm.
func signalFlags() form[uint8] {
	const save, nosave = 1 << 0, 1 << 1
	return flags(func(set uint8) error {
		if set&save != 0 && set&nosave != 0 {
			return refusal("shutdown options SAVE and NOSAVE can't be used simultaneously")
		}
		return nil
	}, "default", "save", "nosave", "now", "force")
}
