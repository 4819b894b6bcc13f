#!/usr/bin/env bash
# Makes .cache/wasm.mod: go.mod with a msgp that does not link encoding/json (wasm/msgp/json.go.txt says why) and knows no
# files (wasm/std/os.go.txt), for building the wasm. Everything else, tests included, uses msgp as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

go mod download github.com/tinylib/msgp
original=$(go list -m -f '{{.Dir}}' github.com/tinylib/msgp)
copy=.cache/msgp

rm -rf "$copy"
mkdir -p "$copy"
cp "$original/go.mod" "$copy/"
cp -r "$original/msgp" "$copy/msgp"
chmod -R u+w "$copy"
rm "$copy"/msgp/{json_bytes,file,file_port,advise_linux,advise_other}.go "$copy"/msgp/*_test.go
cp wasm/msgp/json.go.txt "$copy/msgp/json.go"

cp go.sum .cache/wasm.sum
cp go.mod .cache/wasm.mod
go mod edit -replace "github.com/tinylib/msgp=./$copy" .cache/wasm.mod
