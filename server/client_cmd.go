package server

import (
	"fmt"
	"strings"
	"time"

	"quipu/server/number"
)

// clientCommands returns the row of CLIENT, with its subcommands.
func clientCommands() []*Command {
	return []*Command{{
		Name: "client", Arity: -2, Categories: CatSlow, Group: "connection", Since: "2.4.0", Complexity: "Depends on subcommand.",
		Summary: "A container for the commands about connections.",
		Sub: []*Command{
			clientCachingRow(), clientGetnameRow(), clientGetredirRow(), clientHelpRow(), clientIDRow(), clientInfoRow(),
			clientKillRow(), clientListRow(), clientNoEvictRow(), clientNoTouchRow(), clientPauseRow(), clientReplyRow(),
			clientSetinfoRow(), clientSetnameRow(), clientTrackingRow(), clientTrackinginfoRow(), clientUnblockRow(), clientUnpauseRow(),
		},
	}}
}

// Flags and categories of the subcommands that are about the client itself, and of those that are about others.
const (
	clientFlags      = FlagNoscript | FlagLoading | FlagStale
	clientCats       = CatSlow | CatConnection
	clientAdminFlags = clientFlags | FlagAdmin
	clientAdminCats  = clientCats | CatAdmin | CatDangerous
)

func clientHelpRow() *Command {
	row := helpRow("5.0.0", CatSlow|CatConnection)
	row.Group = "connection"
	return row
}

func clientIDRow() *Command {
	return &Command{
		Name: "id", Arity: 2, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "5.0.0", Complexity: "O(1)",
		Summary: "Tells the identifier of this connection. Identifiers grow, and are not used again.",
		Run: func(c *Call) error {
			c.Out.Int(c.Conn.id)
			return nil
		},
	}
}

func clientGetnameRow() *Command {
	return &Command{
		Name: "getname", Arity: 2, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "2.6.9", Complexity: "O(1)",
		Summary: "Tells the name of this connection.",
		Run: func(c *Call) error {
			if c.Conn.name == "" {
				c.Out.Null()
				return nil
			}
			c.Out.BulkString(c.Conn.name)
			return nil
		},
	}
}

func clientSetnameRow() *Command {
	return &Command{
		Name: "setname", Arity: 3, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "2.6.9", Complexity: "O(1)",
		Summary: "Names this connection, for CLIENT LIST.",
		Args:    []Arg{{Name: "connection-name"}},
		Run:     clientSetname,
	}
}

func clientSetname(c *Call) error {
	if !validClientText(c.Args[2]) {
		return ErrClientName
	}
	c.Conn.setName(string(c.Args[2]))
	c.Out.OK()
	return nil
}

// validClientText reports whether a name can stand in a line of CLIENT LIST.
func validClientText(text []byte) bool {
	for _, b := range text {
		if b < '!' || b > '~' {
			return false
		}
	}
	return true
}

// setName names the connection; the empty name takes the name away.
func (c *Conn) setName(name string) {
	c.name = name
	c.publishLabel()
}

// publishLabel tells CLIENT LIST what the client says of itself.
func (c *Conn) publishLabel() {
	c.shared.label.Store(&clientLabel{c.name, c.libName, c.libVer})
}

func clientSetinfoRow() *Command {
	return &Command{
		Name: "setinfo", Arity: 4, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "7.2.0", Complexity: "O(1)",
		Summary: "Tells the name or the version of the client's library, for CLIENT LIST.",
		Args: []Arg{{Name: "attr", Type: ArgOneOf, Sub: []Arg{
			{Name: "libname", Token: "LIB-NAME"},
			{Name: "libver", Token: "LIB-VER"},
		}}},
		Run: clientSetinfo,
	}
}

func clientSetinfo(c *Call) error {
	var field *string
	switch {
	case equalFold(c.Args[2], "lib-name"):
		field = &c.Conn.libName
	case equalFold(c.Args[2], "lib-ver"):
		field = &c.Conn.libVer
	default:
		return replyErrorf("ERR Unrecognized option '%s'", c.Args[2])
	}
	if !validClientText(c.Args[3]) {
		return replyErrorf("ERR %s cannot contain spaces, newlines or special characters.", c.Args[2])
	}
	*field = string(c.Args[3])
	c.Conn.publishLabel()
	c.Out.OK()
	return nil
}

func clientInfoRow() *Command {
	return &Command{
		Name: "info", Arity: 2, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "6.2.0", Complexity: "O(1)",
		Summary: "Describes this connection.",
		Tips:    []string{"nondeterministic_output"},
		Run: func(c *Call) error {
			c.Out.Verbatim("txt", c.Conn.describe(c.Conn.clock)+"\n")
			return nil
		},
	}
}

func clientListRow() *Command {
	return &Command{
		Name: "list", Arity: -2, Flags: clientAdminFlags, Categories: clientAdminCats, Group: "connection", Since: "2.4.0",
		Complexity: "O(N) where N is the number of client connections",
		Summary:    "Describes the connections, all or some.",
		Tips:       []string{"nondeterministic_output"},
		Args: []Arg{
			{Name: "normal_master_replica_pubsub", Type: ArgOneOf, Token: "TYPE", Flags: ArgOptional, Since: "5.0.0", Sub: []Arg{
				{Name: "normal", Type: ArgPureToken, Token: "NORMAL"},
				{Name: "master", Type: ArgPureToken, Token: "MASTER"},
				{Name: "replica", Type: ArgPureToken, Token: "REPLICA"},
				{Name: "pubsub", Type: ArgPureToken, Token: "PUBSUB"},
			}},
			{Name: "id", Type: ArgBlock, Token: "ID", Flags: ArgOptional, Since: "6.2.0", Sub: []Arg{
				{Name: "client-id", Type: ArgInteger, Flags: ArgMultiple},
			}},
		},
		Run: clientList,
	}
}

func clientList(c *Call) error {
	listed, err := c.listedClients(c.Args[2:])
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, conn := range listed {
		text.WriteString(conn.describe(c.Conn.clock))
		text.WriteByte('\n')
	}
	c.Out.Verbatim("txt", text.String())
	return nil
}

// listedClients returns the connections that the arguments of CLIENT LIST choose.
func (c *Call) listedClients(args [][]byte) ([]*Conn, error) {
	switch {
	case len(args) == 0:
		return c.Srv.clients.all(), nil
	case len(args) == 2 && equalFold(args[0], "type"):
		kind, ok := parseClientType(args[1])
		if !ok {
			return nil, replyErrorf("ERR Unknown client type '%s'", args[1])
		}
		if kind != typeNormal {
			return nil, nil
		}
		return c.Srv.clients.all(), nil
	case len(args) >= 2 && equalFold(args[0], "id"):
		return c.clientsByID(args[1:])
	}
	return nil, ErrSyntax
}

// clientsByID returns the connections with the given identifiers, as far as there are such.
func (c *Call) clientsByID(ids [][]byte) ([]*Conn, error) {
	var conns []*Conn
	for _, arg := range ids {
		id, ok := number.ParseInt(arg)
		if !ok {
			return nil, ErrInvalidClientID
		}
		if conn := c.Srv.clients.get(id); conn != nil {
			conns = append(conns, conn)
		}
	}
	return conns, nil
}

// clientType is Redis's classification of connections.
type clientType uint8

const (
	typeNormal clientType = iota
	typeMaster
	typeReplica
	typePubsub
)

// parseClientType reads the name of a client type.
func parseClientType(arg []byte) (clientType, bool) {
	switch {
	case equalFold(arg, "normal"):
		return typeNormal, true
	case equalFold(arg, "slave"), equalFold(arg, "replica"):
		return typeReplica, true
	case equalFold(arg, "pubsub"):
		return typePubsub, true
	case equalFold(arg, "master"):
		return typeMaster, true
	}
	return 0, false
}

// describe returns the connection's line of CLIENT LIST. Any goroutine may call it. What has no meaning here is zero.
func (c *Conn) describe(now time.Duration) string {
	s := &c.shared
	label := s.label.Load()
	command := "NULL"
	if row := s.lastRow.Load(); row != nil {
		command = row.full
	}
	waiting, query, reply := int(s.waiting.Load()), int(s.queryBytes.Load()), int(s.replyBytes.Load())
	pending := c.push.size()
	queueBytes := s.queueBytes.Load()
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=0 psub=0 ssub=0 multi=%d "+
		"qbuf=%d qbuf-free=%d argv-mem=0 multi-mem=%d rbs=%d rbp=%d obl=0 oll=%d omem=%d tot-mem=%d events=r cmd=%s user=%s redir=%d resp=%d "+
		"lib-name=%s lib-ver=%s",
		c.id, c.addr, c.localAddr, c.fd(), label.name, int((now-c.created)/time.Second), int(max(c.idleFor(now), 0)/time.Second), c.flagLetters(),
		s.db.Load(), s.queued.Load(), waiting, query-waiting, queueBytes, reply, reply, min(pending, 1), pending,
		connOverhead+int64(query+reply+pending)+queueBytes, command, defaultUser, s.redirect.Load(), s.protocol.Load(),
		label.libName, label.libVer)
}

// connOverhead is about what a connection costs beside its buffers: its structures and its goroutine's stack, bytes.
const connOverhead = 10 << 10

// flagLetters returns the states in the letters of CLIENT LIST.
func (c *Conn) flagLetters() string {
	flags := clientFlag(c.shared.flags.Load())
	var letters []byte
	for _, f := range []struct {
		flag   clientFlag
		letter byte
	}{
		{clientMonitor, 'O'},
		{clientMulti, 'x'},
		{clientBlocked, 'b'},
		{clientTracking, 't'},
		{clientBrokenRedirect, 'R'},
		{clientBroadcast, 'B'},
		{clientClosing, 'c'},
		{clientUnix, 'U'},
		{clientNoEvict, 'e'},
		{clientNoTouch, 'T'},
	} {
		if flags&f.flag != 0 {
			letters = append(letters, f.letter)
		}
	}
	if len(letters) == 0 {
		return "N"
	}
	return string(letters)
}

func clientNoEvictRow() *Command {
	return &Command{
		Name: "no-evict", Arity: 3, Flags: clientAdminFlags, Categories: clientAdminCats, Group: "connection", Since: "7.0.0", Complexity: "O(1)",
		Summary: "Exempts this connection from being closed to save memory. No connection is here, so this only shows in CLIENT LIST.",
		Args:    onOffArgs(),
		Run: func(c *Call) error {
			on, err := parseOnOff(c.Args[2])
			if err != nil {
				return err
			}
			c.Conn.setFlag(clientNoEvict, on)
			c.Out.OK()
			return nil
		},
	}
}

func clientNoTouchRow() *Command {
	return &Command{
		Name: "no-touch", Arity: 3, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "7.2.0", Complexity: "O(1)",
		Summary: "Has this connection use keys without their looking used, save by TOUCH.",
		Args:    onOffArgs(),
		Run: func(c *Call) error {
			on, err := parseOnOff(c.Args[2])
			if err != nil {
				return err
			}
			c.Conn.setNoTouch(on)
			c.Out.OK()
			return nil
		},
	}
}

func (c *Conn) setNoTouch(on bool) {
	c.setFlag(clientNoTouch, on)
	c.txn.NoTouch(on)
}

// onOffArgs describes an argument that is ON or OFF.
func onOffArgs() []Arg {
	return []Arg{{Name: "enabled", Type: ArgOneOf, Sub: []Arg{
		{Name: "on", Type: ArgPureToken, Token: "ON"},
		{Name: "off", Type: ArgPureToken, Token: "OFF"},
	}}}
}

// parseOnOff reads such an argument.
func parseOnOff(arg []byte) (bool, error) {
	switch {
	case equalFold(arg, "on"):
		return true, nil
	case equalFold(arg, "off"):
		return false, nil
	}
	return false, ErrSyntax
}

// replyMode is what CLIENT REPLY chose.
type replyMode uint8

const (
	repliesOn       replyMode = iota
	repliesOff                // none at all
	repliesSkipNext           // CLIENT REPLY SKIP is being executed: the command after it has no reply
	repliesSkip               // the command being executed has no reply
)

func clientReplyRow() *Command {
	return &Command{
		Name: "reply", Arity: 3, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "3.2.0", Complexity: "O(1)",
		Summary: "Turns the replies to this connection off, or on again.",
		Args: []Arg{{Name: "on_off_skip", Type: ArgOneOf, Sub: []Arg{
			{Name: "on", Type: ArgPureToken, Token: "ON"},
			{Name: "off", Type: ArgPureToken, Token: "OFF"},
			{Name: "skip", Type: ArgPureToken, Token: "SKIP"},
		}}},
		Run: clientReply,
	}
}

func clientReply(c *Call) error {
	switch arg := c.Args[2]; {
	case equalFold(arg, "on"):
		c.Conn.replies = repliesOn
		c.Out.OK()
	case equalFold(arg, "off"):
		c.Conn.replies = repliesOff
	case equalFold(arg, "skip"):
		if c.Conn.replies != repliesOff {
			c.Conn.replies = repliesSkipNext
		}
	default:
		return ErrSyntax
	}
	return nil
}

// applyReplyMode takes back the reply to the command that was just executed, if the client does not want it.
func (c *Conn) applyReplyMode() {
	switch c.replies {
	case repliesOn:
		return
	case repliesSkipNext:
		c.replies = repliesSkip
	case repliesSkip:
		c.replies = repliesOn
	}
	c.out.Truncate(c.mark)
}
