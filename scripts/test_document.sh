#!/usr/bin/env bash
# Tests the API against its document: schemathesis makes requests from it, and checks the answers.
#
# Three seeds, as a user, an admin, a user who owns nothing, and nobody. Left out are the checks
#   positive_data_acceptance  a schema cannot say which cursor is valid, or that a job needs a release
#   unsupported_method        API Gateway sends any unknown route to one function, which answers 404
#   ignored_auth              the authorizer's answer is cached for a token, so a wrong one is tested by the other tests
set -euo pipefail
cd "$(dirname "$0")/.."
set -a
. .local/env
set +a

python=${PYTHON:-python3}
user=$((1000000000 + RANDOM * 32768 + RANDOM))

# run NAME SEED [TOKEN]
run() {
  local name=$1 seed=$2 header=()
  [ -z "${3:-}" ] || header=(--header "Authorization: Bearer $3")
  echo "Testing the API against its document as $name"
  .local/venv-schemathesis/bin/schemathesis run openapi.yaml --url "$API_URL" "${header[@]}" --seed "$seed" \
    --phases examples,coverage,fuzzing,stateful --max-examples 25 --no-shrink --continue-on-failure --warnings off \
    --exclude-checks positive_data_acceptance,unsupported_method,ignored_auth >"target/schemathesis-$seed.log" 2>&1 || {
    cat "target/schemathesis-$seed.log" >&2
    echo "error: the API does not answer as openapi.yaml says" >&2
    exit 1
  }
  grep -E '^Test cases|generated' "target/schemathesis-$seed.log" || true
}

run "a user" 1 "$("$python" scripts/tokens.py -- "$user")"
run "an admin" 2 "$("$python" scripts/tokens.py -- "$((user + 1))" admin)"
run "a stranger" 3 "$("$python" scripts/tokens.py -- "$((user + 2))")"
run "nobody" 4
