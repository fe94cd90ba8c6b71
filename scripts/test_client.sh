#!/usr/bin/env bash
# Compiles the TypeScript client, compares its generated types with the API's document, and tests it on the local system.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/npm_ci.sh clients/typescript
cd clients/typescript

committed=$(mktemp)
trap 'rm -f "$committed"' EXIT
cp src/schema.ts "$committed"
npm run --silent generate >/dev/null
cmp -s "$committed" src/schema.ts || {
  echo "error: clients/typescript/src/schema.ts was not that of openapi.yaml; it is now: commit it" >&2
  exit 1
}
npm run --silent build

set -a
. ../../.local/env
set +a
python=${PYTHON:-python3}
# Two users that no other test has.
user=$((1000000000 + RANDOM * 32768 + RANDOM))
TOKEN=$("$python" ../../scripts/tokens.py -- "$user") OTHER_TOKEN=$("$python" ../../scripts/tokens.py -- $((user + 1)))
export TOKEN OTHER_TOKEN
npm test --silent
