package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"quipu/server/number"
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
			aclDryrunRow(),
			aclGenpassRow(),
			aclGetuserRow(),
			helpRow("6.0.0", CatSlow),
			aclListRow(),
			aclLogRow(),
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

func aclDryrunRow() *Command {
	return &Command{
		Name: "dryrun", Arity: -4, Flags: FlagAdmin | FlagNoscript | FlagLoading | FlagStale,
		Categories: CatAdmin | CatSlow | CatDangerous, Group: "server", Since: "7.0.0",
		Summary:    "Tells whether a user may run a command, which is not run.",
		Complexity: "O(1).",
		Args:       []Arg{{Name: "username"}, {Name: "command"}, {Name: "arg", Flags: ArgOptional | ArgMultiple}},
		Run:        aclDryrun,
	}
}

// aclDryrun answers OK for every command that there is and that is written right: the only user may run them all.
func aclDryrun(c *Call) error {
	user, args := c.Args[2], c.Args[3:]
	if string(user) != aclUser {
		return errUnknownUser(user)
	}
	row, unknown := c.Srv.table.lookup(args)
	switch {
	case unknown:
		return errUnknownDryrun(args[0])
	case !row.arityOK(len(args)):
		return errArity(row.full)
	}
	c.Out.OK()
	return nil
}

func aclGenpassRow() *Command {
	return &Command{
		Name: "genpass", Arity: -2, Flags: FlagNoscript | FlagLoading | FlagStale,
		Categories: CatSlow, Group: "server", Since: "6.0.0", Complexity: "O(1)",
		Summary: "Makes up a password that nobody can guess, of 256 bits unless told otherwise.",
		Args:    []Arg{{Name: "bits", Type: ArgInteger, Flags: ArgOptional}},
		Run:     aclGenpass,
	}
}

// maxPasswordBits is the most that ACL GENPASS makes at once.
const maxPasswordBits = 4096

// aclGenpass answers with hexadecimal digits, one for each four bits that were asked for.
func aclGenpass(c *Call) error {
	bits := int64(256)
	switch len(c.Args) {
	case 2:
	case 3:
		var ok bool
		if bits, ok = number.ParseInt(c.Args[2]); !ok {
			return ErrNotInteger
		}
	default:
		return errSubcommand("ACL", string(c.Args[1]))
	}
	if bits <= 0 || bits > maxPasswordBits {
		return errPasswordBits
	}
	digits := (bits + 3) / 4
	secret := make([]byte, (digits+1)/2)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("make up a password: %w", err)
	}
	c.Out.BulkString(hex.EncodeToString(secret)[:digits])
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
