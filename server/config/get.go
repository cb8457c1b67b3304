package config

import (
	"slices"
	"strings"

	"quipu/server/glob"
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
	for name, row := range byName {
		if !row.hidden && glob.MatchFold(pattern, name) {
			names = append(names, name)
		}
	}
	return names
}
