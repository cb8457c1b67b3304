package number_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"quipu/server/number"
	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// boundaries are spellings at which parsers differ.
var boundaries = []string{
	"", "0", "-0", "+0", "00", "007", "+5", "-5", "--5", "+-5", " 5", "5 ", "5\x00", "\t5", "5\n", "1_0", "1,5",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
	"18446744073709551615", "18446744073709551616", "99999999999999999999", "0x10", "0X1P+3", "0x1.8p1", "0x.8",
	"0x", "0x.", "0x1p", "0x1p+", "0x1pz", "0x1e5", "0xg", "0b1", "0o7", "1p5", "1e", "1e+", "1e5", "1E5", "1d5", "1e5.0",
	".", "-.", ".5", "5.", "-.5e1", "e5", "inf", "-inf", "+inf", "INF", "infinity", "Infinity", "-INFINITY", "infinit", "infx",
	"nan", "-nan", "NaN", "nan(1)", "1e308", "1.7976931348623157e308", "1.7976931348623159e308", "1e309", "-1e309",
	"4.9406564584124654e-324", "2.5e-324", "2.4e-324", "1e-400", "0e400", "0e-400", "0x1p-1074", "0x1p-1075", "0x1.8p-1075",
	"0x1p1023", "0x1p1024", "1e4931", "1e4932", "1.18973149535723176502e4932", "1.18973149535723176509e4932", "1e4933", "1e5000",
	"3.3621e-4932", "3.6e-4951", "1.83e-4951", "1.82e-4951", "1e-4951", "1e-5000", "0x1p16383", "0x1p16384", "0x1p-16445",
	"0x1p-16446", "0x1.000001p-16446", "1e99999999999999999999", "1e-99999999999999999999", "0e99999999999999999999",
	"0.1", "0.2", "10.5", "3.0e3", "5.0e3", "200", "1e17", "123456789012345678.5", "0.000000000000000005",
	"0.000000000000000015", "0.0000000000000000149999", "18446744073709551615.5", "18446744073709551616.5", "36893488147419103233",
	"1" + strings.Repeat("0", 400), strings.Repeat("0", 5000) + "1", "0." + strings.Repeat("0", 5000) + "1e5001",
	strings.Repeat("0", 5119), strings.Repeat("0", 5118) + "1", strings.Repeat("0", 5119) + "1",
	"1" + strings.Repeat("0", 5000) + "e-5000", "-1" + strings.Repeat("0", 900) + "e-900", strings.Repeat("12345", 200) + "e-1200",
	"9007199254740993" + strings.Repeat("0", 900) + "e-900", "9007199254740993" + strings.Repeat("0", 900) + "1e-901",
	"0x1" + strings.Repeat("0", 900) + "p-3600", "0x.001p0", "9007199254740993", "9007199254740992.9999999999999999999999999",
}

// randomNumber spells a number in one of the ways that people do, and in some that only tests do.
func randomNumber(rng *rand.Rand) string {
	switch rng.IntN(8) {
	case 0:
		return boundaries[rng.IntN(len(boundaries))]
	case 1:
		return strconv.FormatInt(rng.Int64()-math.MaxInt64/2, 10)
	case 2:
		return fmt.Sprintf("%d.%02d", rng.IntN(10000), rng.IntN(100))
	case 3:
		return strconv.FormatFloat(math.Float64frombits(rng.Uint64()), 'g', -1, 64)
	case 4:
		return strconv.FormatFloat(rng.NormFloat64(), 'f', rng.IntN(20), 64)
	case 5:
		return fmt.Sprintf("%d.%de%d", rng.Uint64(), rng.Uint64(), rng.IntN(60)-30)
	case 6:
		return fmt.Sprintf("%de%d", rng.IntN(100), rng.IntN(10000)-5000)
	}
	return fmt.Sprintf("-0x%x.%xp%d", rng.Uint32(), rng.Uint64(), rng.IntN(200)-100)
}

// pipeline sends all commands at once and returns the replies.
func pipeline(t *testing.T, redis *resptest.Client, commands [][]any) []resp.Reply {
	t.Helper()
	const window = 500
	var replies []resp.Reply
	for len(commands) > 0 {
		batch := commands[:min(window, len(commands))]
		commands = commands[len(batch):]
		var raw []byte
		for _, args := range batch {
			raw = resptest.AppendCommand(raw, args...)
		}
		redis.Send(raw)
		for range batch {
			reply, err := redis.Receive()
			if err != nil {
				t.Fatal(err)
			}
			replies = append(replies, reply)
		}
	}
	return replies
}

// incrByFloat says what INCRBYFLOAT answers.
func incrByFloat(value, incr string) string {
	x, ok := number.ParseLongDouble([]byte(value))
	if !ok {
		return "ERR value is not a valid float"
	}
	y, ok := number.ParseLongDouble([]byte(incr))
	if !ok {
		return "ERR value is not a valid float"
	}
	sum, ok := x.Add(y)
	if !ok {
		return "ERR increment would produce NaN or Infinity"
	}
	return string(sum.Append(nil))
}

func TestIncrByFloatLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	rng := rand.New(rand.NewPCG(5, 6))
	var commands [][]any
	for range 10000 {
		commands = append(commands, []any{"SET", "k", randomNumber(rng)}, []any{"INCRBYFLOAT", "k", randomNumber(rng)})
	}
	for _, text := range boundaries {
		commands = append(commands, []any{"SET", "k", "0"}, []any{"INCRBYFLOAT", "k", text})
	}
	replies := pipeline(t, redis, commands)
	for i := 0; i < len(commands); i += 2 {
		value, incr := commands[i][2].(string), commands[i+1][2].(string)
		if got, want := incrByFloat(value, incr), string(replies[i+1].Text); got != want {
			t.Errorf("%.60q + %.60q = %.60q, Redis says %.60q", value, incr, got, want)
		}
	}
}

func TestParseIntLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	for _, text := range boundaries {
		redis.Do("SET", "k", 0)
		reply := redis.Do("INCRBY", "k", text)
		n, ok := number.ParseInt([]byte(text))
		if ok != (reply.Kind == resp.KindInt) || n != reply.Int && ok {
			t.Errorf("ParseInt(%q) = %d, %t; INCRBY answers %s", text, n, ok, reply)
		}
	}
}

func TestParseBoundLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	rng := rand.New(rand.NewPCG(9, 10))
	texts := append([]string{" ", "\v\f\r\n\t 5", "\x00", "\x005", "5\x00x", " \x00", "5 \x00", " -0x1p2", " inf", "+", "-", " nan"}, boundaries...)
	for range 1000 {
		texts = append(texts, randomNumber(rng))
	}
	var commands [][]any
	for _, text := range texts {
		commands = append(commands, []any{"DEL", "z"}, []any{"ZCOUNT", "z", text, 0})
		f, _ := number.ParseBound([]byte(text))
		commands = append(commands, []any{"ZADD", "z", string(number.AppendDouble(nil, f)), "m"}, []any{"ZCOUNT", "z", text, text})
	}
	replies := pipeline(t, redis, commands)
	for i, text := range texts {
		f, ok := number.ParseBound([]byte(text))
		if ok != (replies[4*i+1].Kind == resp.KindInt) {
			t.Errorf("ParseBound(%.60q) = %v, %t; ZCOUNT answers %s", text, f, ok, replies[4*i+1])
			continue
		}
		if ok && replies[4*i+3].Int != 1 {
			t.Errorf("ParseBound(%.60q) = %v, which is not what ZCOUNT takes it for", text, f)
		}
	}
}

func TestDoubleLikeRedis(t *testing.T) {
	// A small sorted set keeps its scores in a listpack, where -0 becomes 0.
	redis := resptest.Start(t, "--zset-max-listpack-entries", "0").Dial(t)
	redis.Do("HELLO", 3)
	rng := rand.New(rand.NewPCG(7, 8))
	texts := boundaries
	for range 10000 {
		texts = append(texts, randomNumber(rng))
	}
	var commands [][]any
	for _, text := range texts {
		commands = append(commands, []any{"DEL", "z"}, []any{"ZADD", "z", text, "m"}, []any{"ZSCORE", "z", "m"})
	}
	replies := pipeline(t, redis, commands)
	for i, text := range texts {
		f, ok := number.ParseFloat([]byte(text))
		if ok != (replies[3*i+1].Kind == resp.KindInt) {
			t.Errorf("ParseFloat(%.60q) = %v, %t; ZADD answers %s", text, f, ok, replies[3*i+1])
			continue
		}
		want := string(replies[3*i+2].Text)
		if got := string(number.AppendDouble(nil, f)); ok && got != want {
			t.Errorf("%.60q is written as %q, ZSCORE answers %q", text, got, want)
		}
	}
}

func TestParseMemoryLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	for _, text := range []string{
		"0", "5", "5b", "5B", "017", "5k", "5K", "5kb", "5KB", "5kB", "5m", "5mb", "5g", "5gb", "5t", "5tb", "5bb", "5kk", "5bk",
		"-5", "+5", " 5", "5 ", "1.5gb", "5 gb", "0x10", "1_0", "1e3", "9223372036854775807",
	} {
		accepted := string(redis.Do("CONFIG", "SET", "maxmemory", text).Text) == "OK"
		n, ok := number.ParseMemory(text)
		if ok != accepted {
			t.Errorf("ParseMemory(%q) = %d, %t; Redis accepts it: %t", text, n, ok, accepted)
			continue
		}
		want := redis.Do("CONFIG", "GET", "maxmemory").Elems[1]
		if ok && string(want.Text) != strconv.FormatInt(n, 10) {
			t.Errorf("ParseMemory(%q) = %d, Redis says %s", text, n, want)
		}
		redis.Do("CONFIG", "SET", "maxmemory", 0)
	}
}
