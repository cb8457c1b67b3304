package server

import (
	"strconv"

	"quipu/server/glob"
)

// What HSCAN, SSCAN and ZSCAN have in common.

// elementScan is what the words after the cursor ask for.
type elementScan struct {
	pattern  []byte // nil: every element
	count    int    // elements to look at
	noValues bool   // HSCAN: without the values
}

// elementScanArgs returns the arguments of HSCAN, SSCAN and ZSCAN.
func elementScanArgs() []Arg {
	return []Arg{
		{Name: "key", Type: ArgKey},
		{Name: "cursor", Type: ArgInteger},
		{Name: "pattern", Type: ArgPattern, Token: "MATCH", Flags: ArgOptional},
		{Name: "count", Type: ArgInteger, Token: "COUNT", Flags: ArgOptional},
	}
}

// parseElementScan reads the words after the cursor; the last of each kind counts. Redis looks at them only when the key exists and is of
// the right type.
func parseElementScan(args [][]byte, withNoValues bool) (elementScan, error) {
	s := elementScan{count: defaultScanCount}
	for len(args) > 0 {
		if withNoValues && isWord(args[0], "NOVALUES") {
			s.noValues, args = true, args[1:]
			continue
		}
		if len(args) == 1 {
			return s, ErrSyntax
		}
		switch {
		case isWord(args[0], "COUNT"):
			n, err := parseScanCount(args[1])
			if err != nil {
				return s, err
			}
			s.count = n
		case isWord(args[0], "MATCH"):
			s.pattern = args[1]
		default:
			return s, ErrSyntax
		}
		args = args[2:]
	}
	return s, nil
}

// wants reports whether the element belongs in the answer.
func (s *elementScan) wants(element []byte) bool {
	return s.pattern == nil || glob.Match(s.pattern, element)
}

// answerScan answers one step of a scan: the cursor to go on from, and what was found.
func answerScan(c *Call, next uint64, found *nameList) {
	c.Out.Array(2)
	c.Out.BulkString(strconv.FormatUint(next, 10))
	found.answer(c.Out)
}
