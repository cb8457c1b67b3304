#!/bin/sh
# Runs every fuzz target of the tree, one after the other, each for FUZZTIME. A target that finds something
# leaves its input under testdata/fuzz of its package, where the plain tests run it from then on.
set -u

failed=0
targets=$(grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sort)
[ -n "$targets" ] || { echo "fuzz: no targets found" >&2; exit 1; }

IFS='
'
for line in $targets; do
	dir=$(dirname "${line%%:*}")
	name=${line##*func }
	echo "fuzz: $dir $name for ${FUZZTIME:-30s}"
	go test -run='^$' -fuzz="^$name\$" -fuzztime="${FUZZTIME:-30s}" "$dir" || failed=1
done
exit "$failed"
