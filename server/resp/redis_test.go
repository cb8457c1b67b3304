package resp_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"quipu/server/resp"
	"quipu/server/resp/resptest"
)

// readError returns the error that ends input, and the number of commands before it.
func readError(limits resp.Limits, input string) (commands int, err error) {
	r := resp.NewReader(limits)
	src := strings.NewReader(input)
	var cmd resp.Command
	for {
		if _, err := r.Fill(src); err != nil {
			return commands, nil
		}
		for {
			ok, err := r.Next(&cmd)
			if err != nil {
				return commands, err
			}
			if !ok {
				break
			}
			commands++
		}
	}
}

// The same bytes to the real server: as many replies, the same error, and the connection closed behind it.
func TestErrorsLikeRedis(t *testing.T) {
	open, guarded := resptest.Start(t), resptest.Start(t, "--requirepass", "secret")
	long := strings.Repeat("1", 70<<10)
	for _, input := range []string{
		"*\r\n", "*+1\r\n", "*01\r\n", "*1 \r\n", "*-0\r\n", "*-1\r\n", "*0\r\n", "*-5\r\n", "*x\r\n", "*1\nPING\r\n", "*2147483648\r\n",
		"*9223372036854775807\r\n", "*-9223372036854775808\r\n", "*18446744073709551617\r\n", "*0x1\r\n", "*1e1\r\n",
		"*1\r\n$-1\r\n", "*1\r\n$-0\r\n", "*1\r\n$\r\n", "*1\r\n$00\r\n", "*1\r\n$04\r\nPING\r\n", "*1\r\n$4\r\nPING\r\n",
		"*1\r\n$9223372036854775807\r\n", "*1\r\n$536870913\r\n", "*1\r\n$99999999999999999999999\r\n", "*1\r\n$4 \r\n",
		"*1\r\n:5\r\n", "*1\r\nPING\r\n", "*1\r\n\r\n", "*1\r\n\n\r\n", "*1\r\n\xff\r\n", "*1\r\n\"\r\n", "*1\rx$4\ryPINGzz",
		"*" + long, "*1\r\n$" + long, long, "PING \"\r\n", "PING \"a\"b\r\n", "PING 'a'b\r\n", "PING \"\\\r\n", "PING '\\'\r\n",
		"\r\n", "\n", " \t \r\n", "PING\n", "PING \"\"\n", "*10\r\n", "*11\r\n", "*1\r\n$16384\r\n", "*1\r\n$16385\r\n", "*2000000000\r\n",
	} {
		for _, server := range []*resptest.Server{open, guarded} {
			limits := resp.DefaultLimits()
			limits.Args = math.MaxInt32 // as Redis has it
			limits.Guest = server == guarded
			commands, err := readError(limits, input)
			checkErrorReply(t, server, input, commands, err)
		}
	}
}

// checkErrorReply sends input and expects so many replies to commands and then, unless err is nil, that error.
func checkErrorReply(t *testing.T, server *resptest.Server, input string, commands int, err error) {
	t.Helper()
	client := server.Dial(t)
	defer client.Close()
	client.Send([]byte(input))
	for range commands {
		if _, err := client.Receive(); err != nil {
			t.Errorf("%.60q: a command without a reply: %v", input, err)
			return
		}
	}
	if err == nil {
		return
	}
	var w resp.Writer
	w.Error("ERR " + err.Error())
	reply, receiveErr := client.Receive()
	if got := "-" + string(reply.Text) + "\r\n"; receiveErr != nil || got != string(w.Bytes()) {
		t.Errorf("%.60q: Redis answers %q, %v; we %q", input, got, receiveErr, w.Bytes())
		return
	}
	if _, err := client.Receive(); err == nil {
		t.Errorf("%.60q: Redis goes on after an error", input)
	}
}

// Random lines: Redis keeps the words in a list, which is then compared.
func TestInlineLikeRedis(t *testing.T) {
	server := resptest.Start(t)
	keeper := server.Dial(t)
	client := server.Dial(t)
	rng := rand.New(rand.NewPCG(9, 9))
	const letters = "ab  \t\"\"''\\\\xn41\v\f\r\xe9"
	for range 5000 {
		line := []byte("RPUSH words first ")
		for range rng.IntN(16) {
			line = append(line, letters[rng.IntN(len(letters))])
		}
		line = append(line, '\n')
		r := resp.NewReader(resp.DefaultLimits())
		if _, err := r.Fill(bytes.NewReader(line)); err != nil {
			t.Fatal(err)
		}
		var cmd resp.Command
		_, err := r.Next(&cmd)

		keeper.Do("DEL", "words")
		client.Send(line)
		reply, receiveErr := client.Receive()
		if receiveErr != nil {
			t.Fatal(receiveErr)
		}
		if err != nil {
			if want := "ERR " + err.Error(); string(reply.Text) != want {
				t.Errorf("%q: Redis answers %s, we %q", line, reply, want)
			}
			client.Close()
			client = server.Dial(t)
			continue
		}
		var got resp.Reply
		got.Kind = resp.KindArray
		for _, arg := range cmd.Args[2:] {
			got.Elems = append(got.Elems, resp.Reply{Kind: resp.KindBulk, Text: arg})
		}
		if want := keeper.Do("LRANGE", "words", 0, -1); got.String() != want.String() {
			t.Errorf("%q: Redis finds\n%s\nwe\n%s", line, want, got)
		}
	}
}

// DEBUG PROTOCOL answers with one example of each type.
func TestWriterLikeRedis(t *testing.T) {
	server := resptest.Start(t, "--enable-debug-command", "yes")
	for _, protocol := range []int{2, 3} {
		client := server.Dial(t)
		client.Do("HELLO", protocol)
		for name, write := range map[string]func(w *resp.Writer){
			"string":   func(w *resp.Writer) { w.BulkString("Hello World") },
			"integer":  func(w *resp.Writer) { w.Int(12345) },
			"double":   func(w *resp.Writer) { w.Double(3.141) },
			"null":     func(w *resp.Writer) { w.Null() },
			"array":    func(w *resp.Writer) { w.Array(3); w.Int(0); w.Int(1); w.Int(2) },
			"set":      func(w *resp.Writer) { w.Set(3); w.Int(0); w.Int(1); w.Int(2) },
			"map":      func(w *resp.Writer) { w.Map(3); pairs(w) },
			"verbatim": func(w *resp.Writer) { w.Verbatim("txt", "This is a verbatim\nstring") },
			"true":     func(w *resp.Writer) { w.Bool(true) },
			"false":    func(w *resp.Writer) { w.Bool(false) },
			"bignum":   func(w *resp.Writer) { w.BigNumber("1234567999999999999999999999999999999") },
		} {
			var w resp.Writer
			w.SetProtocol(protocol)
			write(&w)
			client.Send(resptest.AppendCommand(nil, "DEBUG", "PROTOCOL", name))
			if got := client.ReceiveBytes(w.Len()); !bytes.Equal(got, w.Bytes()) {
				t.Fatalf("%s in RESP%d: Redis writes %q, we %q", name, protocol, got, w.Bytes())
			}
			if reply := client.Do("PING"); string(reply.Text) != "PONG" {
				t.Fatalf("%s in RESP%d: Redis writes more: %s", name, protocol, reply)
			}
		}
		var w resp.Writer
		w.SetProtocol(protocol)
		w.NullArray()
		client.Send(resptest.AppendCommand(nil, "LPOP", "missing", 5))
		if got := client.ReceiveBytes(w.Len()); !bytes.Equal(got, w.Bytes()) {
			t.Errorf("null array in RESP%d: Redis writes %q, we %q", protocol, got, w.Bytes())
		}
	}
}

// pairs writes the map of DEBUG PROTOCOL.
func pairs(w *resp.Writer) {
	for i := range 3 {
		w.Int(int64(i))
		w.Bool(i == 1)
	}
}

// serveReply answers every command on the listener's next connection with reply, and HELLO with an empty map.
func serveReply(listener net.Listener, reply string) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	r := resp.NewReader(resp.DefaultLimits())
	var cmd resp.Command
	for {
		if _, err := r.Fill(conn); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for {
			ok, err := r.Next(&cmd)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			answer := reply
			if strings.EqualFold(string(cmd.Args[0]), "HELLO") {
				answer = "%0\r\n"
			}
			if _, err := io.WriteString(conn, answer); err != nil {
				return err
			}
		}
	}
}

// What redis-cli shows of a reply is what String returns. (It does not know big numbers, and shows pushes elsewhere.)
func TestStringLikeRedisCLI(t *testing.T) {
	dir, err := os.MkdirTemp("", "cli")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, reply := range []string{
		"+OK\r\n", "+\r\n", "-ERR no\r\n", ":-5\r\n", "$0\r\n\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "*0\r\n", "%0\r\n", "~0\r\n",
		fmt.Sprintf("$15\r\n%s\r\n", "a\"\\\n\r\t\a\b\x00\x7f\xff ~\v!"),
		",3.25\r\n", ",inf\r\n", "#t\r\n", "#f\r\n", "=8\r\ntxt:a\"\nb\r\n",
		"*3\r\n:1\r\n*2\r\n$1\r\na\r\n*1\r\n+b\r\n*0\r\n", "~2\r\n+a\r\n~1\r\n+b\r\n",
		"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*2\r\n:1\r\n%1\r\n+x\r\n_\r\n",
		"*10\r\n" + strings.Repeat("*2\r\n:1\r\n$-1\r\n", 10), "%10\r\n" + strings.Repeat("+k\r\n~1\r\n+v\r\n", 10),
		"%2\r\n+k\r\n*1\r\n*2\r\n+v\r\n+w\r\n+k\r\n%1\r\n+v\r\n+v\r\n", "%1\r\n+k\r\n%1\r\n+a\r\n*2\r\n+x\r\n+y\r\n",
		"%2\r\n*2\r\n+x\r\n+y\r\n%0\r\n+k\r\n=8\r\ntxt:a\nbc\r\n",
		"*1\r\n*1\r\n*1\r\n*2\r\n%1\r\n*2\r\n:1\r\n:2\r\n*2\r\n:3\r\n:4\r\n-ERR x\r\n",
	} {
		served := make(chan error, 1)
		go func() { served <- serveReply(listener, reply) }()
		want, err := exec.Command("redis-cli", "-s", socket, "-3", "--no-raw", "PING").Output()
		if err != nil {
			t.Fatalf("%q: redis-cli: %v", reply, err)
		}
		if err := <-served; err != nil {
			t.Fatal(err)
		}
		parsed, err := resp.ReadReply(bufio.NewReader(strings.NewReader(reply)))
		if err != nil {
			t.Fatalf("%q: %v", reply, err)
		}
		if got := parsed.String() + "\n"; strings.TrimRight(got, "\n") != strings.TrimRight(string(want), "\n") {
			t.Errorf("%q: redis-cli shows\n%q\nwe\n%q", reply, want, got)
		}
	}
}
