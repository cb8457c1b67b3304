package rdb

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// Payloads, as hexadecimal digits, and what they hold. Those of Redis 7.0 were dumped by it; older and newer ones are
// built after the format, and 7.0 has read the older ones.
func TestGoldenPayloads(t *testing.T) {
	datadriven.Walk(t, "testdata/payloads", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			payload, err := hex.DecodeString(strings.Join(strings.Fields(d.Input), ""))
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			return describePayload(payload)
		})
	})
}

// describePayload returns what a payload holds and whether writing it again leads to the same bytes.
func describePayload(payload []byte) string {
	v, err := Decode(payload, maxTestString)
	if err != nil {
		return fmt.Sprintln(err)
	}
	encoding := "table"
	if isCompact(v) {
		encoding = "compact"
	}
	again := Append(nil, v)
	written := "written the same"
	if !bytes.Equal(again, payload) {
		written = fmt.Sprintf("written as type %d in version %d", again[0], again[len(again)-footerSize])
	}
	return fmt.Sprintf("%s\n%s, %s\n", shown(v), encoding, written)
}
