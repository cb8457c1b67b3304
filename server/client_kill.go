package server

import (
	"strings"

	"quipu/server/number"
)

func clientKillRow() *Command {
	return &Command{
		Name: "kill", Arity: -3, Flags: clientAdminFlags, Categories: clientAdminCats, Group: "connection", Since: "2.4.0",
		Complexity: "O(N) where N is the number of client connections",
		Summary:    "Closes connections.",
		Args: []Arg{{Name: "filter", Type: ArgOneOf, Sub: []Arg{
			{Name: "ip:port"},
			{Name: "new-format", Type: ArgOneOf, Flags: ArgMultiple, Sub: []Arg{
				{Name: "client-id", Type: ArgInteger, Token: "ID", Flags: ArgOptional, Since: "2.8.12"},
				{Name: "normal_master_slave_pubsub", Type: ArgOneOf, Token: "TYPE", Flags: ArgOptional, Since: "2.8.12", Sub: []Arg{
					{Name: "normal", Type: ArgPureToken, Token: "NORMAL"},
					{Name: "master", Type: ArgPureToken, Token: "MASTER", Since: "3.2.0"},
					{Name: "slave", Type: ArgPureToken, Token: "SLAVE"},
					{Name: "replica", Type: ArgPureToken, Token: "REPLICA", Since: "5.0.0"},
					{Name: "pubsub", Type: ArgPureToken, Token: "PUBSUB"},
				}},
				{Name: "username", Token: "USER", Flags: ArgOptional},
				{Name: "ip:port", Token: "ADDR", Flags: ArgOptional},
				{Name: "ip:port", Token: "LADDR", Flags: ArgOptional, Since: "6.2.0"},
				{Name: "yes/no", Token: "SKIPME", Flags: ArgOptional},
			}},
		}}},
		Run: clientKill,
	}
}

// clientFilter chooses connections; what is not set matches all.
type clientFilter struct {
	id          int64 // 0: any
	addr, laddr string
	kind        clientType
	byKind      bool
	keepSelf    bool
}

func clientKill(c *Call) error {
	if len(c.Args) == 3 {
		if c.killMatching(clientFilter{addr: string(c.Args[2])}) == 0 {
			return ErrNoSuchClient
		}
		c.Out.OK()
		return nil
	}
	filter, err := parseClientFilter(c.Args[2:])
	if err != nil {
		return err
	}
	c.Out.Int(int64(c.killMatching(filter)))
	return nil
}

// parseClientFilter reads pairs of an option and its value.
func parseClientFilter(args [][]byte) (clientFilter, error) {
	f := clientFilter{keepSelf: true}
	for ; len(args) >= 2; args = args[2:] {
		if err := f.set(args[0], args[1]); err != nil {
			return f, err
		}
	}
	if len(args) != 0 {
		return f, ErrSyntax
	}
	return f, nil
}

// set applies one option.
func (f *clientFilter) set(option, value []byte) error {
	switch {
	case equalFold(option, "id"):
		id, ok := number.ParseInt(value)
		if !ok || id < 1 {
			return ErrClientIDNotPositive
		}
		f.id = id
	case equalFold(option, "type"):
		kind, ok := parseClientType(value)
		if !ok {
			return replyErrorf("ERR Unknown client type '%s'", value)
		}
		f.kind, f.byKind = kind, true
	case equalFold(option, "addr"):
		f.addr = string(value)
	case equalFold(option, "laddr"):
		f.laddr = string(value)
	case equalFold(option, "user"):
		if string(value) != defaultUser {
			return replyErrorf("ERR No such user '%s'", value)
		}
	case equalFold(option, "skipme") && equalFold(value, "yes"):
		f.keepSelf = true
	case equalFold(option, "skipme") && equalFold(value, "no"):
		f.keepSelf = false
	default:
		return ErrSyntax
	}
	return nil
}

// matches reports whether the filter chooses conn.
func (f *clientFilter) matches(conn *Conn) bool {
	switch {
	case f.id != 0 && f.id != conn.id,
		f.addr != "" && f.addr != conn.addr,
		f.laddr != "" && f.laddr != conn.localAddr,
		f.byKind && f.kind != typeNormal:
		return false
	}
	return true
}

// killMatching closes the connections that filter chooses, this one after its reply, and returns how many.
func (c *Call) killMatching(filter clientFilter) int {
	killed := 0
	for _, conn := range c.Srv.clients.all() {
		switch {
		case !filter.matches(conn) || conn == c.Conn && filter.keepSelf:
			continue
		case conn == c.Conn:
			conn.closing = true
		default:
			conn.kill()
		}
		killed++
	}
	return killed
}

func clientUnblockRow() *Command {
	return &Command{
		Name: "unblock", Arity: -3, Flags: clientAdminFlags, Categories: clientAdminCats, Group: "connection", Since: "5.0.0",
		Complexity: "O(log N) where N is the number of client connections",
		Summary:    "Ends the wait of a connection in a blocking command, as if its time were up or with an error.",
		Args: []Arg{
			{Name: "client-id", Type: ArgInteger},
			{Name: "timeout_error", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "timeout", Type: ArgPureToken, Token: "TIMEOUT"},
				{Name: "error", Type: ArgPureToken, Token: "ERROR"},
			}},
		},
		Run: clientUnblock,
	}
}

func clientUnblock(c *Call) error {
	if len(c.Args) > 4 {
		return errSubcommand(strings.ToUpper(c.Cmd.parent.Name), string(c.Args[1]))
	}
	if len(c.Args) == 4 && !equalFold(c.Args[3], "timeout") && !equalFold(c.Args[3], "error") {
		return ErrUnblockReason
	}
	id, ok := number.ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	state := waitTimedOut
	if len(c.Args) == 4 && equalFold(c.Args[3], "error") {
		state = waitUnblocked
	}
	c.Out.Int(int64(c.Srv.unblock(id, state)))
	return nil
}

// unblock ends the wait of a connection in a blocking command, and returns the number of waits that it has ended.
func (s *Server) unblock(id int64, state waitState) int {
	conn := s.clients.get(id)
	if conn == nil {
		return 0
	}
	w := conn.shared.waiter.Load()
	if w == nil || !w.end(state) {
		return 0
	}
	conn.counts.commands[w.row.index].failed.Add(1) // whatever the answer; so does Redis
	return 1
}
