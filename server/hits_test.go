package server

import (
	"strings"
	"testing"

	"quipu/server/resp/resptest"
)

// hitLines are sent with "here" present and "gone" absent.
const hitLines = `
GET here
GET gone
MGET here gone here
STRLEN here
STRLEN gone
GETRANGE here 0 1
GETRANGE gone 0 1
SUBSTR here 0 1
EXISTS here gone here
TYPE here
TYPE gone
TTL here
TTL gone
PTTL here
EXPIRETIME here
PEXPIRETIME gone
TOUCH here gone
OBJECT ENCODING here
OBJECT ENCODING gone
OBJECT IDLETIME here
OBJECT REFCOUNT gone
DUMP here
DUMP gone
MEMORY USAGE here
MEMORY USAGE gone
LCS here gone
LCS here here LEN
COPY gone other
COPY here other
COPY here other REPLACE
GETEX gone
GETEX here
GETEX here PERSIST
GETSET here 1
GETSET new 1
GETDEL gone
GETDEL new
SET here 1 GET
SET new 1 GET
SET here 1 NX
SET here 1 NX GET
SET gone 1 XX
SETNX here 1
INCR here
DECRBY fresh 1
INCRBYFLOAT here 1
APPEND here 1
SETRANGE here 0 1
PERSIST here
EXPIRE here 1000
EXPIRE gone 1000
RENAME here again
RENAMENX again here
MOVE here 5
MOVE gone 5
DEL gone here
UNLINK gone other
RANDOMKEY
SCAN 0
KEYS *
WATCH here gone
DEBUG OBJECT here
SET here 1
GET here
`

// TestHitsAgreeWithRedis compares what each command adds to keyspace_hits and keyspace_misses.
func TestHitsAgreeWithRedis(t *testing.T) {
	redis := resptest.Start(t, "--enable-debug-command", "yes")
	real := newTestClient(t, dialUnix(t, redis.Socket))
	ours := startServer(t, "--enable-debug-command", "yes").dial()
	for _, c := range []*testClient{real, ours} {
		c.want("SET here 12", "OK")
	}
	for _, line := range strings.Split(strings.TrimSpace(hitLines), "\n") {
		for _, c := range []*testClient{real, ours} {
			c.do("CONFIG RESETSTAT")
			c.do(line)
		}
		if want, got := real.hits(), ours.hits(); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

// hits returns the figures as INFO shows them.
func (c *testClient) hits() string {
	var found []string
	for _, field := range strings.FieldsFunc(c.do("INFO stats"), func(r rune) bool { return r == '\r' || r == '\n' || r == '\\' }) {
		if strings.Contains(field, "keyspace_hits") || strings.Contains(field, "keyspace_misses") {
			found = append(found, strings.TrimLeft(field, "rn"))
		}
	}
	return strings.Join(found, " ")
}
