package config

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"
)

// refusal is a sentence with which Redis refuses a value or a line: not in the
// style of Go's errors, but the text that tools know.
type refusal string

func (r refusal) Error() string { return string(r) }

// The refusals that several forms share.
const (
	errWordCount  = refusal("wrong number of arguments")
	errYesNo      = refusal("argument must be 'yes' or 'no'")
	errInteger    = refusal("argument couldn't be parsed into an integer")
	errOctal      = refusal("argument couldn't be parsed as an octal number")
	errSize       = refusal("argument must be a memory value")
	errSizeOrPart = refusal("argument must be a memory or percent value")
)

// errRange is the refusal of a number outside its bounds.
func errRange(low, high int64) error {
	return fmt.Errorf("argument must be between %d and %d inclusive", low, high)
}

// yesNo is the form of a switch.
func yesNo() form[bool] {
	return one(parseYesNo, func(on bool) string {
		if on {
			return "yes"
		}
		return "no"
	})
}

func parseYesNo(word string) (bool, error) {
	switch {
	case strings.EqualFold(word, "yes"):
		return true, nil
	case strings.EqualFold(word, "no"):
		return false, nil
	default:
		return false, errYesNo
	}
}

// onlyNo is the form of a switch that cannot be turned on here; why is shown to
// who tries.
func onlyNo(why string) form[bool] {
	f := yesNo()
	f.parse = func(words []string, _ bool) (bool, error) {
		on, err := parseYesNo(words[0])
		if err == nil && on {
			err = errors.New(why)
		}
		return false, err
	}
	return f
}

// integer is the form of a number within low and high, both allowed. Numbers
// are written in one way only: no plus sign, no leading zero, no space.
func integer(low, high int64) form[int] {
	return one(func(word string) (int, error) {
		n, err := parseInteger(word, low, high)
		return int(n), err
	}, strconv.Itoa)
}

func parseInteger(word string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != word {
		return 0, errInteger
	}
	if n < low || n > high {
		return 0, errRange(low, high)
	}
	return n, nil
}

// clamped is the form of a number that is pulled into its bounds rather than
// refused, as Redis does with hz.
func clamped(low, high int) form[int] {
	return one(func(word string) (int, error) {
		n, err := parseInteger(word, 0, math.MaxInt32)
		return min(max(int(n), low), high), err
	}, strconv.Itoa)
}

// duration is the form of a time that is written as a number of units. The
// bounds are in units. Where the upper one allows more than a time.Duration
// holds, 292 years, more is cut to that.
func duration(unit time.Duration, low, high int64) form[time.Duration] {
	longest := int64(math.MaxInt64 / unit)
	return one(func(word string) (time.Duration, error) {
		n, err := parseInteger(word, low, high)
		return time.Duration(min(n, longest)) * unit, err
	}, func(d time.Duration) string {
		return strconv.FormatInt(int64(d/unit), 10)
	})
}

// size is the form of a number of bytes, within low and high.
func size(low, high int64) form[int64] {
	f := one(func(word string) (int64, error) {
		return parseBoundedSize(word, low, high)
	}, func(bytes int64) string {
		return strconv.FormatInt(bytes, 10)
	})
	f.lines = func(bytes int64) []string { return []string{formatSize(bytes)} }
	return f
}

func parseBoundedSize(word string, low, high int64) (int64, error) {
	bytes, ok := parseSize(word)
	if !ok {
		return 0, errSize
	}
	if bytes < low || bytes > high {
		return 0, errRange(low, high)
	}
	return bytes, nil
}

// sizeUnits are the suffixes of a size. The letter alone is the decimal unit,
// with a b the binary one.
var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1000, "kb": 1 << 10,
	"m": 1000 * 1000, "mb": 1 << 20,
	"g": 1000 * 1000 * 1000, "gb": 1 << 30,
}

// parseSize reads digits and a unit of either case. A product that does not fit
// gives -1, which is outside every bound.
func parseSize(word string) (bytes int64, ok bool) {
	digits := strings.TrimRight(word, "bkmgBKMG")
	unit, ok := sizeUnits[strings.ToLower(word[len(digits):])]
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return -1, true
	}
	return n * unit, true
}

// formatSize writes bytes with the largest binary unit that divides it.
func formatSize(bytes int64) string {
	for _, unit := range []string{"gb", "mb", "kb"} {
		if factor := sizeUnits[unit]; bytes > 0 && bytes%factor == 0 {
			return strconv.FormatInt(bytes/factor, 10) + unit
		}
	}
	return strconv.FormatInt(bytes, 10)
}

// sizeOrPercent is the form of a number of bytes or a part of maxmemory, which
// is held as a negative number.
func sizeOrPercent() form[int64] {
	return one(func(word string) (int64, error) {
		if bytes, ok := parseSize(word); ok && bytes >= 0 {
			return bytes, nil
		}
		digits, isPart := strings.CutSuffix(word, "%")
		percent, err := parseInteger(digits, 0, math.MaxInt64)
		switch {
		case !isPart || err != nil:
			return 0, errSizeOrPart
		case percent > 100:
			return 0, refusal("percentage argument must be less or equal to 100")
		default:
			return -percent, nil
		}
	}, func(n int64) string {
		if n < 0 {
			return strconv.FormatInt(-n, 10) + "%"
		}
		return strconv.FormatInt(n, 10)
	})
}

// permissions is the form of a file mode, in octal.
func permissions() form[fs.FileMode] {
	return one(func(word string) (fs.FileMode, error) {
		bits, err := strconv.ParseUint(word, 8, 32)
		switch {
		case err != nil:
			return 0, errOctal
		case bits > 0o777:
			return 0, refusal("argument must be between 0 and 777 inclusive")
		default:
			return fs.FileMode(bits), nil
		}
	}, func(mode fs.FileMode) string {
		return strconv.FormatUint(uint64(mode), 8)
	})
}

// text is the form of a string that each of the checks lets through.
func text(checks ...func(string) error) form[string] {
	return one(func(word string) (string, error) {
		for _, check := range checks {
			if err := check(word); err != nil {
				return "", err
			}
		}
		return word, nil
	}, func(s string) string { return s })
}
