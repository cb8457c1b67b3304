package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"
)

// packets is a connection that delivers text in pieces of the sizes that size returns.
type packets struct {
	text []byte
	size func() int
}

func (p *packets) Read(b []byte) (int, error) {
	if len(p.text) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), max(1, p.size()))], p.text)
	p.text = p.text[n:]
	return n, nil
}

// oneByte and whole are packet sizes.
func oneByte() int { return 1 }
func whole() int   { return 1 << 30 }

// readAll returns the commands that r finds in src, and the error that ends them, which is nil at the end of src.
func readAll(r *Reader, src io.Reader) (commands [][]string, err error) {
	var cmd Command
	for {
		if _, err := r.Fill(src); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return commands, err
		}
		for {
			ok, err := r.Next(&cmd)
			if err != nil {
				return commands, err
			}
			if !ok {
				break
			}
			args := make([]string, len(cmd.Args))
			for i, arg := range cmd.Args {
				args[i] = string(arg)
			}
			commands = append(commands, args)
		}
	}
}

// checkCommands reads input in packets of several sizes.
func checkCommands(t *testing.T, limits Limits, input string, want [][]string, wantErr error) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for name, size := range map[string]func() int{
		"whole": whole, "byte by byte": oneByte, "random": func() int { return rng.IntN(20) },
	} {
		got, err := readAll(NewReader(limits), &packets{[]byte(input), size})
		if !slices.EqualFunc(got, want, slices.Equal) || !errors.Is(err, wantErr) {
			t.Errorf("%.60q, %s:\ngot  %.200q, %v\nwant %.200q, %v", input, name, got, err, want, wantErr)
		}
	}
}

func TestReaderCommands(t *testing.T) {
	for _, c := range []struct {
		input string
		want  [][]string
	}{
		{"", nil},
		{"\r\n\n  \t\r\n", nil},
		{"*0\r\n*-1\r\n*-99999\r\nPING\r\n", [][]string{{"PING"}}},
		{"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n", [][]string{{"PING"}, {"GET", ""}}},
		{"*1\r\n$4\r\nPINGxx*1\r\n$1\r\n\r\r\n", [][]string{{"PING"}, {"\r"}}},
		{"*1\rx$4\ryPING\r\n", [][]string{{"PING"}}},
		{"*2\r\n$3\r\nGET\r\n", nil},
		{"PING\nPING\r\n*1\r\n$4\r\nPING\r\nQUIT", [][]string{{"PING"}, {"PING"}, {"PING"}}},
		{"set  a\t\"b c\"  'd \\' e' \r\n", [][]string{{"set", "a", "b c", "d ' e"}}},
		{`echo "\x41\n\r\t\b\a\q\"\\\xz1" 'a\nb' a"b c" \x41` + "\n", [][]string{{"echo", "A\n\r\t\b\aq\"\\xz1", `a\nb`, "ab c", `\x41`}}},
		{"echo \"\" ''\n", [][]string{{"echo", "", ""}}},
		{"a\vb \vc\x00d\n", [][]string{{"a\vb", "c\x00d"}}},
		{"POST / HTTP/1.1\r\nHost: x\r\n\r\n", [][]string{{"POST", "/", "HTTP/1.1"}, {"Host:", "x"}}},
	} {
		checkCommands(t, DefaultLimits(), c.input, c.want, nil)
	}
}

func TestReaderErrors(t *testing.T) {
	limits := DefaultLimits()
	limits.Inline, limits.Args, limits.Bulk = 100, 20, 50
	digits := strings.Repeat("1", 101)
	for _, c := range []struct {
		input string
		want  error
	}{
		{"*\r\n", ErrArgsLength},
		{"*+1\r\n", ErrArgsLength},
		{"*01\r\n", ErrArgsLength},
		{"*1 \r\n", ErrArgsLength},
		{"*-0\r\n", ErrArgsLength},
		{"*21\r\n", ErrArgsLength},
		{"*1\n$1\r\n", ErrArgsLength},
		{"*9223372036854775807\r\n", ErrArgsLength},
		{"*9223372036854775808\r\n", ErrArgsLength},
		{"*18446744073709551617\r\n", ErrArgsLength},
		{"*" + digits[1:] + "\r\n", ErrArgsLineTooLong},
		{"*" + digits, ErrArgsLineTooLong},
		{"*1\r\n$" + digits, ErrBulkLineTooLong},
		{"*1\r\n$" + digits[:99] + "\r\n", ErrBulkLength},
		{"*1\r\n$-1\r\n", ErrBulkLength},
		{"*1\r\n$-0\r\n", ErrBulkLength},
		{"*1\r\n$\r\n", ErrBulkLength},
		{"*1\r\n$51\r\n", ErrBulkLength},
		{"*1\r\n$00\r\n", ErrBulkLength},
		{"*1\r\n$9223372036854775807\r\n", ErrBulkLength},
		{"*1\r\n:5\r\n", ProtocolError("expected '$', got ':'")},
		{"*1\r\n\r\n", ProtocolError("expected '$', got '\r'")},
		{"*1\r\n\xff\r\n", ProtocolError("expected '$', got '\xff'")},
		{strings.Repeat("x", 101) + "\n", ErrInlineTooLong},
		{strings.Repeat("x", 101), ErrInlineTooLong},
		{"echo \"a\n", ErrQuotes},
		{"echo \"a\"b\n", ErrQuotes},
		{"echo 'a'b\n", ErrQuotes},
		{"echo '\n", ErrQuotes},
		{"echo \"\\\n", ErrQuotes},
	} {
		checkCommands(t, limits, "PING\n"+c.input, [][]string{{"PING"}}, c.want)
	}
}

func TestReaderErrorStays(t *testing.T) {
	r := NewReader(DefaultLimits())
	src := &packets{[]byte("*x\r\nPING\r\n"), whole}
	if _, err := r.Fill(src); err != nil {
		t.Fatal(err)
	}
	var cmd Command
	for range 2 {
		if ok, err := r.Next(&cmd); ok || !errors.Is(err, ErrArgsLength) {
			t.Errorf("Next = %t, %v", ok, err)
		}
	}
}

func TestReaderGuest(t *testing.T) {
	limits := DefaultLimits()
	limits.Guest = true
	checkCommands(t, limits, "*11\r\n", nil, ErrGuestArgs)
	checkCommands(t, limits, "*2000000\r\n", nil, ErrArgsLength)
	checkCommands(t, limits, "*1\r\n$16385\r\n", nil, ErrGuestBulk)
	checkCommands(t, limits, "*1\r\n$536870913\r\n", nil, ErrBulkLength)

	r := NewReader(limits)
	src := &packets{[]byte("AUTH x\r\n*11\r\n" + strings.Repeat("$1\r\na\r\n", 11)), whole}
	if _, err := r.Fill(src); err != nil {
		t.Fatal(err)
	}
	var cmd Command
	if ok, err := r.Next(&cmd); !ok || err != nil {
		t.Fatal(ok, err)
	}
	r.SetLimits(DefaultLimits())
	if ok, err := r.Next(&cmd); !ok || len(cmd.Args) != 11 {
		t.Errorf("after AUTH: %t, %v", ok, err)
	}
}

func TestReaderBatchStaysValid(t *testing.T) {
	r := NewReader(DefaultLimits())
	src := &packets{pipelinedIncrBy(1000), whole}
	for {
		if _, err := r.Fill(src); err != nil {
			break
		}
		var batch []Command
		for {
			var cmd Command
			if ok, _ := r.Next(&cmd); !ok {
				break
			}
			batch = append(batch, cmd)
		}
		for i, cmd := range batch {
			if len(cmd.Args) != 3 || string(cmd.Args[0]) != "INCRBY" || string(cmd.Args[2]) != "5" || cmd.Size != 46 {
				t.Fatalf("command %d of a batch of %d: %q, %d bytes", i, len(batch), cmd.Args, cmd.Size)
			}
			if cap(cmd.Args) != 3 || cap(cmd.Args[0]) != len("INCRBY") {
				t.Fatal("appending would write over what follows")
			}
		}
	}
}

// If any byte were looked at again for each packet, this would take hours.
func TestReaderIsLinear(t *testing.T) {
	const args = 1 << 20
	command := fmt.Sprintf("*%d\r\n%s", args, strings.Repeat("$1\r\nx\r\n", args))
	r := NewReader(DefaultLimits())
	commands, err := readAll(r, &packets{[]byte(command), oneByte})
	if err != nil || len(commands) != 1 || len(commands[0]) != args {
		t.Fatalf("%d commands, %v", len(commands), err)
	}
	long := strings.Repeat("x", DefaultLimits().Inline)
	for _, line := range []string{long + "\n", "*" + long, "*1\r\n$" + long} {
		_, err = readAll(NewReader(DefaultLimits()), &packets{[]byte(line), oneByte})
		if (err != nil) != (line[0] == '*') {
			t.Errorf("%.10q: %v", line, err)
		}
	}
}

func TestReaderDoesNotTrustLengths(t *testing.T) {
	r := NewReader(DefaultLimits())
	if _, err := readAll(r, &packets{[]byte("*1048576\r\n$536870912\r\nabc"), oneByte}); err != nil {
		t.Fatal(err)
	}
	if r.Size() != minBuffer || cap(r.spans) > 8 {
		t.Errorf("%d bytes and %d arguments were made room for", r.Size(), cap(r.spans))
	}
}

func TestReaderGrowsWithWhatComes(t *testing.T) {
	const size = 5 << 20
	src := &packets{[]byte(fmt.Sprintf("*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", size, strings.Repeat("v", size))), func() int { return 1000 }}
	total := len(src.text)
	r := NewReader(DefaultLimits())
	var cmd Command
	for {
		if _, err := r.Fill(src); err != nil {
			t.Fatal(err)
		}
		if came := total - len(src.text); r.Size() > 2*came+minBuffer || r.Size() > total+2*readSize {
			t.Fatalf("%d bytes of buffer when %d had come", r.Size(), came)
		}
		if ok, err := r.Next(&cmd); err != nil {
			t.Fatal(err)
		} else if ok {
			break
		}
	}
	if len(cmd.Args[1]) != size {
		t.Errorf("argument of %d bytes", len(cmd.Args[1]))
	}
}

func TestReaderShrinks(t *testing.T) {
	r := NewReader(DefaultLimits())
	big := fmt.Sprintf("*1\r\n$%d\r\n%s\r\n", 1<<20, strings.Repeat("v", 1<<20))
	many := fmt.Sprintf("*100000\r\n%s", strings.Repeat("$1\r\nx\r\n", 100000))
	if _, err := readAll(r, &packets{[]byte(big + many), whole}); err != nil {
		t.Fatal(err)
	}
	// The Fill that found the end of the stream stands for one that waits.
	if r.Size() > readSize || cap(r.args) > keepArgs || cap(r.spans) > keepArgs {
		t.Errorf("idle with %d bytes, %d and %d arguments", r.Size(), cap(r.args), cap(r.spans))
	}
	pings := &packets{bytes.Repeat([]byte("PING\n"), 1000), func() int { return 5 }}
	if _, err := readAll(r, pings); err != nil {
		t.Fatal(err)
	}
	if r.Size() != minBuffer {
		t.Errorf("%d bytes after 1000 short reads", r.Size())
	}
}

// Argument slots that were used before must not keep the large buffer alive.
func TestReaderLetsGoOfBuffers(t *testing.T) {
	r := NewReader(DefaultLimits())
	src := &packets{[]byte(fmt.Sprintf("*1\r\n$%d\r\n%s\r\n", 1<<20, strings.Repeat("v", 1<<20))), whole}
	large := func() weak.Pointer[byte] {
		var cmd Command
		for {
			if _, err := r.Fill(src); err != nil {
				t.Fatal(err)
			}
			if ok, _ := r.Next(&cmd); ok {
				return weak.Make(&cmd.Args[0][0])
			}
		}
	}()
	if _, err := r.Fill(src); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	runtime.GC()
	if large.Value() != nil {
		t.Error("the buffer is still there")
	}
	runtime.KeepAlive(r)
}

func TestReaderQueryLimit(t *testing.T) {
	limits := DefaultLimits()
	limits.Query = 3000
	checkCommands(t, limits, "PING\n*1\r\n$2990\r\n"+strings.Repeat("x", 2990), [][]string{{"PING"}}, ErrQueryTooLong)
	fits := strings.Repeat("x", 3000-len("*1\r\n$2985\r\n\r\n")-1)
	checkCommands(t, limits, fmt.Sprintf("*1\r\n$%d\r\n%s\r\n", len(fits), fits), [][]string{{fits}}, nil)
}

// seeds are streams at the edges of the grammar.
var seeds = []string{
	"*1\r\n$9223372036854775807\r\n", "*1\r\n$-1\r\n", "*-1\r\n", "*9223372036854775807\r\n", "*2147483648\r\n", "*1048577\r\n",
	"*1\r\n$4294967296\r\n", "*1\r\n$536870913\r\n", "*3\r\n$6\r\nINCRBY\r\n$1\r\nk\r\n$1\r\n5\r\n", "PING\r\n", "\r\n", "\n\n",
	"set k \"a\\x41\\\"b\" 'c'\r\n", "\"", "'a'b\n", "*0\r\n*1\r\n$0\r\n\r\n", "*1\r\n$00000000000000000001\r\n", "*1\r\n$1\r", "$1\r\na\r\n",
	"*2\r\n$1\r\na\r\n:1\r\n", "*1\r\n$1\r\nab\r*1\r\n",
}

// However the bytes are cut into packets, the commands and the error are the same, and no more memory is used
// than the bytes are worth.
func FuzzReader(f *testing.F) {
	for i, seed := range seeds {
		f.Add([]byte(seed), uint64(i), false)
		f.Add([]byte(seed+seed), uint64(i), true)
	}
	f.Fuzz(func(t *testing.T, input []byte, seed uint64, guest bool) {
		limits := DefaultLimits()
		limits.Inline, limits.Args, limits.Query, limits.Guest = 60, 30, 3000, guest
		want, wantErr := readAll(NewReader(limits), &packets{input, whole})
		rng := rand.New(rand.NewPCG(seed, seed))
		for _, size := range []func() int{oneByte, func() int { return rng.IntN(9) }, func() int { return rng.IntN(2000) }} {
			r := NewReader(limits)
			got, err := readAll(r, &packets{input, size})
			if !slices.EqualFunc(got, want, slices.Equal) || !errors.Is(err, wantErr) {
				t.Fatalf("got  %q, %v\nwant %q, %v", got, err, want, wantErr)
			}
			if r.Size() > 2*len(input)+readSize {
				t.Fatalf("%d bytes of buffer for %d", r.Size(), len(input))
			}
		}
	})
}
