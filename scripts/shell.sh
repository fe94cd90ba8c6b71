# Sets up bash for the commands of docs/operating.md and docs/procedures.md:
#   . scripts/shell.sh jobs-prod    a deployed stack, with the AWS credentials and the region of the shell
#   . scripts/shell.sh              the local system, after 'make up'
# Use one shell for one system.
# shellcheck shell=bash

_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH="$_root/.local/venv-tests/bin:$_root/.local/venv-cli/bin:$PATH"

# With a stack, its names and addresses; else those in .local/env.
if [ -n "${1:-}" ]; then
  _variables=$(python3 "$_root/scripts/stack_env.py" "$1") || return 1
else
  _variables=$(cat "$_root/.local/env") || return 1
fi
set -a
eval "$_variables"
set +a

# The AWS CLI, on the local AWS if AWS_ENDPOINT_URL is set. The CLI alone ignores that variable for SQS.
aws() { command aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"; }

# Calls the API with $TOKEN: api METHOD PATH [BODY].
api() {
  curl -sS --fail-with-body -X "$1" "$API_URL$2" -H "Authorization: Bearer $TOKEN" \
    -H "Content-Type: application/json" ${3:+--data "$3"} && echo
}
