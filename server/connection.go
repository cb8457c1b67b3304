package server

import (
	"crypto/sha256"
	"crypto/subtle"

	"quipu/server/number"
)

// connectionCommands returns the rows of the commands about the connection itself, but for CLIENT.
func connectionCommands() []*Command {
	return []*Command{pingRow(), echoRow(), authRow(), helloRow(), selectRow(), resetRow(), quitRow()}
}

func pingRow() *Command {
	return &Command{
		Name: "ping", Arity: -1, Flags: FlagFast,
		Categories: CatFast | CatConnection, Group: "connection", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Answers PONG, or its argument.",
		Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		Args:    []Arg{{Name: "message", Flags: ArgOptional}},
		Run:     ping,
	}
}

func ping(c *Call) error {
	switch len(c.Args) {
	case 1:
		c.Out.Simple("PONG")
	case 2:
		c.Out.Bulk(c.Args[1])
	default:
		return errArity("ping")
	}
	return nil
}

func echoRow() *Command {
	return &Command{
		Name: "echo", Arity: 2, Flags: FlagLoading | FlagStale | FlagFast,
		Categories: CatFast | CatConnection, Group: "connection", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Answers its argument.",
		Args:    []Arg{{Name: "message"}},
		Run:     echo,
	}
}

func echo(c *Call) error {
	c.Out.Bulk(c.Args[1])
	return nil
}

// sessionFlags are the flags of the commands that a client may send before it has said who it is.
const sessionFlags = FlagNoscript | FlagLoading | FlagStale | FlagFast | FlagNoAuth | FlagAllowBusy

func authRow() *Command {
	return &Command{
		Name: "auth", Arity: -2, Flags: sessionFlags,
		Categories: CatFast | CatConnection, Group: "connection", Since: "1.0.0",
		Complexity: "O(N) where N is the number of passwords defined for the user",
		Summary:    "Proves that the client knows the password.",
		Args:       []Arg{{Name: "username", Flags: ArgOptional, Since: "6.0.0"}, {Name: "password"}},
		Run:        auth,
	}
}

func auth(c *Call) error {
	args := c.Args[1:]
	switch {
	case len(args) > 2:
		return ErrSyntax
	case len(args) == 2:
		if err := c.authenticate(args[0], args[1]); err != nil {
			return err
		}
	case c.Srv.cfg.Load().RequirePass == "":
		return ErrNoPassword
	default:
		if err := c.authenticate([]byte(defaultUser), args[0]); err != nil {
			return err
		}
	}
	c.Out.OK()
	return nil
}

// defaultUser is the only user there is.
const defaultUser = "default"

// authenticate lets the client in if the password is right. If not, ACL LOG tells of it.
func (c *Call) authenticate(user, password []byte) error {
	want := c.Srv.cfg.Load().RequirePass
	if string(user) != defaultUser || (want != "" && !samePassword(password, []byte(want))) {
		c.noteRefusal(user)
		return ErrWrongPass
	}
	c.Conn.authed = true
	c.Conn.ruled = nil // the limits of a guest no longer hold
	return nil
}

// samePassword compares in a time that tells nothing about either, not even the length.
func samePassword(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func helloRow() *Command {
	return &Command{
		Name: "hello", Arity: -1, Flags: sessionFlags,
		Categories: CatFast | CatConnection, Group: "connection", Since: "6.0.0", Complexity: "O(1)",
		Summary: "Chooses the protocol, and optionally authenticates and names the client.",
		Args: []Arg{{Name: "arguments", Type: ArgBlock, Flags: ArgOptional, Sub: []Arg{
			{Name: "protover", Type: ArgInteger},
			{Name: "username_password", Type: ArgBlock, Token: "AUTH", Flags: ArgOptional, Sub: []Arg{{Name: "username"}, {Name: "password"}}},
			{Name: "clientname", Token: "SETNAME", Flags: ArgOptional},
		}}},
		Run: hello,
	}
}

// helloOptions is what HELLO was given.
type helloOptions struct {
	protocol       int // 0: as it is
	user, password []byte
	auth           bool
	name           []byte
	setName        bool
}

func hello(c *Call) error {
	o, err := parseHello(c.Args)
	if err != nil {
		return err
	}
	if o.auth {
		if err := c.authenticate(o.user, o.password); err != nil {
			return err
		}
	}
	if c.Conn.guest() {
		return ErrHelloNoAuth
	}
	if o.setName {
		c.Conn.setName(string(o.name))
	}
	if o.protocol != 0 {
		c.Conn.setProtocol(o.protocol)
	}
	c.writeHello()
	return nil
}

// parseHello reads the arguments of HELLO.
func parseHello(args [][]byte) (helloOptions, error) {
	var o helloOptions
	if len(args) == 1 {
		return o, nil
	}
	version, ok := number.ParseInt(args[1])
	if !ok {
		return o, ErrProtoNotInt
	}
	if version != 2 && version != 3 {
		return o, ErrNoProto
	}
	o.protocol = int(version)
	for i := 2; i < len(args); i++ {
		more := len(args) - i - 1
		switch {
		case equalFold(args[i], "auth") && more >= 2:
			o.auth, o.user, o.password = true, args[i+1], args[i+2]
			i += 2
		case equalFold(args[i], "setname") && more >= 1:
			o.setName, o.name = true, args[i+1]
			if !validClientText(o.name) {
				return o, ErrClientName
			}
			i++
		default:
			return o, replyErrorf("ERR Syntax error in HELLO option '%s'", args[i])
		}
	}
	return o, nil
}

// writeHello writes what HELLO tells of the server.
func (c *Call) writeHello() {
	out := c.Out
	out.Map(7)
	out.BulkString("server")
	out.BulkString("redis")
	out.BulkString("version")
	out.BulkString(RedisVersion)
	out.BulkString("proto")
	out.Int(int64(out.Protocol()))
	out.BulkString("id")
	out.Int(c.Conn.id)
	out.BulkString("mode")
	out.BulkString("standalone")
	out.BulkString("role")
	out.BulkString("master")
	out.BulkString("modules")
	out.Array(0)
}

// setProtocol switches the connection to RESP2 or RESP3, from the reply to this command on.
func (c *Conn) setProtocol(version int) {
	c.out.SetProtocol(version)
	c.shared.protocol.Store(int32(version))
}

func selectRow() *Command {
	return &Command{
		Name: "select", Arity: 2, Flags: FlagLoading | FlagStale | FlagFast,
		Categories: CatFast | CatConnection, Group: "connection", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Chooses the database.",
		Args:    []Arg{{Name: "index", Type: ArgInteger}},
		Run:     selectDB,
	}
}

func selectDB(c *Call) error {
	db, err := c.Srv.parseDB(c.Args[1])
	if err != nil {
		return err
	}
	c.Conn.setDB(db)
	c.Out.OK()
	return nil
}

// setDB chooses the database of the commands that follow.
func (c *Conn) setDB(db int) {
	c.db = db
	c.shared.db.Store(int32(db))
}

func resetRow() *Command {
	return &Command{
		Name: "reset", Arity: 1, Flags: sessionFlags,
		Categories: CatFast | CatConnection, Group: "connection", Since: "6.2.0", Complexity: "O(1)",
		Summary: "Brings the connection back to the state of a new one.",
		Run:     reset,
	}
}

func reset(c *Call) error {
	conn := c.Conn
	c.Srv.monitoring.remove(conn)
	conn.stopTracking()
	conn.endMulti()
	conn.setDB(0)
	conn.setProtocol(2)
	conn.setName("")
	conn.replies = repliesOn
	conn.setNoTouch(false)
	conn.authed = c.Srv.cfg.Load().RequirePass == ""
	c.Out.Simple("RESET")
	return nil
}

func quitRow() *Command {
	return &Command{
		Name: "quit", Arity: -1, Flags: sessionFlags,
		Categories: CatFast | CatConnection, Group: "connection", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Closes the connection, once all replies are sent.",
		Run:     quit,
	}
}

func quit(c *Call) error {
	c.Conn.closing = true
	c.Out.OK()
	return nil
}
