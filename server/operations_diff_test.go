package server

import (
	"fmt"
	"strings"
	"testing"

	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// operationLines go to a real Redis and to Quipu, which must answer the same. They change little, so that order does not matter much.
const operationLines = `
INFO nosuch
INFO cluster
INFO modules nosuch
SLOWLOG
SLOWLOG GET abc
SLOWLOG GET -2
SLOWLOG GET 0
SLOWLOG GET 1 2
SLOWLOG LEN x
SLOWLOG NOSUCH
COMMAND NOSUCH
COMMAND COUNT x
COMMAND LIST FILTERBY
COMMAND LIST FILTERBY MODULE x
COMMAND LIST FILTERBY ACLCAT nosuch
COMMAND LIST FILTERBY PATTERN nosuch*
COMMAND LIST FILTERBY PATTERN a b
COMMAND LIST WHATEVER
COMMAND DOCS nosuch
COMMAND INFO nosuch config|nosuch
COMMAND GETKEYS
COMMAND GETKEYS nosuch a
COMMAND GETKEYS get
COMMAND GETKEYS get a
COMMAND GETKEYS get a b
COMMAND GETKEYS ping a
COMMAND GETKEYS info
COMMAND GETKEYS mset a 1 b 2
COMMAND GETKEYS mset a 1 b
COMMAND GETKEYS del a b c
COMMAND GETKEYS memory usage x
COMMAND GETKEYS config get x
COMMAND GETKEYS config nosuch x
COMMAND GETKEYS config
COMMAND GETKEYSANDFLAGS mset a 1 b 2
COMMAND GETKEYSANDFLAGS set a b
COMMAND GETKEYSANDFLAGS set a b GeT
COMMAND GETKEYSANDFLAGS get a
COMMAND GETKEYSANDFLAGS copy a b
COMMAND GETKEYSANDFLAGS rename a b
COMMAND GETKEYSANDFLAGS del a b
COMMAND GETKEYSANDFLAGS ping a
COMMAND GETKEYSANDFLAGS get
CONFIG
CONFIG NOSUCH
CONFIG GET
CONFIG GET nosuch
CONFIG SET
CONFIG SET a b
CONFIG SET a b c
CONFIG HELP x
CONFIG REWRITE
CONFIG RESETSTAT x
LATENCY
LATENCY NOSUCH
LATENCY HISTOGRAM nosuch
LATENCY RESET
LATENCY RESET nosuch
LATENCY LATEST
LATENCY HISTORY nosuch
LATENCY HISTORY a b
LATENCY GRAPH nosuch
MEMORY
MEMORY NOSUCH
MEMORY USAGE
MEMORY USAGE nosuch
MEMORY USAGE nosuch SAMPLES
MEMORY USAGE nosuch SAMPLES x
MEMORY USAGE nosuch SAMPLES -1
MEMORY USAGE nosuch SAMPLES 5 SAMPLES 0
MEMORY USAGE nosuch WHATEVER 1
MEMORY PURGE
DEBUG
DEBUG NOSUCH
DEBUG SLEEP
DEBUG SLEEP x
DEBUG SLEEP 0.001
DEBUG JMAP
DEBUG OBJECT nosuch
DEBUG OBJECT a b
DEBUG RELOAD
DEBUG RELOAD WHATEVER
DEBUG ERROR whatever
DEBUG ERROR a b
DEBUG LOG hello
DEBUG SET-ACTIVE-EXPIRE
DEBUG SET-ACTIVE-EXPIRE 1
DEBUG QUICKLIST-PACKED-THRESHOLD x
DEBUG QUICKLIST-PACKED-THRESHOLD 5gb
DEBUG QUICKLIST-PACKED-THRESHOLD 1mb
DEBUG CHANGE-REPL-ID
DEBUG CHANGE-REPL-ID x
DEBUG PAUSE-CRON
DEBUG PAUSE-CRON 0
DEBUG PROTOCOL string
DEBUG PROTOCOL integer
DEBUG PROTOCOL double
DEBUG PROTOCOL bignum
DEBUG PROTOCOL null
DEBUG PROTOCOL array
DEBUG PROTOCOL set
DEBUG PROTOCOL map
DEBUG PROTOCOL verbatim
DEBUG PROTOCOL true
DEBUG PROTOCOL false
DEBUG PROTOCOL whatever
DEBUG DIGEST
DEBUG DIGEST x
DEBUG DIGEST-VALUE
SET a 5
SET b hello EX 1000
SET 12 ""
DEBUG DIGEST
DEBUG DIGEST-VALUE a b nosuch 12
SELECT 9
INCRBY a -9223372036854775808
DEBUG DIGEST
EXPIRE a 100
DEBUG DIGEST
DEBUG DIGEST-VALUE a
DEBUG POPULATE
DEBUG POPULATE x
DEBUG POPULATE 100 many 20
DEBUG POPULATE 50 many
DEBUG POPULATE 3
DEBUG DIGEST
DBSIZE
SAVE x
BGSAVE WHATEVER
BGSAVE SCHEDULE x
BGREWRITEAOF x
LASTSAVE x
ROLE
ROLE x
TIME x
WAIT 0 0
WAIT 1 1
WAIT -1 0
WAIT x 10
WAIT 1 x
WAIT 1 -1
REPLICAOF NO
REPLICAOF no one
SLAVEOF NO ONE
REPLICAOF localhost x
FAILOVER
FAILOVER ABORT
FAILOVER ABORT x
FAILOVER TO a
FAILOVER TO a b
FAILOVER TO a 1
FAILOVER TO a 1 FORCE TIMEOUT 1
FAILOVER TO a 1 TO b 2
FAILOVER TIMEOUT
FAILOVER TIMEOUT x
FAILOVER TIMEOUT 0
FAILOVER TIMEOUT 5
FAILOVER TIMEOUT 5 ABORT
FAILOVER FORCE FORCE
FAILOVER NOSUCH
MODULE
MODULE LIST
MODULE LIST x
MODULE NOSUCH
ACL
ACL NOSUCH
ACL WHOAMI
ACL WHOAMI x
ACL USERS
ACL LIST
ACL CAT
ACL CAT nosuch
ACL CAT x y
ACL GETUSER
ACL GETUSER default
ACL GETUSER nobody
ACL LOG
ACL LOG 1 2
ACL LOG x
ACL LOG reset x
ACL LOG -1
ACL LOG 0
ACL LOG RESET
ACL GENPASS 0
ACL GENPASS -1
ACL GENPASS 4097
ACL GENPASS x
ACL GENPASS 5 5
ACL DRYRUN
ACL DRYRUN default
ACL DRYRUN default get
ACL DRYRUN default GET a
ACL DRYRUN default get a b
ACL DRYRUN default nosuch
ACL DRYRUN default config
ACL DRYRUN default config get
ACL DRYRUN default CONFIG GET x
ACL DRYRUN default config nosuch
ACL DRYRUN default config|get x
ACL DRYRUN default command
ACL DRYRUN default object
ACL DRYRUN default debug
ACL DRYRUN nobody get a
ACL DRYRUN Default get a
CLUSTER
CLUSTER INFO
CLUSTER info x
CLUSTER HELP
CLUSTER HELP x
CLUSTER NOSUCH
CLUSTER SLOTS
CLUSTER SHARDS
CLUSTER NODES
CLUSTER MYID
CLUSTER KEYSLOT a
CLUSTER KEYSLOT
CLUSTER KEYSLOT a b
CLUSTER COUNTKEYSINSLOT x
CLUSTER GETKEYSINSLOT 1
CLUSTER ADDSLOTS
CLUSTER ADDSLOTSRANGE 1
CLUSTER MEET a
CLUSTER SETSLOT 1
CLUSTER RESET WHATEVER x
CLUSTER FAILOVER NOSUCH
COMMAND GETKEYS CLUSTER INFO
COMMAND GETKEYS cluster keyslot a
COMMAND GETKEYS asking
READONLY
READONLY x
READWRITE
READWRITE x
ASKING
ASKING x
MULTI
READONLY
CLUSTER KEYSLOT
CLUSTER INFO
EXEC
MULTI
READONLY
ASKING
CLUSTER INFO
EXEC
MULTI
SAVE
EXEC
MULTI
WAIT 1 0
WAIT 1 -1
BGSAVE WHATEVER
REPLICAOF NO ONE
DEBUG PROTOCOL map
CONFIG GET nosuch
EXEC
`

// operationDifferences are the lines that may be answered otherwise, with the reason. An entry that no longer differs fails.
var operationDifferences = map[string]string{}

// TestOperationsAgreeWithRedis sends operationLines to both, in both protocols.
func TestOperationsAgreeWithRedis(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		redis := resptest.Start(t, "--enable-debug-command", "yes").Dial(t)
		real := func(args ...any) resp.Reply { return redis.Do(args...) }
		ours := startServer(t, "--enable-debug-command", "yes").dial().ask
		for _, ask := range []asker{real, ours} {
			ask("HELLO", protocol)
		}
		for _, line := range strings.Split(strings.TrimSpace(operationLines), "\n") {
			args := lineArgs(line)
			checkDifference(t, line, operationDifferences, sorted(real(args...)), sorted(ours(args...)))
		}
	}
}

// lineArgs splits a line at blanks; "" is the empty argument.
func lineArgs(line string) []any {
	var args []any
	for _, word := range strings.Fields(line) {
		if word == `""` {
			word = ""
		}
		args = append(args, word)
	}
	return args
}

// TestACLLogAgreesWithRedis has both refuse the same clients, and compares what they tell of it.
func TestACLLogAgreesWithRedis(t *testing.T) {
	parameters := []string{"--requirepass", "foo", "--acllog-max-len", "12"}
	redis := resptest.Start(t, parameters...).Dial(t)
	real := func(args ...any) resp.Reply { return redis.Do(args...) }
	ours := startServer(t, parameters...).dial().ask
	lines := []string{"AUTH foo", "AUTH bar", "auth bar", "AUTH BAR", "HELLO 3 AUTH default bar", "HELLO 2 SETNAME x AUTH nobody foo", "AUTH default", "AUTH a b c"}
	for n := range 12 {
		lines = append(lines, fmt.Sprintf("AUTH user:%d foo", n))
	}
	lines = append(lines, "AUTH user:2 x", "AUTH user:1 x", "MULTI", "AUTH bar", "AUTH bar", "AUTH foo", "EXEC", "CONFIG SET acllog-max-len 2", "AUTH bar",
		"AUTH user:11 x", "AUTH other x", "CONFIG SET acllog-max-len 0", "AUTH user:11 x", "AUTH user:12 x", "AUTH bar", "ACL LOG RESET")
	for _, line := range lines {
		for _, args := range [][]any{lineArgs(line), {"ACL", "LOG", 100}, {"ACL", "LOG"}} {
			want, got := real(args...), ours(args...)
			if want, got := stableRefusals(want).String(), stableRefusals(got).String(); want != got {
				t.Errorf("%v after %s:\n Redis %s\n Quipu %s", args, line, want, got)
			}
		}
	}
}

// stableRefusals returns a reply without what depends on time and connection in the entries of ACL LOG.
func stableRefusals(reply resp.Reply) resp.Reply {
	const fields, stable = 14, 10 // names and values of an entry, and those of them up to username
	if len(reply.Elems) == fields && string(reply.Elems[0].Text) == "count" {
		reply.Elems = reply.Elems[:stable]
	}
	for i, elem := range reply.Elems {
		reply.Elems[i] = stableRefusals(elem)
	}
	return reply
}

// TestACLGenpass is about passwords' lengths, and that there are no two equal ones.
func TestACLGenpass(t *testing.T) {
	c := startServer(t).dial()
	seen := map[string]bool{}
	for bits, digits := range map[int]int{1: 1, 4: 1, 5: 2, 128: 32, 255: 64, 256: 64, 4096: 1024} {
		if got := c.ask("ACL", "GENPASS", bits).Text; len(got) != digits || strings.Trim(string(got), "0123456789abcdef") != "" {
			t.Errorf("ACL GENPASS %d: %q, want %d digits", bits, got, digits)
		}
	}
	for range 10 {
		got := string(c.ask("ACL", "GENPASS").Text)
		if len(got) != 64 || seen[got] {
			t.Errorf("ACL GENPASS: %q", got)
		}
		seen[got] = true
	}
}
