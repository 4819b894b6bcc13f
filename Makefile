# make run     builds all and serves the demo on http://127.0.0.1:8080
# make test    installs what is missing, then runs every check and test
# make build   bin/lethe and dist/
# make mutate  breaks known places on purpose, and demands that the tests named for them fail (scripts/mutate)
# make fuzz    runs every fuzz target, FUZZTIME=30s each; make test runs only what they have found so far
# make sim     runs one history of the simulation, SEED=N, and tells what happens
# make bench   measures the built package beside its peers in Chromium, and what each leaves on the disk: tables, and JSON in
#              bench/results/ (ARGS=--quick is short)
# make bench-server measures the server: operations a second on SQLite and PostgreSQL, one node and two, memory a connection, and what
#              deleting costs beside a textbook implementation on the same PostgreSQL (bench/server; ARGS=--quick is short)
# make soak    runs the long tests: soak-sim runs SOAK=100000 histories of the simulation, soak-kills kills the browser 200 times,
#              soak-server the server 500 times and its power, soak-nodes nodes 100 times under load, soak-tabs hands over between
#              tabs, soak-load opens 10 000 sockets, soak-leaks makes and ends 1 000 chats in one page
# make residue searches what deletions leave on the disk alone

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

# Debian's node may be too old, and then scripts/setup.sh puts one here. It puts NATS's server here too.
export PATH := $(CURDIR)/.cache/node/node_modules/.bin:$(PATH):$(CURDIR)/.cache/nats/usr/sbin

# Without what a debugger reads, which costs about a tenth of compiling and linking: whoever wants to debug calls go without make.
# Stacks that are printed and profiles need none of it. Each -gcflags that names a package says so again, for the last one counts alone.
QUICK := -dwarf=false
ifeq ($(findstring $(QUICK),$(GOFLAGS)),)
export GOFLAGS := $(GOFLAGS) -gcflags=all=$(QUICK) -ldflags=-w
endif

WASM := GOOS=js GOARCH=wasm
# What is built for the browser.
CORE := ./wire/... ./sdk/... ./idb/... ./ws/... ./wasm/...
GENERATED := $$(git ls-files '*_gen.go') js/types.gen.ts docs/api.md docs/errors.md docs/ops.md
INSTALLED := node_modules/.package-lock.json
# What only the bench needs.
PEERS := bench/peers/node_modules/.package-lock.json

.PHONY: run build test test-race test-go test-sim test-faults test-wasm test-browser sim soak soak-sim soak-load soak-leaks soak-nodes soak-server soak-tabs soak-kills bench bench-server residue fuzz mutate check generate generated setup clean wasm server

run: build
	bin/lethe serve --addr 127.0.0.1:8080 --data .cache/demo --dev --demo --web .

build: server wasm $(INSTALLED)
	node js/build.mjs

server:
	go build -o bin/lethe ./cmd/lethe

# Without VCS stamps, so that the same source gives the same bytes. Without inlining, where that costs little: it makes the
# download a tenth smaller. What works through every message (S2, msgp, the cipher) keeps it, and with it the packages of the
# small functions that are to be inlined there.
INLINED := github.com/klauspost/compress/... github.com/tinylib/msgp/msgp golang.org/x/crypto/... math/bits encoding/binary internal/byteorder
INLINING := '-gcflags=all=-l $(QUICK)' $(foreach p,$(INLINED),-gcflags=$(p)=$(QUICK))
# What runs in tests is compiled in the same way: there is less to compile, and it is what will be shipped.
SHIPPED := -trimpath $(INLINING)
LEAN := GOROOT=$(CURDIR)/.cache/go GOTOOLCHAIN=local $(WASM) .cache/go/bin/go
wasm: .cache/wasm.mod
	scripts/lean-std.sh
	$(LEAN) build -modfile=.cache/wasm.mod -overlay=.cache/wasm.overlay.json -buildvcs=false $(SHIPPED) -ldflags "-s -w" -o .cache/lethe.wasm ./wasm

.cache/wasm.mod: go.mod go.sum scripts/lean-msgp.sh wasm/msgp/json.go.txt
	scripts/lean-msgp.sh

# Compilers and checkers collect no garbage below 2 GB: 6 % less of their time than with GOGC=400. Tests do, but less often than
# they would, and as usual where memory is measured.
generated check build test-wasm test-race test-go test-sim test-faults: export GOGC := off
generated check build test-wasm test-race test-go test-sim test-faults: export GOMEMLIMIT := 2GiB
SELDOM := -exec "env GOGC=400"
AS_USUAL := -exec "env -u GOGC -u GOMEMLIMIT"

# Two things at a time: much of each is waiting, for disks, for browsers and for time to pass. With three, on two processors, what
# a test waited for once came too late. Each thing begins when one before it has ended, those last that never wait: they need no
# build, and ask for it so that they do not come before what does.
#
# As batch work, where that is allowed: who wakes up waits for the end of a slice instead of cutting in, so that caches are refilled less
# often. Histories of the simulation beside staticcheck took 8 and 9 % less of the processors (2026-12-02, two pairs in turn).
BATCH = $(shell chrt -b 0 true 2>/dev/null && echo chrt -b 0)
test:
	$(BATCH) $(MAKE) --output-sync=target -j2 check test-wasm
	$(BATCH) $(MAKE) --output-sync=target -j2 test-race test-browser test-go test-sim test-faults

# Where the race detector makes SQLite and the vault ten times slower: it leaves out what is RACELESS and does a part of what is
# SHORTENED (testing.Short), and both are done whole without it. One goroutine alone searches sdk/vault/order.
TWICE := ./server/sqlstore/ ./sdk/vault/
ALONE := ./sdk/vault/order/
RACELESS := Fault|Cut|Unfinished|FailedWrites|MadeUpFor|CountsAre|KeepsOfWhat|RowsWritten|NothingIsLeft|UnknownEnd|Contract.*/HeadsWorld|Contract.*/Model|Contract.*/Page
SHORTENED := AllOrNothing|Garbled|OldDatabasesAreSealed|RandomHistories

# Our code and the libraries that are written in Go; not SQLite, which is translated from C and locks its own memory: watched, it is
# slower several times over. Its driver is watched: of what it takes of sync.Map, which is generic, the linker would keep the copy that
# is not, for all, and then sees races in encoding/json that are none.
UNWATCHED := modernc.org/sqlite/lib modernc.org/libc/...
RACE := -vet=off -race $(foreach p,$(UNWATCHED),'-gcflags=$(p)=-race=false $(QUICK)') -short

# Without vet, which check has run over all of it, here and below. The race detector also lets goroutines on in an order of its own,
# another one in each run: a few histories of the simulation are run so, too.
test-race:
	go test $(RACE) $(SELDOM) $$(go list ./sdk/... ./server/... | grep -v -x -F "$$(go list $(TWICE) $(ALONE))")
	go test $(RACE) $(SELDOM) -skip '$(RACELESS)' $(TWICE)
	go test $(RACE) -run 'TestHistories$$' ./sim -sim.n=60

test-go: build
	go test -vet=off $(SELDOM) $(ALONE)
	go test -vet=off $(AS_USUAL) $$(go list ./... | grep -v -e lethe/sdk -e lethe/server -e lethe/sim)

# Its goroutines begin with stacks as large as they come to need (broaden in sim_test.go).
test-sim: build
	GODEBUG=adaptivestackstart=1 go test -vet=off -v ./sim | grep -v -e '^=== ' -e '^ *--- PASS'

test-faults: setup build
	go test -vet=off $(SELDOM) -run '$(RACELESS)|$(SHORTENED)' -skip OnEveryWayToPostgres $(TWICE)

# What runs in Chromium without a server, and what the wasm has in the place of Go's own.
test-wasm: setup generated wasm
	go build -o bin/chromium ./e2e/chromium
	go build -o bin/wsserve ./ws/wstest/serve
	$(WASM) go test $(SHIPPED) -exec "$(CURDIR)/bin/chromium -worker" ./idb/
	$(WASM) go test $(SHIPPED) -exec "$(CURDIR)/bin/chromium" -run TestKeyringUnavailable ./idb/
	$(WASM) go test $(SHIPPED) -exec "$(CURDIR)/bin/wsserve $(CURDIR)/bin/chromium -worker" ./ws/
	$(LEAN) test $(SHIPPED) -overlay=.cache/test.overlay.json -exec "$(CURDIR)/bin/chromium -worker" ./wasm/std/
	$(LEAN) build $(SHIPPED) -o .cache/streams.wasm ./wasm/std/streams
	$(LEAN) build $(SHIPPED) -overlay=.cache/wasm.overlay.json -o .cache/lean-streams.wasm ./wasm/std/streams
	for made in streams lean-streams; do bin/chromium -worker .cache/$$made.wasm a b >.cache/$$made.txt 2>&1 && exit 1 || [ $$? = 3 ]; done
	diff .cache/streams.txt .cache/lean-streams.txt

# In one process, which takes a fifth less of the processors than one for each file (2026-12-02). If it takes 40 minutes, some test
# hangs: then all is ended, and what was printed last tells which.
test-browser: setup build
	go build -o bin/backing ./e2e/backing
	timeout 40m node e2e/all.mjs js/*.test.mjs e2e/*.test.mjs bench/residue/*.test.mjs

bench: build $(PEERS)
	scripts/setup.sh browser
	go build -o bin/chromium ./e2e/chromium
	$(WASM) go test -run NONE -bench 'Vault/conversation_of_100000' -benchtime 1x -count 5 -exec "$(CURDIR)/bin/chromium -worker" ./idb/ | node bench/vault.mjs >.cache/vault.json
	node bench/bench.mjs --vault=.cache/vault.json $(ARGS)
	node bench/residue/residue.mjs $(filter --quick,$(ARGS))

bench-server: server
	scripts/setup.sh postgresql nats
	go run ./bench/server $(ARGS)

$(PEERS): bench/peers/package.json bench/peers/package-lock.json
	npm ci --prefix bench/peers --loglevel=error
	@touch $@

soak: soak-sim soak-load soak-leaks soak-nodes soak-server soak-tabs soak-kills

soak-load:
	go test -count=1 -timeout 20m -v -run 'TestLoad$$' ./cmd/lethe -sockets 10000

soak-server:
	go test -count=1 -timeout 60m -v -run 'TestServerKill' ./e2e -kills 500
	go test -count=1 -timeout 60m -v -run 'Cut|FailedWrites|FaultsAtEvery' ./server/sqlstore -cuts 2000 -every
	go test -count=1 -timeout 60m -v -run OnEveryWayToPostgres ./server/sqlstore

soak-leaks: build
	scripts/setup.sh browser
	LETHE_CYCLES=1000 node --test e2e/leaks.test.mjs

soak-tabs: build
	scripts/setup.sh browser
	LETHE_ROUNDS=25 node --test e2e/tabs.test.mjs

soak-nodes:
	scripts/setup.sh postgresql nats
	LETHE_KILLS=100 go test -count=1 -timeout 20m -v -run TestNodesAreKilled ./e2e

soak-kills: setup build
	LETHE_KILLS=200 node --test e2e/kill.test.mjs

mutate:
	scripts/setup.sh browser postgresql nats
	go build -o bin/chromium ./e2e/chromium
	node scripts/mutate/mutate.mjs $(ARGS)

fuzz:
	scripts/fuzz.sh

SOAK := 100000
soak-sim:
	go test ./sim -run 'TestCorpus|TestHistories' -timeout 0 -v -count 1 -args -sim.n=$(SOAK) | grep -v -e '^=== ' -e '^ *--- PASS'

sim:
	go test ./sim -run TestHistories -count 1 -v -args -sim.seed=$(SEED)

# Tools are built, here and in go:generate, not run by `go tool`: that takes no -gcflags, and compiles Go's library once more.
check: $(INSTALLED) generated
	@test -z "$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l | tee /dev/stderr)"
	go vet ./...
	$(WASM) go vet $(SHIPPED) $(CORE)
	go build -o bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...
	$(WASM) GOFLAGS="$(SHIPPED)" bin/staticcheck $(CORE)
	npx tsc
	npx biome check --error-on-warnings
	scripts/advisories.sh
	node scripts/mutate/mutate.mjs --check

# What is generated is as it would be made now.
generated: $(INSTALLED)
	@before=$$(cat $(GENERATED) | sha256sum); $(MAKE) --no-print-directory generate; \
	test "$$before" = "$$(cat $(GENERATED) | sha256sum)" || { echo "generated files had drifted; commit them as they are now" >&2; exit 1; }

residue: build $(PEERS)
	scripts/setup.sh browser
	node bench/residue/residue.mjs $(ARGS)

generate:
	go generate ./...
	go run ./js/gen

setup: $(INSTALLED)
	scripts/setup.sh browser postgresql nats

$(INSTALLED): package.json package-lock.json
	scripts/setup.sh node
	npm ci
	@touch $@

clean:
	rm -rf bin dist .cache test-results
