#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME (30s), from the inputs in the package's testdata/fuzz on, which go test runs too. What breaks
# a target is written there and stays; inputs that only reach something new stay in Go's cache.
#
# The time is up by an interrupt, not by -fuzztime: where that runs out, Go's coordinator may ask the workers' context before the
# end has come to it, and calls a target failed that found nothing ("context deadline exceeded"; golang/go#75804, until go1.27).
# The interrupt goes to the coordinator alone (--foreground): a worker that hears it first counts as dead. One that comes while an
# input that breaks the target is being made smaller may hide it from the exit code, but not from testdata.
set -euo pipefail
cd "$(dirname "$0")/.."

module=$(go list -m)
binary=$(mktemp -d)/fuzz.test
trap 'rm -r "$(dirname "$binary")"' EXIT

for package in $(git grep --untracked -l '^func Fuzz' -- '*_test.go' | xargs dirname | sort -u); do
  go test -c -fuzz . -o "$binary" "./$package"
  targets=$(cd "$package" && "$binary" -test.list '^Fuzz')
  for target in ${targets:?"$package has none that is built"}; do
    echo "$target in $package"
    (cd "$package" && timeout --foreground --preserve-status -s INT -k 60 "${FUZZTIME:-30s}" "$binary" -test.run '^$' \
      -test.fuzz "^$target\$" -test.fuzzcachedir "$(go env GOCACHE)/fuzz/$module/$package")
    broken=$(find "$package" -path "*/testdata/fuzz/*" -type f -newer "$binary")
    test -z "$broken" || { echo "$target is broken by $broken" >&2; exit 1; }
  done
done
