package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestSessions runs the scripts of testdata. Each begins without files; the
// commands are
//
//	file NAME        write the input to the file
//	show NAME        print the file
//	start            parse the arguments, one a line of the input, up to a line
//	                 of dashes, which standard input follows; "" is empty
//	get PATTERN ...  CONFIG GET
//	set              CONFIG SET, each line of the input a name and a value
//	rewrite          CONFIG REWRITE
//	hook NAME ...    report changes; veto=WORD refuses a new value that holds it
//	renames          print the rename-command lines
//	path NAME        where a file name of the configuration leads
func TestSessions(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			path, err := filepath.Abs(script)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			datadriven.RunTest(t, path, (&session{t: t}).run)
		})
	}
}

type session struct {
	t *testing.T
	c *Config
	// trace is what hooks have reported since the last command.
	trace strings.Builder
}

func (s *session) run(t *testing.T, d *datadriven.TestData) string {
	s.trace.Reset()
	switch d.Cmd {
	case "file":
		path := d.CmdArgs[0].Key
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, d.Input+"\n")
		return ""
	case "show":
		text, err := os.ReadFile(d.CmdArgs[0].Key)
		return s.said(err, s.here(string(text)))
	case "start":
		return s.start(d)
	case "hook":
		return s.hook(d)
	default:
		return s.command(d)
	}
}

// command runs what needs a started configuration.
func (s *session) command(d *datadriven.TestData) string {
	switch d.Cmd {
	case "get":
		var patterns []string
		for _, arg := range d.CmdArgs {
			patterns = append(patterns, arg.Key)
		}
		var b strings.Builder
		for _, pair := range s.c.Get(patterns...) {
			fmt.Fprintf(&b, "%s %q\n", pair[0], s.here(pair[1]))
		}
		return b.String()
	case "set":
		err := s.c.Set(pairs(s.t, d.Input))
		return s.trace.String() + s.said(err, "OK\n")
	case "rewrite":
		return s.said(s.c.Rewrite(), "OK\n")
	case "renames":
		return fmt.Sprintf("%q\n", s.c.Load().Renames)
	case "path":
		return s.here(s.c.Load().Path(d.CmdArgs[0].Key)) + "\n"
	default:
		return "unknown command"
	}
}

// start parses arguments.
func (s *session) start(d *datadriven.TestData) string {
	input, stdin, _ := strings.Cut(d.Input, "---\n")
	var args []string
	for line := range strings.Lines(input) {
		line = strings.TrimSuffix(line, "\n")
		if line == `""` {
			line = ""
		}
		args = append(args, line)
	}
	c, err := Parse(args, strings.NewReader(stdin))
	if err != nil {
		return s.here(err.Error()) + "\n"
	}
	s.c = c
	if len(c.Ignored()) > 0 {
		return fmt.Sprintf("ignored: %s\n", strings.Join(c.Ignored(), " "))
	}
	return "started\n"
}

// hook subscribes to parameters; the trace shows what they are told.
func (s *session) hook(d *datadriven.TestData) string {
	var names []string
	veto := "\x00"
	for _, arg := range d.CmdArgs {
		if arg.Key == "veto" {
			veto = arg.Vals[0]
			continue
		}
		names = append(names, arg.Key)
	}
	s.c.OnChange(names, func(old, new *Values) error {
		for _, name := range names {
			row := lookup(name)
			fmt.Fprintf(&s.trace, "%s: %q -> %q\n", name, row.value.get(old), row.value.get(new))
			if strings.Contains(row.value.get(new), veto) {
				return fmt.Errorf("%s is not wanted", veto)
			}
		}
		return nil
	})
	return ""
}

// pairs reads a name and a value per line; the value may be quoted.
func pairs(t *testing.T, input string) [][2]string {
	var list [][2]string
	for line := range strings.Lines(input) {
		words, ok := splitWords(line)
		if !ok || len(words) < 1 {
			t.Fatalf("not a name and a value: %q", line)
		}
		list = append(list, [2]string{words[0], strings.Join(words[1:], " ")})
	}
	return list
}

// said is the error, or what is said without one.
func (s *session) said(err error, otherwise string) string {
	if err != nil {
		return s.here(err.Error()) + "\n"
	}
	return otherwise
}

// here replaces the temporary directory in text.
func (s *session) here(text string) string {
	cwd, err := os.Getwd()
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.ReplaceAll(text, cwd, "HERE")
}
