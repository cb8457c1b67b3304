package server

import (
	"quipu/server/number"
)

func clientTrackingRow() *Command {
	return &Command{
		Name: "tracking", Arity: -3, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "6.0.0",
		Complexity: "O(1). Some options may introduce additional complexity.",
		Summary:    "Turns the messages on or off that tell this client when a key that it has read changes.",
		Args: []Arg{
			{Name: "status", Type: ArgOneOf, Sub: onOffArgs()[0].Sub},
			{Name: "client-id", Type: ArgInteger, Token: "REDIRECT", Flags: ArgOptional},
			{Name: "prefix", Token: "PREFIX", Flags: ArgOptional | ArgMultiple | ArgMultipleToken},
			{Name: "bcast", Type: ArgPureToken, Token: "BCAST", Flags: ArgOptional},
			{Name: "optin", Type: ArgPureToken, Token: "OPTIN", Flags: ArgOptional},
			{Name: "optout", Type: ArgPureToken, Token: "OPTOUT", Flags: ArgOptional},
			{Name: "noloop", Type: ArgPureToken, Token: "NOLOOP", Flags: ArgOptional},
		},
		Run: setTracking,
	}
}

// trackingOptions are the options of CLIENT TRACKING.
type trackingOptions struct {
	optIn, optOut, noLoop, broadcast bool
	redirect                         int64
	prefixes                         []string
}

func setTracking(c *Call) error {
	o, err := c.parseTracking(c.Args[3:])
	if err != nil {
		return err
	}
	on, err := parseOnOff(c.Args[2])
	if err != nil {
		return err
	}
	if !on {
		c.Conn.stopTracking()
		c.Out.OK()
		return nil
	}
	if err := o.check(&c.Conn.tracking); err != nil {
		return err
	}
	c.Conn.startTracking(o)
	c.Out.OK()
	return nil
}

// parseTracking reads the options.
func (c *Call) parseTracking(args [][]byte) (o trackingOptions, err error) {
	for i := 0; i < len(args); i++ {
		more := i+1 < len(args)
		switch {
		case equalFold(args[i], "redirect") && more:
			i++
			if o.redirect != 0 {
				return o, ErrTrackingTwoTargets
			}
			if o.redirect, err = c.redirectTarget(args[i]); err != nil {
				return o, err
			}
		case equalFold(args[i], "bcast"):
			o.broadcast = true
		case equalFold(args[i], "optin"):
			o.optIn = true
		case equalFold(args[i], "optout"):
			o.optOut = true
		case equalFold(args[i], "noloop"):
			o.noLoop = true
		case equalFold(args[i], "prefix") && more:
			i++
			o.prefixes = append(o.prefixes, string(args[i]))
		default:
			return o, ErrSyntax
		}
	}
	return o, nil
}

// redirectTarget reads the identifier of a client that exists.
func (c *Call) redirectTarget(arg []byte) (int64, error) {
	id, ok := number.ParseInt(arg)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case c.Srv.clients.get(id) == nil:
		return 0, ErrTrackingRedirect
	}
	return id, nil
}

// check reports what is wrong with turning tracking on with these options, given what is on already.
func (o *trackingOptions) check(now *tracking) error {
	switch {
	case len(o.prefixes) > 0 && !o.broadcast:
		return ErrTrackingPrefix
	case now.on && o.broadcast != now.broadcast:
		return ErrTrackingSwitchBcast
	case o.broadcast && (o.optIn || o.optOut):
		return ErrTrackingBroadcast
	case o.optIn && o.optOut:
		return ErrTrackingModes
	case o.optIn && now.optOut || o.optOut && now.optIn:
		return ErrTrackingSwitchMode
	}
	return o.checkPrefixes(now.prefixes)
}

// checkPrefixes reports prefixes of which one contains the other: the client would be told twice. (Redis 7.0 sends the error and turns
// tracking on all the same, with a second reply, when the first of the given prefixes is not among the two.)
func (o *trackingOptions) checkPrefixes(existing []string) error {
	for i, prefix := range o.prefixes {
		for _, other := range existing {
			if overlap(prefix, other) {
				return replyErrorf("ERR Prefix '%s' overlaps with an existing prefix '%s'. Prefixes for a single client must not overlap.", prefix, other)
			}
		}
		for _, other := range o.prefixes[i+1:] {
			if overlap(prefix, other) {
				return replyErrorf("ERR Prefix '%s' overlaps with another provided prefix '%s'. Prefixes for a single client must not overlap.", prefix, other)
			}
		}
	}
	return nil
}

// overlap reports whether one of two prefixes begins with the other.
func overlap(a, b string) bool {
	n := min(len(a), len(b))
	return a[:n] == b[:n]
}

func clientCachingRow() *Command {
	return &Command{
		Name: "caching", Arity: 3, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "6.0.0", Complexity: "O(1)",
		Summary: "Says whether what the next command reads is to be tracked, under OPTIN or OPTOUT.",
		Args: []Arg{{Name: "mode", Type: ArgOneOf, Sub: []Arg{
			{Name: "yes", Type: ArgPureToken, Token: "YES"},
			{Name: "no", Type: ArgPureToken, Token: "NO"},
		}}},
		Run: clientCaching,
	}
}

func clientCaching(c *Call) error {
	t := &c.Conn.tracking
	switch {
	case !t.on:
		return ErrCachingMode
	case equalFold(c.Args[2], "yes"):
		if !t.optIn {
			return ErrCachingYes
		}
	case equalFold(c.Args[2], "no"):
		if !t.optOut {
			return ErrCachingNo
		}
	default:
		return ErrSyntax
	}
	t.caching = true
	c.Out.OK()
	return nil
}

// forgetCaching ends what CLIENT CACHING said with the command after it, or with the transaction. As in Redis, no CLIENT command counts.
func (c *Conn) forgetCaching(row *Command) {
	if c.tracking.caching && !c.multi.active && (row.parent == nil || row.parent.Name != "client") {
		c.tracking.caching = false
	}
}

func clientGetredirRow() *Command {
	return &Command{
		Name: "getredir", Arity: 2, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "6.0.0", Complexity: "O(1)",
		Summary: "Tells which client is told of changes in place of this one: 0 for none, -1 if tracking is off.",
		Run: func(c *Call) error {
			c.Out.Int(c.Conn.shared.redirect.Load())
			return nil
		},
	}
}

func clientTrackinginfoRow() *Command {
	return &Command{
		Name: "trackinginfo", Arity: 2, Flags: clientFlags, Categories: clientCats, Group: "connection", Since: "6.2.0", Complexity: "O(1)",
		Summary: "Tells how tracking is set for this connection.",
		Run:     clientTrackinginfo,
	}
}

func clientTrackinginfo(c *Call) error {
	flags := c.Conn.tracking.flags()
	if c.Conn.hasFlag(clientBrokenRedirect) {
		flags = append(flags, "broken_redirect")
	}
	c.Out.Map(3)
	c.Out.BulkString("flags")
	c.Out.Set(len(flags))
	for _, flag := range flags {
		c.Out.BulkString(flag)
	}
	c.Out.BulkString("redirect")
	c.Out.Int(c.Conn.shared.redirect.Load())
	c.Out.BulkString("prefixes")
	c.Out.Array(len(c.Conn.tracking.prefixes))
	for _, prefix := range c.Conn.tracking.prefixes {
		c.Out.BulkString(prefix)
	}
	return nil
}

// flags returns the state in the words of CLIENT TRACKINGINFO.
func (t *tracking) flags() []string {
	if !t.on {
		return []string{"off"}
	}
	flags := []string{"on"}
	for _, f := range []struct {
		set  bool
		name string
	}{
		{t.broadcast, "bcast"},
		{t.optIn, "optin"},
		{t.optIn && t.caching, "caching-yes"},
		{t.optOut, "optout"},
		{t.optOut && t.caching, "caching-no"},
		{t.noLoop, "noloop"},
	} {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	return flags
}
