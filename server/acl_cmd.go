package server

import (
	"crypto/sha256"
	"encoding/hex"
)

// aclCommands returns the row of ACL, with those subcommands that have a truthful answer for a server with one user.
func aclCommands() []*Command { return []*Command{aclRow()} }

// aclUser is the one user there is, and what it may do: everything.
const (
	aclUser  = "default"
	aclRules = "~* &* +@all"
)

func aclRow() *Command {
	return &Command{
		Name: "acl", Arity: -2,
		Categories: CatSlow, Group: "server", Since: "6.0.0",
		Summary:    "A container for the commands of access control.",
		Complexity: "Depends on subcommand.",
		Sub: []*Command{
			aclCatRow(),
			aclGetuserRow(),
			helpRow("6.0.0", CatSlow),
			aclListRow(),
			aclUsersRow(),
			aclWhoamiRow(),
		},
	}
}

func aclCatRow() *Command {
	return &Command{
		Name: "cat", Arity: -2, Flags: FlagNoscript | FlagLoading | FlagStale,
		Categories: CatSlow, Group: "server", Since: "6.0.0",
		Summary:    "Lists the categories of commands, or the commands of a category.",
		Complexity: "O(1) since the categories and commands are a fixed set.",
		Args:       []Arg{{Name: "categoryname", Flags: ArgOptional}},
		Run:        aclCat,
	}
}

// aclCat answers with the names of all categories, or of the commands in one of them.
func aclCat(c *Call) error {
	switch len(c.Args) {
	case 2:
		c.Out.Array(len(categoryNames))
		for _, name := range categoryNames {
			c.Out.BulkString(name)
		}
		return nil
	case 3:
		return aclCategory(c, string(c.Args[2]))
	}
	return errSubcommand("ACL", string(c.Args[1]))
}

func aclCategory(c *Call, name string) error {
	category, ok := categoryByName(name)
	if !ok {
		return errUnknownCategory(name)
	}
	var names []string
	for _, cmd := range c.Srv.table.rows {
		if cmd.Categories&category != 0 {
			names = append(names, cmd.FullName())
		}
	}
	c.Out.Array(len(names))
	for _, name := range names {
		c.Out.BulkString(name)
	}
	return nil
}

func aclWhoamiRow() *Command {
	return &Command{
		Name: "whoami", Arity: 2, Flags: FlagNoscript | FlagLoading | FlagStale,
		Categories: CatSlow, Group: "server", Since: "6.0.0",
		Summary:    "Returns the user that this connection has authenticated as.",
		Complexity: "O(1)",
		Run:        aclWhoami,
	}
}

func aclWhoami(c *Call) error {
	c.Out.BulkString(aclUser)
	return nil
}

func aclUsersRow() *Command {
	return &Command{
		Name: "users", Arity: 2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "6.0.0",
		Summary:    "Lists the names of all users.",
		Complexity: "O(N). Where N is the number of configured users.",
		Run:        aclUsers,
	}
}

func aclUsers(c *Call) error {
	c.Out.Array(1)
	c.Out.BulkString(aclUser)
	return nil
}

func aclListRow() *Command {
	return &Command{
		Name: "list", Arity: 2, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "6.0.0",
		Summary:    "Lists the rules of all users.",
		Complexity: "O(N). Where N is the number of configured users.",
		Run:        aclList,
	}
}

// aclList answers with the user in the form of a line of an ACL file.
func aclList(c *Call) error {
	secret := "nopass"
	if hash := passwordHash(c.Srv.cfg.Load().RequirePass); hash != "" {
		secret = "#" + hash
	}
	c.Out.Array(1)
	c.Out.BulkString("user " + aclUser + " on " + secret + " " + aclRules)
	return nil
}

func aclGetuserRow() *Command {
	return &Command{
		Name: "getuser", Arity: 3, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "6.0.0",
		Summary:    "Returns the rules of a user.",
		Complexity: "O(N). Where N is the number of password, command and pattern rules that the user has.",
		Args:       []Arg{{Name: "username"}},
		Run:        aclGetuser,
	}
}

// aclGetuser answers with what a user may do, null for a user that there is none of.
func aclGetuser(c *Call) error {
	if string(c.Args[2]) != aclUser {
		c.Out.Null()
		return nil
	}
	flags, passwords := []string{"on", "nopass"}, []string(nil)
	if hash := passwordHash(c.Srv.cfg.Load().RequirePass); hash != "" {
		flags, passwords = flags[:1], []string{hash}
	}
	c.Out.Map(6)
	c.Out.BulkString("flags")
	c.Out.Set(len(flags))
	for _, flag := range flags {
		c.Out.BulkString(flag)
	}
	c.Out.BulkString("passwords")
	c.Out.Array(len(passwords))
	for _, password := range passwords {
		c.Out.BulkString(password)
	}
	for _, rule := range [][2]string{{"commands", "+@all"}, {"keys", "~*"}, {"channels", "&*"}} {
		c.Out.BulkString(rule[0])
		c.Out.BulkString(rule[1])
	}
	c.Out.BulkString("selectors")
	c.Out.Array(0)
	return nil
}

// passwordHash returns the form in which Redis shows a password, "" for no password.
func passwordHash(password string) string {
	if password == "" {
		return ""
	}
	hash := sha256.Sum256([]byte(password))
	return hex.EncodeToString(hash[:])
}
