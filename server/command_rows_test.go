package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// rowDifferences are the commands whose row differs from Redis's on purpose, with the reason. An entry that no longer differs fails.
var rowDifferences = map[string]string{
	"client|no-touch": "Redis has it since 7.2",
	"client|setinfo":  "Redis has it since 7.2; clients send it at once",
	"delex":           "Redis has it since 8.4",
	"digest":          "Redis has it since 8.4",
	"increx":          "Redis has it since 8.8",
	"msetex":          "Redis has it since 8.4",
	"hexpire":         "Redis has it since 7.4",
	"hexpireat":       "Redis has it since 7.4",
	"hexpiretime":     "Redis has it since 7.4",
	"hpersist":        "Redis has it since 7.4",
	"hpexpire":        "Redis has it since 7.4",
	"hpexpireat":      "Redis has it since 7.4",
	"hpexpiretime":    "Redis has it since 7.4",
	"hpttl":           "Redis has it since 7.4",
	"httl":            "Redis has it since 7.4",
	"hgetdel":         "Redis has it since 8.0",
	"hgetex":          "Redis has it since 8.0",
	"hsetex":          "Redis has it since 8.0",
	"zrank":           "WITHSCORE since 7.2",
	"zrevrank":        "WITHSCORE since 7.2",
}

// docDifferences are the same for the documentation.
var docDifferences = map[string]string{
	"client|kill":     "the old form, of one argument, is not marked as deprecated",
	"client|no-touch": "Redis has it since 7.2",
	"client|setinfo":  "Redis has it since 7.2; clients send it at once",
	"delex":           "Redis has it since 8.4",
	"digest":          "Redis has it since 8.4",
	"increx":          "Redis has it since 8.8",
	"msetex":          "Redis has it since 8.4",
	"set":             "the conditions IFEQ to IFDNE, which Redis has since 8.4",
	"hscan":           "Redis has NOVALUES since 7.4",
	"hexpire":         "Redis has it since 7.4",
	"hexpireat":       "Redis has it since 7.4",
	"hexpiretime":     "Redis has it since 7.4",
	"hpersist":        "Redis has it since 7.4",
	"hpexpire":        "Redis has it since 7.4",
	"hpexpireat":      "Redis has it since 7.4",
	"hpexpiretime":    "Redis has it since 7.4",
	"hpttl":           "Redis has it since 7.4",
	"httl":            "Redis has it since 7.4",
	"hgetdel":         "Redis has it since 8.0",
	"hgetex":          "Redis has it since 8.0",
	"hsetex":          "Redis has it since 8.0",
	"zrank":           "WITHSCORE since 7.2",
	"zrevrank":        "WITHSCORE since 7.2",
}

// docOwn are the fields of COMMAND DOCS that are ours to word, or that speak of Redis's past versions.
var docOwn = []string{"summary", "complexity", "history", "subcommands"}

// TestRowsAgreeWithRedis compares name, arity, flags, key positions, categories, tips and key specifications of every command and
// subcommand with those of a real server.
func TestRowsAgreeWithRedis(t *testing.T) {
	real, ours, names := beside(t)
	for _, name := range names {
		want, got := rowReply(real, name), rowReply(ours, name)
		checkDifference(t, name, rowDifferences, want, got)
	}
}

// TestDocsAgreeWithRedis compares group, since, flags, deprecation and the tree of arguments.
func TestDocsAgreeWithRedis(t *testing.T) {
	real, ours, names := beside(t)
	for _, name := range names {
		want, got := docReply(real, name), docReply(ours, name)
		checkDifference(t, name, docDifferences, want, got)
	}
}

// beside starts a Redis and a Quipu that both speak RESP3, and returns connections to them and the names of all commands of ours.
func beside(t *testing.T) (real, ours asker, names []string) {
	t.Helper()
	redis := resptest.Start(t).Dial(t)
	real = func(args ...any) resp.Reply { return redis.Do(args...) }
	server := startServer(t)
	ours = server.dial().ask
	for _, ask := range []asker{real, ours} {
		if reply := ask("HELLO", 3); reply.Kind != resp.KindMap {
			t.Fatal("HELLO 3:", reply)
		}
	}
	for _, cmd := range server.table.rows {
		names = append(names, cmd.FullName())
	}
	return real, ours, names
}

// asker sends a command and returns its reply.
type asker func(args ...any) resp.Reply

// ask sends a command whose arguments may hold any bytes.
func (c *testClient) ask(args ...any) resp.Reply {
	c.t.Helper()
	c.send(string(resptest.AppendCommand(nil, args...)))
	reply, err := resp.ReadReply(c.in)
	if err != nil {
		c.t.Fatalf("reply to %.100q: %v", args, err)
	}
	return reply
}

// checkDifference fails if want and got differ and the list does not say so, or the other way round.
func checkDifference(t *testing.T, name string, allowed map[string]string, want, got string) {
	t.Helper()
	reason, listed := allowed[name]
	switch {
	case want != got && !listed:
		t.Errorf("%s:\n Redis %s\n Quipu %s", name, want, got)
	case want == got && listed:
		t.Errorf("%s no longer differs from Redis, but is listed as: %s", name, reason)
	}
}

// rowReply returns the answer of COMMAND INFO without subcommands, in a form that can be compared.
func rowReply(ask asker, name string) string {
	reply := ask("COMMAND", "INFO", name)
	if len(reply.Elems) != 1 || len(reply.Elems[0].Elems) != fullRow {
		return reply.String()
	}
	row := reply.Elems[0]
	row.Elems = row.Elems[:fullRow-1]
	return sorted(row)
}

// docReply returns the answer of COMMAND DOCS without docOwn, in a form that can be compared.
func docReply(ask asker, name string) string {
	reply := ask("COMMAND", "DOCS", name)
	if len(reply.Elems) != 2 {
		return reply.String()
	}
	doc := reply.Elems[1]
	var kept []resp.Reply
	for i := 0; i+1 < len(doc.Elems); i += 2 {
		if !slices.Contains(docOwn, string(doc.Elems[i].Text)) {
			kept = append(kept, doc.Elems[i], doc.Elems[i+1])
		}
	}
	doc.Elems = kept
	return sorted(doc)
}

// sorted writes a reply in one line, the elements of sets in alphabetical order.
func sorted(r resp.Reply) string {
	if r.NoArray {
		return "(no array)"
	}
	if r.Elems == nil {
		return strings.TrimSpace(r.String())
	}
	var parts []string
	for i, e := range r.Elems {
		if r.Kind == resp.KindMap && string(r.Elems[i&^1].Text) == "notes" {
			continue // of a key specification: ours to word
		}
		parts = append(parts, sorted(e))
	}
	if r.Kind == resp.KindSet {
		slices.Sort(parts)
	}
	return fmt.Sprintf("%c[%s]", r.Kind, strings.Join(parts, " "))
}
