package server

import (
	"fmt"
	"testing"
	"time"
)

// expiredFields is how many fields of a hash expire in these tests: many more than are removed at a time.
const expiredFields = 3000

// expireFields has the fields f0, f1 and so on of a large hash expire, and nobody remove them.
func expireFields(server *testServer, c *testClient) {
	set := []any{"HSETEX", "h", "PX", 100, "FIELDS", expiredFields}
	for i := range expiredFields {
		set = append(set, fmt.Sprint("f", i), i)
	}
	c.want("DEBUG SET-ACTIVE-EXPIRE 0", "OK")
	c.ask("DEL", "h")
	c.ask(set...)
	server.advance(101 * time.Millisecond)
}

// TestExpiredFieldsAreGone asks for fields that have expired and are still there.
func TestExpiredFieldsAreGone(t *testing.T) {
	server := startServer(t, "--enable-debug-command", "yes")
	c := server.dial()
	for _, test := range []struct{ line, want string }{
		{"HGET h f%d", "(nil)"},
		{"HMGET h f%d", "1) (nil)"},
		{"HEXISTS h f%d", "(integer) 0"},
		{"HSTRLEN h f%d", "(integer) 0"},
		{"HDEL h f%d", "(integer) 0"},
		{"HTTL h FIELDS 1 f%d", "1) (integer) -2"},
		{"HPERSIST h FIELDS 1 f%d", "1) (integer) -2"},
		{"HEXPIRE h 10 FIELDS 1 f%d", "1) (integer) -2"},
		{"HGETEX h PERSIST FIELDS 1 f%d", "1) (nil)"},
		{"HGETDEL h FIELDS 1 f%d", "1) (nil)"},
		{"HSETEX h FXX FIELDS 1 f%d 1", "(integer) 0"},
		{"HINCRBY h f%d 7", "(integer) 7"},
	} {
		expireFields(server, c)
		for _, field := range []int{0, 1, expiredFields / 2, expiredFields - 1} { // each command removes some of the others
			c.want(fmt.Sprintf(test.line, field), test.want)
		}
	}
	expireFields(server, c)
	c.want("HSET h alive 1", "(integer) 1")
	c.want("HKEYS h", `1) "alive"`)
	c.want("HSETNX h f2999 1", "(integer) 1")
}

// TestRandomFieldsAreAlive picks among fields of which many have expired, and among none.
func TestRandomFieldsAreAlive(t *testing.T) {
	server := startServer(t, "--enable-debug-command", "yes")
	c := server.dial()
	for _, test := range []struct{ line, alive, none string }{
		{"HRANDFIELD h", `"alive"`, "(nil)"},
		{"HRANDFIELD h 2", `1) "alive"`, "(empty array)"},
		{"HRANDFIELD h 1000 WITHVALUES", "1) \"alive\"\n2) \"1\"", "(empty array)"},
		{"HRANDFIELD h -2", "1) \"alive\"\n2) \"alive\"", "(empty array)"},
	} {
		expireFields(server, c)
		c.want("HSET h alive 1", "(integer) 1")
		c.want(test.line, test.alive)
		c.want("HLEN h", "(integer) 1")
		expireFields(server, c)
		c.want(test.line, test.none)
		c.want("EXISTS h", "(integer) 0")
	}
}
