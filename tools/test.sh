#!/bin/sh
# Runs the tests it is given, `tools/test.sh [go test arguments]`, and fails also when a test was skipped:
# a test that does not run proves nothing, and nobody reads the line that says so.
set -u

events=$(mktemp)
trap 'rm -f "$events"' EXIT

go tool -modfile=tools/go.mod gotestsum --format=pkgname --no-color --jsonfile="$events" -- "$@"
status=$?

# A package without tests is "skipped" too, but such an event names no test.
if skipped=$(grep '"Action":"skip"' "$events" | grep '"Test":'); then
	echo "skipped, and no test may be:" >&2
	echo "$skipped" | sed 's/.*"Package":"\([^"]*\)","Test":"\([^"]*\)".*/  \1 \2/' >&2
	[ "$status" -ne 0 ] || status=1
fi
exit "$status"
