package config

import "errors"

// param is a row of the table: all that is known about one parameter. File,
// command line, CONFIG GET, SET and REWRITE and redis.conf.example follow from
// it.
type param struct {
	name  string
	alias string // a second name, equal in every way; "" for none
	value kind   // how it is written, within which bounds, and where it is held
	def   string // the default, as what follows the name in a file
	mode  mode
	// secret says that the value must not appear in logs of commands.
	secret bool
	// hidden says that only its exact name finds it, no pattern.
	hidden bool
	// additive says that a line of a file adds to the lines before it.
	additive bool
	// example is what redis.conf.example shows, as a comment, where the
	// default would say nothing.
	example string
	// doc is its section of redis.conf.example. A parameter without one has no
	// meaning here: it is accepted, remembered, shown, and reported once.
	doc string
}

// mode says when a parameter may be set.
type mode uint8

const (
	atRunTime mode = iota
	atStart
	protected // at run time, for those whom enable-protected-configs lets
)

// Why CONFIG SET refuses a parameter whatever the value.
var (
	errImmutable = errors.New("can't set immutable config")
	errProtected = errors.New("can't set protected config")
	errDuplicate = errors.New("duplicate parameter")
)

// mayChange returns why the parameter cannot be set at run time, or nil.
func (p *param) mayChange(protectedToo bool) error {
	switch {
	case p.mode == atStart:
		return errImmutable
	case p.mode == protected && !protectedToo:
		return errProtected
	default:
		return nil
	}
}

// meaningless reports whether the parameter is accepted and nothing more.
func (p *param) meaningless() bool { return p.doc == "" }

// Sensitive reports whether the parameter of that name holds a secret, so that
// its value must be kept out of SLOWLOG, MONITOR and the log.
func Sensitive(name string) bool {
	row := lookup(name)
	return row != nil && row.secret
}
