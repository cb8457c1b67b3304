package server

import "quipu/server/number"

func failoverRow() *Command {
	return &Command{
		Name: "failover", Arity: -1, Flags: FlagAdmin | FlagNoscript | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "6.2.0", Complexity: "O(1)",
		Summary: "Hands the server's place over to a replica, of which there is none.",
		Args: []Arg{
			{Name: "target", Type: ArgBlock, Token: "TO", Flags: ArgOptional, Sub: []Arg{
				{Name: "host"},
				{Name: "port", Type: ArgInteger},
				{Name: "force", Type: ArgPureToken, Token: "FORCE", Flags: ArgOptional},
			}},
			{Name: "abort", Type: ArgPureToken, Token: "ABORT", Flags: ArgOptional},
			{Name: "milliseconds", Type: ArgInteger, Token: "TIMEOUT", Flags: ArgOptional},
		},
		Run: failover,
	}
}

// failover answers what it does where there is no replica, once it has been asked rightly.
func failover(c *Call) error {
	args := c.Args[1:]
	if len(args) == 1 && equalFold(args[0], "abort") {
		return errNoFailover
	}
	var to, force, timeout bool
	for i := 0; i < len(args); i++ {
		more := len(args) - i - 1
		switch {
		case equalFold(args[i], "timeout") && more >= 1 && !timeout:
			timeout = true
			i++
			if millis, ok := number.ParseInt(args[i]); !ok {
				return ErrNotInteger
			} else if millis <= 0 {
				return errFailoverTimeout
			}
		case equalFold(args[i], "to") && more >= 2 && !to:
			to = true
			i += 2
			if _, ok := number.ParseInt(args[i]); !ok {
				return ErrNotInteger
			}
		case equalFold(args[i], "force") && !force:
			force = true
		default:
			return ErrSyntax
		}
	}
	return errNoReplicas
}
