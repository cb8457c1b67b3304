#!/bin/sh
# Everything that can be said against the sources without running them. Each check prints what is wrong
# and the rest still run, so that one run tells all.
set -u

failed=0
check() {
	name=$1
	shift
	if ! out=$("$@" 2>&1); then
		printf 'lint: %s\n%s\n' "$name" "$out" >&2
		failed=1
	fi
}

tool() { go tool -modfile=tools/go.mod "$@"; }

# Only what gofumpt prints as a diff counts: on a first run the go command tells on stderr what it downloads.
formatted() {
	diff=$(tool gofumpt -d .)
	status=$?
	[ -z "$diff" ] && [ "$status" -eq 0 ] || { echo "$diff"; return 1; }
}

# Names and checksums of every file that git would take. `go generate` may not change them.
checksums() { git ls-files -z --cached --others --exclude-standard | sort -zu | xargs -0 sha1sum 2>/dev/null; }

generated() {
	before=$(mktemp)
	after=$(mktemp)
	checksums >"$before"
	if go generate ./... && checksums >"$after"; then
		diff "$before" "$after" >/dev/null
		status=$?
		[ "$status" -eq 0 ] || {
			echo "these were stale; 'go generate' has just written them anew:"
			diff "$before" "$after" | sed -n 's/^> [0-9a-f]*  /  /p'
		}
	else
		status=1
	fi
	rm -f "$before" "$after"
	return "$status"
}

check "gofumpt (make it so with: go tool -modfile=tools/go.mod gofumpt -w .)" formatted
check "go vet" go vet ./...
check "staticcheck" tool staticcheck ./...
check "architecture" go test -count=1 ./compat_test/architecture
check "generated files" generated
exit "$failed"
