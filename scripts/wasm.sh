#!/usr/bin/env bash
# Builds the core for the browser: dist/lethe.wasm. Why so: docs/adr/0002-size-of-the-wasm.md.
set -euo pipefail
cd "$(dirname "$0")/.."

# msgp's runtime can print MessagePack as JSON. Nothing here does, but its tables link encoding/json, a tenth of the
# download. So the wasm is linked against a copy of the pinned module without those two files.
module=github.com/tinylib/msgp
version=$(go list -m -f '{{.Version}}' "$module")
copy=.cache/msgp-$version
if [ ! -d "$copy" ]; then
	go mod download "$module"
	rm -rf .cache/msgp-* && mkdir -p .cache
	cp -r "$(go list -m -f '{{.Dir}}' "$module")" "$copy.new"
	chmod -R u+w "$copy.new"
	rm "$copy.new"/msgp/json.go "$copy.new"/msgp/json_bytes.go
	cat >"$copy.new"/msgp/json.go <<-'EOF'
		package msgp

		import (
			"errors"
			"io"
		)

		// UnmarshalAsJSON is what Raw.MarshalJSON calls.
		func UnmarshalAsJSON(io.Writer, []byte) ([]byte, error) {
			return nil, errors.New("msgp: built without JSON")
		}
	EOF
	mv "$copy.new" "$copy"
fi
cp go.sum .cache/wasm.sum
{ cat go.mod; echo "replace $module => ./$copy"; } >.cache/wasm.mod

# Inlining makes code that brotli cannot shrink again. It is kept where the time goes: the runtime, the codecs, the vault.
flags=(-gcflags=all=-l)
for hot in runtime/... internal/runtime/... internal/bytealg crypto/... github.com/klauspost/... "$module/..." \
	github.com/lethe-im/lethe/wire github.com/lethe-im/lethe/sdk/vault github.com/lethe-im/lethe/sdk/ledger; do
	flags+=("-gcflags=$hot=")
done

# Without VCS stamps, so that the same source gives the same bytes.
GOOS=js GOARCH=wasm go build -modfile=.cache/wasm.mod -trimpath -buildvcs=false -ldflags "-s -w" "${flags[@]}" -o "${1:-dist/lethe.wasm}" ./wasm
