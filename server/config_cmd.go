package server

import (
	"errors"

	"quipu/server/config"
)

// configCommands returns the row of CONFIG, with its subcommands.
func configCommands() []*Command { return []*Command{configRow()} }

func configRow() *Command {
	return &Command{
		Name: "config", Arity: -2,
		Categories: CatSlow, Group: "server", Since: "2.0.0",
		Summary:    "A container for the commands that read and change parameters.",
		Complexity: "Depends on subcommand.",
		Sub: []*Command{
			configGetRow(),
			helpRow("5.0.0", CatSlow),
			configResetstatRow(),
			configRewriteRow(),
			configSetRow(),
		},
	}
}

func configGetRow() *Command {
	return &Command{
		Name: "get", Arity: -3, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.0.0",
		Summary:    "Reads the parameters whose names match a pattern.",
		Complexity: "O(N) when N is the number of configuration parameters provided",
		Args: []Arg{
			{Name: "parameter", Type: ArgBlock, Flags: ArgMultiple, Sub: []Arg{
				{Name: "parameter"},
			}},
		},
		Run: configGet,
	}
}

// configGet answers with the parameters that any of the patterns matches.
func configGet(c *Call) error {
	patterns := make([]string, 0, len(c.Args)-2)
	for _, arg := range c.Args[2:] {
		patterns = append(patterns, string(arg))
	}
	found := c.Srv.cfg.Get(patterns...)
	c.Out.Map(len(found))
	for _, parameter := range found {
		c.Out.BulkString(parameter[0])
		c.Out.BulkString(parameter[1])
	}
	return nil
}

func configSetRow() *Command {
	return &Command{
		Name: "set", Arity: -4, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.0.0",
		Summary:    "Changes parameters of the running server, all of them or none.",
		Complexity: "O(N) when N is the number of configuration parameters provided",
		Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
		Args: []Arg{
			{Name: "parameter_value", Type: ArgBlock, Flags: ArgMultiple, Sub: []Arg{
				{Name: "parameter"},
				{Name: "value"},
			}},
		},
		Run: configSet,
	}
}

// configSet changes all the given parameters, or none if one of them cannot be.
func configSet(c *Call) error {
	args := c.Args[2:]
	if len(args)%2 != 0 {
		return ErrSyntax
	}
	pairs := make([][2]string, 0, len(args)/2)
	for i := 0; i < len(args); i += 2 {
		pairs = append(pairs, [2]string{string(args[i]), string(args[i+1])})
	}
	set := c.Srv.cfg.Set
	if c.Conn.local() {
		set = c.Srv.cfg.SetLocal
	}
	if err := set(pairs); err != nil {
		return replyError(err.Error()) // the text is the whole reply
	}
	c.Out.OK()
	return nil
}

func configResetstatRow() *Command {
	return &Command{
		Name: "resetstat", Arity: 2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.0.0",
		Summary:    "Sets the counters that INFO reports to zero.",
		Complexity: "O(1)",
		Run:        configResetstat,
	}
}

// configResetstat sets what INFO counts, and the latency histograms, to zero.
func configResetstat(c *Call) error {
	c.Srv.stats.Reset()
	c.Srv.engine.ResetStats()
	c.Out.OK()
	return nil
}

func configRewriteRow() *Command {
	return &Command{
		Name: "rewrite", Arity: 2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "2.8.0",
		Summary:    "Writes the parameters of the running server back to its configuration file.",
		Complexity: "O(1)",
		Run:        configRewrite,
	}
}

// configRewrite writes the parameters in force to the file that the server was started with.
func configRewrite(c *Call) error {
	err := c.Srv.cfg.Rewrite()
	switch {
	case errors.Is(err, config.ErrNoConfigFile):
		return replyError(err.Error())
	case err != nil:
		return replyErrorf("ERR Rewriting config file: %v", err)
	}
	c.Out.OK()
	return nil
}
