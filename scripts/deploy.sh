#!/usr/bin/env bash
# deploy.sh STACK ARTIFACT_BUCKET [Parameter=Value ...]
# Deploys template.yaml and build/ of the current folder, with the same commands for AWS and for the
# local AWS. AWS_ENDPOINT_URL selects the local one.
set -euo pipefail
fail() { echo "error: $1" >&2; exit 1; }
[ $# -ge 2 ] || { echo "usage: deploy.sh STACK ARTIFACT_BUCKET [Parameter=Value ...]" >&2; exit 2; }
export AWS_PAGER=""
aws=$(cd "$(dirname "$0")/.." && pwd)/.local/venv-cli/bin/aws
packaged=$(mktemp)
trap 'rm -f "$packaged"' EXIT
stack=$1 bucket=$2
shift 2

# Prints the value of a parameter: the given one, or else the default.
parameter() {
  local name=$1 value=$2 given
  shift 2
  for given; do [[ $given != "$name="* ]] || value=${given#*=}; done
  echo "$value"
}

# The longest function name is STACK-list-release-files, and Lambda allows 64 characters.
[[ $stack =~ ^[A-Za-z][A-Za-z0-9-]{0,44}$ ]] ||
  fail "the stack's name $stack must be 1 to 45 letters, digits and hyphens, and start with a letter"

# A first deployment that reserves more concurrency than the account has would roll back after minutes.
if [ "$(parameter ReserveConcurrency true "$@")" = true ] &&
  ! "$aws" cloudformation describe-stacks --stack-name "$stack" >/dev/null 2>&1; then
  concurrency=$(parameter MaximumConcurrency 10 "$@")
  # The shell would execute other text in a calculation.
  [[ $concurrency =~ ^[1-9][0-9]{0,3}$ ]] || fail "MaximumConcurrency=$concurrency is not a number from 1 to 9999"
  wanted=$((concurrency + 2))
  unreserved=$("$aws" lambda get-account-settings --output text \
    --query AccountLimit.UnreservedConcurrentExecutions)
  # Lambda keeps 100 for functions that reserve nothing.
  [ "$wanted" -le $((unreserved - 100)) ] || fail "the stack reserves a concurrency of $wanted \
(MaximumConcurrency + 2), and the account has $((unreserved > 100 ? unreserved - 100 : 0)) to reserve. \
Pass ReserveConcurrency=false, or ask for more under Service Quotas, AWS Lambda, Concurrent executions."
fi

"$aws" s3api head-bucket --bucket "$bucket" >/dev/null 2>&1 || "$aws" s3 mb "s3://$bucket" >/dev/null
"$aws" cloudformation package --template-file template.yaml --s3-bucket "$bucket" \
  --output-template-file "$packaged" >/dev/null
"$aws" cloudformation deploy --template-file "$packaged" --stack-name "$stack" \
  --s3-bucket "$bucket" --no-fail-on-empty-changeset \
  --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \
  ${1:+--parameter-overrides "$@"}
