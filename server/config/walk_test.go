package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// otherValue returns a value that the row accepts and that is not the one it
// has in v, "" if there is none.
func otherValue(t *testing.T, row *param, v *Values) string {
	t.Helper()
	now := row.value.get(v)
	for _, value := range candidates(row) {
		next := v.clone()
		if value == "" || row.value.set(next, splitValue(row.value, value)) != nil {
			continue
		}
		if row.value.get(next) != now {
			return value
		}
	}
	return ""
}

// TestEveryParameter walks the table: each parameter is shown, set, shown, and
// shown again after a rewrite and a restart, and by its alias throughout.
func TestEveryParameter(t *testing.T) {
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "quipu.conf")
			writeFile(t, file, "enable-protected-configs yes\n")
			c := parse(t, file)
			if got, want := valueOf(c, row.name), row.value.get(c.Load()); got != want {
				t.Fatalf("CONFIG GET shows %q, the value is %q", got, want)
			}
			value := otherValue(t, row, c.Load())
			if value == "" {
				if !slices.ContainsFunc(refusedRows(), func(r *param) bool { return r.name == row.name }) {
					t.Fatal("no candidate is another value")
				}
				return
			}
			if row.mode == atStart || row.name == "dir" {
				checkStart(t, row, c, value)
				return
			}
			checkRunTime(t, row, c, value)
		})
	}
}

// checkStart sets a parameter that is immutable at run time in the file.
func checkStart(t *testing.T, row *param, c *Config, value string) {
	t.Helper()
	before := valueOf(c, row.name)
	writeFile(t, c.File(), row.name+" "+quoteWords(splitValue(row.value, value))+"\n")
	c = parse(t, c.File())
	if valueOf(c, row.name) == before {
		t.Fatalf("%q in the file changes nothing", value)
	}
	if err := c.Set([][2]string{{row.name, value}}); err == nil {
		t.Fatal("CONFIG SET changed it")
	}
}

func checkRunTime(t *testing.T, row *param, c *Config, value string) {
	t.Helper()
	if err := c.Set([][2]string{{strings.ToUpper(row.name), value}}); err != nil {
		t.Fatal(err)
	}
	want := row.value.get(c.Load())
	// What CONFIG GET shows, CONFIG SET takes.
	if err := c.Set([][2]string{{row.name, valueOf(c, row.name)}}); err != nil {
		t.Fatal(err)
	}
	if got := valueOf(c, row.name); got != want {
		t.Fatalf("set to what CONFIG GET showed, %q, it is %q", want, got)
	}
	if row.alias != "" && valueOf(c, row.alias) != want {
		t.Fatalf("by its alias it is %q", valueOf(c, row.alias))
	}
	if err := c.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if got := valueOf(parse(t, c.File()), row.name); got != want {
		text, _ := os.ReadFile(c.File())
		t.Fatalf("after a restart it is %q, not %q; the file:\n%s", got, want, text)
	}
}

// TestTable holds the rules of the table that no type can.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range table {
		for _, name := range []string{row.name, row.alias} {
			if name != "" && (seen[name] || name != strings.ToLower(name)) {
				t.Errorf("%s: twice, or not in lower case", name)
			}
			seen[name] = true
		}
		if hasField(row.value) == row.meaningless() {
			t.Errorf("%s: a parameter has a field of Values and prose, or neither", row.name)
		}
		if len(row.value.lines(defaults())) == 0 {
			t.Errorf("%s: no line of a file stands for its default", row.name)
		}
	}
}

// hasField reports whether setting something shows in a field of Values.
func hasField(k kind) bool {
	return strings.HasPrefix(fmt.Sprintf("%T", k), "*config.bound[")
}

// TestSensitive names the parameters whose values are secrets.
func TestSensitive(t *testing.T) {
	var secret []string
	for name := range byName {
		if Sensitive(strings.ToUpper(name)) {
			secret = append(secret, name)
		}
	}
	slices.Sort(secret)
	want := []string{"masterauth", "masteruser", "requirepass", "tls-client-key-file-pass", "tls-key-file-pass"}
	if !slices.Equal(secret, want) || Sensitive("nosuch") {
		t.Errorf("secret: %q", secret)
	}
}

// TestExample holds redis.conf.example to the table: it is what go generate
// would write, it starts a server that differs in nothing from one without a
// file, and it mentions every parameter and directive.
func TestExample(t *testing.T) {
	const path = "../../redis.conf.example"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != Example() {
		t.Fatal("redis.conf.example is stale: run go generate ./server/config")
	}
	fromFile, without := parse(t, path), parse(t)
	if len(fromFile.Ignored()) > 0 {
		t.Errorf("it sets parameters without a meaning: %q", fromFile.Ignored())
	}
	if got, want := fmt.Sprint(fromFile.Get("*")), fmt.Sprint(without.Get("*")); got != want {
		t.Errorf("it changes the defaults:\n%s\n%s", got, want)
	}
	for name, row := range byName {
		if !row.hidden && !strings.Contains(string(text), name) {
			t.Errorf("it does not mention %s", name)
		}
	}
	for _, name := range directives() {
		if !strings.Contains(strings.ToLower(string(text)), name) && name != "sentinel" {
			t.Errorf("it does not mention %s", name)
		}
	}
}

// TestExampleLines has every commented example be a line that is accepted.
func TestExampleLines(t *testing.T) {
	for _, row := range table {
		if row.example == "" {
			continue
		}
		l := newLoader()
		if err := l.line(row.example); err != nil || !l.given[row] {
			t.Errorf("%s: %v", row.example, err)
		}
	}
}

// debianFile is the configuration that Debian's redis-server installs.
const debianFile = "/etc/redis/redis.conf"

// TestDebianFile starts from it as it is.
func TestDebianFile(t *testing.T) {
	c := parse(t, debianFile)
	v := c.Load()
	if v.Dir != "/var/lib/redis" || v.AppendOnly || v.AppendFsync != FsyncEverySecond || v.Path("x.log") != "/var/lib/redis/x.log" {
		t.Errorf("%+v", v)
	}
	if !slices.Contains(c.Ignored(), "rdbcompression") || slices.Contains(c.Ignored(), "port") {
		t.Errorf("ignored: %q", c.Ignored())
	}
}

// TestDebianExamples reads every example that its comments hold, each by itself:
// only those that are known to ask for what is missing are refused.
func TestDebianExamples(t *testing.T) {
	text, err := os.ReadFile(debianFile)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(strings.TrimLeft(line, "# "))
		words, ok := splitWords(line)
		if !ok || len(words) < 2 || lookup(words[0]) == nil || strings.ContainsAny(line, "<>") || !likeAnExample(words) {
			continue
		}
		examples++
		missing := slices.Contains([]string{"replicaof", "aclfile", "cluster-enabled"}, words[0])
		if err := newLoader().line(line); (err != nil) != missing {
			t.Errorf("%s: %v", line, err)
		}
	}
	if examples < 150 {
		t.Errorf("only %d examples were found", examples)
	}
}

// likeAnExample tells a line from the prose around it, which also begins with a
// parameter's name now and then: prose has bare words after it.
func likeAnExample(words []string) bool {
	prose := []string{
		"is", "option", "directive", "and", "to", "be", "in", "the", "will", "can", "parameter", "-", "=", "or", "mode", "=>", "commands",
		"file", "of", "means", "setting", "value", "was", "you", "configuration", "with", "for", "if", "not", "are", "by",
	}
	return !slices.ContainsFunc(words[1:], func(w string) bool { return slices.Contains(prose, strings.ToLower(strings.Trim(w, ".,:"))) })
}
