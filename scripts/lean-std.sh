#!/usr/bin/env bash
# Makes .cache/wasm.overlay.json, by which the wasm is built without what a browser never runs of the standard library.
# wasm/std says why for each package, and wasm/std/std_test.go runs with .cache/test.overlay.json, which leaves Go's testing
# what it needs. Everything else is built without them. A package that grows a need (cipher.NewGCM, say) does not compile
# for the wasm: then the list is to be thought over.
set -euo pipefail
cd "$(dirname "$0")/.."

# A toolchain that go downloaded lies in the module cache, where nothing may be replaced. So it goes by another name.
mkdir -p .cache
ln -sfn "$(go env GOROOT)" .cache/go
std=$PWD/.cache/go/src
entries=()

# drop PACKAGE FILE: the package without that file
# keep PACKAGE FILE: nothing else of the package
# stand PACKAGE: wasm/std's file of that name instead of the package
replace() { entries+=("\"$std/$1\": \"${2:-}\""); }
drop() { [ -f "$std/$1/$2" ] || { echo "lean-std: Go has no $1/$2 any more" >&2; exit 1; }; replace "$1/$2"; }
keep() {
  local file
  for file in "$std/$1"/*.go; do
    file=${file##*/}
    [ "$file" = "$2" ] || [[ $file = *_test.go ]] || drop "$1" "$file"
  done
}
stand() {
  local name=${1##*/}
  keep "$1" "$name.go"
  replace "$1/$name.go" "$PWD/wasm/std/$name.go.txt"
}

# The interfaces only: sealing here is golang.org/x/crypto's. The modes link AES and GCM by their self-tests.
keep crypto/cipher cipher.go
stand crypto/hmac
stand crypto/rand
stand crypto/fips140
stand internal/godebug
# The self-test of SHA-256, which runs in FIPS mode only.
drop crypto/internal/fips140/sha256 cast.go

overlay() { (IFS=,; echo "{\"Replace\": {${entries[*]}}}") >".cache/$1.overlay.json"; }
overlay test
stand encoding/json
stand log
stand os
overlay wasm
