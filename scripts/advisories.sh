#!/usr/bin/env bash
# Looks for known vulnerabilities in what is built (govulncheck: those that the code reaches) and in the npm packages. It fails
# where there are some. Where a database cannot be reached it says so and goes on: what cannot be asked is no finding.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0

database=${GOVULNDB:-https://vuln.go.dev}
if ! node -e "await fetch('$database/index/db.json', { signal: AbortSignal.timeout(5000) })" --input-type=module 2>/dev/null; then
  echo "advisories: $database cannot be reached, so Go's vulnerabilities were not looked for" >&2
else
  go build -o bin/govulncheck golang.org/x/vuln/cmd/govulncheck || exit 1
  bin/govulncheck ./... || failed=1
  GOOS=js GOARCH=wasm bin/govulncheck ./wasm || failed=1
fi

report=$(npm audit --audit-level=moderate --json 2>/dev/null)
status=$?
if [ $status -ne 0 ] && ! grep -q auditReportVersion <<<"$report"; then
  echo "advisories: npm's registry does not answer, so its advisories were not looked at" >&2
elif [ $status -ne 0 ]; then
  npm audit --audit-level=moderate
  failed=1
fi
exit $failed
