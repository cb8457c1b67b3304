package logging

import (
	"bytes"
	"errors"
	"log/slog"
	"regexp"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NewHandler(&out, LevelVerbose))
	for _, tc := range []struct {
		name string
		log  func()
		want string // after the time; "" for no line
	}{
		{"notice", func() { log.Info("Ready to accept connections", "port", 6379) }, "* Ready to accept connections port=6379"},
		{"warning", func() { log.Warn("slow", "took", 1500*time.Millisecond) }, "# slow took=1.5s"},
		{"error", func() { log.Error("failed", "error", errors.New("no space left")) }, `# failed error="no space left"`},
		{"verbose", func() { log.Log(t.Context(), LevelVerbose, "v") }, "- v"},
		{"debug is below the level", func() { log.Debug("d") }, ""},
		{"quotes", func() { log.Info("m", "a", "", "b", `x"y`, "c", "k=v") }, `* m a="" b="x\"y" c="k=v"`},
		{"injected line", func() { log.Info("a\nb", "c", "d\ne") }, `* a b c="d\ne"`},
		{"groups", func() { log.WithGroup("g").With("a", 1).Info("m", slog.Group("h", "b", 2)) }, "* m g.a=1 g.h.b=2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out.Reset()
			tc.log()
			line := regexp.MustCompile(`^\d+:M \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d\.\d{3} (.*)\n$`).FindStringSubmatch(out.String())
			if tc.want == "" && out.Len() > 0 || tc.want != "" && (line == nil || line[1] != tc.want) {
				t.Errorf("logged %q, want %q", out.String(), tc.want)
			}
		})
	}
}
