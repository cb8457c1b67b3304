package server

import (
	"bytes"
	"os"
	"regexp"
	"testing"
)

// TestReferenceIsFresh fails when COMMANDS.md is not what the table says.
func TestReferenceIsFresh(t *testing.T) {
	got, err := os.ReadFile("../COMMANDS.md")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := WriteReference(&want); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("COMMANDS.md is stale: run go generate ./server")
	}
}

// TestRowsAreDocumented holds what every row must tell: a sentence, a version, a complexity, a name for each argument.
func TestRowsAreDocumented(t *testing.T) {
	table, err := newTable(commandRows(), nil)
	if err != nil {
		t.Fatal(err)
	}
	sentence := regexp.MustCompile(`^[A-Z][^\n]*\.$`)
	version := regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	for _, cmd := range table.rows {
		if !sentence.MatchString(cmd.Summary) {
			t.Errorf("%s: the summary %q is no sentence", cmd.FullName(), cmd.Summary)
		}
		if !version.MatchString(cmd.Since) || cmd.Complexity == "" || cmd.Group == "" {
			t.Errorf("%s: since %q, complexity %q, group %q", cmd.FullName(), cmd.Since, cmd.Complexity, cmd.Group)
		}
		if (cmd.Run == nil) != (len(cmd.Sub) > 0 && cmd.Name != "command") {
			t.Errorf("%s: a command runs, a container does not", cmd.FullName())
		}
		checkArgs(t, cmd.FullName(), cmd.Args)
	}
}

func checkArgs(t *testing.T, name string, args []Arg) {
	t.Helper()
	for _, arg := range args {
		compound := arg.Type == ArgOneOf || arg.Type == ArgBlock
		if arg.Name == "" || compound != (len(arg.Sub) > 0) || (arg.Type == ArgPureToken && arg.Token == "") {
			t.Errorf("%s: argument %+v", name, arg)
		}
		checkArgs(t, name, arg.Sub)
	}
}

// TestSyntax holds the notation.
func TestSyntax(t *testing.T) {
	for _, c := range []struct {
		args []Arg
		want string
	}{
		{nil, ""},
		{[]Arg{{Name: "key", Type: ArgKey}, {Name: "n"}}, "key n"},
		{[]Arg{{Name: "key", Flags: ArgMultiple}}, "key [key ...]"},
		{[]Arg{{Name: "count", Token: "COUNT", Flags: ArgOptional}}, "[COUNT count]"},
		{[]Arg{{Name: "p", Token: "PREFIX", Flags: ArgOptional | ArgMultiple | ArgMultipleToken}}, "[PREFIX p [PREFIX p ...]]"},
		{[]Arg{{Name: "p", Token: "KEYS", Flags: ArgMultiple}}, "KEYS p [p ...]"},
		{[]Arg{{Name: "x", Type: ArgPureToken, Token: "ASYNC", Flags: ArgOptional}}, "[ASYNC]"},
		{
			[]Arg{{Name: "x", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{{Name: "seconds", Token: "EX"}, {Name: "a", Type: ArgPureToken, Token: "PERSIST"}}}},
			"[EX seconds | PERSIST]",
		},
		{[]Arg{{Name: "x", Type: ArgOneOf, Sub: []Arg{{Name: "a"}, {Name: "b"}}}}, "<a | b>"},
		{[]Arg{{Name: "x", Type: ArgBlock, Flags: ArgMultiple, Sub: []Arg{{Name: "key"}, {Name: "value"}}}}, "key value [key value ...]"},
	} {
		if got := (&Command{Args: c.args}).syntax(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.args, got, c.want)
		}
	}
}
