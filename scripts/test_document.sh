#!/usr/bin/env bash
# Tests the API against its document: schemathesis makes requests from it, and checks the answers.
#
# Three seeds, as a user, an admin, a stranger who knows the ids of a job and a release of that user, and nobody.
# tests/schemathesis.toml names the checks that are left out, with the reason for each.
set -euo pipefail
cd "$(dirname "$0")/.."
set -a
. .local/env
set +a

python=${PYTHON:-python3}
user=$((1000000000 + RANDOM * 32768 + RANDOM))

# run NAME SEED [TOKEN [CONFIGURATION]]
run() {
  local name=$1 seed=$2 header=()
  [ -z "${3:-}" ] || header=(--header "Authorization: Bearer $3")
  echo "Testing the API against its document as $name"
  .local/venv-schemathesis/bin/schemathesis --config-file "${4:-tests/schemathesis.toml}" run openapi.yaml \
    --url "$API_URL" "${header[@]}" --seed "$seed" --phases examples,coverage,fuzzing,stateful --continue-on-failure \
    --report-har-path "target/schemathesis-$seed.har" >"target/schemathesis-$seed.log" 2>&1 || {
    cat "target/schemathesis-$seed.log" >&2
    echo "error: the API does not answer as openapi.yaml says" >&2
    exit 1
  }
  grep -E '^Test cases|generated' "target/schemathesis-$seed.log" || true
}

# jobs ARGUMENTS...: the command-line client, as the user. Prints the id of what it creates.
jobs() {
  JOBS_API=$API_URL JOBS_TOKEN=$token "${JOBS_CLIENT:-target/local/jobs}" "$@" --json |
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["id"])'
}

token=$("$python" scripts/tokens.py -- "$user")
run "a user" 1 "$token"
run "an admin" 2 "$("$python" scripts/tokens.py -- "$((user + 1))" admin)"

release=$(jobs release create ebook)
job=$(jobs submit analysis --release "$release")
cat tests/schemathesis.toml - >target/schemathesis-stranger.toml <<END

[[operations]]
include-path-regex = "^/api/(wizard/)?jobs/"
parameters = { "path.id" = $job, "path.job_id" = $job }

[[operations]]
include-path-regex = "^/api/releases/"
parameters = { "path.id" = $release }
END
run "a stranger" 3 "$("$python" scripts/tokens.py -- "$((user + 2))")" target/schemathesis-stranger.toml
"$python" scripts/check_refusals.py target/schemathesis-3.har

run "nobody" 4
