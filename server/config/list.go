package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// addresses is the form of bind: any number of addresses up to limit. A single
// empty word is an empty list.
func addresses(limit int) form[[]string] {
	return form[[]string]{
		list: true,
		parse: func(words []string, _ []string) ([]string, error) {
			if len(words) > limit {
				return nil, refusal("Too many bind addresses specified.")
			}
			return listed(words), nil
		},
		text: func(list []string) string { return strings.Join(list, " ") },
		lines: func(list []string) []string {
			return []string{quoteWords(list)}
		},
	}
}

// listed returns a copy of words, nil if they are a single empty word, which is
// how a list is emptied.
func listed(words []string) []string {
	if len(words) == 1 && words[0] == "" {
		return nil
	}
	return slices.Clone(words)
}

// quoteWords joins words into what follows a name on a line of a file.
func quoteWords(words []string) string {
	if len(words) == 0 {
		return `""`
	}
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quoteWord(word)
	}
	return strings.Join(quoted, " ")
}

// savePoints is the form of save: pairs of seconds and changes. One line of a
// file adds to those before it, except that an empty word drops them; the
// reader of files takes care that the first line drops the defaults.
func savePoints() form[[]SavePoint] {
	return form[[]SavePoint]{
		list:  true,
		parse: parseSavePoints,
		text: func(points []SavePoint) string {
			return strings.Join(formatSavePoints(points), " ")
		},
		lines: func(points []SavePoint) []string {
			if len(points) == 0 {
				return []string{`""`}
			}
			return formatSavePoints(points)
		},
	}
}

var errSavePoints = refusal("Invalid save parameters")

func parseSavePoints(words []string, old []SavePoint) ([]SavePoint, error) {
	words = listed(words)
	if len(words) == 0 {
		return nil, nil
	}
	points := slices.Clone(old)
	for pair := range slices.Chunk(words, 2) {
		if len(pair) < 2 {
			return nil, errSavePoints
		}
		point, err := parseSavePoint(pair[0], pair[1])
		if err != nil {
			return nil, err
		}
		points = append(points, point)
	}
	return points, nil
}

func parseSavePoint(after, changes string) (SavePoint, error) {
	seconds, err := strconv.ParseInt(after, 10, 64)
	if err != nil || seconds < 1 || seconds > int64(math.MaxInt64/time.Second) {
		return SavePoint{}, errSavePoints
	}
	count, err := strconv.Atoi(changes)
	if err != nil || count < 0 || count > math.MaxInt32 {
		return SavePoint{}, errSavePoints
	}
	return SavePoint{After: time.Duration(seconds) * time.Second, Changes: count}, nil
}

func formatSavePoints(points []SavePoint) []string {
	lines := make([]string, len(points))
	for i, p := range points {
		lines[i] = fmt.Sprintf("%d %d", p.After/time.Second, p.Changes)
	}
	return lines
}

// bufferLimits is the form of client-output-buffer-limit: a class, the hard and
// the soft limit in bytes, and the seconds for which the soft one may be
// exceeded; any number of times over. Classes that are not named keep theirs.
func bufferLimits() form[OutputBufferLimits] {
	return form[OutputBufferLimits]{
		list:  true,
		parse: parseBufferLimits,
		// CONFIG GET says slave and a file says replica: Redis's ways.
		text: func(l OutputBufferLimits) string {
			plain := func(bytes int64) string { return strconv.FormatInt(bytes, 10) }
			return strings.Join(formatBufferLimits(l, "slave", plain), " ")
		},
		lines: func(l OutputBufferLimits) []string {
			return formatBufferLimits(l, "replica", formatSize)
		},
	}
}

func parseBufferLimits(words []string, limits OutputBufferLimits) (OutputBufferLimits, error) {
	if len(words)%4 != 0 {
		return limits, refusal("Wrong number of arguments in buffer limit configuration.")
	}
	for four := range slices.Chunk(words, 4) {
		class := limits.class(four[0])
		if class == nil {
			return limits, refusal("Invalid client class specified in buffer limit configuration.")
		}
		limit, ok := parseBufferLimit(four[1], four[2], four[3])
		if !ok {
			return limits, refusal("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
		}
		*class = limit
	}
	return limits, nil
}

// class returns the limit of the class of that name, or nil.
func (l *OutputBufferLimits) class(name string) *OutputBufferLimit {
	switch strings.ToLower(name) {
	case "normal":
		return &l.Normal
	case "slave", "replica":
		return &l.Replica
	case "pubsub":
		return &l.PubSub
	default:
		return nil
	}
}

func parseBufferLimit(hard, soft, seconds string) (limit OutputBufferLimit, ok bool) {
	hardBytes, hardOK := parseSize(hard)
	softBytes, softOK := parseSize(soft)
	n, err := strconv.ParseInt(seconds, 10, 32)
	if !hardOK || !softOK || err != nil || hardBytes < 0 || softBytes < 0 || n < 0 {
		return limit, false
	}
	return OutputBufferLimit{
		HardBytes:  hardBytes,
		SoftBytes:  softBytes,
		SoftPeriod: time.Duration(n) * time.Second,
	}, true
}

func formatBufferLimits(l OutputBufferLimits, replica string, bytes func(int64) string) []string {
	format := func(class string, limit OutputBufferLimit) string {
		return fmt.Sprintf("%s %s %s %d", class,
			bytes(limit.HardBytes), bytes(limit.SoftBytes), limit.SoftPeriod/time.Second)
	}
	return []string{
		format("normal", l.Normal),
		format(replica, l.Replica),
		format("pubsub", l.PubSub),
	}
}

// percentiles is the form of latency-tracking-info-percentiles.
func percentiles() form[[]float64] {
	format := func(list []float64) []string {
		words := make([]string, len(list))
		for i, p := range list {
			words[i] = formatPercentile(p)
		}
		return words
	}
	return form[[]float64]{
		list:  true,
		parse: parsePercentiles,
		text:  func(list []float64) string { return strings.Join(format(list), " ") },
		lines: func(list []float64) []string { return []string{quoteWords(format(list))} },
	}
}

func parsePercentiles(words []string, _ []float64) ([]float64, error) {
	words = listed(words)
	list := make([]float64, 0, len(words))
	for _, word := range words {
		p, err := strconv.ParseFloat(word, 64)
		switch {
		case err != nil || math.IsNaN(p) || strings.Contains(word, "_"):
			return nil, refusal("Invalid latency-tracking-info-percentiles parameters")
		case p < 0 || p > 100:
			return nil, refusal("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
		default:
			list = append(list, p)
		}
	}
	return list, nil
}

// formatPercentile writes up to six decimals, without trailing zeros.
func formatPercentile(p float64) string {
	s := strconv.FormatFloat(p, 'f', 6, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// integers is the form of a fixed count of numbers within low and high.
func integers(count int, low, high int64, sentence string) form[[]int] {
	format := func(list []int) string {
		return strings.Trim(fmt.Sprint(list), "[]")
	}
	return form[[]int]{
		list: true,
		parse: func(words []string, _ []int) ([]int, error) {
			if len(words) != count {
				return nil, errWordCount
			}
			list := make([]int, count)
			for i, word := range words {
				n, err := strconv.ParseInt(word, 10, 64)
				if err != nil || n < low || n > high {
					return nil, refusal(sentence)
				}
				list[i] = int(n)
			}
			return list, nil
		},
		text:  format,
		lines: func(list []int) []string { return []string{format(list)} },
	}
}

// noMaster is the form of replicaof, which has nothing to follow here.
func noMaster() form[string] {
	return form[string]{
		list: true,
		parse: func(words []string, _ string) (string, error) {
			switch {
			case len(words) == 1 && words[0] == "":
				return "", nil
			case len(words) != 2:
				return "", errWordCount
			case strings.EqualFold(words[0], "no") && strings.EqualFold(words[1], "one"):
				return "", nil
			default:
				return "", errors.New("replication is not supported yet: this server cannot be a replica")
			}
		},
		text:  func(master string) string { return master },
		lines: func(string) []string { return []string{"no one"} },
	}
}
