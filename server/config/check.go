package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
)

// The checks that a text form can be given.

// baseName refuses paths; name begins the sentence.
func baseName(name, what string) func(string) error {
	return func(value string) error {
		if strings.ContainsAny(value, `/\`) {
			return fmt.Errorf("%s can't be a path, just a %s", name, what)
		}
		return nil
	}
}

// notEmpty refuses the empty string; name begins the sentence.
func notEmpty(name string) func(string) error {
	return func(value string) error {
		if value == "" {
			return errors.New(name + " can't be empty")
		}
		return nil
	}
}

// onlyEmpty refuses everything but the empty string.
func onlyEmpty(why string) func(string) error {
	return func(value string) error {
		if value != "" {
			return errors.New(why)
		}
		return nil
	}
}

// maxHostName is the length from which Redis refuses a host name: 255 bytes and
// a terminator.
const maxHostName = 256

// hostName allows what a name of the DNS may hold.
func hostName(value string) error {
	if len(value) >= maxHostName {
		return refusal("Hostnames must be less than 256 characters")
	}
	odd := strings.ContainsFunc(value, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
	})
	if odd {
		return refusal("Hostnames may only contain alphanumeric characters, hyphens or dots")
	}
	return nil
}

// hostPort allows the empty string and what net.Listen takes.
func hostPort(value string) error {
	if value == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(value); err != nil {
		return fmt.Errorf("argument must be host:port: %w", err)
	}
	return nil
}

// tlsVersions are the words of tls-protocols, in lower case.
var tlsVersions = map[string]uint16{
	"tlsv1":   tls.VersionTLS10,
	"tlsv1.1": tls.VersionTLS11,
	"tlsv1.2": tls.VersionTLS12,
	"tlsv1.3": tls.VersionTLS13,
}

// tlsProtocols allows a list of protocol versions, and the empty string.
func tlsProtocols(value string) error {
	for word := range strings.FieldsSeq(value) {
		if tlsVersions[strings.ToLower(word)] == 0 {
			return refusal("Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.")
		}
	}
	return nil
}

// titleVariables are what proc-title-template may name.
var titleVariables = strings.NewReplacer(
	"{title}", "", "{listen-addr}", "", "{server-mode}", "", "{port}", "",
	"{tls-port}", "", "{unixsocket}", "", "{config-file}", "")

// titleTemplate allows text with known variables in braces, and not nothing.
func titleTemplate(value string) error {
	if value == "" || strings.Contains(titleVariables.Replace(value), "{") {
		return refusal("template format is invalid or contains unknown variables")
	}
	return nil
}

// keyspaceFlags is the form of notify-keyspace-events: a set of letters, shown
// in the order of Redis, where A stands for all classes but m and n.
func keyspaceFlags() form[string] {
	const (
		classes = "g$lshzxetdn"
		others  = "KEm"
		implied = "g$lshzxetd"
	)
	return one(func(word string) (string, error) {
		if strings.Trim(word, classes+others+"A") != "" {
			return "", refusal("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
		}
		given := strings.ReplaceAll(word, "A", implied)
		all := keepLetters(implied, given) == implied
		if all {
			return "A" + keepLetters(others, given), nil
		}
		return keepLetters(classes, given) + keepLetters(others, given), nil
	}, func(s string) string { return s })
}

// keepLetters returns the letters of alphabet that occur in s, in its order.
func keepLetters(alphabet, s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(s, r) {
			return r
		}
		return -1
	}, alphabet)
}
