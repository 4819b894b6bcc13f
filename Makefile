# make run     builds all and serves the demo on http://127.0.0.1:8080
# make test    installs what is missing, then runs every check and test
# make build   bin/lethe and dist/
# make bench   measures the built package beside its peers in Chromium, and what each leaves on the disk: tables, and JSON in
#              bench/results/ (ARGS=--quick is short)
# make residue searches what deletions leave on the disk alone

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

# Debian's node may be too old, and then scripts/setup.sh puts one here.
export PATH := $(CURDIR)/.cache/node/node_modules/.bin:$(PATH)

WASM := GOOS=js GOARCH=wasm
# What is built for the browser.
CORE := ./wire/... ./sdk/... ./idb/... ./ws/... ./wasm/...
GENERATED := $$(git ls-files '*_gen.go') js/types.gen.ts docs/api.md docs/errors.md
INSTALLED := node_modules/.package-lock.json
# What only the bench needs.
PEERS := bench/peers/node_modules/.package-lock.json

.PHONY: run build test bench residue check generate setup clean wasm server

run: build
	bin/lethe serve --addr 127.0.0.1:8080 --data .cache/demo --dev --demo --web .

build: server wasm $(INSTALLED)
	node js/build.mjs

server:
	go build -trimpath -o bin/lethe ./cmd/lethe

# Without VCS stamps, so that the same source gives the same bytes. Without inlining, where that costs little: it makes the
# download a tenth smaller. What works through every message (S2, msgp, the cipher) keeps it, and with it the packages of the
# small functions that are to be inlined there.
INLINED := github.com/klauspost/compress/... github.com/tinylib/msgp/msgp golang.org/x/crypto/... math/bits encoding/binary internal/byteorder
INLINING := -gcflags=all=-l $(foreach p,$(INLINED),-gcflags=$(p)=)
LEAN := GOROOT=$(CURDIR)/.cache/go GOTOOLCHAIN=local $(WASM) .cache/go/bin/go
wasm: .cache/wasm.mod
	scripts/lean-std.sh
	$(LEAN) build -modfile=.cache/wasm.mod -overlay=.cache/wasm.overlay.json -trimpath -buildvcs=false $(INLINING) -ldflags "-s -w" -o .cache/lethe.wasm ./wasm

.cache/wasm.mod: go.mod go.sum scripts/lean-msgp.sh wasm/msgp/json.go.txt
	scripts/lean-msgp.sh

test: setup check
	go test -race -short ./sdk/... ./server/...
	go test ./sdk/vault/...
	go test $$(go list ./... | grep -v -e /sdk -e /server)
	go build -o bin/chromium ./e2e/chromium
	go build -o bin/wsserve ./ws/wstest/serve
	$(WASM) go test -exec "$(CURDIR)/bin/chromium -worker" ./idb/
	$(WASM) go test -exec "$(CURDIR)/bin/chromium" -run TestKeyringUnavailable ./idb/
	$(WASM) go test -exec "$(CURDIR)/bin/wsserve $(CURDIR)/bin/chromium -worker" ./ws/
	$(MAKE) build
	$(LEAN) test -overlay=.cache/test.overlay.json -exec "$(CURDIR)/bin/chromium -worker" ./wasm/std/
	$(LEAN) build -o .cache/streams.wasm ./wasm/std/streams
	$(LEAN) build -overlay=.cache/wasm.overlay.json -o .cache/lean-streams.wasm ./wasm/std/streams
	for made in streams lean-streams; do bin/chromium -worker .cache/$$made.wasm a b >.cache/$$made.txt 2>&1 && exit 1 || [ $$? = 3 ]; done
	diff .cache/streams.txt .cache/lean-streams.txt
	node --test --test-concurrency=1 js/*.test.mjs e2e/*.test.mjs bench/residue/*.test.mjs

bench: build $(PEERS)
	scripts/setup.sh browser
	go build -o bin/chromium ./e2e/chromium
	$(WASM) go test -run NONE -bench 'Vault/conversation_of_100000' -benchtime 1x -count 5 -exec "$(CURDIR)/bin/chromium -worker" ./idb/ | node bench/vault.mjs >.cache/vault.json
	node bench/bench.mjs --vault=.cache/vault.json $(ARGS)
	node bench/residue/residue.mjs $(filter --quick,$(ARGS))

$(PEERS): bench/peers/package.json bench/peers/package-lock.json
	npm ci --prefix bench/peers --loglevel=error
	@touch $@

check: $(INSTALLED)
	@test -z "$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l | tee /dev/stderr)"
	go vet ./...
	$(WASM) go vet $(CORE)
	$$(go tool -n staticcheck) ./...
	$(WASM) $$(go tool -n staticcheck) $(CORE)
	npx tsc
	npx biome check --error-on-warnings
	@before=$$(cat $(GENERATED) | sha256sum); $(MAKE) --no-print-directory generate; \
	test "$$before" = "$$(cat $(GENERATED) | sha256sum)" || { echo "generated files had drifted; commit them as they are now" >&2; exit 1; }

residue: build $(PEERS)
	scripts/setup.sh browser
	node bench/residue/residue.mjs $(ARGS)

generate:
	go generate ./...
	go run ./js/gen

setup: $(INSTALLED)
	scripts/setup.sh browser

$(INSTALLED): package.json package-lock.json
	scripts/setup.sh node
	npm ci
	@touch $@

clean:
	rm -rf bin dist .cache test-results
