package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// What [Parse] returns instead of a configuration when the command line asks
// for something else than a server. The caller prints [Usage] or its version.
var (
	ErrHelp    = errors.New("help was asked for")
	ErrVersion = errors.New("the version was asked for")
)

// Usage is the answer to --help.
const Usage = `Usage: quipu [FILE] [--NAME VALUE ...] [-]
       quipu - (read the configuration from standard input)
       quipu check DIR (verify everything in a data directory)
       quipu ping [HOST:PORT | /PATH/TO/SOCKET] (the exit code says whether it serves)
       quipu -v or --version
       quipu -h or --help

FILE is a redis.conf; redis.conf.example describes every parameter. What
follows it overrides it: the text on standard input first, where a lone dash
asks for it, then the parameters of the command line, from left to right.

Examples:
       quipu (serve on port 6379 with data under ./data)
       quipu /etc/quipu.conf
       quipu --port 7777 --appendfsync everysec
       quipu /etc/quipu.conf --loglevel verbose
       quipu --save ""
       echo 'maxmemory 128mb' | quipu -
`

// Parse builds the configuration of a server from the arguments that follow the
// program's name, as redis-server reads its own: an optional file, then
// parameters; a lone dash in first or last place reads stdin. It returns
// [ErrHelp] or [ErrVersion] if that is what the first argument asks for, and a
// *[FileError] for a line it cannot accept. stdin may be nil if args hold no
// lone dash.
func Parse(args []string, stdin io.Reader) (*Config, error) {
	if len(args) > 0 {
		switch args[0] {
		case "-h", "--help":
			return nil, ErrHelp
		case "-v", "--version":
			return nil, ErrVersion
		}
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	c := &Config{cwd: cwd}
	if err := c.load(splitCommandLine(args), stdin); err != nil {
		return nil, err
	}
	c.OnChange([]string{"dir"}, func(_, _ *Values) error { return errDirFixed })
	return c, nil
}

// load reads the three sources in the order in which they override each other.
func (c *Config) load(line commandLine, stdin io.Reader) error {
	l := newLoader()
	if line.hasFile {
		c.file = absolute(c.cwd, line.file)
		if err := l.file(c.file); err != nil {
			return err
		}
	}
	if line.stdin {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return fmt.Errorf("reading the configuration from standard input: %w", err)
		}
		if err := l.text("standard input", string(text)); err != nil {
			return err
		}
	}
	if err := l.text("the command line", strings.Join(line.lines, "\n")); err != nil {
		return err
	}
	v, err := l.finish(c.cwd)
	if err != nil {
		return err
	}
	c.ignored = l.ignored
	c.current.Store(v)
	return nil
}

// commandLine is what the arguments say.
type commandLine struct {
	file    string
	hasFile bool
	stdin   bool
	lines   []string // each --name and its values, as a line of a file
}

// splitCommandLine turns arguments into lines of a file. The argument after a
// bare --name is its value even if it begins with dashes; only --save may go
// without one, which means the empty one.
func splitCommandLine(args []string) commandLine {
	var line commandLine
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		line.file, line.hasFile = args[0], true
		args = args[1:]
	}
	wantsValue := false
	for i, arg := range args {
		last := i == len(args)-1
		first := i == 0 && !line.hasFile
		switch {
		case arg == "-" && (first || last):
			line.stdin = true
		case strings.HasPrefix(arg, "--") && !wantsValue:
			wantsValue = !strings.ContainsAny(strings.TrimSpace(arg), spaces)
			text := arg[2:]
			if strings.EqualFold(arg, "--save") && (last || strings.HasPrefix(args[i+1], "--")) {
				text, wantsValue = text+` ""`, false
			}
			line.lines = append(line.lines, text)
		default:
			line.addValue(arg)
			wantsValue = false
		}
	}
	return line
}

// addValue appends a value to the line that is being built. Without one, the
// value becomes a line of its own, to be refused by its text.
func (line *commandLine) addValue(value string) {
	if len(line.lines) == 0 {
		line.lines = []string{quote(value)}
		return
	}
	line.lines[len(line.lines)-1] += " " + quote(value)
}

// FileError is a line that cannot be accepted.
type FileError struct {
	Source string // path of the file, "standard input" or "the command line"
	Line   int    // from 1
	Text   string // the line, without the white space around it
	Err    error
}

// Error words it as redis-server does, and says which source it was: the line
// numbers of included files would mean little without.
func (e *FileError) Error() string {
	return fmt.Sprintf("*** FATAL CONFIG FILE ERROR (Quipu) ***\n"+
		"Reading the configuration file, at line %d of %s\n>>> '%s'\n%v", e.Line, e.Source, e.Text, e.Err)
}

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Err }

// defaults returns the values of a server that was told nothing, for the caller
// to change.
func defaults() *Values { return standard.clone() }

// standard holds the defaults; it does not change after initialisation.
var standard = parseDefaults(table)

func parseDefaults(table []*param) *Values {
	v := &Values{accepted: make(map[kind]any)}
	for _, row := range table {
		words, ok := splitWords(row.def)
		if !ok {
			panic("config: the default of " + row.name + " is not a line")
		}
		if err := row.value.set(v, words); err != nil {
			panic("config: the default of " + row.name + " is refused: " + err.Error())
		}
	}
	return v
}

// readFile returns the contents of a configuration file.
func readFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		var cause *os.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return "", fmt.Errorf("can't open config file '%s': %w", path, err)
	}
	return string(text), nil
}

// includes returns the files that an include line means: the file itself, or
// all that match if the name holds a wildcard, none being fine.
func includes(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("include pattern: %w", err)
	}
	return files, nil
}
