package server

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// The generator of random commands. It knows no command: it follows the argument trees of the rows, which are those that COMMAND DOCS
// shows, so a command gets its lines by having a row. A few arguments are drawn from pools of their own, by the name that they have in
// the row; and some lines are spoilt on purpose.

// lineGen draws random lines.
type lineGen struct {
	rng    *rand.Rand
	rows   []*Command
	weight []int // cumulative, by row
	dumps  []string
	row    string // whose arguments are drawn: its name, and its group
	group  string
	// numKeys is the number of keys that the line has announced, 0 for none; mode is what ends of ranges are drawn for.
	numKeys int
	mode    rangeMode
	// lex: lines may compare the names of a sorted set's members.
	lex bool
	// sameScores: all scores are 0. small: no line adds so many members that a sorted set is no longer a small one.
	sameScores, small bool
}

// unusualWeights are those of commands that are drawn less often than their kin, because they empty or exchange what the others work on, or
// more often, because the others need what they make.
var unusualWeights = map[string]int{
	"flushall": 1, "flushdb": 1, "swapdb": 3, "lcs": 5, "restore": 15, "pfdebug": 1,
	"blpop": 2, "brpop": 2, "blmove": 2, "brpoplpush": 2, "blmpop": 2, "bzpopmin": 4, "bzpopmax": 4, "bzmpop": 4,
	"hset": 40, "sadd": 40, "zadd": 60, "rpush": 40, "lpush": 20, "pfadd": 20, "setbit": 30, "bitfield": 30, "sort": 20,
}

const usualWeight = 10

// newLineGen returns a generator for the rows. dumps are values as DUMP returns them.
func newLineGen(seed uint64, rows []*Command, dumps []string) *lineGen {
	g := &lineGen{rng: rand.New(rand.NewPCG(seed, 0)), dumps: dumps, lex: true}
	sum := 0
	for _, row := range rows {
		weight, unusual := unusualWeights[row.Name]
		if !unusual {
			weight = usualWeight
		}
		sum += weight
		g.rows, g.weight = append(g.rows, row), append(g.weight, sum)
	}
	return g
}

// one reports true once in n times.
func (g *lineGen) one(n int) bool { return g.rng.IntN(n) == 0 }

// pick returns one of the choices.
func pick[T any](g *lineGen, choices []T) T { return choices[g.rng.IntN(len(choices))] }

// next returns a command, or several that belong together.
func (g *lineGen) next() []line {
	switch {
	case g.one(25):
		return g.transaction()
	case g.one(25):
		return []line{g.selectDB()}
	case g.one(100):
		return []line{{"WATCH", pick(g, allKeys())}}
	}
	return g.command()
}

func (g *lineGen) selectDB() line { return line{"SELECT", fmt.Sprint(g.rng.IntN(3))} }

// transaction returns a few commands between MULTI and EXEC or DISCARD.
func (g *lineGen) transaction() []line {
	lines := []line{{g.anyCase("multi")}}
	for range 1 + g.rng.IntN(5) {
		if g.one(10) {
			lines = append(lines, g.selectDB())
		}
		lines = append(lines, g.command()...)
	}
	end := "exec"
	if g.one(8) {
		end = "discard"
	}
	return append(lines, line{g.anyCase(end)})
}

// command returns a random command of the rows.
func (g *lineGen) command() []line {
	n := g.rng.IntN(g.weight[len(g.weight)-1])
	i, _ := slices.BinarySearch(g.weight, n+1)
	row := g.rows[i]
	l := line{g.anyCase(row.Name)}
	g.row = row.Name
	if g.group = row.Group; strings.HasPrefix(row.Name, "sort") {
		g.group = sortGroup
	}
	g.chooseRange(row)
	if len(row.Sub) > 0 {
		row = pick(g, row.Sub)
		l = append(l, g.anyCase(row.Name))
	}
	l = g.spoil(g.args(l, row.Args))
	if g.sameScores && l.givesScore() || l.expiresSoon() || l.isNewer() || row.Is(FlagBlocking) && l.lasts() || g.group == sortGroup && l.storesTies() {
		return g.command()
	}
	switch row.Name {
	case "dbsize":
		return []line{wholeScan, l}
	case "spop": // the servers pick other members: what is left is counted and removed
		return []line{l, {"SCARD", l.key()}, {"DEL", l.key()}}
	case "sort", "sort_ro":
		return []line{forgetRangeError, l}
	}
	return []line{l}
}

// laterThanRedis reports whether the Redis that is compared with does not have what came in that version.
func laterThanRedis(since string) bool { return since >= "7.1" }

// args appends random arguments as the tree allows them. Options that follow each other come in any order.
func (g *lineGen) args(l line, args []Arg) line {
	for len(args) > 0 {
		n := slices.IndexFunc(args, func(a Arg) bool { return a.Flags&ArgOptional == 0 })
		if n < 0 {
			n = len(args)
		}
		l = g.options(l, args[:n])
		if args = args[n:]; len(args) > 0 {
			l, args = g.arg(l, args[0]), args[1:]
		}
	}
	return l
}

// options appends some of the arguments, which are all optional.
func (g *lineGen) options(l line, args []Arg) line {
	args = slices.Clone(args)
	g.rng.Shuffle(len(args), func(i, j int) { args[i], args[j] = args[j], args[i] })
	for _, a := range args {
		if a.Name == "sortby" {
			if word, needed := g.sortBy(a); needed {
				l = g.arg(l, word)
			}
			continue
		}
		if g.one(g.rarity(a)) && !laterThanRedis(a.Since) {
			l = g.arg(l, a)
		}
	}
	return l
}

// rarity returns in how many lines an option comes once.
func (g *lineGen) rarity(a Arg) int {
	if strings.HasPrefix(g.row, "bitfield") && a.Flags&ArgMultiple != 0 {
		return 1 // without an operation there is nothing to see
	}
	return 3
}

// arg appends one argument, several times where it may be repeated.
func (g *lineGen) arg(l line, a Arg) line {
	n := 1
	if a.Flags&ArgMultiple != 0 {
		if g.one(2) {
			n += g.rng.IntN(4)
		}
		switch {
		case a.Type == ArgBlock && a.Name == "field_value" && g.one(50):
			return g.manyFields(l)
		case a.Name == "member" && g.one(50):
			return g.manyMembers(l)
		case a.Name == "score_member" && !g.small && g.one(50):
			return g.manyScores(l)
		}
		if g.numKeys > 0 && (a.Type == ArgKey || a.Name == "weight") && !g.one(30) {
			n = g.numKeys
		}
	}
	for i := range n {
		if a.Token != "" && a.Type != ArgPureToken && (i == 0 || a.Flags&ArgMultipleToken != 0) {
			l = append(l, g.anyCase(a.Token))
		}
		switch a.Type {
		case ArgPureToken:
			l = append(l, g.anyCase(a.Token))
		case ArgOneOf:
			known := slices.DeleteFunc(slices.Clone(a.Sub), func(a Arg) bool { return laterThanRedis(a.Since) })
			l = g.arg(l, pick(g, known))
		case ArgBlock:
			l = g.args(l, a.Sub)
		case ArgKey:
			l = append(l, g.key())
		default:
			l = append(l, g.scalar(a))
		}
	}
	return l
}

// manyFields appends fields with their values: so many that the hash is no longer a small one.
func (g *lineGen) manyFields(l line) line {
	for i := range 50 + g.rng.IntN(600) {
		l = append(l, fmt.Sprintf("many:%d", i), g.number())
	}
	return l
}

// manyMembers appends members: so many that the set is no longer a small one.
func (g *lineGen) manyMembers(l line) line {
	name := pick(g, []string{"many:%d", "%d", "%d"})
	for i := range 100 + g.rng.IntN(600) {
		l = append(l, fmt.Sprintf(name, i*i))
	}
	return l
}

// scalar returns a random string or number for the argument of that name.
func (g *lineGen) scalar(a Arg) string {
	switch g.group {
	case "sorted-set":
		if arg, ok := g.zsetScalar(a); ok {
			return arg
		}
	case "list":
		if arg, ok := g.listScalar(a); ok {
			return arg
		}
	case sortGroup:
		if arg, ok := g.sortScalar(a); ok {
			return arg
		}
	}
	switch a.Name {
	case "seconds":
		return g.span(1)
	case "milliseconds", "ttl":
		return g.span(1000)
	case "unix-time-seconds", "unix-time-milliseconds":
		return g.moment(strings.HasSuffix(a.Name, "milliseconds"))
	case "destination-db", "db", "index1", "index2":
		return pick(g, []string{"0", "1", "2", "3", "15", "16", "-1", "99999999999"})
	case "offset", "start", "end":
		if g.group == "bitmap" {
			return g.bitPosition()
		}
		return g.position()
	case "value":
		if g.row == "setbit" {
			return g.bit()
		}
	case "numkeys":
		return g.announcedKeys()
	case "bit":
		return g.bit()
	case "encoding":
		return g.bitType()
	case "operation":
		return pick(g, []string{"and", "OR", "Xor", "NOT", "nand", ""})
	case "element":
		return pick(g, []string{g.value(), g.number(), fmt.Sprint(g.rng.Uint32())})
	case "subcommand":
		return g.anyCase(pick(g, []string{"getreg", "decode", "encoding", "todense", "help", "x\x00y"}))
	case "cursor":
		return pick(g, []string{"0", "0", "0", "0", "", "-0", "+0", "18446744073709551616", "x", "0x0"})
	case "count":
		return pick(g, []string{"1000", "1000000", "9223372036854775807", "0", "-1", "1", "2", "5", "-7"})
	case "field":
		return g.field()
	case "member":
		return g.member()
	case "len":
		return pick(g, []string{"0", "1", "2", "4", "-1"})
	case "frequency":
		return pick(g, []string{"0", "1", "255", "256", "-1"})
	case "serialized-value":
		return g.payload()
	}
	switch {
	case g.one(20):
		return g.value() // whatever
	case a.Type == ArgPattern:
		return pick(g, patternPool)
	case a.Type == ArgInteger:
		return g.number()
	case a.Type == ArgDouble:
		return g.float()
	}
	return g.value()
}

// Pools from which arguments are drawn.
var (
	keyPool = []string{
		"a", "b", "c", "counter", "page:1", "page:2", "{page:1}.x", "", "\x00\xff\r\n", "h[llo", "UPPER", strings.Repeat("long", 80),
	}
	patternPool = []string{
		"*", "*", "a*", "?", "[abc]", "[^a]*", "\\*", "page:[1-2]", "", "**", "[", "h[[]llo", "h\\[llo", "*:*", "u*", "\\", "[a", "[c-a]", "*{*}*",
	}
	fieldPool = []string{
		"a", "b", "c", "hits", "user:1", "user:2", "1", "2", "-17", "", "\x00", "UPPER", strings.Repeat("f", 64), strings.Repeat("f", 65),
	}
	numberPool = []string{
		"0", "1", "-1", "2", "5", "10", "99", "127", "128", "-128", "-129", "9999", "10000", "32767", "32768", "-32769", "2147483647",
		"2147483648", "-2147483648", "-2147483649", "4294967296", "9223372036854775807", "9223372036854775806", "-9223372036854775808",
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "-0", "+5", "007", " 5", "5 ", "", "1.0", "0x10", "1e3", "abc",
		"99999999999999999999999", "-", "+", "5\x00", "1_0",
	}
	floatPool = []string{
		"0", "1", "1.5", "-1.5", "0.1", "0.2", "3.0e3", "5.0e-3", "1e400", "-1e4932", "1e5000", "1e-5000", "nan", "-nan", "nan(1)", "inf", "-inf", "+inf",
		"infinity", "INF", "0x1p3", "0x1.8", "-0x.8p1", "0x", "1.", ".5", ".", "", " 1", "1 ", "1e", "1e+", "+1", "--1", "-0", "00012.500",
		"9223372036854775807", "9223372036854775808", "123456789012345678901234567890", "0.00000000000000001", "0.000000000000000001", "1e17", "1_0", "1f",
	}
)

// groupKeys are the names that the commands of a group use most of the time, so that they meet values of their type. The names of keyPool,
// which strings live in, they use now and then; and commands about keys of any type use all.
var groupKeys = map[string][]string{
	"bitmap":      {"bits", "bits:2", "{bits}:3"},
	"hyperloglog": {"hll", "hll:2", "{hll}:3"},
	"list":        {"list", "list:2", "{list}:3"},
	"hash":        {"hash", "hash:2", "{hash}:3", "\x00hash\xff"},
	"set":         {"set", "set:2", "{set}:3", "set:4", "\x00set\xff"},
	"sorted-set":  {"board", "board:2", "{board}:3", "\x00board\xff"},
}

// announcedKeys returns how many keys the line will name, or something else now and then.
func (g *lineGen) announcedKeys() string {
	g.numKeys = 1 + g.rng.IntN(3)
	if g.one(30) {
		return pick(g, []string{"0", "-1", "x", "9223372036854775807", "4"})
	}
	return fmt.Sprint(g.numKeys)
}

// allKeys returns every name that a line may use.
func allKeys() []string {
	keys := slices.Clone(keyPool)
	for _, group := range slices.Sorted(maps.Keys(groupKeys)) {
		keys = append(keys, groupKeys[group]...)
	}
	return keys
}

// key returns a random name. Few enough are there for commands to meet.
func (g *lineGen) key() string {
	own := groupKeys[g.group]
	switch {
	case own != nil && !g.one(10):
		return pick(g, own)
	case g.group == "string" && !g.one(10):
		return pick(g, keyPool)
	}
	return pick(g, allKeys())
}

// field returns the name of a field of a hash: nearly always one of a few, so that commands meet.
func (g *lineGen) field() string {
	if g.one(10) {
		return g.value()
	}
	return pick(g, fieldPool)
}

// member returns a member of a set: in most lines an integer, so that there are sets of integers, too.
func (g *lineGen) member() string {
	if g.one(5) {
		return g.field()
	}
	return pick(g, []string{"0", "1", "2", "3", "5", "-17", "127", "32767", "32768", "-2147483649", "9223372036854775807"})
}

func (g *lineGen) number() string {
	if g.one(3) {
		return fmt.Sprint(g.rng.IntN(2000) - 1000)
	}
	return pick(g, numberPool)
}

func (g *lineGen) float() string {
	switch g.rng.IntN(4) {
	case 0:
		return fmt.Sprintf("%.*f", g.rng.IntN(19), (g.rng.Float64()-0.5)*2000)
	case 1:
		return fmt.Sprint(g.rng.NormFloat64() * 1e6)
	}
	return pick(g, floatPool)
}

// value returns a random value: numbers, text, bytes, some that compress and some that do not.
func (g *lineGen) value() string {
	switch g.rng.IntN(8) {
	case 0, 1, 2:
		return g.number()
	case 3:
		return g.float()
	case 4:
		return strings.Repeat(pick(g, []string{"x", "ab", "abc\x00"}), g.rng.IntN(80))
	case 5:
		raw := make([]byte, g.rng.IntN(70))
		for i := range raw {
			raw[i] = byte(g.rng.Uint32())
		}
		return string(raw)
	case 6:
		return pick(g, []string{"NX", "XX", "GET", "EX", "", "ABCBDAB", "BDCABA", "the quick brown fox", "ohmytext", "mynewtext"})
	}
	return string(bytes.Repeat([]byte{'0' + byte(g.rng.IntN(10))}, 1+g.rng.IntN(24)))
}

// span returns a time to live in units of which a second has perSecond. Nothing may expire while the test runs, and no two spans may be
// so near each other that the two servers' clocks decide which expiry is later: so they are long and all different, or refused, or in the
// past.
func (g *lineGen) span(perSecond int64) string {
	switch g.rng.IntN(10) {
	case 0:
		return pick(g, []string{
			"0", "-1", "-100", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "-9223372036854775", "-9223372036854776",
			"10.5", "1e3", "", "abc", "+10", "010",
		})
	case 1:
		if perSecond == 1 {
			return pick(g, []string{"9223372036854775", "9223372036854776"}) // too much once it is milliseconds
		}
		return fmt.Sprint(int64(1)<<62 - g.rng.Int64N(1<<60))
	}
	return fmt.Sprint((100_000 + g.rng.Int64N(1<<32)) * perSecond)
}

// moment returns a Unix time: in the past, in the far future, or refused.
func (g *lineGen) moment(millis bool) string {
	switch g.rng.IntN(6) {
	case 0:
		return pick(g, []string{"0", "-1", "1", "1000000000", "-9223372036854775808", "-9223372036854775809", "abc", ""})
	case 1:
		return pick(g, []string{"9223372036854775807", "9223372036854775808", "9223372036854775", "9223372036854776", "9223372036854775806"})
	}
	n := 4_000_000_000 + g.rng.Int64N(1<<32)
	if millis {
		n = n*1000 + g.rng.Int64N(1000)
	}
	return fmt.Sprint(n)
}

// position returns an offset in a value.
func (g *lineGen) position() string {
	switch {
	case g.one(8):
		return pick(g, []string{
			"9223372036854775807", "-9223372036854775808", "9223372036854775808", "1048576", "-1048577", "536870912", "abc", "1.5", "-0",
		})
	case g.one(500):
		return fmt.Sprint(smallestBulkLimit - 10 + g.rng.IntN(20)) // SETRANGE and APPEND may just fit, or just not
	}
	return fmt.Sprint(g.rng.IntN(60) - 20)
}

// bitPosition returns the offset of a bit: within a small value most of the time, and else near one of the limits.
func (g *lineGen) bitPosition() string {
	if g.one(500) {
		return fmt.Sprint(8*smallestBulkLimit - 70 + g.rng.IntN(75)) // it may just fit, or just not
	}
	switch g.rng.IntN(12) {
	case 0:
		return pick(g, []string{
			"4294967295", "4294967296", "4294967297", "8589934591", "9223372036854775807", "-9223372036854775808", "-1", "#-1", "#", "##1", "#x",
			"#9223372036854775807", "#4611686018427387904", "#288230376151711744", "+1", "1.0", "",
		})
	case 1, 2, 3:
		if strings.HasPrefix(g.row, "bitfield") {
			return fmt.Sprintf("#%d", g.rng.IntN(30))
		}
	case 4:
		return fmt.Sprint(-g.rng.IntN(200))
	}
	return fmt.Sprint(g.rng.IntN(1 << (1 + g.rng.IntN(10))))
}

// bit returns a bit, or what is none.
func (g *lineGen) bit() string {
	return pick(g, []string{"0", "1", "0", "1", "1", "1", "2", "-1", "x"})
}

// bitType returns a type of BITFIELD.
func (g *lineGen) bitType() string {
	if g.one(10) {
		return pick(g, []string{"u64", "i65", "u0", "i0", "i-1", "I8", "U8", "8", "", "u", "i", "u8x", "u8\x00x", "u08", "i64", "u63", "u1", "i1"})
	}
	return fmt.Sprintf("%c%d", pick(g, []byte{'i', 'u'}), 1+g.rng.IntN(63))
}

// payload returns something for RESTORE: what DUMP gave, whole or damaged.
func (g *lineGen) payload() string {
	p := []byte(pick(g, g.dumps))
	switch g.rng.IntN(6) {
	case 0:
		p[g.rng.IntN(len(p))] ^= 1 << g.rng.IntN(8)
	case 1:
		p = p[:g.rng.IntN(len(p))]
	case 2:
		return ""
	}
	return string(p)
}

// spoil leaves most lines alone. It drops, repeats, exchanges or adds an argument in the others.
func (g *lineGen) spoil(l line) line {
	rarity := 12
	if g.row == "flushall" || g.row == "flushdb" {
		rarity = 2 // there are few of them
	}
	if !g.one(rarity) {
		return l
	}
	i := g.rng.IntN(len(l))
	switch g.rng.IntN(4) {
	case 0:
		if i > 0 {
			l = slices.Delete(l, i, i+1)
		}
		return l
	case 1:
		return append(l, l[i])
	case 2:
		j := g.rng.IntN(len(l))
		if i > 0 && j > 0 {
			l[i], l[j] = l[j], l[i]
		}
		return l
	}
	return append(l, pick(g, []string{"NX", "XX", "GET", "EX", "10", "KEEPTTL", "PERSIST", "REPLACE", "COUNT", "", "LEN", "IDX", "GT", "lt", "junk"}))
}

// anyCase returns the word in capitals, in small letters, or mixed.
func (g *lineGen) anyCase(word string) string {
	switch g.rng.IntN(3) {
	case 0:
		return strings.ToUpper(word)
	case 1:
		return strings.ToLower(word)
	}
	mixed := []byte(word)
	for i, c := range mixed {
		if g.one(2) && ('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			mixed[i] = c ^ 0x20
		}
	}
	return string(mixed)
}
