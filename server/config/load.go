package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxIncludeDepth bounds files that include each other in a circle. Nobody
// nests by hand as deep as this.
const maxIncludeDepth = 16

// The sentences with which Redis refuses a line, and two of our own.
var (
	errDirective   = refusal("Bad directive or wrong number of arguments")
	errQuotes      = refusal("Unbalanced quotes in configuration line")
	errSentinel    = refusal("sentinel directive while not in sentinel mode")
	errModules     = errors.New("modules are not supported: the commands of this one would be missing")
	errNestedFiles = fmt.Errorf("files include each other more than %d deep", maxIncludeDepth)
)

// loader builds a Values from lines, the later ones overriding the earlier.
type loader struct {
	values  *Values
	given   map[*param]bool // the parameters met so far
	ignored []string        // the meaningless ones among them, in order
	user    defaultUser
	depth   int // of include
}

func newLoader() *loader {
	return &loader{values: defaults(), given: make(map[*param]bool)}
}

// file reads a file.
func (l *loader) file(path string) error {
	if l.depth >= maxIncludeDepth {
		return errNestedFiles
	}
	text, err := readFile(path)
	if err != nil {
		return err
	}
	l.depth++
	defer func() { l.depth-- }()
	return l.text(path, text)
}

// text reads lines; source says where they come from.
func (l *loader) text(source, text string) error {
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.Trim(line, " \t\r\n")
		err := l.line(line)
		if err == nil {
			continue
		}
		var inner *FileError
		if errors.As(err, &inner) { // from within an included file
			return err
		}
		return &FileError{Source: source, Line: number, Text: line, Err: err}
	}
	return nil
}

// line reads one line, which has no white space around it.
func (l *loader) line(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	words, ok := splitWords(line)
	if !ok {
		return errQuotes
	}
	if len(words) == 0 {
		return nil
	}
	if row := lookup(words[0]); row != nil {
		return l.parameter(row, words[1:])
	}
	return l.directive(strings.ToLower(words[0]), words[1:])
}

// parameter sets one row of the table.
func (l *loader) parameter(row *param, words []string) error {
	if row.additive && !l.given[row] {
		if err := row.value.set(l.values, nil); err != nil {
			return err
		}
	}
	if row.value.list() && len(words) == 1 {
		words = splitValue(row.value, words[0]) // save "900 1", as CONFIG SET has it
	}
	if err := row.value.set(l.values, words); err != nil {
		return err
	}
	if row.meaningless() && !l.given[row] {
		l.ignored = append(l.ignored, row.name)
	}
	l.given[row] = true
	if row.name == "requirepass" {
		l.user = defaultUser{}
	}
	return nil
}

// directive reads the lines that are not parameters: they have no value that
// CONFIG GET could show.
func (l *loader) directive(name string, words []string) error {
	switch {
	case name == "include" && len(words) == 1:
		return l.include(words[0])
	case name == "rename-command" && len(words) == 2:
		l.values.Renames = append(slices.Clip(l.values.Renames), Rename{From: words[0], To: words[1]})
		return nil
	case name == "user" && len(words) >= 1:
		return l.user.declare(words)
	case name == "loadmodule" && len(words) >= 1:
		return errModules
	case name == "sentinel":
		return errSentinel
	case slices.Contains(abandoned, name) && len(words) == 1:
		l.ignore(name)
		return nil
	default:
		return errDirective
	}
}

// abandoned are directives of older versions that Redis 7 still reads, to no
// effect.
var abandoned = []string{"list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"}

// directives are all names that directive knows and the table does not.
func directives() []string {
	return append([]string{"include", "rename-command", "user", "loadmodule", "sentinel"}, abandoned...)
}

func (l *loader) ignore(name string) {
	if !slices.Contains(l.ignored, name) {
		l.ignored = append(l.ignored, name)
	}
}

func (l *loader) include(pattern string) error {
	files, err := includes(pattern)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := l.file(file); err != nil {
			return err
		}
	}
	return nil
}

// finish makes what was read whole: it settles the directories, cwd being that
// of the process, and the password of the default user.
func (l *loader) finish(cwd string) (*Values, error) {
	v := l.values
	v.base = cwd
	v.Dir = absolute(cwd, v.Dir)
	if l.given[lookup("dir")] {
		v.base = v.Dir
	}
	password, err := l.user.password(v.RequirePass)
	if err != nil {
		return nil, err
	}
	v.RequirePass = password
	return v, nil
}
