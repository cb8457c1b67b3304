package server

import "strings"

// debugProtocol replies with one value of the given type, the same that Redis sends: the tests of many clients ask for them.
func debugProtocol(c *Call) error {
	out := c.Out
	switch strings.ToLower(string(c.Args[2])) {
	case "string":
		out.BulkString("Hello World")
	case "integer":
		out.Int(12345)
	case "double":
		out.Double(3.141)
	case "null":
		out.Null()
	case "array":
		out.Array(3)
		debugNumbers(c)
	case "set":
		out.Set(3)
		debugNumbers(c)
	case "map":
		out.Map(3)
		for n := range int64(3) {
			out.Int(n)
			out.Bool(n == 1)
		}
	case "attrib":
		debugAttribute(c)
	case "push":
		return debugPush(c)
	case "verbatim":
		out.Verbatim("txt", "This is a verbatim\nstring")
	case "true":
		out.Bool(true)
	case "false":
		out.Bool(false)
	case "bignum":
		out.BigNumber("1234567999999999999999999999999999999")
	default:
		return ErrProtocolType
	}
	return nil
}

func debugNumbers(c *Call) {
	for n := range int64(3) {
		c.Out.Int(n)
	}
}

// debugAttribute sends, in RESP3, an attribute before the reply: the one place in the server that does.
func debugAttribute(c *Call) {
	if c.Out.Protocol() == 3 {
		c.Out.Raw([]byte("|1\r\n"))
		c.Out.BulkString("key-popularity")
		c.Out.Array(2)
		c.Out.BulkString("key:123")
		c.Out.Int(90)
	}
	c.Out.BulkString("Some real reply following the attribute")
}

// debugPush sends an out-of-band message before the reply.
func debugPush(c *Call) error {
	if c.Out.Protocol() != 3 {
		return ErrNeedsRESP3
	}
	c.Out.Push(2)
	c.Out.BulkString("server-cpu-usage")
	c.Out.Int(42)
	c.Out.BulkString("Some real reply following the push reply")
	return nil
}
