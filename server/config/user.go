package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// There are no ACL users here, but CONFIG REWRITE of Redis 7 leaves a line for
// the default user in every file that it touches, so a migrating redis.conf may
// well hold one. The lines that say what is true here anyway are understood:
// the default user, on, with all keys, channels and commands, and no password
// or one. Any other is refused, because ignoring it would open what it closes.

var (
	errUsers = refusal("ACL users are not supported: only the default user, on and with all permissions, may be declared")
	errHash  = errors.New("the user line has the hash of a password that requirepass does not give; use requirepass")
)

// defaultUser is what user lines say of the default user's password.
type defaultUser struct {
	declared bool
	pass     string // in clear; "" for none
	hash     string // SHA-256 in hexadecimal; "" for none
}

// declare reads the words after "user". As in Redis a line starts from a user
// who may do nothing, so it must grant everything itself.
func (u *defaultUser) declare(words []string) error {
	if words[0] != "default" {
		return errUsers
	}
	*u = defaultUser{declared: true}
	granted := make(map[string]bool)
	for _, rule := range words[1:] {
		right, ok := u.rule(rule)
		if !ok {
			return errUsers
		}
		granted[right] = true
	}
	for _, right := range []string{"on", "~*", "&*", "+@all", "entry"} {
		if !granted[right] {
			return errUsers
		}
	}
	return nil
}

// rule reads one word and says which of the rights it grants, "entry" being
// that to log in. ok is false if it does anything else.
func (u *defaultUser) rule(rule string) (right string, ok bool) {
	word := strings.ToLower(rule)
	switch word {
	case "on", "~*", "&*", "+@all":
		return word, true
	case "allkeys":
		return "~*", true
	case "allchannels":
		return "&*", true
	case "allcommands":
		return "+@all", true
	case "sanitize-payload", "skip-sanitize-payload":
		return "", true
	case "nopass":
		u.pass, u.hash = "", ""
		return "entry", true
	}
	if u.pass != "" || u.hash != "" { // a second password is an ACL feature
		return "", false
	}
	if pass, found := strings.CutPrefix(rule, ">"); found {
		u.pass = pass
	}
	if hash, found := strings.CutPrefix(word, "#"); found {
		u.hash = hash
	}
	return "entry", u.pass != "" || u.hash != ""
}

// password returns the password in force, given that of requirepass.
func (u *defaultUser) password(requirePass string) (string, error) {
	switch {
	case !u.declared:
		return requirePass, nil
	case u.hash == "":
		return u.pass, nil
	}
	sum := sha256.Sum256([]byte(requirePass))
	if hex.EncodeToString(sum[:]) != u.hash {
		return "", errHash
	}
	return requirePass, nil
}
