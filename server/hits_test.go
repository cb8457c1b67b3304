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
DEBUG OBJECT here
DEBUG DIGEST-VALUE here
HSET hash f 1 g 2
HSETNX hash f 1
HGET hash f
HGET gone f
HGET hash nosuch
HMGET hash f g
HGETALL gone
HLEN hash
HEXISTS hash f
HSCAN hash 0
HRANDFIELD hash
HINCRBY hash f 1
HINCRBYFLOAT hash f 1
HDEL hash g
HDEL gone g
GET hash
HGET here f
SADD set a b c
SADD set a
SREM set a
SREM gone a
SISMEMBER set a
SMISMEMBER gone a b
SMEMBERS set
SCARD gone
SRANDMEMBER set
SRANDMEMBER set 2
SSCAN set 0
SINTER set set gone
SUNION set gone
SDIFF gone set
SINTERCARD 2 set gone
SINTERSTORE other set set
SINTERSTORE set:2 set gone
SUNIONSTORE set:2 set other
SDIFFSTORE set:2 gone set
SMOVE set other b
SMOVE gone other b
SPOP set
SPOP set 10
SPOP gone
SCARD here
ZADD zset 1 a 2 b 3 c
ZADD zset XX 1 gone
ZINCRBY zset 1 a
ZSCORE zset a
ZSCORE gone a
ZMSCORE zset a b
ZRANK zset a
ZCARD zset
ZCOUNT zset 0 1
ZRANGE zset 0 -1
ZRANGEBYSCORE gone 0 1
ZRANDMEMBER zset 2
ZSCAN zset 0
ZUNION 2 zset gone
ZINTERCARD 2 zset gone
ZUNIONSTORE zset:2 2 zset gone
ZRANGESTORE zset:3 zset 0 -1
ZRANGESTORE zset:3 gone 0 -1
ZREMRANGEBYRANK zset 0 0
ZPOPMIN zset
ZPOPMIN gone
ZREM zset:2 a
ZCARD here
RPUSH list a b c
LPUSHX gone a
LLEN list
LRANGE list 0 -1
LRANGE gone 0 -1
LINDEX list 0
LPOS list a
LSET list 0 x
LINSERT list AFTER b y
LREM list 0 y
LTRIM list 0 5
LMOVE list list LEFT RIGHT
LMOVE gone list LEFT RIGHT
LPOP list
RPOP gone
LLEN here
DUMP list
DEBUG OBJECT list
DEBUG DIGEST-VALUE list
MEMORY USAGE list
OBJECT ENCODING list
TYPE list
COPY list list:2
EXISTS list
DEBUG DIGEST
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
