#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME (30s), from the inputs in the package's testdata/fuzz on, which go test runs too. What breaks
# a target is written there and stays; inputs that only reach something new stay in Go's cache.
set -euo pipefail
cd "$(dirname "$0")/.."

for package in $(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./wire/... ./sdk/... ./server/... ./cmd/...); do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    echo "$target in ${package#github.com/lethe-im/lethe/}"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" "$package"
  done
done
