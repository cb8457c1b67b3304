package server

import (
	"time"

	"quipu/engine"
	"quipu/server/number"
)

// manyPop is what LMPOP and ZMPOP ask for, and the commands that wait for the same.
type manyPop struct {
	first bool // from the end that the first of the two words names
	count int64
}

// parseManyPop reads the number of keys, the first argument, and what comes behind the keys: one of two words for an end, and COUNT.
func parseManyPop(args [][]byte, first, second string) (p manyPop, err error) {
	p.count = 1
	n, ok := number.ParseInt(args[0])
	if !ok || n < 1 {
		return p, errKeyCount
	}
	if n >= int64(len(args)-1) {
		return p, ErrSyntax
	}
	words := args[1+n:]
	if p.first = isWord(words[0], first); !p.first && !isWord(words[0], second) {
		return p, ErrSyntax
	}
	switch words = words[1:]; {
	case len(words) == 0:
		return p, nil
	case len(words) < 2 || !isWord(words[0], "COUNT"):
		return p, ErrSyntax
	}
	if p.count, ok = number.ParseInt(words[1]); !ok || p.count < 1 {
		return p, errPopCount
	}
	if len(words) > 2 {
		return p, ErrSyntax
	}
	return p, nil
}

// popOrNull tries to pop from one of the keys, and answers null where that fails.
func popOrNull(c *Call, pop func(c *Call) (bool, error)) error {
	done, err := pop(c)
	if err == nil && !done {
		c.Out.NullArray()
	}
	return err
}

// popOrBlock tries to pop from one of the keys, and waits for one of the kind where that fails.
func popOrBlock(c *Call, kind engine.Kind, timeout time.Duration, pop func(c *Call) (bool, error)) error {
	done, err := pop(c)
	if done || err != nil {
		return err
	}
	return c.block(blocked{
		keys: c.Keys, kind: kind, timeout: timeout,
		serve: func(c *Call) error {
			_, err := pop(c)
			return err
		},
	})
}
