#!/bin/sh
# Runs every fuzz target of the tree, one after the other, each for FUZZTIME. A target that finds something
# leaves its input under testdata/fuzz of its package, where the plain tests run it from then on.
#
# Inputs are minimised with few tries: where coverage is not the same in every run, as with an engine in the background, the default
# of a minute for each takes all the time that there is.
#
# Go before 1.27 may take the end of FUZZTIME for a failure on a busy machine, "context deadline exceeded". Without an input that is none.
set -u

failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
targets=$(grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sort)
[ -n "$targets" ] || { echo "fuzz: no targets found" >&2; exit 1; }

# found tells whether the run in $log found anything.
found() {
	! grep -qx 'ok  	.*' "$log" &&
		{ grep -q 'Failing input written' "$log" || ! grep -qx ' *context deadline exceeded' "$log"; }
}

IFS='
'
for line in $targets; do
	dir=$(dirname "${line%%:*}")
	name=${line##*func }
	echo "fuzz: $dir $name for ${FUZZTIME:-30s}"
	go test -run='^$' -fuzz="^$name\$" -fuzztime="${FUZZTIME:-30s}" -fuzzminimizetime=20x "$dir" 2>&1 | tee "$log"
	if found; then
		echo "fuzz: $dir $name failed"
		failed=1
	fi
done
exit "$failed"
