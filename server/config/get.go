package config

import (
	"slices"
	"strings"
)

// Get carries out CONFIG GET: the names and values of all parameters that any
// of the patterns finds, each once, sorted by name. A pattern without * ? [
// finds the parameter of that name, hidden or not, and is answered with the
// spelling that was asked for, as in Redis. Aliases are found like names.
func (c *Config) Get(patterns ...string) [][2]string {
	v := c.Load()
	spelled := make(map[string]string) // by name, as it was asked for
	for _, pattern := range patterns {
		for _, name := range find(pattern) {
			if _, known := spelled[strings.ToLower(name)]; !known {
				spelled[strings.ToLower(name)] = name
			}
		}
	}
	reply := make([][2]string, 0, len(spelled))
	for name, asked := range spelled {
		reply = append(reply, [2]string{asked, byName[name].value.get(v)})
	}
	slices.SortFunc(reply, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return reply
}

// find returns the names that one pattern finds.
func find(pattern string) []string {
	if !strings.ContainsAny(pattern, "*?[") {
		if lookup(pattern) == nil {
			return nil
		}
		return []string{pattern}
	}
	var names []string
	pattern = strings.ToLower(pattern)
	for name, row := range byName {
		if !row.hidden && match(pattern, name) {
			names = append(names, name)
		}
	}
	return names
}

// match reports whether the glob pattern matches all of name: * any bytes, ?
// one byte, [a-z] or [^a-z] one of a class, and \ makes the next byte itself.
// It goes back only to the last star, since an earlier one cannot match
// anything that the last one could not: the time is bounded by the product of
// the lengths.
func match(pattern, name string) bool {
	star, resume := "", ""
	starred := false
	for name != "" || pattern != "" {
		if strings.HasPrefix(pattern, "*") {
			pattern = pattern[1:]
			star, resume, starred = pattern, name, true
			continue
		}
		if rest, ok := matchByte(pattern, name); ok {
			pattern, name = rest, name[1:]
			continue
		}
		if !starred || resume == "" {
			return false
		}
		resume = resume[1:]
		pattern, name = star, resume
	}
	return true
}

// matchByte matches the first byte of name against the first element of the
// pattern, which is not a star, and returns the rest of the pattern.
func matchByte(pattern, name string) (rest string, ok bool) {
	if pattern == "" || name == "" {
		return "", false
	}
	switch {
	case pattern[0] == '?':
		return pattern[1:], true
	case pattern[0] == '[':
		return matchClass(pattern[1:], name[0])
	case pattern[0] == '\\' && len(pattern) > 1:
		pattern = pattern[1:]
	}
	return pattern[1:], pattern[0] == name[0]
}

// matchClass matches c against the class that begins class, which may lack its
// closing bracket.
func matchClass(class string, c byte) (rest string, ok bool) {
	class, negated := strings.CutPrefix(class, "^")
	for class != "" && class[0] != ']' {
		switch {
		case class[0] == '\\' && len(class) > 1:
			ok = ok || class[1] == c
			class = class[2:]
		case len(class) > 2 && class[1] == '-':
			low, high := min(class[0], class[2]), max(class[0], class[2])
			ok = ok || low <= c && c <= high
			class = class[3:]
		default:
			ok = ok || class[0] == c
			class = class[1:]
		}
	}
	return strings.TrimPrefix(class, "]"), ok != negated
}
