// Package logging shapes the log as Redis shapes its own, so that what greps a Redis log finds the same lines here:
//
//	31337:M 23 Nov 2026 08:34:31.123 * Ready to accept connections port=6379
//
// The mark is ".", "-", "*" or "#" for debug, verbose, notice and warning, the levels of Redis's loglevel. Attributes stand behind the
// message as slog's own text handler writes them. Where a machine reads the log, JSON is the better choice.
//
// Decisions:
//   - Notice is slog's Info, warning is both Warn and Error: Redis has nothing above.
//   - One write call per line, to a file opened for appending: several writers and a log rotation by copying do no harm.
//   - The time is local, as in Redis.
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// LevelVerbose lies between slog.LevelDebug and slog.LevelInfo: what Redis logs as verbose.
const LevelVerbose = slog.LevelDebug + 2

// timeLayout is Redis's.
const timeLayout = "02 Jan 2006 15:04:05.000"

// Handler writes records as lines in Redis's form. Make one with NewHandler.
type Handler struct {
	out    *lockedWriter
	level  slog.Leveler
	prefix string // process and role, "31337:M"
	attrs  string // of WithAttrs, formatted
	group  string // of WithGroup, with a dot at its end
}

// lockedWriter lets handlers that were derived from each other share an output.
type lockedWriter struct {
	sync.Mutex
	w io.Writer
}

// NewHandler returns a Handler that writes to w what is at least as important as level.
func NewHandler(w io.Writer, level slog.Leveler) *Handler {
	return &Handler{out: &lockedWriter{w: w}, level: level, prefix: strconv.Itoa(os.Getpid()) + ":M"}
}

// NewJSONHandler returns slog's own JSON handler, which writes to w what is at least as important as level.
func NewJSONHandler(w io.Writer, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

// Handle implements slog.Handler.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	line := make([]byte, 0, 256)
	line = append(line, h.prefix...)
	line = append(line, ' ')
	line = r.Time.AppendFormat(line, timeLayout)
	line = append(line, ' ', mark(r.Level), ' ')
	line = append(line, oneLine(r.Message)...)
	line = append(line, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		line = appendAttr(line, h.group, a)
		return true
	})
	line = append(line, '\n')
	h.out.Lock()
	defer h.out.Unlock()
	_, err := h.out.w.Write(line)
	return err
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	text := []byte(h.attrs)
	for _, a := range attrs {
		text = appendAttr(text, h.group, a)
	}
	next.attrs = string(text)
	return &next
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	next := *h
	next.group += name + "."
	return &next
}

// mark returns Redis's sign for a level.
func mark(level slog.Level) byte {
	switch {
	case level < LevelVerbose:
		return '.'
	case level < slog.LevelInfo:
		return '-'
	case level < slog.LevelWarn:
		return '*'
	}
	return '#'
}

// appendAttr appends " group.key=value", and each member of a group by itself.
func appendAttr(line []byte, group string, a slog.Attr) []byte {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		for _, member := range value.Group() {
			line = appendAttr(line, group+a.Key+".", member)
		}
		return line
	}
	if a.Equal(slog.Attr{}) {
		return line
	}
	line = append(line, ' ')
	line = append(line, group...)
	line = append(line, a.Key...)
	line = append(line, '=')
	return appendValue(line, value)
}

// appendValue appends a value, quoted where it would not read as one word.
func appendValue(line []byte, v slog.Value) []byte {
	var text string
	switch v.Kind() {
	case slog.KindTime:
		text = v.Time().Format(time.RFC3339Nano)
	case slog.KindAny:
		text = fmt.Sprint(v.Any())
	default:
		text = v.String()
	}
	if text == "" || strings.ContainsFunc(text, needsQuotes) {
		return strconv.AppendQuote(line, text)
	}
	return append(line, text...)
}

// needsQuotes reports whether r would break a value apart.
func needsQuotes(r rune) bool {
	return r == '"' || r == '=' || unicode.IsSpace(r) || !unicode.IsPrint(r)
}

// oneLine keeps a message from looking like several lines of the log.
func oneLine(message string) string {
	if !strings.ContainsFunc(message, unicode.IsControl) {
		return message
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, message)
}
